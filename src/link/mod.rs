//! Staying connected: bootstrap, open a socket, log in, heartbeat, back off, give up.
//!
//! One enum holds where we are; each state owns what it needs, deadlines included. Every way to
//! lose a connection ends in [`Link::fail`], and every way to end a stay in [`Link::finish`].

pub(crate) mod gateways;
pub(crate) mod pulse;
mod signals;
pub(crate) mod trip;

use std::time::Duration;

use crate::api::config::{Config, Decides};
use crate::api::doors::RetryContext;
use crate::api::error::{Cause, DomainList, Error, ErrorKind};
use crate::api::join::JoinParams;
use crate::api::symptoms;
use crate::link::gateways::Gateways;
use crate::link::pulse::Pulse;
use crate::link::trip::{Target, Trip, back_off};
use crate::time::{Clock, Instant, Rng, Timer};
use crate::wire::bootstrap::BootstrapForm;
use crate::wire::model::{AppUid, Asker, Cid, RequestId, Seq, SocketId, Uid, Url};
use crate::wire::protocol::Ack;

/// Where we are on the way into a room, in it, or out of it.
#[derive(Debug, Default)]
pub(crate) enum Link {
    /// Not in a room and not on the way.
    #[default]
    Idle,
    /// Asking the channel server for gateways; `old` are those we already know.
    Locating { trip: Box<Trip>, request: RequestId, deadline: Instant, attempt: u32, old: Option<Target> },
    /// Waiting for the socket to open.
    Opening { trip: Box<Trip>, target: Target, socket: SocketId, deadline: Instant },
    /// Waiting for the answer to the login.
    LoggingIn { trip: Box<Trip>, target: Target, socket: Socket, deadline: Instant },
    /// In the room.
    Online { trip: Box<Trip>, target: Target, socket: Socket, pulse: Pulse, recovery: Recovery },
    /// Between two attempts.
    Waiting { trip: Box<Trip>, next: Next, until: Instant },
    /// Logged out, waiting for the gateway to confirm it.
    Leaving { trip: Box<Trip>, socket: Socket, logout: Seq, deadline: Instant },
}

/// What the next attempt begins with.
#[derive(Debug)]
pub(crate) enum Next {
    /// Connect to a gateway we know.
    Open(Target),
    /// Ask the channel server; `old` is the fallback when it does not answer.
    Locate { old: Option<Target> },
}

/// An open socket, and the number of the last packet on it.
#[derive(Debug)]
pub(crate) struct Socket {
    id: SocketId,
    last: Seq,
}

/// Whether the application has been told that an outage is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Wants are being restored; `reconnected` is still due.
    Restoring,
    /// Nothing is due.
    Done,
}

/// What the link asks the session to do, in this order.
#[derive(Debug)]
pub(crate) enum Step {
    /// Ask the channel server.
    Request(RequestId, Url, BootstrapForm),
    /// Open a socket.
    Open(SocketId, Url),
    /// Close a socket.
    Close(SocketId),
    /// The socket is open: log in. `first`: no socket of this stay was open before.
    LogIn { first: bool },
    /// A heartbeat is due.
    Heartbeat,
    /// The first login succeeded.
    Joined(Cid, AppUid),
    /// The connection is lost; `count` attempts have failed, another one follows.
    Lost { count: u32 },
    /// The application is to say when the next attempt follows.
    AskRetry(RetryContext),
    /// The stay is over. `opened`: there was a socket, so `disconnect` is due.
    Ended { error: Error, opened: bool },
}

/// What a transition needs besides its input.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    /// The last id handed out; sockets and requests share the sequence.
    pub(crate) minted: u32,
    pub(crate) clock: Clock,
    /// Since when the application has been in the background, by the shell's clock: what the platform
    /// does to it there is not suspended with it.
    pub(crate) hidden: Option<Instant>,
    /// Whether the platform says that there is no network. It may be wrong.
    pub(crate) offline: bool,
}

impl Tools {
    pub(crate) fn mint(&mut self) -> u32 {
        self.minted = self.minted.wrapping_add(1);
        self.minted
    }

    pub(crate) fn request(&mut self, asker: Asker) -> RequestId {
        RequestId::minted(asker, self.mint())
    }
}

