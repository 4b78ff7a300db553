//! Staying connected: bootstrap, open a socket, log in, heartbeat, back off, give up.
//!
//! One enum holds how far a stay has got; each phase owns what it needs, deadlines included. Every way to
//! lose a connection ends in [`Link::fail`], and every way to end a stay in [`Link::finish`].

pub(crate) mod gateways;
pub(crate) mod pulse;
mod signals;
pub(crate) mod stay;

use std::time::Duration;

use crate::api::config::{Config, Decides};
use crate::api::doors::RetryContext;
use crate::api::error::{Cause, DomainList, Error, ErrorKind};
use crate::api::join::JoinParams;
use crate::api::symptoms;
use crate::link::gateways::Gateways;
use crate::link::pulse::Pulse;
use crate::link::stay::{Stay, Target, back_off};
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
    /// A stay is under way.
    Staying { stay: Box<Stay>, phase: Phase },
}

/// How far a stay has got. Going from one to the next cannot lose the stay.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Asking the channel server for gateways.
    Locating { request: RequestId, deadline: Instant, attempt: u32 },
    /// Waiting for the socket to open.
    Opening { socket: SocketId, deadline: Instant },
    /// Waiting for the answer to the login.
    LoggingIn { socket: Socket, deadline: Instant },
    /// In the room.
    Online { socket: Socket, pulse: Pulse, recovery: Recovery },
    /// Between two attempts.
    Waiting { next: Next, until: Instant },
    /// Logged out, waiting for the gateway to confirm it.
    Leaving { socket: Socket, logout: Seq, deadline: Instant },
}

/// What the next attempt begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Next {
    /// Connect to a gateway we know.
    Open,
    /// Ask the channel server.
    Locate,
}

