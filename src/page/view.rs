//! What the page should render: the pusher and the players with their attributes, and what of that
//! has changed. Also when a component has to be made anew, because nothing else brings it back.
//!
//! Knows components only by what they report, and nothing of sockets, calls or the gateway.

mod watch;

use std::time::Duration;

pub(crate) use self::watch::Missing;
use self::watch::{Finding, Watch};
use crate::api::config::Config;
use crate::api::native::{Component, Device, Remedy};
use crate::api::picture::{Attributes, Page, Patch};
use crate::api::report::Which;
use crate::time::{Instant, Timer};
use crate::wire::json::written;
use crate::wire::model::{AppUid, Media, Stream, Uid, Url};

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
}

/// What we push and pull, as it should be.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub(crate) pushed: Option<Pushed>,
    pub(crate) pulled: Vec<Pulled>,
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
    /// Whether sound is to come: wanted, published and not muted.
    pub(crate) sound: bool,
    /// Whether a picture is to come.
    pub(crate) picture: bool,
}

/// One native component of the page.
#[derive(Debug)]
struct Instance {
    /// The page makes a new component for a new key.
    key: u32,
    since: Instant,
    /// How often it has failed since it last worked for long.
    failures: u32,
    flow: Flow,
    /// What is still to come; a pusher promises nothing.
    watch: Watch,
    /// What it cannot use of the phone; a player uses nothing.
    fails: Fails,
    /// When it gets a new key.
    renewal: Option<Instant>,
}

/// Whether media flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Not connected.
    None,
    /// Connected.
    Connected,
    /// Flowing since then.
    Flowing { since: Instant },
}

/// What of the phone a pusher has said that it cannot use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fails {
    mic: bool,
    camera: bool,
}

/// What a status code says about a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is connected.
    Connected,
    /// Something flows.
    Flowing,
    /// Sound is heard.
    Sound,
    /// A picture is shown.
    Picture,
    /// It cannot use something of the phone.
    Fails(Device),
    /// It uses that.
    Works(Device),
    /// It has lost its connection, and tries again.
    Lost,
    /// The server hung up on it, and it tries again.
    Refused,
    /// It has given up.
    GaveUp,
}