impl Link {
    /// Begins a stay. The caller has checked that the link is idle.
    pub(crate) fn start(
        &mut self,
        join: JoinParams,
        uid: AppUid,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        self.locate(Box::new(Trip::new(join, uid, now)), None, 0, tools, now)
    }

    /// The channel server answered, or could not be reached.
    pub(crate) fn handle_response(
        &mut self,
        id: RequestId,
        result: Result<(u16, &str), &str>,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        if !matches!(self, Self::Locating { request, .. } if *request == id) {
            return Vec::new();
        }
        let Self::Locating { trip, attempt, old, .. } = std::mem::take(self) else { return Vec::new() };
        match result {
            Ok((status, body)) => match Gateways::read(status, body, &trip.join.servers) {
                Ok(gateways) => self.open(trip, Target::new(gateways), tools, now),
                Err(error) => self.not_located(trip, old, error, tools, now),
            },
            // However often it is asked, the platform will say the same.
            Err(message) if symptoms::is_unlisted(message) => {
                let error = Error::NotListed { host: trip.host.clone(), list: DomainList::Request };
                self.not_located(trip, old, error, tools, now)
            }
            Err(_) if trip.is_entering() && attempt == 0 => self.locate(trip, old, 1, tools, now),
            Err(message) => {
                let desc = symptoms::of_failure(&trip.join.servers.bootstrap(), message);
                let error = Error::BootstrapUnreachable { host: trip.host.clone(), desc };
                self.not_located(trip, old, error, tools, now)
            }
        }
    }

    /// The platform opened the socket.
    pub(crate) fn handle_opened(&mut self, id: SocketId) -> Vec<Step> {
        if !matches!(self, Self::Opening { socket, .. } if *socket == id) {
            return Vec::new();
        }
        let Self::Opening { mut trip, target, deadline, .. } = std::mem::take(self) else {
            return Vec::new();
        };
        let first = !std::mem::replace(&mut trip.opened, true);
        *self = Self::LoggingIn { trip, target, socket: Socket { id, last: Seq(0) }, deadline };
        vec![Step::LogIn { first }]
    }

    /// The platform closed the socket, or failed to open it or to send on it.
    pub(crate) fn handle_closed(
        &mut self,
        id: SocketId,
        code: u16,
        reason: &str,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        if self.socket() != Some(id) {
            return Vec::new();
        }
        if let Self::Leaving { .. } = self {
            return self.finish(Error::Left);
        }
        match code {
            TOO_MANY_SOCKETS => return self.finish(Error::TooManySockets(reason.to_owned())),
            // To come back would drive the other one out, and so on without end.
            REPLACED => return self.finish(Error::Replaced),
            _other => {}
        }
        let Self::Opening { target, .. } = self else {
            return self.fail(Cause::Closed(code, reason.to_owned()), tools, now);
        };
        let cause = Cause::Closed(code, symptoms::of_failure(&target.address(), reason));
        // Only the platform itself says this code.
        if code == ABNORMAL && symptoms::is_unlisted(reason) {
            return self.not_listed(cause, tools, now);
        }
        self.fail(cause, tools, now)
    }

    /// A frame came in on this socket: true when it is ours to read.
    pub(crate) fn handle_frame(&mut self, id: SocketId, now: Instant) -> bool {
        if self.socket() != Some(id) {
            return false;
        }
        if let Self::Online { pulse, .. } = self {
            pulse.heard(now);
        }
        true
    }

    /// The gateway took this long to answer something.
    pub(crate) fn learn(&mut self, took: Duration) {
        if let Self::Online { trip, .. } = self {
            trip.answers.learn(took);
        }
    }

    /// The heartbeat that was asked for went out under this number.
    pub(crate) const fn beaten(&mut self, seq: Seq, now: Instant) {
        if let Self::Online { pulse, .. } = self {
            pulse.sent(seq, now);
        }
    }

