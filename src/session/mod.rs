//! The session: one client's state machine, with no clock, socket, random source or callback.
//!
//! This file draws the arrows between `link`, `room` and `calls`, which do not know each other.

pub(crate) mod calls;
mod heard;
pub(crate) mod needs;
pub(crate) mod scene;
pub(crate) mod tasks;

use std::collections::VecDeque;

use crate::api::call::{Call, Reply};
use crate::api::config::Config;
use crate::api::doors::{
    AppSignal, CloseInfo, HttpFailure, HttpRequest, HttpResponse, Input, Level, Memory, Output,
};
use crate::api::error::Error;
use crate::api::event::Event;
use crate::api::info::{Info, JoinedWith, UserInfo};
use crate::api::join::JoinParams;
use crate::api::picture::Page;
use crate::api::report::Report;
use crate::link::{Link, Step, Tools};
use crate::page::components::Components;
use crate::page::reports::Subject;
use crate::page::view::Scene;
use crate::room::members::Room;
use crate::room::wants::{Item, Verdict, Wants};
use crate::session::calls::{Calls, Patience, Purpose};
use crate::session::needs::{errands_of, keep, note, outcome, refusal};
use crate::session::scene::{flows, scene};
use crate::session::tasks::{Outcome, Rest, Tasks};
use crate::time::{Clock, Instant, Rng, Timer};
use crate::wire::model::{AppUid, Asker, CallId, Cid, Media, RequestId, Seq, Uid};
use crate::wire::protocol::{Ack, ClientPacket, Command};

/// One client.
#[derive(Debug)]
pub struct Session {
    tools: Tools,
    link: Link,
    room: Room,
    wants: Wants,
    calls: Calls,
    tasks: Tasks,
    components: Components,
    /// When the room is as the gateway says, after a restart of the gateway.
    settles: Option<Instant>,
    outbox: VecDeque<Output>,
    /// What is due next, in the session's time.
    due: Option<(Instant, Timer)>,
    dropped: u64,
    /// Whether the application was told that it names no server.
    is_warned: bool,
}

