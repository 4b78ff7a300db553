//! Sessions, one hub and the links between them, in one thread and virtual time.
//!
//! A scenario arranges ([`World::join`], [`World::cut`], …), acts ([`World::call`]), lets time pass
//! ([`World::run_until`]) and asserts. Nothing sleeps; the next event is always the earliest. What
//! goes wrong by itself is the [`Weather`], which is fair unless somebody changes it.

// Each test file is a crate of its own and uses its own part of this.
#![allow(dead_code)]

pub(crate) mod client;
pub(crate) mod ground;
pub(crate) mod life;
pub(crate) mod marks;
pub(crate) mod media;
pub(crate) mod page;
pub(crate) mod peace;
pub(crate) mod stage;
pub(crate) mod view;
pub(crate) mod weather;

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{Client, Effect};
use marks::Marks;
use media::Component;
use nertc_gateway::rights::{Action, Grants, LoginTicket, MediaUrls, Secret};
use nertc_gateway::rooms::{Budget, ConnectionId, Hub, HubConfig, HubInput, HubOutput, HubTimer};
use nertc_miniapp::{
    Advice, AppSignal, AppUid, Call, CallId, Cid, CloseInfo, Code, Config, Error, Event, HttpFailure,
    HttpResponse, Input, Instant, JoinParams, Media, MediaSet, Reply, RequestId, Rng, Role, SocketId, Timer,
    Uid,
};
use weather::Weather;

/// A client of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId(pub(crate) usize);

/// All there is.
pub(crate) struct World {
    now: Instant,
    hub: Hub,
    hub_is_up: bool,
    /// How often the gateway has moved; part of its address.
    moves: u32,
    seats: Vec<Seat>,
    /// By connection.
    wires: Vec<Wire>,
    on_the_way: BinaryHeap<Reverse<Post>>,
    sequence: u64,
    rng: Rng,
    weather: Weather,
    issued: Issued,
    /// How many tickets the channel server has handed out.
    tickets: u64,
    /// Who may use the media server, and on which stay, as the hub told it.
    admitted: BTreeMap<(Cid, Uid), (Role, u64)>,
    /// When the gateway began.
    hub_began: Instant,
    /// Whether the media server waits for holders that it does not know yet, or refuses them.
    pub(crate) media_waits: bool,
    /// How often components have tried to connect.
    attempts: u64,
    pub(crate) marks: Marks,
    journal: Option<Journal>,
}

struct Seat {
    client: Client,
    uid: Uid,
    app: App,
    line: Line,
    /// The connection of the socket that was opened last.
    wire: Option<usize>,
    /// Whether the platform said last that there is no network.
    told_offline: bool,
    /// Whether a login was refused in the present outage.
    refused: bool,
    /// Until when JavaScript is frozen, and what waits for it.
    frozen: Option<(Instant, Vec<Input>)>,
    /// The native components of its page.
    components: Vec<Component>,
    /// What they told while JavaScript was frozen.
    untold: Vec<Call>,
}

/// What an application does by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct App {
    /// Subscribes to whatever is added.
    pub(crate) subscribes: bool,
    /// Publishes once more when told `reconnected`.
    pub(crate) publishes_again: bool,
    /// Renders what it is told to, and passes on what the components tell.
    pub(crate) renders: bool,
}

/// The state of a client's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Up,
    /// Connections break and cannot be made; both ends notice.
    Cut,
    /// Bytes vanish; nobody notices.
    Swallowing {
        up: bool,
        down: bool,
    },
}

/// One connection. Whatever is sent in one direction arrives in order, or not at all: once something
/// was lost, nothing more comes.
struct Wire {
    client: ClientId,
    socket: SocketId,
    /// Whether each end has a connection, whatever the other end has.
    client_end: bool,
    hub_end: bool,
    /// How fast the gateway reads.
    budget: Budget,
    up: Lane,
    down: Lane,
}

/// One direction of a connection.
#[derive(Debug)]
struct Lane {
    is_dead: bool,
    /// When the last message arrives.
    busy_until: Instant,
}

/// How much there is of everything, to see whether it grows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Size {
    sockets: usize,
    pending_calls: usize,
    /// In sessions and hub.
    deadlines: [usize; 2],
    on_the_way: usize,
    /// All sessions as text, without digits.
    sessions: usize,
    /// The hub as text, without digits.
    hub: usize,
}

/// A message on its way; the earliest first, and of the same time the oldest.
struct Post {
    due: Instant,
    sequence: u64,
    delivery: Delivery,
}