    /// The gateway answered the packet with this number. Returns `None` when that packet was not
    /// the link's own.
    pub(crate) fn handle_ack(
        &mut self,
        seq: Seq,
        ack: &Ack,
        tools: &mut Tools,
        now: Instant,
    ) -> Option<Vec<Step>> {
        if matches!(self, Self::Leaving { logout, .. } if *logout == seq) {
            return Some(self.finish(Error::Left));
        }
        if let Self::Online { trip, pulse, .. } = self
            && let Some(sent) = pulse.acknowledged(seq)
        {
            trip.answers.learn(now.since(sent));
            if !ack.resume.is_empty() {
                trip.resume.clone_from(&ack.resume);
            }
        }
        if !matches!(self, Self::LoggingIn { socket, .. } if socket.last == seq) {
            return None;
        }
        if !ack.is_ok() {
            let (code, desc) = (ack.code.unwrap_or_default(), ack.errmsg.clone());
            return Some(self.refused(code, desc, tools, now));
        }
        let Self::LoggingIn { mut trip, target, socket, .. } = std::mem::take(self) else { return None };
        let (cid, uid) = (target.gateways.cid, trip.uid);
        let first = trip.is_entering();
        trip.arrive(now);
        trip.resume.clone_from(&ack.resume);
        let pulse = Pulse::new(&tools.config, now);
        let recovery = if first { Recovery::Done } else { Recovery::Restoring };
        *self = Self::Online { trip, target, socket, pulse, recovery };
        Some(if first { vec![Step::Joined(cid, uid)] } else { Vec::new() })
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Some((deadline, timer)) = self.deadline() else { return Vec::new() };
        if deadline > now {
            return Vec::new();
        }
        match timer {
            Timer::Bootstrap => {
                let Self::Locating { trip, attempt, old, .. } = std::mem::take(self) else {
                    return Vec::new();
                };
                if trip.is_entering() && attempt == 0 {
                    return self.locate(trip, old, 1, tools, now);
                }
                let error = Error::BootstrapTimeout(trip.host.clone());
                self.not_located(trip, old, error, tools, now)
            }
            Timer::Login => self.fail(Cause::LoginTimeout, tools, now),
            Timer::Silence => self.fail(Cause::Silence, tools, now),
            Timer::Retry => self.retry(tools, now),
            Timer::Leave => self.finish(Error::Left),
            Timer::Heartbeat => {
                let Self::Online { trip, pulse, .. } = self else { return Vec::new() };
                pulse.beat(&trip.answers, tools.hidden.is_some(), &tools.config, now);
                vec![Step::Heartbeat]
            }
            Timer::Task | Timer::Command | Timer::Call | Timer::Settle | Timer::Report | Timer::Component => {
                Vec::new()
            }
        }
    }

    /// The application leaves and the logout is on the wire: wait for its answer, but not for long.
    pub(crate) fn leaving(&mut self, logout: Seq, tools: &Tools, now: Instant) {
        if let Self::Online { trip, socket, .. } = std::mem::take(self) {
            let deadline = now + tools.config.leave_timeout;
            *self = Self::Leaving { trip, socket, logout, deadline };
        }
    }

    /// Ends the stay here and now.
    pub(crate) fn finish(&mut self, error: Error) -> Vec<Step> {
        let close = self.socket().map(Step::Close);
        let opened = match std::mem::take(self) {
            Self::Idle => return Vec::new(),
            Self::Locating { trip, .. }
            | Self::Opening { trip, .. }
            | Self::LoggingIn { trip, .. }
            | Self::Online { trip, .. }
            | Self::Waiting { trip, .. }
            | Self::Leaving { trip, .. } => trip.opened,
        };
        close.into_iter().chain([Step::Ended { error, opened }]).collect()
    }

    /// Takes the next packet number of the open socket. A logout burns one, as in the original.
    pub(crate) const fn stamp(&mut self, logout: bool) -> Option<(SocketId, Seq)> {
        let (Self::LoggingIn { socket, .. } | Self::Online { socket, .. }) = self else { return None };
        socket.last.0 += if logout { 2 } else { 1 };
        Some((socket.id, socket.last))
    }

    /// Everything the application wants is restored: true when `reconnected` is due.
    pub(crate) fn recovered(&mut self) -> bool {
        let Self::Online { recovery, .. } = self else { return false };
        std::mem::replace(recovery, Recovery::Done) == Recovery::Restoring
    }

    /// Whether a recovery is under way on an open connection.
    pub(crate) const fn is_restoring(&self) -> bool {
        matches!(self, Self::Online { recovery: Recovery::Restoring, .. })
    }

    /// Whether commands can be sent.
    pub(crate) const fn is_online(&self) -> bool {
        matches!(self, Self::Online { .. })
    }