impl Session {
    /// A session outside of any room.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let rng = Rng::seeded(config.seed);
        Self {
            tools: Tools {
                config,
                rng,
                minted: 0,
                clock: Clock::starting(now),
                hidden: None,
                offline: false,
            },
            link: Link::Idle,
            room: Room::default(),
            wants: Wants::default(),
            calls: Calls::default(),
            tasks: Tasks::default(),
            components: Components::default(),
            settles: None,
            outbox: VecDeque::new(),
            due: None,
            dropped: 0,
            is_warned: false,
        }
    }

    /// A session outside of any room that goes on where another had got to.
    #[must_use]
    pub fn recall(mut config: Config, memory: Memory, now: Instant) -> Self {
        config.seed = memory.seed;
        let mut session = Self::new(config, now);
        session.tools.minted = memory.minted;
        session.components = Components::after(memory.keys);
        session.wants.next(memory.role);
        session
    }

    /// Takes something in. Cannot fail: what is unusable is logged and dropped, and a wrong call
    /// is settled with an error.
    pub fn handle(&mut self, input: Input, now: Instant) {
        let due = self.due.map(|(due, _)| due);
        let resumed = self.tools.clock.advance(now, due, self.tools.config.suspended_after);
        // From here on there is no time but that of the session, in which a suspension takes none.
        let now = self.tools.clock.now();
        if resumed {
            let steps = self.link.resumed(&self.tools, now);
            // A socket of which this very input says that it is gone is not asked any more.
            if !matches!(input, Input::SocketClosed(id, _) if self.link.socket() == Some(id)) {
                self.take(steps);
            }
        }
        match input {
            Input::Call(id, call) => self.handle_call(id, call, now),
            Input::Response(id, result) => self.handle_response(id, &result, now),
            Input::SocketOpened(id) => {
                let steps = self.link.handle_opened(id);
                self.take(steps);
            }
            Input::SocketText(id, text) => self.handle_text(id, &text, now),
            Input::SocketClosed(id, info) => {
                let steps = self.link.handle_closed(id, info.code, &info.reason, &mut self.tools, now);
                self.take(steps);
            }
            Input::Render => {
                let outside = self.is_outside();
                let scene = if outside { Scene::default() } else { scene(&self.room, &self.wants) };
                let patch = self.components.render(scene, &self.tools.config, now);
                self.tell(patch.map(Event::View));
            }
            Input::App(signal) => {
                if let (AppSignal::Shown, Some(since)) = (signal, self.tools.hidden) {
                    let away = self.tools.clock.wall().since(since);
                    self.components.shown(away, &self.tools.config, now);
                }
                let steps = self.link.handle_signal(signal, &mut self.tools, now);
                self.take(steps);
            }
            Input::Retry(count, advice) => {
                let steps = self.link.handle_advice(count, advice, &self.tools, now);
                self.take(steps);
            }
            Input::Timeout => self.handle_timeout(now),
        }
        self.advance(now);
        self.due = self.deadline();
    }

    /// Takes something out; `None` when there is nothing more to do until the next input.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When to come back with [`Input::Timeout`], and why. Ask after draining the outputs.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.due.map(|(due, timer)| (self.tools.clock.on_the_wall(due), timer))
    }

    /// What the application may look at.
    #[must_use]
    pub fn info(&self) -> Info {
        let stay = self.link.stay();
        Info {
            cid: self.link.identity().map_or(Cid(0), |(_, cid)| cid),
            uid: stay.map(|stay| stay.uid),
            push_url: self.room.push_url().cloned(),
            role: self.wants.wanted_role().name(),
            state: self.link.state(),
            join_channel_param: stay.map(|stay| JoinedWith::new(&stay.join, stay.uid)),
            userlist: self.room.entries().map(UserInfo::from).collect(),
            publish_audio: self.wants.publishes(Media::Audio),
            publish_video: self.wants.publishes(Media::Video),
        }
    }

    /// The name of the stay under way; empty outside of a room.
    #[must_use]
    pub fn stay(&self) -> &str {
        let stay = self.link.stay().filter(|_| !self.is_outside());
        stay.map_or("", |stay| stay.join.stay.as_str())
    }

    /// What the next stay begins with; `None` while anything is under way, or not as in a new session.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let Tools { rng, minted, hidden, offline, .. } = &self.tools;
        let keys = self.components.at_rest()?;
        let at_rest = self.link.is_idle() && hidden.is_none() && !offline;
        let (seed, role) = (rng.seed(), self.wants.wanted_role());
        at_rest.then_some(Memory { seed, minted: *minted, keys, role })
    }

    /// What the page was last told to render.
    #[must_use]
    pub const fn page(&self) -> &Page {
        self.components.page()
    }

    /// How many unusable frames have been dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn handle_call(&mut self, id: CallId, mut call: Call, now: Instant) {
        let waits = !matches!(call, Call::Leave | Call::LeaveStay(_) | Call::Report(_));
        let is_full = waits && self.calls.len() >= self.tools.config.max_calls;
        if let Call::MuteOther(uid, media, mute) = call
            && self.link.stay().is_some_and(|stay| stay.uid.uid() == uid)
        {
            // A mute of oneself is a state, which outlives an outage.
            call = Call::Mute(media, mute);
        }
        let located = self.link.identity().is_some();
        let refusal = refusal(&call, &self.room, &self.wants, !self.is_outside(), located);
        if let Some(error) = is_full.then_some(Error::TooManyCalls).or(refusal) {
            return self.settle(id, Err(error));
        }
        if let Call::Join(params) = call {
            return self.handle_join(id, *params, now);
        }
        if let Call::LeaveStay(name) = &call
            && self.stay() != name
        {
            return self.settle(id, Ok(Reply::Nothing));
        }
        if matches!(call, Call::Leave | Call::LeaveStay(_)) {
            return self.handle_leave(id, now);
        }
        if let Call::Tasks(order) = call {
            let rest = Rest::of(&order, self.link.identity().unwrap_or_default().0);
            self.calls.wait(id, Call::Tasks(order), Patience::Unlimited);
            return self.next_task(id, rest, now);
        }
        if let Call::Report(report) = call {
            self.hear(&report, now);
            return self.settle(id, Ok(Reply::Nothing));
        }
        if let Call::Publish(media) = &call {
            media.iter().for_each(|media| self.components.retry(media, &self.tools.config, now));
        }
        if let Call::Unpublish(off) = &call {
            let is_undone = |call: &Call| matches!(call, Call::Publish(on) if on.meets(*off));
            self.calls.undo(is_undone);
        }
        // What is wanted is noted here; `advance` does the rest.
        note(&call, &mut self.wants);
        if self.is_outside() {
            // Role and voice are kept for the next stay.
            keep(&call, &mut self.wants);
            return self.settle(id, Ok(Reply::Nothing));
        }
        // Joining has an end of its own, and the time of what waits for it begins there.
        let patience = match self.link.stay() {
            Some(stay) if stay.is_entering() => Patience::UntilJoined,
            Some(_) | None => Patience::Until(now + self.tools.config.call_timeout),
        };
        self.calls.wait(id, call, patience);
    }

    /// An HTTP request was answered, or failed: the answer goes to who asked.
    fn handle_response(&mut self, id: RequestId, result: &Result<HttpResponse, HttpFailure>, now: Instant) {
        let result = result.as_ref();
        let result = result.map(|answer| (answer.status, &*answer.body)).map_err(|failure| &*failure.message);
        match id.asker() {
            Some(Asker::Link) => {
                let steps = self.link.handle_response(id, result, &mut self.tools, now);
                self.take(steps);
            }
            Some(Asker::Tasks) => {
                if let Some(outcome) = self.tasks.handle_response(id, result) {
                    self.task_answered(outcome, now);
                }
            }
            Some(Asker::Reports) => {
                let is_ok = matches!(result, Ok((200..=299, _)));
                self.components.handle_response(id, is_ok, &self.tools.config, now);
            }
            None => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        let Tools { config, clock, hidden, .. } = &self.tools;
        let settles = self.settles.map(|due| (due, Timer::Settle));
        let components = self.components.deadline(hidden.is_some(), config, clock.now());
        let others = [self.calls.deadline(), self.tasks.deadline(), components, settles];
        self.link.deadline().into_iter().chain(others.into_iter().flatten()).min()
    }

    fn is_outside(&self) -> bool {
        self.link.is_idle() || self.link.is_leaving()
    }

    fn handle_join(&mut self, id: CallId, mut params: JoinParams, now: Instant) {
        let is_replaced = self.stay() == params.replaces;
        if !self.is_outside() && !is_replaced {
            return self.settle(id, Err(Error::AlreadyInRoom));
        }
        // `leave(); join()` without waiting cuts the old stay short.
        self.log_out();
        let steps = self.link.finish(Error::Left);
        self.take(steps);
        self.outbox.push_back(Output::Forget);
        if params.stay.is_empty() {
            params.stay = id.0.to_string();
        }
        self.wants.begin(params.initial_role);
        // Between two stays nobody tells of the application's life; who joins is in front of it.
        (self.tools.hidden, self.tools.offline) = (None, false);
        params.servers = params.servers.or(&self.tools.config.servers);
        if params.servers.channel_server.is_empty() && !std::mem::replace(&mut self.is_warned, true) {
            let server = params.servers.bootstrap();
            let text = format!(
                "no channelServer is given, so the app key goes to {} (NetEase): to use a server of your own, \
                 name it in Client() or join()",
                server.host()
            );
            self.log(Level::Notice, text);
        }
        let uid =
            params.uid.unwrap_or_else(|| AppUid::Text(Uid(self.tools.rng.between(1, LONGEST_CHOSEN_UID))));
        self.room = Room::new(uid.uid(), self.tools.config.max_members);
        self.log(Level::Info, format!("joining \"{}\" as {}", params.channel_name, uid.uid()));
        self.calls.wait(id, Call::Join(Box::new(params.clone())), Patience::Unlimited);
        let steps = self.link.start(params, uid, &mut self.tools, now);
        self.take(steps);
    }

    fn handle_leave(&mut self, id: CallId, now: Instant) {
        self.outbox.push_back(Output::Forget);
        if self.link.is_idle() {
            return self.settle(id, Ok(Reply::Nothing));
        }
        self.calls.wait(id, Call::Leave, Patience::Unlimited);
        if self.link.is_leaving() {
            return;
        }
        if self.link.is_online() {
            if let Some(logout) = self.send(Command::Logout, None) {
                self.link.leaving(logout, &self.tools, now);
            }
        } else {
            self.log_out();
            let steps = self.link.finish(Error::Left);
            self.take(steps);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        while self.link.deadline().is_some_and(|(due, _)| due <= now) {
            let steps = self.link.handle_timeout(&mut self.tools, now);
            self.take(steps);
        }
        if self.settles.take_if(|due| *due <= now).is_some() {
            let events = self.room.settle();
            self.tell(events);
            self.forget_strangers();
        }
        while let Some((seq, sent)) = self.calls.overdue_command(now) {
            let cmd = sent.command.name();
            self.tell([Event::SendCommandOverTime { cmd, seq: seq.0 }]);
            match sent.purpose {
                Purpose::Errand(call) => {
                    self.errand_answered(call, Some(Error::Timeout(cmd)), Ack::default())
                }
                Purpose::State => self.answered(&sent.command, Verdict::Silence, Some(Error::Timeout(cmd))),
                Purpose::Nothing => {}
            }
        }
        if self.components.has_due_reports(now) {
            let id = self.tools.request(Asker::Reports);
            let request = self.components.send_reports(id, &self.tools.config);
            self.outbox.push_back(Output::Request(id, request));
        }
        let Tools { config, hidden, .. } = &self.tools;
        let events = self.components.handle_timeout(hidden.is_some(), config, now);
        self.tell(events);
        while let Some((call, error)) = self.tasks.overdue(now) {
            self.task_answered(Outcome::Settled(call, Err(error)), now);
        }
        while let Some(overdue) = self.calls.overdue_call(now) {
            self.withdraw(&overdue.call);
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
        let (room, wants) = (&self.room, &self.wants);
        let judged = self.calls.judged(|call| outcome(room, wants, call));
        // What goes back, goes back to what those have left that succeed at the same moment.
        for (_, call, _) in judged.iter().filter(|(.., result)| result.is_ok()) {
            keep(call, &mut self.wants);
        }
        for (id, call, result) in judged {
            if result.is_err() {
                self.withdraw(&call);
            }
            self.settle(id, result);
        }
        // From when it is sent: a command that waits for its place has nothing to be answered yet.
        let deadline = now + self.tools.config.command_timeout;
        let places = self.tools.config.max_unanswered;
        let (room, free) = (&self.room, self.calls.free(places));
        for command in self.wants.reconcile(free, room.push_url().is_some(), |uid| room.lists(uid)) {
            if let Some(seq) = self.send(command.clone(), None) {
                self.calls.sent(seq, command, Purpose::State, deadline);
            }
        }
        let room = &self.room;
        for (id, (command, target)) in self.calls.due_errands(places, |call| errands_of(room, call)) {
            if let Some(seq) = self.send(command.clone(), target) {
                self.calls.sent(seq, command, Purpose::Errand(id), deadline);
            }
        }
        // Without a free place there may be more to restore than was asked for.
        if free > 0 && self.link.is_restoring() && self.wants.is_quiet() && self.link.recovered() {
            self.tell([Event::Reconnected]);
        }
    }

    /// Does what the link asks for.
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Request(id, url, form) => {
                    let headers = vec![("content-type", "application/x-www-form-urlencoded".into())];
                    let request = HttpRequest { url, headers, body: form.encode() };
                    self.outbox.push_back(Output::Request(id, request));
                }
                Step::Open(id, url) => self.outbox.push_back(Output::OpenSocket(id, url)),
                Step::Close(id) => {
                    let info = CloseInfo { code: 1000, reason: "done".into() };
                    self.outbox.push_back(Output::CloseSocket(id, info));
                }
                Step::LogIn { first } => {
                    if first {
                        self.tell([Event::SessionStart]);
                    }
                    self.tell([Event::Open { code: 200 }]);
                    if let (Some(stay), Some(gateways)) = (self.link.stay(), self.link.gateways()) {
                        let login = stay.login(
                            gateways,
                            self.wants.wanted_role(),
                            self.wants.voice(),
                            &self.tools.config.model,
                        );
                        self.send(Command::Login(Box::new(login)), None);
                        self.wants.logging_in();
                    }
                }
                Step::Heartbeat => {
                    if let Some(seq) = self.send(Command::Heartbeat, None) {
                        self.link.beaten(seq, self.tools.clock.now());
                    }
                }
                Step::Joined(cid, uid) => {
                    let joined = Reply::Joined { cid, code: 200, uid };
                    let is_join = |call: &Call| matches!(call, Call::Join(_)).then(|| Ok(joined.clone()));
                    for (id, _, result) in self.calls.judged(is_join) {
                        self.settle(id, result);
                    }
                    self.calls.begin(self.tools.clock.now() + self.tools.config.call_timeout);
                }
                Step::Lost { count } => {
                    // The next login tells who is there.
                    self.settles = None;
                    self.calls.abandon();
                    self.wants.lost();
                    self.tell([Event::WillReconnect { count }]);
                }
                Step::AskRetry(context) => self.outbox.push_back(Output::AskRetry(context)),
                Step::Ended { error, opened } => self.ended(&error, opened),
            }
        }
    }

    /// The stay is over: everything that waits is answered, with the reason.
    fn ended(&mut self, error: &Error, opened: bool) {
        self.log(Level::Info, format!("left the room: {error}"));
        self.calls.abandon();
        self.tasks.clear();
        let verdict = |call: &Call| {
            Some(if matches!(call, Call::Leave) { Ok(Reply::Nothing) } else { Err(error.clone()) })
        };
        for (id, _, result) in self.calls.judged(verdict) {
            self.settle(id, result);
        }
        self.room = Room::default();
        self.settles = None;
        self.wants.end();
        if let Some(request) = self.components.end(&self.tools.config) {
            self.outbox.push_back(Output::Request(self.tools.request(Asker::Reports), request));
        }
        if error.is_failure() {
            self.tell([Event::Error(error.clone())]);
        }
        if opened {
            self.tell([Event::disconnect(error)]);
        }
    }

    /// Sends the next task of an order.
    fn next_task(&mut self, call: CallId, mut rest: Rest, now: Instant) {
        let operation = rest.operation;
        let (stay, gateways) = (self.link.stay(), self.link.gateways());
        let (Some(body), Some(stay), Some(gateways)) = (rest.bodies.pop_front(), stay, gateways) else {
            return self.task_answered(Outcome::Settled(call, Err(Error::NotInRoom(operation.name()))), now);
        };
        let server = stay.join.servers.task_server();
        let request = rest.request(&server, gateways.cid, &gateways.task_token, body);
        let id = self.tools.request(Asker::Tasks);
        let deadline = now + self.tools.config.command_timeout;
        self.tasks.sent(id, call, request.url.clone(), rest, deadline);
        self.outbox.push_back(Output::Request(id, request));
    }

    fn task_answered(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Next(call, rest) => self.next_task(call, rest, now),
            Outcome::Settled(call, result) => {
                if self.calls.take(call).is_some() {
                    self.settle(call, result.map(|()| Reply::Nothing));
                }
            }
        }
    }

    /// A component of the page reports something.
    fn hear(&mut self, report: &Report, now: Instant) {
        let (me, cid) = self.link.identity().unwrap_or_default();
        let stay = self.link.stay();
        let servers = stay.map_or(&self.tools.config.servers, |stay| &stay.join.servers);
        let subject = Subject {
            server: servers.statistics_server.clone(),
            uid: me,
            cid,
            since: stay.map(|stay| stay.since),
            clock: Some(self.tools.clock.wall()),
        };
        let push = self.room.push_url().filter(|_| self.wants.pushes());
        let events = self.components.hear(
            report,
            subject,
            push,
            |leg| flows(leg, &self.wants),
            &self.tools.config,
            now,
        );
        self.tell(events);
    }

    /// Without waiting for the answer. While a login is on its way, the gateway may already count us in.
    fn log_out(&mut self) {
        self.send(Command::Logout, None);
    }

    /// Sends a command, in the name of `target` if it is about somebody else.
    fn send(&mut self, command: Command, target: Option<Uid>) -> Option<Seq> {
        let (me, cid) = self.link.identity()?;
        let (socket, seq) = self.link.stamp(command == Command::Logout)?;
        let text = ClientPacket { seq, uid: target.unwrap_or(me), cid, command }.encode();
        self.outbox.push_back(Output::SendText(socket, text));
        Some(seq)
    }

    fn settle(&mut self, id: CallId, result: Result<Reply, Error>) {
        self.outbox.push_back(Output::Settle(id, result));
    }

    fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.tell_one(event);
        }
    }

    fn tell_one(&mut self, event: Event) {
        if self.link.is_leaving() && !event.outlasts_its_stay() {
            return;
        }
        if let Event::ClientLeave(who) = &event {
            self.components.forget(who.uid);
        }
        if let Event::StreamRemoved(stream) = &event {
            // When it comes back, the application is told and subscribes anew.
            let ended = Item::Subscribe(stream.who.uid, stream.media_type);
            self.wants.forget(|item| item == ended);
            self.calls.forget(|command| Item::of(command) == Some(ended));
        }
        self.outbox.push_back(Output::Event(event));
    }

    /// Who leaves takes its subscriptions along, those to what was never published as well.
    fn forget_strangers(&mut self) {
        let room = &self.room;
        let is_void = |item| matches!(item, Item::Subscribe(uid, _) if !room.has(uid));
        self.wants.forget(is_void);
        self.calls.forget(|command| Item::of(command).is_some_and(is_void));
    }

    fn log(&mut self, level: Level, text: String) {
        self.outbox.push_back(Output::Log(level, text));
    }
}

/// Fifteen digits, as in the original, so that every peer can keep it as a number (1.2).
const LONGEST_CHOSEN_UID: u64 = 999_999_999_999_999;
