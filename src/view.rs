//! What the page should render: the pusher and the players with their attributes, and what of that
//! has changed. Also when a component has to be made anew, because nothing else brings it back.
//!
//! Knows components only by what they report, and nothing of sockets, calls or the gateway.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct, Serializer};

use crate::config::Config;
use crate::media::{Component, Remedy};
use crate::model::{Stream, Uid, Url, event_uid};
use crate::time::{Instant, Timer};

/// What the page has, and what it should have.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// The last key given; none is used twice.
    last_key: u32,
    pusher: Option<(Pushed, Instance)>,
    /// By place. A place keeps its number while it is free, so that no other player moves.
    players: Vec<Option<(Pulled, Instance)>>,
    /// What the page was last told.
    page: Page,
    hidden_since: Option<Instant>,
}

/// What we push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) url: Url,
    pub(crate) mic: bool,
    pub(crate) camera: bool,
}

/// A stream that we pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pulled {
    pub(crate) uid: Uid,
    pub(crate) stream: Stream,
    pub(crate) url: Url,
    pub(crate) audio: bool,
    pub(crate) video: bool,
}

/// One native component of the page.
#[derive(Debug)]
struct Instance {
    /// The page makes a new component for a new key.
    key: u32,
    since: Instant,
    /// How often it has failed since it last worked for long.
    failures: u32,
    picture: Picture,
    /// When it gets a new key.
    renewal: Option<Instant>,
}

/// Whether anything is to be seen or heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Picture {
    /// Not connected.
    None,
    /// Connected, and to show something by then. `again`: it was made anew for this once already.
    Due { by: Instant, again: bool },
    /// Never came, and the application has been told.
    Missing,
    /// Flowing since then.
    Flowing { since: Instant },
}

/// Which component of the page reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Pusher,
    /// A player of this member; the key tells its streams apart.
    Player {
        uid: Uid,
        key: Option<u32>,
    },
}

/// What a status code says about a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is connected.
    Connected,
    /// Media flow.
    Flowing,
    /// It has lost its connection, and tries again.
    Lost,
    /// The server hung up on it, and it tries again.
    Refused,
    /// It has given up.
    GaveUp,
}

impl Which {
    pub(crate) const fn component(self) -> Component {
        match self {
            Self::Pusher => Component::Pusher,
            Self::Player { .. } => Component::Player,
        }
    }
}

impl Sign {
    /// What a status code means here, on clients of any age.
    pub(crate) fn of(component: Component, code: i32) -> Option<Self> {
        match (component, code) {
            (_, 1001 | 2001 | 2002) => Some(Self::Connected),
            (Component::Pusher, 1002 | 1009) | (Component::Player, 2003 | 2004 | 2026 | 2033) => {
                Some(Self::Flowing)
            }
            (Component::Pusher, 1102) | (Component::Player, 2103) => Some(Self::Lost),
            (Component::Pusher, 3004) => Some(Self::Refused),
            (Component::Pusher | Component::Player, code) => {
                let advice = component.meaning(code)?.advice;
                matches!(advice, Remedy::RestartPusher | Remedy::RestartPlayer).then_some(Self::GaveUp)
            }
        }
    }
}

impl View {
    /// An empty page; this key was the last.
    pub(crate) fn after(last_key: u32) -> Self {
        Self { last_key, ..Self::default() }
    }

    /// The last key, when the page is empty and knows it.
    pub(crate) const fn at_rest(&self) -> Option<u32> {
        if self.page.pusher.is_some() || !self.page.players.is_empty() {
            return None;
        }
        Some(self.last_key)
    }