    /// Whether no stay is under way.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    /// Whether the stay is in its last moments.
    pub(crate) const fn is_leaving(&self) -> bool {
        matches!(self, Self::Leaving { .. })
    }

    /// Who we are where; known once the channel server answered.
    pub(crate) fn identity(&self) -> Option<(Uid, Cid)> {
        Some((self.trip()?.uid.uid(), self.gateways()?.cid))
    }

    /// The stay under way.
    pub(crate) const fn trip(&self) -> Option<&Trip> {
        match self {
            Self::Idle => None,
            Self::Locating { trip, .. }
            | Self::Opening { trip, .. }
            | Self::LoggingIn { trip, .. }
            | Self::Online { trip, .. }
            | Self::Waiting { trip, .. }
            | Self::Leaving { trip, .. } => Some(trip),
        }
    }

    /// What the channel server said last.
    pub(crate) const fn gateways(&self) -> Option<&Gateways> {
        match self {
            Self::Opening { target, .. }
            | Self::LoggingIn { target, .. }
            | Self::Online { target, .. }
            | Self::Locating { old: Some(target), .. }
            | Self::Waiting { next: Next::Open(target) | Next::Locate { old: Some(target) }, .. } => {
                Some(&target.gateways)
            }
            Self::Idle
            | Self::Locating { old: None, .. }
            | Self::Waiting { next: Next::Locate { old: None }, .. }
            | Self::Leaving { .. } => None,
        }
    }