enum Delivery {
    ToClient(ClientId, Input),
    ToHub(usize, HubInput),
    /// A component's attempt comes to the media server.
    Media(ClientId, u64),
}

/// The last URL that was issued for a stream to somebody: whether to push, the stream, and for whom.
type Issued = Arc<Mutex<BTreeMap<(bool, String, Uid), String>>>;

/// What happened, line by line; shared, so that it outlives a world that broke a rule.
pub(crate) type Journal = Arc<Mutex<Vec<String>>>;

impl World {
    /// A world with a hub and nobody in it.
    pub(crate) fn seeded(seed: u64) -> Self {
        let issued = Issued::default();
        Self {
            now: BEGINNING,
            hub: new_hub(&issued, HubConfig::default()),
            hub_is_up: true,
            moves: 0,
            seats: Vec::new(),
            wires: Vec::new(),
            on_the_way: BinaryHeap::new(),
            sequence: 0,
            rng: Rng::seeded(seed),
            weather: Weather::fair(),
            issued,
            tickets: 0,
            admitted: BTreeMap::new(),
            hub_began: BEGINNING,
            media_waits: true,
            attempts: 0,
            marks: Marks::default(),
            journal: None,
        }
    }

    /// Rooms have places for so many. To be said before anybody comes.
    pub(crate) fn limit_rooms(&mut self, max_members: usize) {
        self.hub = new_hub(&self.issued, HubConfig { max_members, ..HubConfig::default() });
    }

    /// A client that is about to join.
    pub(crate) fn client(&mut self, uid: u64) -> ClientId {
        self.client_with(uid, Config::new("app"))
    }

    /// The same, with numbers of its own.
    pub(crate) fn client_with(&mut self, uid: u64, mut config: Config) -> ClientId {
        config.seed = self.rng.next_u64();
        let client = Client::new(config, self.now);
        let (uid, app) = (Uid(uid), App::default());
        self.seats.push(Seat {
            client,
            uid,
            app,
            line: Line::Up,
            wire: None,
            refused: false,
            told_offline: false,
            frozen: None,
            components: Vec::new(),
            untold: Vec::new(),
        });
        ClientId(self.seats.len() - 1)
    }

    /// A client that has joined.
    pub(crate) fn join(&mut self, room: &str, uid: u64) -> ClientId {
        let id = self.client(uid);
        let join = self.call(id, Call::Join(Box::new(JoinParams::new(room, Uid(uid)))));
        self.run_until(|world| world.settled(id, join), secs(1));
        assert!(matches!(self.reply(id, join), Ok(Reply::Joined { .. })), "{:?}", self.reply(id, join));
        self.run_for(LATENCY * 2);
        id
    }

    /// A client makes a call.
    pub(crate) fn call(&mut self, id: ClientId, call: Call) -> CallId {
        self.note(id, "calls", |_| format!("{call:?}"));
        let (call, effects) = self.seats[id.0].client.call(call, self.now);
        self.carry(id, effects);
        self.render(id);
        call
    }

    /// What a client's application does by itself.
    pub(crate) fn set_app(&mut self, id: ClientId, app: App) {
        self.seats[id.0].app = app;
    }

    /// Every call that a client made.
    pub(crate) fn calls(&self, id: ClientId) -> &[(CallId, Call)] {
        &self.seats[id.0].client.calls
    }

    /// Breaks a client's connections, now and until healed.
    pub(crate) fn cut(&mut self, id: ClientId) {
        self.seats[id.0].line = Line::Cut;
        self.break_wires(|client| client == id);
        self.cut_media(id);
    }

    /// Breaks a client's connection once.
    pub(crate) fn drop_connection(&mut self, id: ClientId) {
        self.break_wires(|client| client == id);
    }

    /// Makes a client's bytes vanish both ways, with no end noticing.
    pub(crate) fn swallow(&mut self, id: ClientId) {
        self.swallow_some(id, true, true);
    }

    /// Makes a client's bytes vanish in some directions, with no end noticing.
    pub(crate) fn swallow_some(&mut self, id: ClientId, up: bool, down: bool) {
        self.seats[id.0].line = Line::Swallowing { up, down };
    }

    /// Repairs a client's network.
    pub(crate) fn heal(&mut self, id: ClientId) {
        self.seats[id.0].line = Line::Up;
    }

