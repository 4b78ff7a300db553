//! What a scenario may ask of the world it plays in, so that the same scenario can be played in
//! another one: with a gateway's process, sockets and time that passes.

use std::time::Duration;

use nertc_miniapp::{Call, CallId, Error, JoinParams, Media, MediaSet, Reply, Uid};
use serde::Deserialize;

use super::client::Client;
use super::{ClientId, World};

/// Clients, lines that can fail, and a gateway. Nothing that a scenario waits for has a time of its
/// own: [`PATIENCE`] is where hanging begins.
pub(crate) trait Ground: Sized {
    /// A gateway and no clients.
    fn new() -> Self;
    /// A client that is about to join.
    fn seat(&mut self, uid: u64) -> ClientId;
    /// A client makes a call.
    fn call(&mut self, id: ClientId, call: Call) -> CallId;
    /// Lets things happen until something is so; false when it did not become so.
    fn comes_true(&mut self, condition: impl Fn(&Self) -> bool) -> bool;

    /// Breaks a client's connections, and refuses new ones until healed.
    fn cut(&mut self, id: ClientId);
    /// Breaks a client's connections once.
    fn drop_connection(&mut self, id: ClientId);
    /// Moves none of a client's bytes, with no end noticing, until healed. Whether they come through then
    /// is not for a scenario to rely on.
    fn swallow(&mut self, id: ClientId);
    /// Repairs a client's line.
    fn heal(&mut self, id: ClientId);
    /// Ends the gateway without a word.
    fn kill_gateway(&mut self);
    /// Asks the gateway to end.
    fn stop_gateway(&mut self);
    /// Starts a gateway that knows nothing but the secret.
    fn start_gateway(&mut self);
    /// The operator removes a member.
    fn kick(&mut self, room: &str, id: ClientId);
    /// The operator closes a room.
    fn dissolve(&mut self, room: &str);

    /// Who is in a room, as the operator is told.
    fn members_of(&self, room: &str) -> Vec<Member>;
    fn client(&self, id: ClientId) -> &Client;
    fn client_mut(&mut self, id: ClientId) -> &mut Client;
    fn uid(&self, id: ClientId) -> Uid;

    /// A client that has joined.
    #[track_caller]
    fn join(&mut self, room: &str, uid: u64) -> ClientId {
        let id = self.seat(uid);
        let reply = self.settle(id, Call::Join(Box::new(JoinParams::new(room, Uid(uid)))));
        assert!(matches!(reply, Reply::Joined { .. }), "{reply:?}");
        id
    }

    /// A client makes a call that succeeds.
    #[track_caller]
    fn settle(&mut self, id: ClientId, call: Call) -> Reply {
        let call = self.call(id, call);
        self.result(id, call).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// What a call comes to.
    #[track_caller]
    fn result(&mut self, id: ClientId, call: CallId) -> Result<Reply, Error> {
        self.until(|ground| ground.client(id).result(call).is_some());
        self.client(id).result(call).cloned().expect("just waited for")
    }

    /// Waits until something is so.
    #[track_caller]
    fn until(&mut self, condition: impl Fn(&Self) -> bool) {
        assert!(self.comes_true(condition), "not so within {PATIENCE:?}");
    }

    /// Waits until a client has been told something of this name, and asks no more about what it has
    /// been told up to there.
    #[track_caller]
    fn until_told(&mut self, id: ClientId, name: &str) {
        let place = |ground: &Self| ground.events(id).iter().position(|told| *told == name);
        let is_told = self.comes_true(|ground| place(ground).is_some());
        assert!(is_told, "no {name} among {:?}", self.events(id));
        let place = place(self).expect("just waited for");
        self.client_mut(id).forgotten += place + 1;
    }

    /// Waits for what a client is told next, which must be exactly this.
    #[track_caller]
    fn is_told<const N: usize>(&mut self, id: ClientId, names: [&str; N]) {
        self.comes_true(|ground| ground.events(id).len() >= N);
        let mut told = self.events(id);
        told.truncate(N);
        assert_eq!(told, names, "what {} was told", self.uid(id));
        self.client_mut(id).forgotten += N;
    }

    /// Waits until these are the members of the room, and the gateway and each of them tell the same
    /// of it.
    #[track_caller]
    fn agree<const N: usize>(&mut self, room: &str, ids: [ClientId; N]) {
        let mut seen = ids.map(|id| self.uid(id));
        seen.sort_unstable();
        let agreed = self.comes_true(|ground| {
            let members = ground.members_of(room);
            members.iter().map(|member| member.uid).eq(seen)
                && ids.iter().all(|id| ground.sees(*id, &members))
        });
        let idea = |id: ClientId| (self.uid(id), &self.client(id).view.members);
        assert!(agreed, "gateway: {:?}\nclients: {:?}", self.members_of(room), ids.map(idea));
    }

    /// Whether a client is one of these members, and knows of the others what they are.
    fn sees(&self, id: ClientId, members: &[Member]) -> bool {
        let uid = self.uid(id);
        let others = members.iter().filter(|member| member.uid != uid && member.role == BROADCASTER);
        let here = others.map(|member| (member.uid, media_set(&member.published))).collect();
        members.iter().any(|member| member.uid == uid && member.online)
            && self.client(id).view.members == here
    }

    /// What a client has been told and the scenario has not asked about.
    fn events(&self, id: ClientId) -> Vec<&'static str> {
        let client = self.client(id);
        client.event_names().split_off(client.forgotten)
    }