    /// Brings the page in line with what is so, and returns what it has to change.
    pub(crate) fn render(
        &mut self,
        pushed: Option<Pushed>,
        pulled: Vec<Pulled>,
        config: &Config,
        now: Instant,
    ) -> Patch {
        self.pusher = match (self.pusher.take(), pushed) {
            (_, None) => None,
            (None, Some(pushed)) => Some((pushed, self.component(now))),
            (Some((before, mut component)), Some(mut pushed)) => {
                if before.url != pushed.url {
                    component.renew_soon(config, now);
                }
                if component.renewal.is_some_and(|due| due > now) {
                    pushed.url = before.url;
                }
                Some((pushed, component))
            }
        };
        for place in &mut self.players {
            let is_gone = |(before, _): &mut (Pulled, Instance)| {
                !pulled.iter().any(|now| (now.uid, now.stream) == (before.uid, before.stream))
            };
            place.take_if(is_gone);
        }
        for stream in pulled {
            let same =
                |(before, _): &(Pulled, Instance)| (before.uid, before.stream) == (stream.uid, stream.stream);
            if let Some((before, _)) = self.players.iter_mut().flatten().find(|player| same(player)) {
                *before = stream;
            } else {
                let player = Some((stream, self.component(now)));
                match self.players.iter_mut().find(|place| place.is_none()) {
                    Some(free) => *free = player,
                    None => self.players.push(player),
                }
            }
        }
        if self.players.iter().all(Option::is_none) {
            self.players.clear();
        }
        let mut last_key = self.last_key;
        for component in self.components() {
            if component.renewal.take_if(|due| *due <= now).is_some() {
                last_key += 1;
                (component.key, component.since) = (last_key, now);
            }
        }
        self.last_key = last_key;
        let page = Page {
            pusher: self.pusher.as_ref().map(|(pushed, component)| pusher(pushed, component)),
            players: self
                .players
                .iter()
                .enumerate()
                .map(|(place, held)| player(place, held.as_ref()))
                .collect(),
        };
        let patch = page.changes_since(&self.page);
        self.page = page;
        patch
    }

    /// What the page was last told.
    pub(crate) const fn page(&self) -> &Page {
        &self.page
    }

    /// A microphone or camera that was off is on again: without a new component, some platforms never
    /// send it, and others never hear of it (the FAQ of the original's document).
    pub(crate) fn reopened(&mut self, config: &Config, now: Instant) {
        if let Some((_, component)) = &mut self.pusher {
            component.renew_soon(config, now);
        }
    }

    /// A component reported something.
    pub(crate) fn handle_sign(&mut self, which: Which, sign: Sign, config: &Config, now: Instant) {
        let Some(component) = self.find(which) else { return };
        match sign {
            Sign::Connected => {
                if component.picture == Picture::None && which != Which::Pusher {
                    component.picture = Picture::Due { by: now + config.first_frame, again: false };
                }
            }
            Sign::Flowing => {
                if !component.is_flowing() {
                    component.picture = Picture::Flowing { since: now };
                }
            }
            Sign::Refused => {}
            Sign::Lost => component.stop(config, now),
            Sign::GaveUp => component.renew_after_failure(config, now),
        }
    }

    /// Where a report belongs that names a player by its key, or by nothing but its member.
    fn find(&mut self, which: Which) -> Option<&mut Instance> {
        match which {
            Which::Pusher => self.pusher.as_mut().map(|(_, component)| component),
            Which::Player { uid, key } => {
                let mut players = self.players.iter_mut().flatten();
                let is_meant = |(stream, component): &&mut (Pulled, Instance)| match key {
                    Some(key) => component.key == key,
                    None => (stream.uid, stream.stream) == (uid, Stream::Main),
                };
                players.find(is_meant).map(|(_, component)| component)
            }
        }
    }

    /// Which of a member's streams a player plays.
    pub(crate) fn stream_of(&self, which: Which) -> Stream {
        let Which::Player { key: Some(key), .. } = which else { return Stream::Main };
        let mut players = self.players.iter().flatten();
        players.find(|(_, instance)| instance.key == key).map_or(Stream::Main, |(pulled, _)| pulled.stream)
    }

    /// The application went to the background.
    pub(crate) const fn hidden(&mut self, now: Instant) {
        self.hidden_since = Some(now);
    }

    /// The application is in front again. The platform ends media in the background, and does not
    /// always bring them back.
    pub(crate) fn shown(&mut self, config: &Config, now: Instant) {
        let Some(since) = self.hidden_since.take() else { return };
        if now.since(since) >= config.background_limit {
            for component in self.components() {
                component.renew_soon(config, now);
            }
        }
    }