    /// Freezes a client's JavaScript; what happens meanwhile it learns afterwards, all at once.
    pub(crate) fn freeze(&mut self, id: ClientId, time: Duration) {
        let until = self.now + time;
        self.seats[id.0].frozen.get_or_insert((until, Vec::new()));
    }

    /// The platform tells a client something.
    pub(crate) fn signal(&mut self, id: ClientId, signal: AppSignal) {
        match signal {
            AppSignal::NetworkDown => self.seats[id.0].told_offline = true,
            AppSignal::NetworkUp => self.seats[id.0].told_offline = false,
            AppSignal::Shown | AppSignal::Hidden => {}
        }
        self.tell_client(id, Input::App(signal));
    }

    /// Kills the gateway; everything it knew is gone.
    pub(crate) fn kill_hub(&mut self) {
        self.hub_is_up = false;
        self.break_wires(|_| true);
        self.lose_hub();
    }

    /// Stops the gateway, which says goodbye.
    pub(crate) fn shut_hub_down(&mut self) {
        self.tell_hub(HubInput::Shutdown);
        self.hub_is_up = false;
        self.lose_hub();
    }

    /// Starts it again.
    pub(crate) fn start_hub(&mut self) {
        if !std::mem::replace(&mut self.hub_is_up, true) {
            self.hub_began = self.now;
        }
    }

    /// The gateway gets another address, which the channel server knows. Open connections stay.
    pub(crate) fn move_hub(&mut self) {
        self.moves += 1;
    }

    /// The operator removes a member.
    pub(crate) fn kick(&mut self, room: &str, id: ClientId) {
        let input = HubInput::Kick(cid_of(room), self.seats[id.0].uid);
        self.tell_hub(input);
    }

    /// The operator dissolves a room.
    pub(crate) fn dissolve(&mut self, room: &str) {
        self.tell_hub(HubInput::Dissolve(cid_of(room)));
    }

    /// Lets time pass until something is so.
    pub(crate) fn run_until(&mut self, condition: impl Fn(&Self) -> bool, within: Duration) {
        let end = self.now + within;
        while !condition(self) {
            assert!(self.step(end), "not so within {within:?}");
        }
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    pub(crate) fn settled(&self, id: ClientId, call: CallId) -> bool {
        self.seats[id.0].client.result(call).is_some()
    }

    pub(crate) fn reply(&self, id: ClientId, call: CallId) -> &Result<Reply, Error> {
        self.seats[id.0].client.result(call).expect("the call is settled")
    }

    pub(crate) fn is_idle(&self, id: ClientId) -> bool {
        self.seats[id.0].client.is_idle()
    }

    /// The names of the events since [`World::forget_events`], in order.
    pub(crate) fn events(&self, id: ClientId) -> Vec<&'static str> {
        self.seats[id.0].client.event_names().split_off(self.seats[id.0].client.forgotten)
    }

    pub(crate) fn last_event(&self, id: ClientId) -> Option<&Event> {
        self.seats[id.0].client.events.last()
    }

    /// Starts the list of events anew, for everybody.
    pub(crate) fn forget_events(&mut self) {
        for seat in &mut self.seats {
            seat.client.forgotten = seat.client.events.len();
        }
    }

    /// Every client's idea of the room is the hub's.
    pub(crate) fn assert_agreement(&self, room: &str) {
        let status = self.hub.rooms().find(|status| status.summary.cid == cid_of(room));
        let members = status.map(|status| status.members).unwrap_or_default();
        for seat in self.seats.iter().filter(|seat| members.iter().any(|member| member.uid == seat.uid)) {
            assert_eq!(
                seat.client.view.members,
                peace::others(&members, seat.uid),
                "as {} sees it",
                seat.uid
            );
        }
    }

