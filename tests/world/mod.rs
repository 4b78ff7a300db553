//! Sessions, one hub and the links between them, in one thread and virtual time.
//!
//! A scenario arranges ([`World::join`], [`World::cut`], …), acts ([`World::call`]), lets time pass
//! ([`World::run_until`]) and asserts. Nothing sleeps; the next event is always the earliest.

// Each test file is a crate of its own and uses its own part of this.
#![allow(dead_code)]

pub(crate) mod client;
pub(crate) mod ground;
pub(crate) mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use client::{Client, Effect};
use nertc_gateway::hub::{ConnectionId, Hub, HubConfig, HubInput, HubOutput};
use nertc_gateway::token::{Grants, LoginTicket, Secret};
use nertc_gateway::urls::MediaUrls;
use nertc_miniapp::{
    Call, CallId, Cid, CloseInfo, Config, Error, Event, HttpFailure, HttpResponse, Input, Instant,
    JoinParams, Media, Reply, Rng, SocketId, Uid,
};

/// A client of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId(pub(crate) usize);

/// All there is.
pub(crate) struct World {
    now: Instant,
    hub: Hub,
    hub_is_up: bool,
    seats: Vec<Seat>,
    wires: BTreeMap<ConnectionId, (ClientId, SocketId)>,
    on_the_way: BTreeMap<(Instant, u64), Delivery>,
    sequence: u64,
    rng: Rng,
}

struct Seat {
    client: Client,
    uid: Uid,
    line: Line,
}

/// The state of a client's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Up,
    /// Connections break and cannot be made; both ends notice.
    Cut,
    /// Bytes vanish; nobody notices.
    Swallowing,
}

enum Delivery {
    ToClient(ClientId, Input),
    ToHub(HubInput),
}