impl Sign {
    /// What a status code means here, on clients of any age.
    pub(crate) fn of(component: Component, code: i32) -> Option<Self> {
        match (component, code) {
            (_, 1001 | 2001 | 2002) => Some(Self::Connected),
            // 2004 says no more than that: it comes with sound alone, too.
            (Component::Pusher, 1002 | 1009) | (Component::Player, 2004) => Some(Self::Flowing),
            (Component::Player, 2026) => Some(Self::Sound),
            (Component::Player, 2003 | 2033) => Some(Self::Picture),
            (Component::Pusher, 1003 | 1007) => Some(Self::Works(Device::Camera)),
            (Component::Pusher, 2027) => Some(Self::Works(Device::Microphone)),
            (Component::Pusher, 1102) | (Component::Player, 2103) => Some(Self::Lost),
            (Component::Pusher, 3004) => Some(Self::Refused),
            (Component::Pusher | Component::Player, code) => {
                let meaning = component.meaning(code)?;
                if let Some(device) = meaning.device {
                    return Some(Self::Fails(device));
                }
                let gave_up = matches!(meaning.advice, Remedy::RestartPusher | Remedy::RestartPlayer);
                gave_up.then_some(Self::GaveUp)
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
    pub(crate) fn at_rest(&self) -> Option<u32> {
        self.page.is_empty().then_some(self.last_key)
    }

    /// Brings the page in line with what is so, and returns what it has to change.
    pub(crate) fn render(&mut self, scene: Scene, config: &Config, now: Instant) -> Patch {
        let Scene { pushed, pulled } = scene;
        self.pusher = match (self.pusher.take(), pushed) {
            (_, None) => None,
            (None, Some(pushed)) => Some((pushed, self.component(now))),
            (Some((before, mut component)), Some(mut pushed)) => {
                // A microphone or camera that was off is on again: without a new component, some platforms
                // never send it, and others never hear of it (the FAQ of the original's document).
                let reopens = pushed.mic && !before.mic || pushed.camera && !before.camera;
                if before.url != pushed.url || reopens {
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
            if let Some((before, component)) = self.players.iter_mut().flatten().find(|player| same(player)) {
                component.watch.expect(stream.sound, stream.picture);
                *before = stream;
            } else {
                let mut component = self.component(now);
                component.watch.expect(stream.sound, stream.picture);
                let player = Some((stream, component));
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
                component.renewed(last_key, now);
            }
            component.settle(config, now);
        }
        self.last_key = last_key;
        let players = self.players.iter().enumerate();
        let page = Page::new(
            self.pusher.as_ref().map(|(pushed, component)| pusher(pushed, component)),
            players.map(|(place, held)| player(place, held.as_ref())).collect(),
        );
        let patch = page.changes_since(&self.page);
        self.page = page;
        patch
    }

    /// What the page was last told.
    pub(crate) const fn page(&self) -> &Page {
        &self.page
    }

    /// What this medium is made with is asked for once more: if it could not be used, perhaps it can now.
    pub(crate) fn retry(&mut self, media: Media, config: &Config, now: Instant) {
        if self.fails(media)
            && let Some((_, component)) = &mut self.pusher
        {
            component.renew_soon(config, now);
        }
    }

    /// Whether the pusher has said that it cannot use what this medium is made with.
    fn fails(&self, media: Media) -> bool {
        let Some((_, component)) = &self.pusher else { return false };
        match media {
            Media::Audio => component.fails.mic,
            Media::Video => component.fails.camera,
            Media::ScreenShare | Media::SlaveAudio => false,
        }
    }

    /// A component reported something. False when it had said so before.
    pub(crate) fn handle_sign(&mut self, which: Which, sign: Sign, config: &Config, now: Instant) -> bool {
        let Some(component) = self.find(which) else { return true };
        let fails = component.fails;
        match sign {
            Sign::Connected => {
                if component.flow == Flow::None {
                    component.flow = Flow::Connected;
                }
            }
            Sign::Flowing => component.flows(now),
            Sign::Sound => {
                component.flows(now);
                component.watch.came(true, false);
            }
            Sign::Picture => {
                component.flows(now);
                component.watch.came(false, true);
            }
            Sign::Fails(device) => component.fails.set(device, true),
            Sign::Works(device) => component.fails.set(device, false),
            Sign::Refused => {}
            Sign::Lost => component.stop(config, now),
            Sign::GaveUp => component.renew_after_failure(config, now),
        }
        component.settle(config, now);
        // A screen that cannot be captured is nothing of the view's.
        !matches!(sign, Sign::Fails(Device::Microphone | Device::Camera)) || fails != component.fails
    }

    /// A player reported how much sound and how many pictures it plays, where it knows.
    pub(crate) fn handle_measure(
        &mut self,
        which: Which,
        sound: Option<u32>,
        picture: Option<u32>,
        config: &Config,
        now: Instant,
    ) {
        if which == Which::Pusher {
            return;
        }
        let Some(component) = self.find(which) else { return };
        if component.watch.measured(sound, picture) {
            component.flows(now);
        }
        component.settle(config, now);
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

    /// The application is in front again. The platform ends media in the background, and does not
    /// always bring them back; and whoever was away may have granted the camera meanwhile.
    pub(crate) fn shown(&mut self, away: Duration, config: &Config, now: Instant) {
        let was_long = away >= config.background_limit;
        for component in self.components() {
            if was_long || component.fails != Fails::default() {
                component.renew_soon(config, now);
            }
        }
    }

    /// Time has passed: the members whose players connected and lack something, although they were made
    /// anew for it.
    pub(crate) fn handle_timeout(
        &mut self,
        hidden: bool,
        config: &Config,
        now: Instant,
    ) -> Vec<(Uid, Stream, Missing)> {
        let mut missing = Vec::new();
        for (stream, component) in self.players.iter_mut().flatten() {
            let flows = component.is_flowing();
            match component.watch.look(flows, hidden, config, now) {
                Finding::Fine => {}
                Finding::Renew => {
                    component.flow = Flow::None;
                    component.renewal = Some(now);
                }
                Finding::Missing(what) => missing.push((stream.uid, stream.stream, what)),
            }
        }
        missing
    }

    /// The stay is over, and with it every component.
    pub(crate) fn end(&mut self) {
        self.pusher = None;
        self.players.clear();
    }

    /// When something is due. A renewal that is due waits for the page, and what is missing in the
    /// background waits for the front.
    pub(crate) fn deadline(&self, hidden: bool, config: &Config, now: Instant) -> Option<(Instant, Timer)> {
        let pusher = self.pusher.iter().map(|(_, component)| component);
        let players = self.players.iter().flatten().map(|(_, component)| component);
        let dues = pusher.chain(players).flat_map(|component| {
            let look = component.watch.deadline(config).filter(|_| !hidden);
            component.renewal.filter(|due| *due > now).into_iter().chain(look)
        });
        dues.min().map(|due| (due, Timer::Component))
    }

    fn component(&mut self, now: Instant) -> Instance {
        self.last_key += 1;
        Instance {
            key: self.last_key,
            since: now,
            failures: 0,
            flow: Flow::None,
            watch: Watch::default(),
            fails: Fails::default(),
            renewal: None,
        }
    }

    fn components(&mut self) -> impl Iterator<Item = &mut Instance> {
        let pusher = self.pusher.iter_mut().map(|(_, component)| component);
        pusher.chain(self.players.iter_mut().flatten().map(|(_, component)| component))
    }
}

impl Instance {
    const fn is_flowing(&self) -> bool {
        matches!(self.flow, Flow::Flowing { .. })
    }

    const fn flows(&mut self, now: Instant) {
        if !self.is_flowing() {
            self.flow = Flow::Flowing { since: now };
        }
    }

    fn settle(&mut self, config: &Config, now: Instant) {
        self.watch.settle(self.flow != Flow::None, config, now);
    }

    /// The page has another in its place, with this key.
    fn renewed(&mut self, key: u32, now: Instant) {
        (self.key, self.since) = (key, now);
        (self.flow, self.fails) = (Flow::None, Fails::default());
        self.watch.renewed();
    }

    /// For a reason that is no failure: at once, but not again and again.
    fn renew_soon(&mut self, config: &Config, now: Instant) {
        let soonest = (self.since + config.renew_pause).max(now);
        self.renewal = Some(self.renewal.map_or(soonest, |due| due.min(soonest)));
        self.flow = Flow::None;
        self.watch.lost();
    }

    /// Nothing flows any more. What failed before is forgotten if it had worked for long.
    fn stop(&mut self, config: &Config, now: Instant) {
        if matches!(self.flow, Flow::Flowing { since } if now.since(since) >= config.steady_after) {
            self.failures = 0;
        }
        self.flow = Flow::None;
        self.watch.lost();
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

impl Fails {
    const fn set(&mut self, device: Device, fails: bool) {
        match device {
            Device::Microphone => self.mic = fails,
            Device::Camera => self.camera = fails,
            Device::Screen => {}
        }
    }
}

fn pusher(pushed: &Pushed, component: &Instance) -> Attributes {
    Attributes(vec![
        ("key", format!("\"pusher-{}\"", component.key)),
        ("url", written(&pushed.url)),
        ("mode", "\"RTC\"".into()),
        ("autopush", written(&true)),
        ("enableMic", written(&pushed.mic)),
        ("enableCamera", written(&pushed.camera)),
        ("minBitrate", "200".into()),
        ("maxBitrate", "1000".into()),
        ("live", written(&component.is_flowing())),
        ("micFailed", written(&component.fails.mic)),
        ("cameraFailed", written(&component.fails.camera)),
    ])
}

fn player(place: usize, held: Option<&(Pulled, Instance)>) -> Attributes {
    let Some((stream, component)) = held else {
        return Attributes(vec![("key", format!("\"free-{place}\"")), ("src", "\"\"".into())]);
    };
    Attributes(vec![
        ("key", format!("\"player-{}\"", component.key)),
        ("uid", written(&AppUid::from(stream.uid))),
        ("kind", written(stream.stream.name())),
        ("src", written(&stream.url)),
        ("mode", "\"RTC\"".into()),
        ("autoplay", written(&true)),
        ("muteAudio", written(&!stream.audio)),
        ("muteVideo", written(&!stream.video)),
        ("minCache", "0.2".into()),
        ("maxCache", "0.8".into()),
        ("playing", written(&component.is_flowing())),
    ])
}