    /// How much there is of everything.
    pub(crate) fn size(&self) -> Size {
        let is_open = |wire: &&Wire| wire.client_end || wire.hub_end;
        let anatomies: Vec<String> = self.seats.iter().map(|seat| seat.client.anatomy()).collect();
        let (sessions, hub) = (anatomies.concat(), format!("{:?}", self.hub));
        // Numbers grow, and say nothing; tickets have some in them.
        let is_between = |letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter);
        let has_number = |word: &str| word.bytes().any(|letter| letter.is_ascii_digit());
        let length = |word: &str| if has_number(word) { 1 } else { word.len() + 1 };
        let letters = |text: &str| text.split(is_between).map(length).sum();
        Size {
            sockets: self.wires.iter().filter(is_open).count(),
            pending_calls: self.seats.iter().map(|seat| seat.client.pending()).sum(),
            deadlines: [&sessions, &hub].map(|text| text.matches("Instant(").count()),
            on_the_way: self.on_the_way.len(),
            sessions: letters(&sessions),
            hub: letters(&hub),
        }
    }

    /// One event, if there is one before `end`; false when time has run out.
    fn step(&mut self, end: Instant) -> bool {
        let post = self.on_the_way.peek().map(|Reverse(post)| post.due);
        let hub = self.hub.poll_timeout();
        let clients = self.seats.iter().filter_map(Seat::due);
        let Some(next) = clients.chain(post).chain(hub.map(|(due, _)| due)).min().filter(|next| *next <= end)
        else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        if post == Some(next) {
            let Some(Reverse(post)) = self.on_the_way.pop() else { return false };
            match post.delivery {
                Delivery::ToClient(id, input) => self.tell_client(id, input),
                Delivery::ToHub(wire, input) if self.wires[wire].hub_end => {
                    if matches!(input, HubInput::Closed(_)) {
                        self.wires[wire].hub_end = false;
                    }
                    self.tell_hub(input);
                }
                Delivery::ToHub(..) => {}
                Delivery::Media(id, attempt) => self.arrive(id, attempt),
            }
        } else if let Some((_, timer)) = hub.filter(|(due, _)| *due == next) {
            self.marks.see("hub timer", name_of_hub_timer(timer));
            self.tell_hub(HubInput::Timeout);
        } else {
            let is_due = |seat: &Seat| seat.due() == Some(next);
            let id = ClientId(self.seats.iter().position(is_due).expect("one of them was the earliest"));
            if self.seats[id.0].frozen.is_some() {
                self.thaw(id);
            } else {
                self.tell_client(id, Input::Timeout);
            }
        }
        true
    }

    fn tell_client(&mut self, id: ClientId, input: Input) {
        if let Some((_, held)) = &mut self.seats[id.0].frozen {
            return held.push(input);
        }
        self.note(id, "gets", |_| format!("{input:?}"));
        match &input {
            Input::Timeout => {
                if let Some(timer) = self.seats[id.0].client.timer() {
                    self.marks.see("timer", name_of_timer(timer));
                }
            }
            Input::SocketClosed(_, info) => self.marks.count(("close", "code", i32::from(info.code))),
            Input::App(signal) => self.marks.see("signal", name_of_signal(*signal)),
            Input::Retry(_, advice) => self.marks.see("advice", name_of_advice(*advice)),
            Input::Call(..)
            | Input::Response(..)
            | Input::SocketOpened(_)
            | Input::SocketText(..)
            | Input::Render => {}
        }
        let is_refusal = |text: &str| text.starts_with(r#"{"cmd":1,"body":{"code":4"#);
        self.seats[id.0].refused |= matches!(&input, Input::SocketText(_, text) if is_refusal(text));
        let is_render = input == Input::Render;
        let effects = self.seats[id.0].client.handle(input, self.now);
        self.carry(id, effects);
        if !is_render {
            self.render(id);
        }
    }

    /// The end of a turn: a page that renders asks what.
    fn render(&mut self, id: ClientId) {
        let seat = &self.seats[id.0];
        if seat.app.renders && seat.frozen.is_none() {
            self.tell_client(id, Input::Render);
        }
    }

    /// Wakes a client: everything that waited comes at once, in any order but that of one source.
    fn thaw(&mut self, id: ClientId) {
        let Some((_, mut held)) = self.seats[id.0].frozen.take() else { return };
        self.note(id, "wakes up", |_| String::new());
        held.push(Input::Timeout);
        while !held.is_empty() {
            let last = held.len() as u64 - 1;
            let source = source_of(&held[self.rng.between(0, last) as usize]);
            let first = held.iter().position(|input| source_of(input) == source).expect("one was chosen");
            let input = held.remove(first);
            self.tell_client(id, input);
        }
        self.tell_reports(id);
    }

    fn tell_hub(&mut self, input: HubInput) {
        self.note("hub", "gets", |_| format!("{input:?}"));
        self.hub.handle(input, self.now);
        while let Some(output) = self.hub.poll_output() {
            match output {
                HubOutput::Send(connection, text) => {
                    let wire = connection.0 as usize;
                    let (client, socket) = (self.wires[wire].client, self.wires[wire].socket);
                    if let Some(due) = self.hub_sends(wire) {
                        self.post(
                            due,
                            Delivery::ToClient(client, Input::SocketText(socket, text.as_ref().into())),
                        );
                    }
                }
                HubOutput::Close(connection, code, reason) => {
                    let wire = connection.0 as usize;
                    let due = self.hub_sends(wire);
                    self.wires[wire].hub_end = false;
                    let info = CloseInfo { code, reason: reason.to_owned() };
                    if let Some(due) = due {
                        self.client_loses(wire, info, due);
                    }
                }
                HubOutput::Admit(cid, uid, role, stay, _) => {
                    self.admitted.insert((cid, uid), (role, stay));
                    self.review_media(None);
                }
                HubOutput::Expel(cid, uid) => {
                    self.admitted.remove(&(cid, uid));
                    self.review_media(None);
                }
                HubOutput::EndStream(name) => self.review_media(Some(&name)),
                HubOutput::Carry(..)
                | HubOutput::Interrupt { .. }
                | HubOutput::Drained
                | HubOutput::Log(..) => {}
            }
        }
    }

    /// Does what a client asks of its surroundings, and then what its application does by itself.
    fn carry(&mut self, id: ClientId, effects: Vec<Effect>) {
        let mut reactions = Vec::new();
        for effect in effects {
            match effect {
                Effect::Request(request, body) => self.request(id, request, &body),
                Effect::Open(socket, address) => self.open(id, socket, &address),
                Effect::Send(socket, text) => self.client_sends(id, socket, text),
                Effect::Close(socket) => self.close(id, socket),
                Effect::AskRetry(count) => self.ask(id, count),
                Effect::Settled(call) => self.mark_settled(id, call),
                Effect::Told(index) => reactions.extend(self.mark_told(id, index)),
            }
        }
        for call in reactions {
            self.call(id, call);
        }
    }

    fn request(&mut self, id: ClientId, request: RequestId, body: &str) {
        self.note(id, "asks", |_| "the channel server".into());
        if self.seats[id.0].client.view.stay == view::Stay::Outage {
            self.marks.see("path", "bootstrap again");
        }
        let (fails, late, unanswered) =
            (self.weather.requests_fail, self.weather.requests_late, self.weather.requests_unanswered);
        let is_lost = matches!(self.seats[id.0].line, Line::Swallowing { .. });
        if is_lost || self.strikes("request unanswered", unanswered) {
            return;
        }
        let is_refused = !self.hub_is_up || self.seats[id.0].line == Line::Cut;
        let answer = if is_refused || self.strikes("request failed", fails) {
            Err(HttpFailure { message: "request:fail".into() })
        } else {
            Ok(self.bootstrap(body))
        };
        let mut due = self.now + self.delay();
        if self.strikes("request late", late) {
            due = due + Duration::from_millis(self.rng.between(1000, 15_000));
        }
        self.post(due, Delivery::ToClient(id, Input::Response(request, answer)));
    }

    fn open(&mut self, id: ClientId, socket: SocketId, address: &str) {
        self.note(id, "opens", |_| format!("{socket:?} to {address}"));
        let (fails, hangs) = (self.weather.opens_fail, self.weather.opens_hang);
        let lane = || Lane { is_dead: false, busy_until: self.now };
        let (up, down) = (lane(), lane());
        let wire = self.wires.len();
        let budget = self.hub.config().budget(self.now);
        self.wires.push(Wire { client: id, socket, client_end: true, hub_end: false, budget, up, down });
        self.seats[id.0].wire = Some(wire);
        let is_there = self.hub_is_up && address == format!("wss://{}", self.address());
        if matches!(self.seats[id.0].line, Line::Swallowing { .. }) || self.strikes("open hangs", hangs) {
            return;
        }
        let due = self.now + self.delay();
        if !is_there || self.seats[id.0].line == Line::Cut || self.strikes("open failed", fails) {
            self.wires[wire].client_end = false;
            self.post(due, Delivery::ToClient(id, Input::SocketClosed(socket, broken())));
            return;
        }
        self.wires[wire].hub_end = true;
        self.wires[wire].up.busy_until = due;
        self.wires[wire].down.busy_until = due;
        self.post(due, Delivery::ToHub(wire, HubInput::Opened(ConnectionId(wire as u64))));
        self.post(due, Delivery::ToClient(id, Input::SocketOpened(socket)));
    }

    fn client_sends(&mut self, id: ClientId, socket: SocketId, text: String) {
        self.note(id, "sends", |_| text.clone());
        let wire = self.wire(id, socket);
        if !self.wires[wire].client_end {
            return;
        }
        if self.strikes("send failed", self.weather.sends_fail) {
            self.wires[wire].up.is_dead = true;
            let due = self.now + self.delay();
            return self.post(due, Delivery::ToClient(id, Input::SocketClosed(socket, broken())));
        }
        if let Some(arrival) = self.ship(wire, true) {
            let Wire { budget, up, .. } = &mut self.wires[wire];
            let due = arrival.max(budget.ready());
            budget.spend(due);
            up.busy_until = due;
            self.post(due, Delivery::ToHub(wire, HubInput::Text(ConnectionId(wire as u64), text)));
        }
    }

    fn close(&mut self, id: ClientId, socket: SocketId) {
        self.note(id, "closes", |_| format!("{socket:?}"));
        let wire = self.wire(id, socket);
        if self.wires[wire].client_end {
            if let Some(due) = self.ship(wire, true) {
                self.post(due, Delivery::ToHub(wire, HubInput::Closed(ConnectionId(wire as u64))));
            }
            self.wires[wire].client_end = false;
        }
        let due = self.now + self.delay();
        self.client_loses(wire, broken(), due);
    }

    /// The application is asked when to try again, and has an opinion, mostly.
    fn ask(&mut self, id: ClientId, count: u32) {
        let advice = match self.rng.between(1, 12) {
            1..=6 => Advice::After(self.rng.between(0, 8000) as u32),
            7..=9 => Advice::Default,
            10 => Advice::GiveUp,
            _silence => return,
        };
        let due = self.now + Duration::from_millis(self.rng.between(0, 100));
        self.post(due, Delivery::ToClient(id, Input::Retry(count, advice)));
    }

    fn mark_settled(&mut self, id: ClientId, call: CallId) {
        let client = &self.seats[id.0].client;
        let name = client.made(call).name();
        let code = match client.result(call) {
            Some(Err(error)) => number(error.code()),
            Some(Ok(_)) | None => 200,
        };
        self.marks.count(("call", name, code));
        self.note(id, "is answered", |world| {
            let result = world.seats[id.0].client.result(call);
            format!("{name}: {result:?}")
        });
    }

    /// An event was told: what the application does about it.
    fn mark_told(&mut self, id: ClientId, index: usize) -> Option<Call> {
        let event = self.seats[id.0].client.events[index].clone();
        self.marks.see("event", event.name());
        if matches!(event, Event::Reconnected | Event::SessionStart) {
            let is_back = event == Event::Reconnected;
            if std::mem::take(&mut self.seats[id.0].refused) && is_back {
                self.marks.see("path", "refused, then back");
            }
        }
        if let Event::Disconnect { code, .. } = &event {
            self.marks.count(("disconnect", "code", code.parse().unwrap_or_default()));
        }
        let Seat { app, client, .. } = &self.seats[id.0];
        let reaction = if let Event::StreamAdded(stream) = &event {
            app.subscribes.then_some(Call::Subscribe(AppUid::Number(stream.who.uid), stream.media_type))
        } else if app.publishes_again && event == Event::Reconnected {
            let info = client.info();
            let mut media = MediaSet::default();
            media.set(Media::Audio, info.publish_audio);
            media.set(Media::Video, info.publish_video);
            Some(Call::Publish(media)).filter(|_| !media.is_empty())
        } else {
            None
        };
        self.note(id, "is told", |_| format!("{event:?}"));
        if matches!(event, Event::View(_)) && self.seats[id.0].app.renders {
            self.refresh(id);
        }
        reaction
    }

    /// When what a client sends on a connection arrives, if it does.
    fn ship(&mut self, wire: usize, up: bool) -> Option<Instant> {
        let mut delay = self.delay();
        if self.strikes("stall", self.weather.stalls) {
            delay += Duration::from_millis(self.rng.between(500, 8000));
        }
        let line = self.seats[self.wires[wire].client.0].line;
        let lane = if up { &mut self.wires[wire].up } else { &mut self.wires[wire].down };
        lane.is_dead |= match line {
            Line::Up => false,
            Line::Cut => true,
            Line::Swallowing { up: above, down: below } => {
                if up {
                    above
                } else {
                    below
                }
            }
        };
        if lane.is_dead {
            return None;
        }
        lane.busy_until = lane.busy_until.max(self.now + delay);
        Some(lane.busy_until)
    }

    fn hub_sends(&mut self, wire: usize) -> Option<Instant> {
        if self.wires[wire].hub_end { self.ship(wire, false) } else { None }
    }

    /// A client's platform learns that a connection is gone: once, and sometimes never or twice.
    fn client_loses(&mut self, wire: usize, info: CloseInfo, due: Instant) {
        let (id, socket) = (self.wires[wire].client, self.wires[wire].socket);
        if self.strikes("close unseen", self.weather.closes_unseen) {
            return;
        }
        let twice = self.strikes("close told twice", self.weather.closes_twice);
        self.post(due, Delivery::ToClient(id, Input::SocketClosed(socket, info.clone())));
        if twice {
            let due = due + Duration::from_millis(self.rng.between(0, 20_000));
            self.post(due, Delivery::ToClient(id, Input::SocketClosed(socket, info)));
        }
    }

    fn wire(&self, id: ClientId, socket: SocketId) -> usize {
        let fits = |wire: &usize| self.wires[*wire].socket == socket;
        let latest = self.seats[id.0].wire.filter(fits);
        latest.unwrap_or_else(|| {
            let mine = |wire: &Wire| wire.client == id && wire.socket == socket;
            self.wires.iter().rposition(mine).expect("only opened sockets are used")
        })
    }

    fn break_wires(&mut self, of: impl Fn(ClientId) -> bool) {
        for wire in 0..self.wires.len() {
            if !of(self.wires[wire].client) {
                continue;
            }
            let due = self.now + self.delay();
            let broken_wire = &mut self.wires[wire];
            (broken_wire.up.is_dead, broken_wire.down.is_dead) = (true, true);
            let hub_knew = broken_wire.hub_end;
            if std::mem::take(&mut broken_wire.client_end) {
                self.client_loses(wire, broken(), due);
            }
            if hub_knew && !self.strikes("loss unseen", self.weather.closes_unseen) {
                let due = self.now + self.delay();
                self.post(due, Delivery::ToHub(wire, HubInput::Closed(ConnectionId(wire as u64))));
            }
        }
    }

    fn lose_hub(&mut self) {
        self.hub = new_hub(&self.issued, self.hub.config().clone());
        self.admitted.clear();
        self.lose_media();
        for wire in &mut self.wires {
            wire.hub_end = false;
        }
    }

    fn post(&mut self, due: Instant, delivery: Delivery) {
        self.sequence += 1;
        self.on_the_way.push(Reverse(Post { due, sequence: self.sequence, delivery }));
    }

    fn delay(&mut self) -> Duration {
        let (least, most) = self.weather.latency;
        Duration::from_millis(if least == most { least } else { self.rng.between(least, most) })
    }

    /// Whether a fault with this rate strikes this time.
    fn strikes(&mut self, name: &'static str, rate: u64) -> bool {
        let strikes = rate > 0 && self.rng.between(1, 1000) <= rate;
        if strikes {
            self.marks.see("weather", name);
            self.note("weather", name, |_| String::new());
        }
        strikes
    }

    fn address(&self) -> String {
        format!("gw{}", self.moves)
    }

    /// What the channel server says; its HTTP side has tests of its own.
    fn bootstrap(&mut self, body: &str) -> HttpResponse {
        let field = |name: &str| {
            let pair = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            pair.expect("the form has every field").to_owned()
        };
        let (channel, uid) = (field("channelName"), field("uid").parse().expect("a uid is decimal"));
        let cid = cid_of(&channel);
        if let Err(refusal) = self.hub.admits(cid, Uid(uid)) {
            let body = format!(r#"{{"code":{},"desc":"{refusal}"}}"#, refusal.code());
            return HttpResponse { status: 200, body };
        }
        // No two tickets are of the same millisecond: the hub would take two clients for one.
        self.tickets += 1;
        let life = self.weather.ticket_life.as_millis() as u64;
        let expires_ms = self.now.as_millis() + life + self.tickets;
        let ticket = LoginTicket {
            cid: cid.0,
            uid,
            channel,
            app_key: "app".into(),
            expires_ms,
            good_until: None,
            began: None,
            permit: None,
        };
        let mut token = ticket.sign(&secret());
        if self.strikes("bad ticket", self.weather.tickets_bad) {
            token.push('x');
        }
        let spare = if self.weather.spare_address { r#","spare""# } else { "" };
        let (cid, address) = (cid.0, self.address());
        let body = format!(
            r#"{{"code":200,"cid":{cid},"token":"{token}","ips":{{"wechatapparray":["{address}"{spare}],"turnaddrs":[["e:1"]]}}}}"#
        );
        HttpResponse { status: 200, body }
    }

    fn note(&mut self, who: impl Display, verb: &str, what: impl FnOnce(&Self) -> String) {
        if self.journal.is_some() {
            let time = self.now.since(BEGINNING).as_secs_f64();
            let line = format!("{time:>9.3}  {who:<8} {verb} {}", what(self));
            if let Some(journal) = &self.journal {
                journal.lock().expect("nobody panicked with it").push(line);
            }
        }
    }
}

impl Seat {
    /// When something is to be done here.
    fn due(&self) -> Option<Instant> {
        match self.frozen {
            Some((until, _)) => Some(until),
            None => self.client.deadline(),
        }
    }
}

impl Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("client {}", self.0))
    }
}

