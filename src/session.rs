//! The session: one client's state machine, with no clock, socket, random source or callback.
//!
//! This file draws the arrows between `link`, `room` and `calls`, which do not know each other.

use std::collections::VecDeque;

use crate::api::{Call, JoinParams, Reply};
use crate::calls::{Calls, Sent};
use crate::config::Config;
use crate::error::Error;
use crate::event::{Ended, Event};
use crate::link::{Link, Step, Tools};
use crate::model::{AppUid, CallId, Media, MediaSet, RequestId, Seq, SocketId, Uid, Url};
use crate::protocol::{Ack, ClientPacket, Command, Notice, PacketError, ServerPacket};
use crate::room::{Change, Item, Progress, Room};
use crate::time::{Instant, Rng, Timer};

/// Everything that can happen to a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The application calls. Answered by exactly one [`Output::Settle`].
    Call(CallId, Call),
    /// An HTTP request was answered, or failed.
    Response(RequestId, Result<HttpResponse, HttpFailure>),
    /// A socket is open.
    SocketOpened(SocketId),
    /// A text frame came.
    SocketText(SocketId, String),
    /// A socket closed, could not be opened, or could not be sent on.
    SocketClosed(SocketId, CloseInfo),
    /// The platform told something about the application's surroundings.
    App(AppSignal),
    /// The time that [`Session::poll_timeout`] named has come. Harmless at any other time.
    Timeout,
}

/// Everything a session can do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Make an HTTP request; its answer comes back with the same id.
    Request(RequestId, HttpRequest),
    /// Open a WebSocket.
    OpenSocket(SocketId, Url),
    /// Send a text frame.
    SendText(SocketId, String),
    /// Close a WebSocket.
    CloseSocket(SocketId, CloseInfo),
    /// A call is answered.
    Settle(CallId, Result<Reply, Error>),
    /// Tell the application, after everything settled before it.
    Event(Event),
    /// A line for whoever debugs.
    Log(Level, String),
}

/// A POST request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Where to.
    pub url: Url,
    /// The `content-type` header.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, unparsed: JavaScript's JSON would spoil big uids.
    pub body: String,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFailure {
    /// The platform's text.
    pub message: String,
}

/// How a socket closed, or is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseInfo {
    /// The WebSocket close code; 1006 when there was none.
    pub code: u16,
    /// The text that came with it.
    pub reason: String,
}

/// What the platform can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppSignal {
    /// The application came to the front.
    Shown,
    /// The application went to the background.
    Hidden,
    /// There is a network.
    NetworkUp,
    /// There is none.
    NetworkDown,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The application was told of a failure.
    Error,
    /// A surprise that was dealt with.
    Warn,
    /// One line per transition.
    Info,
    /// Packets.
    Debug,
}

/// One client.
#[derive(Debug)]
pub struct Session {
    tools: Tools,
    link: Link,
    room: Room,
    calls: Calls,
    outbox: VecDeque<Output>,
    now: Instant,
    dropped: u64,
}