    /// The state's name, for the application.
    pub(crate) const fn state(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Online { .. } => "joined",
            Self::Leaving { .. } => "leaving",
            Self::Locating { trip, .. }
            | Self::Opening { trip, .. }
            | Self::LoggingIn { trip, .. }
            | Self::Waiting { trip, .. } => {
                if trip.is_entering() {
                    "joining"
                } else {
                    "reconnecting"
                }
            }
        }
    }

    /// When and why the link wants to be woken.
    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Idle => None,
            Self::Locating { deadline, .. } => Some((*deadline, Timer::Bootstrap)),
            Self::Opening { deadline, .. } | Self::LoggingIn { deadline, .. } => {
                Some((*deadline, Timer::Login))
            }
            Self::Online { pulse, .. } => Some(pulse.deadline()),
            Self::Waiting { until, .. } => Some((*until, Timer::Retry)),
            Self::Leaving { deadline, .. } => Some((*deadline, Timer::Leave)),
        }
    }

    /// The one live socket.
    pub(crate) const fn socket(&self) -> Option<SocketId> {
        match self {
            Self::Opening { socket, .. } => Some(*socket),
            Self::LoggingIn { socket, .. } | Self::Online { socket, .. } | Self::Leaving { socket, .. } => {
                Some(socket.id)
            }
            Self::Idle | Self::Locating { .. } | Self::Waiting { .. } => None,
        }
    }

    fn locate(
        &mut self,
        mut trip: Box<Trip>,
        old: Option<Target>,
        attempt: u32,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        let request = tools.request(Asker::Link);
        let url = trip.join.servers.bootstrap();
        url.host().clone_into(&mut trip.host);
        let (appkey, join) = (&tools.config.appkey, &trip.join);
        let curtime = tools.clock.wall();
        let form = BootstrapForm::new(appkey, &join.channel_name, trip.uid.uid(), &join.token, curtime);
        let step = Step::Request(request, url, form);
        let deadline = now + tools.config.bootstrap_timeout;
        *self = Self::Locating { trip, request, deadline, attempt, old };
        vec![step]
    }

    fn open(&mut self, mut trip: Box<Trip>, target: Target, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let socket = SocketId(tools.mint());
        let url = target.address();
        url.host().clone_into(&mut trip.host);
        let step = Step::Open(socket, url);
        let deadline = now + tools.config.login_timeout;
        *self = Self::Opening { trip, target, socket, deadline };
        vec![step]
    }

    fn retry(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        match std::mem::take(self) {
            Self::Waiting { trip, next: Next::Open(target), .. } => self.open(trip, target, tools, now),
            Self::Waiting { trip, next: Next::Locate { old }, .. } => self.locate(trip, old, 0, tools, now),
            other @ (Self::Idle
            | Self::Locating { .. }
            | Self::Opening { .. }
            | Self::LoggingIn { .. }
            | Self::Online { .. }
            | Self::Leaving { .. }) => {
                *self = other;
                Vec::new()
            }
        }
    }

    /// The channel server was of no use: fatal for a first join, and where nobody else is known and the
    /// program itself is wrong; one more failure in an outage.
    fn not_located(
        &mut self,
        trip: Box<Trip>,
        old: Option<Target>,
        error: Error,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        if trip.is_entering() || error.kind() == ErrorKind::Misuse && old.is_none() {
            return vec![Step::Ended { error: trip.lost_on_the_way(error), opened: trip.opened }];
        }
        self.wait(trip, old, Cause::Bootstrap(error.reason()), tools, now)
    }

    /// The platform refuses the gateway's host, and always will: there may be others.
    fn not_listed(&mut self, cause: Cause, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let mut steps: Vec<Step> = self.socket().map(Step::Close).into_iter().collect();
        let Self::Opening { trip, target, .. } = std::mem::take(self) else { return steps };
        match target.without_this() {
            Some(others) => steps.extend(self.wait(trip, Some(others), cause, tools, now)),
            None => {
                let error = Error::NotListed { host: trip.host.clone(), list: DomainList::Socket };
                steps.push(Step::Ended { error, opened: trip.opened });
            }
        }
        steps
    }

    /// The login was refused: fatal, but in an outage our ticket may just have become too old,
    /// so the channel server is asked for a new one, once.
    fn refused(&mut self, code: i32, desc: String, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let close = self.socket().map(Step::Close);
        let Self::LoggingIn { mut trip, .. } = std::mem::take(self) else { return Vec::new() };
        let mut steps: Vec<Step> = close.into_iter().collect();
        match trip.refuse(code, desc) {
            Ok(()) => steps.extend(self.locate(trip, None, 0, tools, now)),
            Err(error) => steps.push(Step::Ended { error, opened: true }),
        }
        steps
    }

    /// The connection is lost, or an attempt failed. The socket is always closed: the original
    /// leaves it behind, and its heartbeats go on (11.35).
    fn fail(&mut self, cause: Cause, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let mut steps: Vec<Step> = self.socket().map(Step::Close).into_iter().collect();
        let (trip, target) = match std::mem::take(self) {
            Self::Opening { trip, target, .. }
            | Self::LoggingIn { trip, target, .. }
            | Self::Online { trip, target, .. } => (trip, target),
            other @ (Self::Idle | Self::Locating { .. } | Self::Waiting { .. } | Self::Leaving { .. }) => {
                *self = other;
                return Vec::new();
            }
        };
        steps.extend(self.wait(trip, Some(target), cause, tools, now));
        steps
    }

    /// Waits for the next attempt, or gives up.
    fn wait(
        &mut self,
        mut trip: Box<Trip>,
        target: Option<Target>,
        cause: Cause,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let entering = trip.is_entering();
        let failures = match trip.set_back(cause, tools.offline, &tools.config, now) {
            Ok(failures) => failures,
            Err(error) => return vec![Step::Ended { error, opened: trip.opened }],
        };
        if !entering {
            steps.push(Step::Lost { count: failures });
        }
        let next = match target {
            Some(target) if failures == 0 => Next::Open(target),
            Some(target) if failures % 2 == 1 => Next::Open(target.rotated()),
            // After every second failure the channel server may know better addresses.
            old => Next::Locate { old },
        };
        let mut delay = back_off(failures, &tools.config, &mut tools.rng);
        if tools.offline && !entering {
            // Attempts are in vain; one now and then, lest the platform is wrong.
            delay = delay.max(tools.config.retry_cap / 2);
        }
        if tools.config.decides == Decides::Application {
            steps.extend(trip.context(delay, now).map(Step::AskRetry));
        }
        *self = Self::Waiting { trip, next, until: now + delay };
        steps
    }
}

/// What the platform says of a connection that ended without a close frame, or never was.
const ABNORMAL: u16 = 1006;
/// The close code with which the shell says that the platform has no socket left.
const TOO_MANY_SOCKETS: u16 = 4900;
/// The close code of our gateway for a socket whose member has logged in on another (12).
const REPLACED: u16 = 4001;