impl PartialEq for Post {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Post {}

impl PartialOrd for Post {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Post {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}

/// What keeps its order: the callbacks of one socket.
fn source_of(input: &Input) -> (u8, u32) {
    match input {
        Input::SocketOpened(id) | Input::SocketText(id, _) | Input::SocketClosed(id, _) => (0, id.0),
        Input::Response(id, _) => (1, id.0),
        Input::Call(id, _) => (2, id.0),
        Input::App(_) => (3, 0),
        Input::Retry(..) => (4, 0),
        Input::Render => (5, 0),
        Input::Timeout => (6, 0),
    }
}

const fn name_of_timer(timer: Timer) -> &'static str {
    match timer {
        Timer::Bootstrap => "bootstrap",
        Timer::Login => "login",
        Timer::Heartbeat => "heartbeat",
        Timer::Silence => "silence",
        Timer::Retry => "retry",
        Timer::Leave => "leave",
        Timer::Task => "task",
        Timer::Command => "command",
        Timer::Call => "call",
        Timer::Report => "report",
        Timer::Component => "component",
        Timer::Settle => "settle",
    }
}

const fn name_of_hub_timer(timer: HubTimer) -> &'static str {
    match timer {
        HubTimer::Login(_) => "login",
        HubTimer::Silence(_) => "silence",
        HubTimer::Farewell(_) => "farewell",
        HubTimer::Grace(..) => "grace",
        HubTimer::Confirm(..) => "confirm",
        HubTimer::Dissolve(_) => "dissolve",
        HubTimer::Ban(..) => "ban",
        HubTimer::Permit(..) => "permit",
    }
}