impl Session {
    /// A session outside of any room.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let rng = Rng::seeded(config.seed);
        Self {
            tools: Tools { config, rng, minted: 0 },
            link: Link::Idle,
            room: Room::default(),
            calls: Calls::default(),
            outbox: VecDeque::new(),
            now,
            dropped: 0,
        }
    }

    /// Takes something in. Cannot fail: what is unusable is logged and dropped, and a wrong call
    /// is settled with an error.
    pub fn handle(&mut self, input: Input, now: Instant) {
        let now = now.max(self.now);
        self.now = now;
        match input {
            Input::Call(id, call) => self.handle_call(id, call, now),
            Input::Response(id, result) => {
                let result = match &result {
                    Ok(response) => Ok((response.status, response.body.as_str())),
                    Err(failure) => Err(failure.message.as_str()),
                };
                let steps = self.link.handle_response(id, result, &mut self.tools, now);
                self.take(steps);
            }
            Input::SocketOpened(id) => {
                let steps = self.link.handle_opened(id);
                self.take(steps);
            }
            Input::SocketText(id, text) => self.handle_text(id, &text, now),
            Input::SocketClosed(id, info) => {
                let steps = self.link.handle_closed(id, info.code, &info.reason, &mut self.tools, now);
                self.take(steps);
            }
            Input::App(AppSignal::Shown | AppSignal::NetworkUp) => {
                let steps = self.link.hurry(&mut self.tools, now);
                self.take(steps);
            }
            Input::App(AppSignal::Hidden | AppSignal::NetworkDown) => {}
            Input::Timeout => self.handle_timeout(now),
        }
        self.advance(now);
    }

    /// Takes something out; `None` when there is nothing more to do until the next input.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When to come back with [`Input::Timeout`], and why. Ask after draining the outputs.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        [self.link.deadline(), self.calls.deadline()].into_iter().flatten().min()
    }

    /// How many unusable frames have been dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn handle_call(&mut self, id: CallId, call: Call, now: Instant) {
        if self.calls.len() >= self.tools.config.max_calls {
            return self.settle(id, Err(Error::TooManyCalls));
        }
        match call {
            Call::Join(params) => self.handle_join(id, *params, now),
            Call::Leave => self.handle_leave(id, now),
            Call::Publish(media) => self.wish(id, call, published(media, true), now),
            Call::Unpublish(media) => self.wish(id, call, published(media, false), now),
            Call::Subscribe(uid, media) => self.wish(id, call, subscribed(uid, media, true), now),
            Call::Unsubscribe(uid, media) => self.wish(id, call, subscribed(uid, media, false), now),
        }
    }

    fn handle_join(&mut self, id: CallId, mut params: JoinParams, now: Instant) {
        if self.link.is_leaving() {
            // `leave(); join()` without waiting: the old stay is cut short.
            let steps = self.link.finish(Error::Left);
            self.take(steps);
        }
        if !self.link.is_idle() {
            return self.settle(id, Err(Error::AlreadyInRoom));
        }
        params.servers = params.servers.or(&self.tools.config.servers);
        let uid =
            params.uid.unwrap_or_else(|| AppUid::Text(Uid(self.tools.rng.between(1, LONGEST_CHOSEN_UID))));
        self.room = Room::new(uid.uid(), self.tools.config.max_members);
        self.log(Level::Info, format!("joining {:?} as {}", params.channel_name, uid.uid()));
        self.calls.wait(id, Call::Join(Box::new(params.clone())), None);
        let steps = self.link.start(params, uid, &mut self.tools, now);
        self.take(steps);
    }

    fn handle_leave(&mut self, id: CallId, now: Instant) {
        if self.link.is_idle() {
            return self.settle(id, Ok(Reply::Nothing));
        }
        self.calls.wait(id, Call::Leave, None);
        if self.link.is_leaving() {
            return;
        }
        if self.link.is_online() {
            if let Some(logout) = self.send(Command::Logout) {
                self.link.leaving(logout, &self.tools, now);
            }
        } else {
            let steps = self.link.finish(Error::Left);
            self.take(steps);
        }
    }

    /// Notes what the application wants; [`Session::advance`] does the rest.
    fn wish(&mut self, id: CallId, call: Call, changes: Vec<Change>, now: Instant) {
        if self.link.is_idle() || self.link.is_leaving() {
            return self.settle(id, Err(Error::NotInRoom(call.name())));
        }
        if let Call::Subscribe(uid, _) | Call::Unsubscribe(uid, _) = call
            && !self.room.has(uid.uid())
        {
            return self.settle(id, Err(Error::UnknownMember(uid.uid().to_string())));
        }
        for change in changes {
            self.room.want(change);
        }
        self.calls.wait(id, call, Some(now + self.tools.config.call_timeout));
    }

    fn handle_text(&mut self, id: SocketId, text: &str, now: Instant) {
        if !self.link.handle_frame(id) {
            return;
        }
        if text.len() > self.tools.config.max_frame {
            return self.drop_frame(&PacketError::Malformed(format!("{} bytes", text.len())));
        }
        match ServerPacket::decode(text) {
            Ok(ServerPacket::Ack(seq, ack)) => self.handle_ack(seq, ack, now),
            Ok(ServerPacket::Notice(notice)) if self.link.is_online() => self.handle_notice(notice),
            // Before the login is answered there is no room to be told about, but a refusal may
            // come instead of the answer (11.5).
            Ok(ServerPacket::Notice(Notice::Refused(_) | Notice::Kicked(_))) => {
                let steps = self.link.finish(Error::Refused);
                self.take(steps);
            }
            Ok(ServerPacket::Notice(_)) => {}
            Err(error) => self.drop_frame(&error),
        }
    }

    fn handle_ack(&mut self, seq: Seq, mut ack: Ack, now: Instant) {
        if let Some(steps) = self.link.handle_ack(seq, &ack, &mut self.tools, now) {
            self.take(steps);
            if self.link.is_online() {
                let events = self.room.learn(ack.userlist.take().unwrap_or_default());
                self.tell(events);
            }
        } else if let Some(sent) = self.calls.acknowledged(seq) {
            let refusal = (!ack.is_ok()).then(|| Error::CommandRefused {
                command: sent.name,
                code: ack.code.unwrap_or_default(),
                desc: ack.errmsg,
            });
            self.answered(&sent, refusal);
        }
    }

    fn handle_notice(&mut self, notice: Notice) {
        let Some((_, cid)) = self.link.identity() else { return };
        let events = match notice {
            Notice::Join(entry) => self.room.handle_join(entry),
            Notice::Leave(uid) => self.room.handle_leave(uid),
            Notice::Published(uid, media, on, url) => self.room.handle_published(uid, media, on, url),
            Notice::RoomClosed(reason) => {
                let event = Event::LiveRoomClose(Ended::new("onLiveRoomClose", cid, reason));
                return self.thrown_out(event, Error::RoomClosed);
            }
            Notice::Kicked(reason) => {
                let event = Event::Kicked(Ended::new("onKicked", cid, reason));
                return self.thrown_out(event, Error::Kicked);
            }
            Notice::Refused(reason) => {
                let event = Event::Kicked(Ended::new("onRoomRefused", cid, reason));
                return self.thrown_out(event, Error::Refused);
            }
            Notice::Mute(..)
            | Notice::Update(..)
            | Notice::RoleChanged(..)
            | Notice::AbilityNotSupported { .. }
            | Notice::MediaStatus { .. }
            | Notice::TaskStatus { .. }
            | Notice::Captions(_) => Vec::new(),
        };
        self.tell(events);
    }

    fn handle_timeout(&mut self, now: Instant) {
        while self.link.deadline().is_some_and(|(due, _)| due <= now) {
            let steps = self.link.handle_timeout(&mut self.tools, now);
            self.take(steps);
        }
        while let Some((seq, sent)) = self.calls.overdue_command(now) {
            self.tell([Event::SendCommandOverTime { cmd: sent.name, seq: seq.0 }]);
            self.answered(&sent, Some(Error::Timeout(sent.name)));
        }
        while let Some(overdue) = self.calls.overdue_call(now) {
            for change in changes_of(&overdue.call) {
                // Nobody else waits for it and nobody will be told: it must not happen later.
                if self.room.progress(change) == Progress::Pending
                    && !self.calls.any(|call| changes_of(call).contains(&change))
                {
                    self.room.want(Change { on: !change.on, ..change });
                }
            }
            let homeless = matches!(overdue.call, Call::Publish(_)) && self.room.push_url().is_none();
            let error = if homeless && self.link.is_online() {
                Error::NoPushUrl
            } else {
                Error::Timeout(overdue.call.name())
            };
            self.settle(overdue.id, Err(error));
        }
    }

    /// Answers the calls that are complete, and brings the gateway in line with the wants.
    fn advance(&mut self, now: Instant) {
        if !self.link.is_online() {
            return;
        }
        // First the answers: what was confirmed just now may be what `reconcile` undoes next.
        let room = &self.room;
        for (id, result) in self.calls.settle(|call| outcome(room, call)) {
            self.settle(id, result);
        }
        for change in self.room.reconcile() {
            let command = change.command();
            let name = command.name();
            if let Some(seq) = self.send(command) {
                self.calls.sent(seq, name, change, now + self.tools.config.command_timeout);
            }
        }
        if self.room.is_settled() && self.link.recovered() {
            self.tell([Event::Reconnected]);
        }
    }

    /// Does what the link asks for.
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Request(id, url, form) => {
                    let content_type = "application/x-www-form-urlencoded";
                    let request = HttpRequest { url, content_type, body: form.encode() };
                    self.outbox.push_back(Output::Request(id, request));
                }
                Step::Open(id, url) => self.outbox.push_back(Output::OpenSocket(id, url)),
                Step::Close(id) => {
                    let info = CloseInfo { code: 1000, reason: "done".into() };
                    self.outbox.push_back(Output::CloseSocket(id, info));
                }
                Step::LogIn(login) => {
                    self.tell([Event::Open { code: 200 }]);
                    self.send(Command::Login(login));
                }
                Step::Heartbeat => {
                    self.send(Command::Heartbeat);
                }
                Step::Joined(cid, uid) => {
                    let joined = Reply::Joined { cid, code: 200, uid };
                    let is_join = |call: &Call| matches!(call, Call::Join(_)).then(|| Ok(joined.clone()));
                    for (id, result) in self.calls.settle(is_join) {
                        self.settle(id, result);
                    }
                }
                Step::Lost { count } => {
                    self.calls.abandon();
                    self.room.lost();
                    self.tell([Event::WillReconnect { count }]);
                }
                Step::Ended { error, opened } => self.ended(&error, opened),
            }
        }
    }

    /// The stay is over: everything that waits is answered, with the reason.
    fn ended(&mut self, error: &Error, opened: bool) {
        self.log(Level::Info, format!("left the room: {error}"));
        self.calls.abandon();
        let verdict = |call: &Call| match call {
            Call::Leave => Some(Ok(Reply::Nothing)),
            Call::Join(_)
            | Call::Publish(_)
            | Call::Unpublish(_)
            | Call::Subscribe(..)
            | Call::Unsubscribe(..) => Some(Err(error.clone())),
        };
        for (id, result) in self.calls.settle(verdict) {
            self.settle(id, result);
        }
        self.room = Room::default();
        if error.is_failure() {
            self.tell([Event::Error(error.clone())]);
        }
        if opened {
            self.tell([Event::disconnect(error)]);
        }
    }

    /// The gateway ended our stay: log out as the original does, tell why, and close.
    fn thrown_out(&mut self, event: Event, error: Error) {
        self.send(Command::Logout);
        self.tell([event]);
        let steps = self.link.finish(error);
        self.take(steps);
    }

    /// A command was answered, or is past its deadline.
    fn answered(&mut self, sent: &Sent, refusal: Option<Error>) {
        self.room.answered(sent.change, refusal.is_none());
        let Some(error) = refusal else { return };
        let needs_it = |call: &Call| changes_of(call).contains(&sent.change).then(|| Err(error.clone()));
        let failed = self.calls.settle(needs_it);
        if failed.is_empty() && self.link.is_restoring() {
            self.tell([Event::Error(error)]);
        }
        for (id, result) in failed {
            self.settle(id, result);
        }
    }

    fn send(&mut self, command: Command) -> Option<Seq> {
        let (uid, cid) = self.link.identity()?;
        let (socket, seq) = self.link.stamp(command == Command::Logout)?;
        let text = ClientPacket { seq, uid, cid, command }.encode();
        self.outbox.push_back(Output::SendText(socket, text));
        Some(seq)
    }

    fn settle(&mut self, id: CallId, result: Result<Reply, Error>) {
        self.outbox.push_back(Output::Settle(id, result));
    }

    fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        self.outbox.extend(events.into_iter().map(Output::Event));
    }

    fn drop_frame(&mut self, error: &PacketError) {
        self.dropped += 1;
        let level = if self.dropped == 1 { Level::Warn } else { Level::Debug };
        self.log(level, format!("frame {} dropped: {error}", self.dropped));
    }

    fn log(&mut self, level: Level, text: String) {
        self.outbox.push_back(Output::Log(level, text));
    }
}