/// An open socket, and the number of the last packet on it.
#[derive(Debug, Clone, Copy)]
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
        let phase = Phase::Waiting { next: Next::Locate, until: now };
        *self = Self::Staying { stay: Box::new(Stay::new(join, uid, now)), phase };
        self.locate(0, tools, now)
    }

    /// The channel server answered, or could not be reached.
    pub(crate) fn handle_response(
        &mut self,
        id: RequestId,
        result: Result<(u16, &str), &str>,
        tools: &mut Tools,
        now: Instant,
    ) -> Vec<Step> {
        let Self::Staying { stay, phase: Phase::Locating { request, attempt, .. } } = self else {
            return Vec::new();
        };
        if *request != id {
            return Vec::new();
        }
        let error = match result {
            Ok((status, body)) => match Gateways::read(status, body, &stay.join.servers) {
                Ok(gateways) => {
                    stay.target = Some(Target::new(gateways));
                    return self.open(tools, now);
                }
                Err(error) => error,
            },
            // However often it is asked, the platform will say the same.
            Err(message) if symptoms::is_unlisted(message) => {
                Error::NotListed { host: stay.host.clone(), list: DomainList::Request }
            }
            Err(_) if stay.is_entering() && *attempt == 0 => return self.locate(1, tools, now),
            Err(message) => {
                let desc = symptoms::of_failure(&stay.join.servers.bootstrap(), message);
                Error::BootstrapUnreachable { host: stay.host.clone(), desc }
            }
        };
        self.not_located(error, tools, now)
    }

    /// The platform opened the socket.
    pub(crate) fn handle_opened(&mut self, id: SocketId) -> Vec<Step> {
        let Self::Staying { stay, phase } = self else { return Vec::new() };
        let Phase::Opening { socket, deadline } = *phase else { return Vec::new() };
        if socket != id {
            return Vec::new();
        }
        *phase = Phase::LoggingIn { socket: Socket { id, last: Seq(0) }, deadline };
        vec![Step::LogIn { first: !std::mem::replace(&mut stay.opened, true) }]
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
        let Self::Staying { stay, phase } = self else { return Vec::new() };
        if let Phase::Leaving { .. } = phase {
            return self.finish(Error::Left);
        }
        match code {
            TOO_MANY_SOCKETS => return self.finish(Error::TooManySockets(reason.to_owned())),
            // To come back would drive the other one out, and so on without end.
            REPLACED => return self.finish(Error::Replaced),
            _other => {}
        }
        let (Phase::Opening { .. }, Some(target)) = (phase, &stay.target) else {
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
        if let Self::Staying { phase: Phase::Online { pulse, .. }, .. } = self {
            pulse.heard(now);
        }
        true
    }

    /// The gateway took this long to answer something.
    pub(crate) fn learn(&mut self, took: Duration) {
        if let Self::Staying { stay, phase: Phase::Online { .. } } = self {
            stay.answers.learn(took);
        }
    }

    /// The heartbeat that was asked for went out under this number.
    pub(crate) const fn beaten(&mut self, seq: Seq, now: Instant) {
        if let Self::Staying { phase: Phase::Online { pulse, .. }, .. } = self {
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
        let Self::Staying { stay, phase } = self else { return None };
        match phase {
            Phase::Leaving { logout, .. } if *logout == seq => Some(self.finish(Error::Left)),
            Phase::Online { pulse, .. } => {
                if let Some(sent) = pulse.acknowledged(seq) {
                    stay.answers.learn(now.since(sent));
                    if !ack.resume.is_empty() {
                        stay.resume.clone_from(&ack.resume);
                    }
                }
                None
            }
            Phase::LoggingIn { socket, .. } if socket.last == seq => {
                let (socket, first) = (*socket, stay.is_entering());
                if !ack.is_ok() {
                    let (code, desc) = (ack.code.unwrap_or_default(), ack.errmsg.clone());
                    return Some(self.refused(code, desc, tools, now));
                }
                let joined = stay.target.as_ref().map(|target| Step::Joined(target.gateways.cid, stay.uid));
                stay.arrive(now);
                stay.resume.clone_from(&ack.resume);
                let pulse = Pulse::new(&tools.config, now);
                let recovery = if first { Recovery::Done } else { Recovery::Restoring };
                *phase = Phase::Online { socket, pulse, recovery };
                Some(joined.into_iter().filter(|_| first).collect())
            }
            Phase::Locating { .. }
            | Phase::Opening { .. }
            | Phase::LoggingIn { .. }
            | Phase::Waiting { .. }
            | Phase::Leaving { .. } => None,
        }
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Some((deadline, timer)) = self.deadline() else { return Vec::new() };
        let Self::Staying { stay, phase } = self else { return Vec::new() };
        if deadline > now {
            return Vec::new();
        }
        match timer {
            Timer::Bootstrap => {
                if matches!(phase, Phase::Locating { attempt: 0, .. }) && stay.is_entering() {
                    return self.locate(1, tools, now);
                }
                let error = Error::BootstrapTimeout(stay.host.clone());
                self.not_located(error, tools, now)
            }
            Timer::Login => self.fail(Cause::LoginTimeout, tools, now),
            Timer::Silence => self.fail(Cause::Silence, tools, now),
            Timer::Retry => self.retry(tools, now),
            Timer::Leave => self.finish(Error::Left),
            Timer::Heartbeat => {
                let Phase::Online { pulse, .. } = phase else { return Vec::new() };
                pulse.beat(&stay.answers, tools.hidden.is_some(), &tools.config, now);
                vec![Step::Heartbeat]
            }
            Timer::Task | Timer::Command | Timer::Call | Timer::Settle | Timer::Report | Timer::Component => {
                Vec::new()
            }
        }
    }

    /// The application leaves and the logout is on the wire: wait for its answer, but not for long.
    pub(crate) fn leaving(&mut self, logout: Seq, tools: &Tools, now: Instant) {
        if let Self::Staying { phase, .. } = self
            && let Phase::Online { socket, .. } = *phase
        {
            *phase = Phase::Leaving { socket, logout, deadline: now + tools.config.leave_timeout };
        }
    }

    /// Ends the stay here and now.
    pub(crate) fn finish(&mut self, error: Error) -> Vec<Step> {
        let close = self.socket().map(Step::Close);
        let Self::Staying { stay, .. } = std::mem::take(self) else { return Vec::new() };
        close.into_iter().chain([Step::Ended { error, opened: stay.opened }]).collect()
    }

    /// Takes the next packet number of the open socket. A logout burns one, as in the original.
    pub(crate) const fn stamp(&mut self, logout: bool) -> Option<(SocketId, Seq)> {
        let Self::Staying { phase: Phase::LoggingIn { socket, .. } | Phase::Online { socket, .. }, .. } =
            self
        else {
            return None;
        };
        socket.last.0 += if logout { 2 } else { 1 };
        Some((socket.id, socket.last))
    }

    /// Everything the application wants is restored: true when `reconnected` is due.
    pub(crate) fn recovered(&mut self) -> bool {
        let Self::Staying { phase: Phase::Online { recovery, .. }, .. } = self else { return false };
        std::mem::replace(recovery, Recovery::Done) == Recovery::Restoring
    }

    /// Whether a recovery is under way on an open connection.
    pub(crate) const fn is_restoring(&self) -> bool {
        matches!(self, Self::Staying { phase: Phase::Online { recovery: Recovery::Restoring, .. }, .. })
    }

    /// Whether commands can be sent.
    pub(crate) const fn is_online(&self) -> bool {
        matches!(self, Self::Staying { phase: Phase::Online { .. }, .. })
    }

    /// Whether no stay is under way.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    /// Whether the stay is in its last moments.
    pub(crate) const fn is_leaving(&self) -> bool {
        matches!(self, Self::Staying { phase: Phase::Leaving { .. }, .. })
    }

    /// Who we are where; known once the channel server answered.
    pub(crate) fn identity(&self) -> Option<(Uid, Cid)> {
        Some((self.stay()?.uid.uid(), self.gateways()?.cid))
    }

    /// The stay under way.
    pub(crate) fn stay(&self) -> Option<&Stay> {
        let Self::Staying { stay, .. } = self else { return None };
        Some(stay)
    }

    /// What the channel server said last; nothing more is asked of a gateway while leaving.
    pub(crate) fn gateways(&self) -> Option<&Gateways> {
        if self.is_leaving() {
            return None;
        }
        Some(&self.stay()?.target.as_ref()?.gateways)
    }

    /// The state's name, for the application.
    pub(crate) fn state(&self) -> &'static str {
        let Self::Staying { stay, phase } = self else { return "idle" };
        match phase {
            Phase::Online { .. } => "joined",
            Phase::Leaving { .. } => "leaving",
            Phase::Locating { .. }
            | Phase::Opening { .. }
            | Phase::LoggingIn { .. }
            | Phase::Waiting { .. } => {
                if stay.is_entering() {
                    "joining"
                } else {
                    "reconnecting"
                }
            }
        }
    }

    /// When and why the link wants to be woken.
    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        let Self::Staying { phase, .. } = self else { return None };
        Some(match phase {
            Phase::Locating { deadline, .. } => (*deadline, Timer::Bootstrap),
            Phase::Opening { deadline, .. } | Phase::LoggingIn { deadline, .. } => (*deadline, Timer::Login),
            Phase::Online { pulse, .. } => pulse.deadline(),
            Phase::Waiting { until, .. } => (*until, Timer::Retry),
            Phase::Leaving { deadline, .. } => (*deadline, Timer::Leave),
        })
    }

    /// The one live socket.
    pub(crate) const fn socket(&self) -> Option<SocketId> {
        let Self::Staying { phase, .. } = self else { return None };
        match phase {
            Phase::Opening { socket, .. } => Some(*socket),
            Phase::LoggingIn { socket, .. }
            | Phase::Online { socket, .. }
            | Phase::Leaving { socket, .. } => Some(socket.id),
            Phase::Locating { .. } | Phase::Waiting { .. } => None,
        }
    }

    fn locate(&mut self, attempt: u32, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { stay, phase } = self else { return Vec::new() };
        let request = tools.request(Asker::Link);
        let url = stay.join.servers.bootstrap();
        url.host().clone_into(&mut stay.host);
        let (appkey, join) = (&tools.config.appkey, &stay.join);
        let curtime = tools.clock.wall();
        let form = BootstrapForm::new(appkey, &join.channel_name, stay.uid.uid(), &join.token, curtime);
        let form = BootstrapForm { perm_key_secret: join.perm_key_secret.clone(), ..form };
        *phase = Phase::Locating { request, deadline: now + tools.config.bootstrap_timeout, attempt };
        vec![Step::Request(request, url, form)]
    }

    fn open(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { stay, phase } = self else { return Vec::new() };
        let Some(target) = &stay.target else { return self.locate(0, tools, now) };
        let socket = SocketId(tools.mint());
        let url = target.address();
        url.host().clone_into(&mut stay.host);
        *phase = Phase::Opening { socket, deadline: now + tools.config.login_timeout };
        vec![Step::Open(socket, url)]
    }

    fn retry(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { phase: Phase::Waiting { next, .. }, .. } = self else { return Vec::new() };
        match next {
            Next::Open => self.open(tools, now),
            Next::Locate => self.locate(0, tools, now),
        }
    }

    /// The channel server was of no use: fatal for a first join, and where nobody else is known and the
    /// program itself is wrong; one more failure in an outage.
    fn not_located(&mut self, error: Error, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { stay, .. } = self else { return Vec::new() };
        if stay.is_entering() || error.kind() == ErrorKind::Misuse && stay.target.is_none() {
            let error = stay.lost_on_the_way(error);
            return self.finish(error);
        }
        self.wait(Cause::Bootstrap(error.reason()), tools, now)
    }

    /// The platform refuses the gateway's host, and always will: there may be others.
    fn not_listed(&mut self, cause: Cause, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { stay, .. } = self else { return Vec::new() };
        stay.target = stay.target.take().and_then(Target::without_this);
        if stay.target.is_some() {
            return self.wait(cause, tools, now);
        }
        let error = Error::NotListed { host: stay.host.clone(), list: DomainList::Socket };
        self.finish(error)
    }

    /// The login was refused: fatal, but in an outage our ticket may just have become too old,
    /// so the channel server is asked for a new one, once.
    fn refused(&mut self, code: i32, desc: String, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let close = self.socket().map(Step::Close);
        let Self::Staying { stay, .. } = self else { return Vec::new() };
        match stay.refuse(code, desc) {
            Ok(()) => {
                stay.target = None;
                close.into_iter().chain(self.locate(0, tools, now)).collect()
            }
            Err(error) => self.finish(error),
        }
    }

    /// The connection is lost, or an attempt failed.
    fn fail(&mut self, cause: Cause, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { phase, .. } = self else { return Vec::new() };
        match phase {
            Phase::Opening { .. } | Phase::LoggingIn { .. } | Phase::Online { .. } => {
                self.wait(cause, tools, now)
            }
            Phase::Locating { .. } | Phase::Waiting { .. } | Phase::Leaving { .. } => Vec::new(),
        }
    }

    /// Waits for the next attempt, or gives up. The socket is always closed: the original leaves it
    /// behind, and its heartbeats go on (11.35).
    fn wait(&mut self, cause: Cause, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let mut steps: Vec<Step> = self.socket().map(Step::Close).into_iter().collect();
        let Self::Staying { stay, phase } = self else { return steps };
        let entering = stay.is_entering();
        let failures = match stay.set_back(cause, tools.offline, &tools.config, now) {
            Ok(failures) => failures,
            Err(error) => return self.finish(error),
        };
        if !entering {
            steps.push(Step::Lost { count: failures });
        }
        let next = match &mut stay.target {
            Some(_) if failures == 0 => Next::Open,
            Some(target) if failures % 2 == 1 => {
                target.rotate();
                Next::Open
            }
            // After every second failure the channel server may know better addresses.
            Some(_) | None => Next::Locate,
        };
        let mut delay = back_off(failures, &tools.config, &mut tools.rng);
        if tools.offline && !entering {
            // Attempts are in vain; one now and then, lest the platform is wrong.
            delay = delay.max(tools.config.retry_cap / 2);
        }
        if tools.config.decides == Decides::Application {
            steps.extend(stay.context(delay, now).map(Step::AskRetry));
        }
        *phase = Phase::Waiting { next, until: now + delay };
        steps
    }
}

/// What the platform says of a connection that ended without a close frame, or never was.
const ABNORMAL: u16 = 1006;
/// The close code with which the shell says that the platform has no socket left.
const TOO_MANY_SOCKETS: u16 = 4900;
/// The close code of our gateway for a socket whose member has logged in on another (12).
const REPLACED: u16 = 4001;