const fn name_of_signal(signal: AppSignal) -> &'static str {
    match signal {
        AppSignal::Shown => "shown",
        AppSignal::Hidden => "hidden",
        AppSignal::NetworkUp => "network up",
        AppSignal::NetworkDown => "network down",
    }
}

const fn name_of_advice(advice: Advice) -> &'static str {
    match advice {
        Advice::After(_) => "after",
        Advice::GiveUp => "give up",
        Advice::Default => "default",
    }
}

/// An error's code, whichever type the application sees.
fn number(code: Code) -> i32 {
    match code {
        Code::Number(number) => number,
        Code::Text(text) => text.parse().expect("codes are decimal"),
    }
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One way, in fair weather.
pub(crate) const LATENCY: Duration = Duration::from_millis(10);

/// What every media URL begins with.
const MEDIA_BASE: &str = "rtmp://media.example/live/";

const BEGINNING: Instant = Instant::from_millis(1_700_000_000_000);

fn new_hub(issued: &Issued, config: HubConfig) -> Hub {
    let grants = Arc::new(Grants::new(secret()));
    let (ledger, verifier) = (Arc::clone(issued), Arc::clone(&grants));
    let urls = MediaUrls::new(grants, move |action, stream, grant| {
        let holder = verifier.verify(grant, action, stream).expect("just issued");
        let url = format!("{MEDIA_BASE}{stream}?grant={grant}");
        let key = (action == Action::Publish, stream.to_owned(), Uid(holder.uid));
        ledger.lock().expect("nobody panicked with it").insert(key, url.clone());
        url
    });
    Hub::new(config, secret(), urls)
}

fn secret() -> Secret {
    Secret::from_text("a secret that is long enough for every test").expect("long enough")
}

/// Every room name has a number of its own; what number does not matter here.
fn cid_of(room: &str) -> Cid {
    Cid(room.bytes().fold(100_000_000_000_000, |sum, byte| sum + sum % 1_000_003 + u64::from(byte)))
}

fn broken() -> CloseInfo {
    CloseInfo { code: 1006, reason: "abnormal closure".into() }
}
