//! The native components of the pages, and whom the media server lets in.
//!
//! A component is made for a key, connects, tries again three times and then gives up, as the native ones
//! do. The server is a process with the gateway: it admits who is in the room, whatever the time on the
//! grant says, and does not know that as long as the gateway has just started.

use std::time::Duration;

use nertc_gateway::rights::{Action, Grants, stream_name};
use nertc_miniapp::{Call, Cid, Role, Uid};
use serde_json::{Value, json};

use super::{ClientId, Delivery, Line, MEDIA_BASE, World, secret};

/// One component of a page.
#[derive(Debug)]
pub(crate) struct Component {
    /// As the page names it; another name is another component.
    key: String,
    action: Action,
    /// Who is played, as the page writes it.
    uid: Value,
    url: String,
    claim: Claim,
    phase: Phase,
}

/// How far a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// On the way; the number of its attempt, and how many have failed.
    Connecting { attempt: u64, failures: u32 },
    /// Let in. A player shows something once somebody pushes.
    Connected { flows: bool },
    /// Nothing happens any more.
    GaveUp,
}

/// What the media server says to somebody who brings a grant.
enum Admission {
    Granted,
    Refused,
    /// The gateway has just started, and may come to know the holder.
    Unknown,
}

/// What a URL says of whoever brings it.
#[derive(Debug, Clone)]
struct Claim {
    stream: String,
    cid: Cid,
    uid: Uid,
    expires_ms: u64,
}

impl World {
    /// Brings a client's components in line with what its page was told to render.
    pub(super) fn refresh(&mut self, id: ClientId) {
        let page = serde_json::to_value(self.seats[id.0].client.page()).expect("a page is plain data");
        let players = page["players"].as_array().into_iter().flatten();
        let wanted: Vec<(Action, &Value, &str)> = std::iter::once((Action::Publish, &page["pusher"], "url"))
            .chain(players.map(|player| (Action::Play, player, "src")))
            .filter(|(_, component, url)| component[url].as_str().is_some_and(|url| !url.is_empty()))
            .collect();
        let mut before = std::mem::take(&mut self.seats[id.0].components);
        let mut fresh = Vec::new();
        for (action, attributes, url) in wanted {
            let (key, url) = (text(&attributes["key"]), text(&attributes[url]));
            let known = before.iter().position(|component| component.key == key);
            match known.map(|index| before.swap_remove(index)) {
                Some(same) if same.url == url => fresh.push(same),
                _new_or_elsewhere => {
                    let delay = self.delay();
                    let phase = self.connecting(id, 0, delay);
                    let uid = attributes["uid"].clone();
                    let claim = Claim::of(action, &url);
                    fresh.push(Component { key, action, uid, url, claim, phase });
                }
            }
        }
        self.seats[id.0].components = fresh;
        // Who watched a pusher that is gone sees nothing any more.
        self.flow();
    }

    /// A component's attempt to connect has come to the media server.
    pub(super) fn arrive(&mut self, id: ClientId, attempt: u64) {
        let is_meant = |component: &&mut Component| matches!(component.phase, Phase::Connecting { attempt: latest, .. } if latest == attempt);
        let Some(component) = self.seats[id.0].components.iter_mut().find(is_meant) else { return };
        let (key, action, claim) = (component.key.clone(), component.action, component.claim.clone());
        let reachable = self.hub_is_up && self.seats[id.0].line == Line::Up;
        match reachable.then(|| self.admits(action, &claim)) {
            None => self.fails(id, &key, "unreachable"),
            Some(Admission::Refused) => self.fails(id, &key, "refused"),
            Some(Admission::Unknown) if self.media_waits => {
                self.marks.see("media", "waits");
                let due = self.now + LOOK_AGAIN;
                self.post(due, Delivery::Media(id, attempt));
            }
            Some(Admission::Unknown) => self.fails(id, &key, "unknown"),
            Some(Admission::Granted) => {
                self.marks.see("media", "let in");
                self.set_phase(id, &key, Phase::Connected { flows: false });
                self.report(id, &key, if action == Action::Play { 2002 } else { 1001 });
                self.flow();
            }
        }
    }