/// What a waiting call has come to: `None` while it has to wait on.
fn outcome(room: &Room, call: &Call) -> Option<Result<Reply, Error>> {
    let withdrawn = Some(Err(Error::Withdrawn(call.name())));
    let changes = changes_of(call);
    let all = |wanted| changes.iter().all(|change| room.progress(*change) == wanted);
    if changes.iter().any(|change| room.progress(*change) == Progress::Withdrawn) {
        return match call {
            Call::Subscribe(uid, _) | Call::Unsubscribe(uid, _) if !room.has(uid.uid()) => {
                Some(Err(Error::UnknownMember(uid.uid().to_string())))
            }
            Call::Join(_)
            | Call::Leave
            | Call::Publish(_)
            | Call::Unpublish(_)
            | Call::Subscribe(..)
            | Call::Unsubscribe(..) => withdrawn,
        };
    }
    match call {
        Call::Join(_) | Call::Leave => None,
        Call::Publish(_) => {
            let url = room.push_url()?;
            all(Progress::Done).then(|| Ok(Reply::PushUrl(url.clone())))
        }
        Call::Unpublish(_) => all(Progress::Done)
            .then(|| Ok(room.push_url().map_or(Reply::Nothing, |url| Reply::PushUrl(url.clone())))),
        Call::Subscribe(uid, media) => {
            let url = room.pull_url(uid.uid(), *media)?.clone();
            all(Progress::Done).then_some(Ok(Reply::Subscribed { uid: *uid, url }))
        }
        Call::Unsubscribe(..) => all(Progress::Done).then_some(Ok(Reply::Nothing)),
    }
}

/// The changes that must be confirmed before a call is.
fn changes_of(call: &Call) -> Vec<Change> {
    match call {
        Call::Join(_) | Call::Leave => Vec::new(),
        Call::Publish(media) => published(*media, true),
        Call::Unpublish(media) => published(*media, false),
        Call::Subscribe(uid, media) => subscribed(*uid, *media, true),
        Call::Unsubscribe(uid, media) => subscribed(*uid, *media, false),
    }
}

fn published(media: MediaSet, on: bool) -> Vec<Change> {
    media.iter().map(|media| Change { item: Item::Publish(media), on }).collect()
}

fn subscribed(uid: AppUid, media: Media, on: bool) -> Vec<Change> {
    vec![Change { item: Item::Subscribe(uid.uid(), media), on }]
}

/// Fifteen digits, as in the original, so that every peer can keep it as a number (1.2).
const LONGEST_CHOSEN_UID: u64 = 999_999_999_999_999;