    /// Time has passed: the members whose players connected and show nothing, although they were made
    /// anew for it.
    pub(crate) fn handle_timeout(&mut self, config: &Config, now: Instant) -> Vec<Uid> {
        let mut missing = Vec::new();
        for (stream, component) in self.players.iter_mut().flatten() {
            match component.picture {
                Picture::Due { by, again: false } if by <= now => {
                    component.renewal = Some(now);
                    component.picture = Picture::Due { by: now + config.first_frame, again: true };
                }
                Picture::Due { by, again: true } if by <= now => {
                    component.picture = Picture::Missing;
                    missing.push(stream.uid);
                }
                Picture::None | Picture::Due { .. } | Picture::Missing | Picture::Flowing { .. } => {}
            }
        }
        missing
    }

    /// The stay is over, and with it every component.
    pub(crate) fn end(&mut self) {
        self.pusher = None;
        self.players.clear();
    }

    /// When something is due. A renewal that is due waits for the page.
    pub(crate) fn deadline(&self, now: Instant) -> Option<(Instant, Timer)> {
        let pusher = self.pusher.iter().map(|(_, component)| component);
        let players = self.players.iter().flatten().map(|(_, component)| component);
        let dues = pusher.chain(players).flat_map(|component| {
            let picture = match component.picture {
                Picture::Due { by, .. } => Some(by),
                Picture::None | Picture::Missing | Picture::Flowing { .. } => None,
            };
            component.renewal.filter(|due| *due > now).into_iter().chain(picture)
        });
        dues.min().map(|due| (due, Timer::Component))
    }

    fn component(&mut self, now: Instant) -> Instance {
        self.last_key += 1;
        Instance { key: self.last_key, since: now, failures: 0, picture: Picture::None, renewal: None }
    }

    fn components(&mut self) -> impl Iterator<Item = &mut Instance> {
        let pusher = self.pusher.iter_mut().map(|(_, component)| component);
        pusher.chain(self.players.iter_mut().flatten().map(|(_, component)| component))
    }
}

impl Instance {
    const fn is_flowing(&self) -> bool {
        matches!(self.picture, Picture::Flowing { .. })
    }

    /// For a reason that is no failure: at once, but not again and again.
    fn renew_soon(&mut self, config: &Config, now: Instant) {
        let soonest = (self.since + config.renew_pause).max(now);
        self.renewal = Some(self.renewal.map_or(soonest, |due| due.min(soonest)));
        self.picture = Picture::None;
    }

    /// Nothing flows any more. What failed before is forgotten if it had worked for long.
    fn stop(&mut self, config: &Config, now: Instant) {
        if matches!(self.picture, Picture::Flowing { since } if now.since(since) >= config.steady_after) {
            self.failures = 0;
        }
        self.picture = Picture::None;
    }

    /// The first time at once, then later and later, until it has worked for a while.
    fn renew_after_failure(&mut self, config: &Config, now: Instant) {
        self.stop(config, now);
        let pause = match self.failures {
            0 => Duration::ZERO,
            failures => {
                config.rebuild_base.saturating_mul(1 << (failures - 1).min(16)).min(config.rebuild_cap)
            }
        };
        self.failures += 1;
        self.renewal.get_or_insert(now + pause);
    }
}

/// What a page is told to render. Serialises to the data that it renders from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    pusher: Option<Attributes>,
    players: Vec<Attributes>,
}

/// Changes of a page's data: paths, as `setData` takes them, and what belongs there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch(Vec<(String, Change)>);

/// The data of one component, in the order in which it is written.
type Attributes = Vec<(&'static str, Attribute)>;

/// One value.
#[derive(Debug, Clone, PartialEq)]
enum Attribute {
    Text(String),
    Flag(bool),
    Number(u32),
    Tenths(u8),
    Uid(Uid),
}

/// What is told of a place in the data.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// There is nothing any more.
    Nothing,
    /// There is no player any more.
    NoPlayers,
    One(Attribute),
    All(Attributes),
}