    /// The media server has lost everything.
    pub(super) fn lose_media(&mut self) {
        self.break_media("server gone", |_, _| true);
    }

    /// A client's connections break, media as well.
    pub(super) fn cut_media(&mut self, id: ClientId) {
        self.break_media("line cut", |holder, _| holder == id);
    }

    /// Who is not welcome any more is cut off; a stream that is ended is so for everybody.
    pub(super) fn review_media(&mut self, ended: Option<&str>) {
        let refused: Vec<(ClientId, String)> = self
            .connected()
            .filter(|(_, Component { action, claim, .. })| {
                Some(claim.stream.as_str()) == ended || !self.welcomes(*action, claim)
            })
            .map(|(id, component)| (id, component.key.clone()))
            .collect();
        self.break_media("cut off", |id, component| {
            refused.iter().any(|(holder, key)| (*holder, key) == (id, &component.key))
        });
    }

    /// Everything on a page is connected, and shows what is there to be shown.
    ///
    /// # Errors
    /// Says what is not.
    pub(super) fn page_is_well(&self, id: ClientId) -> Result<(), String> {
        for component in &self.seats[id.0].components {
            let stream = &component.claim.stream;
            let is_pushed = component.action == Action::Publish || self.is_pushed(stream);
            if component.phase != (Phase::Connected { flows: is_pushed }) {
                return Err(format!("{} of {stream} is {:?}", component.key, component.phase));
            }
        }
        let client = &self.seats[id.0].client;
        let (info, components) = (client.info(), &self.seats[id.0].components);
        let pushes = components.iter().any(|component| component.action == Action::Publish);
        if pushes != (info.publish_audio || info.publish_video) {
            return Err(format!("the page has a pusher: {pushes}"));
        }
        let plays = |uid: Uid, stream| {
            let name = stream_name(info.cid, uid, stream);
            components.iter().any(|component| component.claim.stream == name)
        };
        match client.view.subscriptions.iter().find(|(uid, media)| !plays(*uid, media.stream())) {
            Some(missing) => Err(format!("the page has no player for {missing:?}")),
            None => Ok(()),
        }
    }

    /// Delivers what components told while JavaScript was frozen.
    pub(super) fn tell_reports(&mut self, id: ClientId) {
        for report in std::mem::take(&mut self.seats[id.0].untold) {
            self.call(id, report);
        }
    }

    fn break_media(&mut self, why: &'static str, breaks: impl Fn(ClientId, &Component) -> bool) {
        let broken: Vec<(ClientId, String)> = self
            .connected()
            .filter(|(id, component)| breaks(*id, component))
            .map(|(id, component)| (id, component.key.clone()))
            .collect();
        for (id, key) in broken {
            self.marks.see("media", why);
            let delay = self.delay();
            let phase = self.connecting(id, 0, delay);
            self.set_phase(id, &key, phase);
            self.report_lost(id, &key);
        }
        self.flow();
    }

    fn fails(&mut self, id: ClientId, key: &str, why: &'static str) {
        self.marks.see("media", why);
        let Some(component) = self.component(id, key) else { return };
        let Phase::Connecting { failures, .. } = component.phase else { return };
        let action = component.action;
        if failures == NATIVE_RETRIES {
            self.marks.see("media", "gave up");
            self.set_phase(id, key, Phase::GaveUp);
            return self.report(id, key, if action == Action::Play { -2301 } else { -1307 });
        }
        let pause = Duration::from_millis(self.rng.between(1000, 3000));
        let phase = self.connecting(id, failures + 1, pause);
        self.set_phase(id, key, phase);
        self.report_lost(id, key);
    }

    fn connecting(&mut self, id: ClientId, failures: u32, delay: Duration) -> Phase {
        self.attempts += 1;
        let (attempt, due) = (self.attempts, self.now + delay);
        self.post(due, Delivery::Media(id, attempt));
        Phase::Connecting { attempt, failures }
    }