impl World {
    /// A world with a hub and nobody in it.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            now: Instant::from_millis(1_700_000_000_000),
            hub: new_hub(),
            hub_is_up: true,
            seats: Vec::new(),
            wires: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            sequence: 0,
            rng: Rng::seeded(seed),
        }
    }

    /// A client that is about to join.
    pub(crate) fn client(&mut self, uid: u64) -> ClientId {
        let mut config = Config::new("app");
        config.seed = self.rng.next_u64();
        let client = Client::new(config, self.now);
        self.seats.push(Seat { client, uid: Uid(uid), line: Line::Up });
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
        let (call, effects) = self.seats[id.0].client.call(call, self.now);
        self.carry(id, effects);
        call
    }

    /// Breaks a client's connections, now and until healed.
    pub(crate) fn cut(&mut self, id: ClientId) {
        self.seats[id.0].line = Line::Cut;
        self.break_wires(|client| client == id);
    }

    /// Breaks a client's connection once.
    pub(crate) fn drop_connection(&mut self, id: ClientId) {
        self.break_wires(|client| client == id);
    }

    /// Makes a client's bytes vanish both ways, with no end noticing.
    pub(crate) fn swallow(&mut self, id: ClientId) {
        self.seats[id.0].line = Line::Swallowing;
    }

    /// Repairs a client's network.
    pub(crate) fn heal(&mut self, id: ClientId) {
        self.seats[id.0].line = Line::Up;
    }

    /// Kills the gateway; everything it knew is gone.
    pub(crate) fn kill_hub(&mut self) {
        self.hub_is_up = false;
        self.break_wires(|_| true);
        self.hub = new_hub();
    }

    /// Starts it again.
    pub(crate) fn start_hub(&mut self) {
        self.hub_is_up = true;
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
        let status = self.hub.rooms().find(|status| status.cid == cid_of(room));
        let members = status.map(|status| status.members).unwrap_or_default();
        for seat in self.seats.iter().filter(|seat| members.iter().any(|member| member.uid == seat.uid)) {
            let others = members.iter().filter(|member| member.uid != seat.uid);
            let here: BTreeSet<Uid> = others.clone().map(|member| member.uid).collect();
            let streams: BTreeSet<(Uid, Media)> =
                others.flat_map(|member| member.published.iter().map(|media| (member.uid, *media))).collect();
            assert_eq!(seat.client.members(), here, "members as {} sees them", seat.uid);
            assert_eq!(seat.client.streams(), streams, "streams as {} sees them", seat.uid);
        }
    }

    /// One event, if there is one before `end`; false when time has run out.
    fn step(&mut self, end: Instant) -> bool {
        let delivery = self.on_the_way.keys().next().map(|(due, _)| *due);
        let hub = self.hub.poll_timeout().map(|(due, _)| due);
        let clients = self.seats.iter().filter_map(|seat| seat.client.deadline());
        let Some(next) = clients.chain(delivery).chain(hub).min().filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        if delivery == Some(next)
            && let Some((_, delivery)) = self.on_the_way.pop_first()
        {
            match delivery {
                Delivery::ToClient(id, input) => self.tell_client(id, input),
                Delivery::ToHub(input) => self.tell_hub(input),
            }
        } else if hub == Some(next) {
            self.tell_hub(HubInput::Timeout);
        } else {
            let due = |seat: &Seat| seat.client.deadline() == Some(next);
            let id = ClientId(self.seats.iter().position(due).expect("one of them was the earliest"));
            self.tell_client(id, Input::Timeout);
        }
        true
    }

    fn tell_client(&mut self, id: ClientId, input: Input) {
        let effects = self.seats[id.0].client.handle(input, self.now);
        self.carry(id, effects);
    }

    fn tell_hub(&mut self, input: HubInput) {
        self.hub.handle(input, self.now);
        while let Some(output) = self.hub.poll_output() {
            match output {
                HubOutput::Send(connection, text) => {
                    if let Some((id, socket)) = self.wires.get(&connection).copied() {
                        self.send_to_client(id, Input::SocketText(socket, text));
                    }
                }
                HubOutput::Close(connection, code, reason) => {
                    if let Some((id, socket)) = self.wires.remove(&connection) {
                        let info = CloseInfo { code, reason: reason.to_owned() };
                        self.send_to_client(id, Input::SocketClosed(socket, info));
                    }
                }
                HubOutput::Admit(..)
                | HubOutput::Expel(..)
                | HubOutput::EndStream(_)
                | HubOutput::Interrupt { .. }
                | HubOutput::Log(..) => {}
            }
        }
    }

    /// Does what a client asks of its surroundings.
    fn carry(&mut self, id: ClientId, effects: Vec<Effect>) {
        for effect in effects {
            let reachable = self.seats[id.0].line == Line::Up && self.hub_is_up;
            match effect {
                Effect::Request(request, body) => {
                    let answer = if reachable { Ok(self.bootstrap(&body)) } else { Err(no_route()) };
                    if self.seats[id.0].line != Line::Swallowing {
                        self.send_to_client(id, Input::Response(request, answer));
                    }
                }
                Effect::Open(socket, _) if reachable => {
                    let connection = ConnectionId(u64::from(socket.0) << 32 | id.0 as u64);
                    self.wires.insert(connection, (id, socket));
                    self.send_to_hub(id, HubInput::Opened(connection));
                    self.send_to_client(id, Input::SocketOpened(socket));
                }
                Effect::Open(socket, _) => {
                    if self.seats[id.0].line != Line::Swallowing {
                        self.send_to_client(id, Input::SocketClosed(socket, broken()));
                    }
                }
                Effect::Send(socket, text) => {
                    if let Some(connection) = self.wire(id, socket) {
                        self.send_to_hub(id, HubInput::Text(connection, text));
                    }
                }
                Effect::Close(socket) => {
                    if let Some(connection) = self.wire(id, socket) {
                        self.wires.remove(&connection);
                        self.send_to_hub(id, HubInput::Closed(connection));
                    }
                    self.send_to_client(id, Input::SocketClosed(socket, broken()));
                }
            }
        }
    }

    fn wire(&self, id: ClientId, socket: SocketId) -> Option<ConnectionId> {
        self.wires.iter().find(|(_, wire)| **wire == (id, socket)).map(|(connection, _)| *connection)
    }

    fn break_wires(&mut self, of: impl Fn(ClientId) -> bool) {
        let broken_wires: Vec<_> = self
            .wires
            .iter()
            .filter(|(_, (id, _))| of(*id))
            .map(|(connection, wire)| (*connection, *wire))
            .collect();
        for (connection, (id, socket)) in broken_wires {
            self.wires.remove(&connection);
            self.post(Delivery::ToClient(id, Input::SocketClosed(socket, broken())));
            self.post(Delivery::ToHub(HubInput::Closed(connection)));
        }
    }

    fn send_to_hub(&mut self, id: ClientId, input: HubInput) {
        if self.seats[id.0].line == Line::Up && self.hub_is_up {
            self.post(Delivery::ToHub(input));
        }
    }

    /// Answers to a closed socket and refusals come from the platform, not over the line; everything
    /// else needs the line.
    fn send_to_client(&mut self, id: ClientId, input: Input) {
        if self.seats[id.0].line != Line::Swallowing {
            self.post(Delivery::ToClient(id, input));
        }
    }

    fn post(&mut self, delivery: Delivery) {
        self.sequence += 1;
        self.on_the_way.insert((self.now + LATENCY, self.sequence), delivery);
    }

    /// What the channel server says; its HTTP side has tests of its own.
    fn bootstrap(&self, body: &str) -> HttpResponse {
        let field = |name: &str| {
            let pair = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            pair.expect("the form has every field").to_owned()
        };
        let (channel, uid) = (field("channelName"), field("uid").parse().expect("a uid is decimal"));
        let cid = cid_of(&channel).0;
        let expires_ms = self.now.as_millis() + 86_400_000;
        let token = LoginTicket { cid, uid, channel, app_key: "app".into(), expires_ms }.sign(&secret());
        let body = format!(
            r#"{{"code":200,"cid":{cid},"token":"{token}","ips":{{"wechatapparray":["gw"],"turnaddrs":[["e:1"]]}}}}"#
        );
        HttpResponse { status: 200, body }
    }
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One way.
pub(crate) const LATENCY: Duration = Duration::from_millis(10);

fn new_hub() -> Hub {
    let urls = MediaUrls::below("rtmp://media.example/live", Arc::new(Grants::new(secret())));
    Hub::new(HubConfig::default(), secret(), urls)
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

fn no_route() -> HttpFailure {
    HttpFailure { message: "request:fail".into() }
}