impl Page {
    fn changes_since(&self, before: &Self) -> Patch {
        let mut changes = Vec::new();
        match (&before.pusher, &self.pusher) {
            (None, None) => {}
            (Some(_), None) => changes.push(("pusher".to_owned(), Change::Nothing)),
            (None, Some(pusher)) => changes.push(("pusher".to_owned(), Change::All(pusher.clone()))),
            (Some(before), Some(pusher)) => compare("pusher", before, pusher, &mut changes),
        }
        if self.players.is_empty() && !before.players.is_empty() {
            changes.push(("players".to_owned(), Change::NoPlayers));
        }
        for (place, player) in self.players.iter().enumerate() {
            let path = format!("players[{place}]");
            match before.players.get(place) {
                Some(before) => compare(&path, before, player, &mut changes),
                None => changes.push((path, Change::All(player.clone()))),
            }
        }
        Patch(changes)
    }
}

impl Patch {
    /// Whether the page is as it should be.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Page", 2)?;
        fields.serialize_field("pusher", &self.pusher.as_ref().map(Written))?;
        fields.serialize_field("players", &self.players.iter().map(Written).collect::<Vec<_>>())?;
        fields.end()
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, change)| (path, change)))
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::NoPlayers => [(); 0].serialize(serializer),
            Self::One(attribute) => attribute.serialize(serializer),
            Self::All(attributes) => Written(attributes).serialize(serializer),
        }
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Tenths(tenths) => serializer.serialize_f64(f64::from(*tenths) / 10.0),
            Self::Uid(uid) => event_uid(uid, serializer),
        }
    }
}

/// Attributes as an object.
struct Written<'a>(&'a Attributes);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, attribute) in self.0 {
            object.serialize_entry(name, attribute)?;
        }
        object.end()
    }
}

/// One component's attributes, one by one while it is the same kind of thing.
fn compare(path: &str, before: &Attributes, now: &Attributes, changes: &mut Vec<(String, Change)>) {
    let is_same_thing = before.len() == now.len()
        && before.iter().zip(now).all(|((_, old), (name, new))| !IDENTITY.contains(name) || old == new);
    if !is_same_thing {
        return changes.push((path.to_owned(), Change::All(now.clone())));
    }
    for ((_, old), (name, new)) in before.iter().zip(now) {
        if old != new {
            changes.push((format!("{path}.{name}"), Change::One(new.clone())));
        }
    }
}

fn pusher(pushed: &Pushed, component: &Instance) -> Attributes {
    vec![
        ("key", Attribute::Text(format!("pusher-{}", component.key))),
        ("url", Attribute::Text(pushed.url.0.clone())),
        ("mode", Attribute::Text("RTC".into())),
        ("autopush", Attribute::Flag(true)),
        ("enableMic", Attribute::Flag(pushed.mic)),
        ("enableCamera", Attribute::Flag(pushed.camera)),
        ("minBitrate", Attribute::Number(200)),
        ("maxBitrate", Attribute::Number(1000)),
        ("live", Attribute::Flag(component.is_flowing())),
    ]
}

fn player(place: usize, held: Option<&(Pulled, Instance)>) -> Attributes {
    let Some((stream, component)) = held else {
        return vec![
            ("key", Attribute::Text(format!("free-{place}"))),
            ("src", Attribute::Text(String::new())),
        ];
    };
    vec![
        ("key", Attribute::Text(format!("player-{}", component.key))),
        ("uid", Attribute::Uid(stream.uid)),
        ("kind", Attribute::Text(stream.stream.name().into())),
        ("src", Attribute::Text(stream.url.0.clone())),
        ("mode", Attribute::Text("RTC".into())),
        ("autoplay", Attribute::Flag(true)),
        ("muteAudio", Attribute::Flag(!stream.audio)),
        ("muteVideo", Attribute::Flag(!stream.video)),
        ("minCache", Attribute::Tenths(2)),
        ("maxCache", Attribute::Tenths(8)),
        ("playing", Attribute::Flag(component.is_flowing())),
    ]
}

/// What cannot change without being another thing.
const IDENTITY: [&str; 2] = ["uid", "kind"];