    /// How many commands of this number a client sent on the connection that it has.
    fn commands(&self, id: ClientId, number: u32) -> usize {
        let client = self.client(id);
        let start = format!(r#"{{"cmd":{number},"#);
        let said =
            |(socket, text): &&(_, String)| client.socket() == Some(*socket) && text.starts_with(&start);
        client.sent.iter().filter(said).count()
    }
}

/// A member, as the operator is told.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Member {
    pub(crate) uid: Uid,
    pub(crate) role: u8,
    pub(crate) online: bool,
    pub(crate) published: Vec<Media>,
    pub(crate) muted: Vec<Media>,
}

fn media_set(media: &[Media]) -> MediaSet {
    let mut set = MediaSet::default();
    for media in media {
        set.set(*media, true);
    }
    set
}

/// The roles' numbers in the operator's list.
pub(crate) const BROADCASTER: u8 = 0;
pub(crate) const AUDIENCE: u8 = 1;

/// More than any outage of a scenario takes, back-off included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

impl Ground for World {
    fn new() -> Self {
        Self::seeded(1)
    }

    fn seat(&mut self, uid: u64) -> ClientId {
        World::client(self, uid)
    }

    fn call(&mut self, id: ClientId, call: Call) -> CallId {
        World::call(self, id, call)
    }

    fn comes_true(&mut self, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + PATIENCE;
        while !condition(self) {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    fn cut(&mut self, id: ClientId) {
        World::cut(self, id);
    }

    fn drop_connection(&mut self, id: ClientId) {
        World::drop_connection(self, id);
    }

    fn swallow(&mut self, id: ClientId) {
        World::swallow(self, id);
    }

    fn heal(&mut self, id: ClientId) {
        World::heal(self, id);
    }

    fn kill_gateway(&mut self) {
        self.kill_hub();
    }

    fn stop_gateway(&mut self) {
        self.shut_hub_down();
    }

    fn start_gateway(&mut self) {
        self.start_hub();
    }

    fn kick(&mut self, room: &str, id: ClientId) {
        World::kick(self, room, id);
    }

    fn dissolve(&mut self, room: &str) {
        World::dissolve(self, room);
    }

    fn members_of(&self, room: &str) -> Vec<Member> {
        let status = self.hub.rooms().find(|status| status.summary.channel == room);
        let members = status.map(|status| status.members).unwrap_or_default();
        // By way of the text that the operator gets.
        let text = serde_json::to_value(members).expect("a list of plain structs");
        serde_json::from_value(text).expect("the operator's list")
    }

    fn client(&self, id: ClientId) -> &Client {
        &self.seats[id.0].client
    }

    fn client_mut(&mut self, id: ClientId) -> &mut Client {
        &mut self.seats[id.0].client
    }

    fn uid(&self, id: ClientId) -> Uid {
        self.seats[id.0].uid
    }
}