    /// Players show what is pushed.
    fn flow(&mut self) {
        let mut news = Vec::new();
        for (id, component) in self.connected() {
            let Phase::Connected { flows } = component.phase else { continue };
            let now_flows = component.action == Action::Publish || self.is_pushed(&component.claim.stream);
            if flows != now_flows {
                news.push((id, component.key.clone(), component.action, now_flows));
            }
        }
        for (id, key, action, flows) in news {
            self.set_phase(id, &key, Phase::Connected { flows });
            if flows {
                self.report(id, &key, if action == Action::Play { 2004 } else { 1002 });
            }
        }
    }

    fn report_lost(&mut self, id: ClientId, key: &str) {
        let Some(component) = self.component(id, key) else { return };
        let code = if component.action == Action::Play { 2103 } else { 1102 };
        self.report(id, key, code);
    }

    /// A component tells the page, which tells the SDK.
    fn report(&mut self, id: ClientId, key: &str, code: i32) {
        let Some(component) = self.component(id, key) else { return };
        let direction = if component.action == Action::Play { "pull" } else { "push" };
        let data = json!({"code": code, "key": key});
        let arguments = json!([direction, "statechange", data, component.uid]).to_string();
        let report = Call::parse("dataReporter", &arguments).expect("a report has no wrong form");
        let seat = &mut self.seats[id.0];
        if seat.frozen.is_some() {
            return seat.untold.push(report);
        }
        self.call(id, report);
    }

    fn set_phase(&mut self, id: ClientId, key: &str, phase: Phase) {
        let mut components = self.seats[id.0].components.iter_mut();
        if let Some(component) = components.find(|component| component.key == key) {
            component.phase = phase;
        }
    }

    fn component(&self, id: ClientId, key: &str) -> Option<&Component> {
        self.seats[id.0].components.iter().find(|component| component.key == key)
    }

    fn connected(&self) -> impl Iterator<Item = (ClientId, &Component)> {
        let seats = self.seats.iter().enumerate();
        let components =
            seats.flat_map(|(index, seat)| seat.components.iter().map(move |one| (ClientId(index), one)));
        components.filter(|(_, component)| matches!(component.phase, Phase::Connected { .. }))
    }

    fn is_pushed(&self, stream: &str) -> bool {
        let mut pushers = self.connected().filter(|(_, component)| component.action == Action::Publish);
        pushers.any(|(_, component)| component.claim.stream == stream)
    }

    fn admits(&mut self, action: Action, claim: &Claim) -> Admission {
        let is_known = self.admitted.contains_key(&(claim.cid, claim.uid));
        if self.welcomes(action, claim) {
            if claim.expires_ms <= self.now.as_millis() {
                self.marks.see("media", "let in though expired");
            }
            Admission::Granted
        } else if !is_known && self.now.since(self.hub_began) < self.hub.config().settling {
            Admission::Unknown
        } else {
            Admission::Refused
        }
    }

    fn welcomes(&self, action: Action, claim: &Claim) -> bool {
        match (self.admitted.get(&(claim.cid, claim.uid)).map(|(role, _)| role), action) {
            (Some(Role::Broadcaster), Action::Publish | Action::Play)
            | (Some(Role::Audience), Action::Play) => true,
            (Some(Role::Audience), Action::Publish) | (None, Action::Publish | Action::Play) => false,
        }
    }
}

impl Claim {
    fn of(action: Action, url: &str) -> Self {
        let stream_and_grant = url.strip_prefix(MEDIA_BASE).and_then(|rest| rest.split_once("?grant="));
        let (stream, grant) = stream_and_grant.expect("only URLs of ours are on a page");
        let holder = Grants::new(secret()).verify(grant, action, stream).expect("each as it was issued");
        let cid = stream.split('-').next().and_then(|cid| cid.parse().ok()).expect("it names its room");
        Self { stream: stream.to_owned(), cid: Cid(cid), uid: Uid(holder.uid), expires_ms: holder.expires_ms }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Before a native component says that it has given up.
const NATIVE_RETRIES: u32 = 3;

/// How often the world looks whether a holder that the media server waits for has come back.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
