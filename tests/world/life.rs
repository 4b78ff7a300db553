//! One world, lived: a seed draws which faults exist, how many clients there are and what they do; in
//! the end everything is healed, and all must agree.

use std::collections::BTreeMap;
use std::time::Duration;

use nertc_gateway::rooms::HubInput;
use nertc_miniapp::wire::protocol::Caption;
use nertc_miniapp::{
    AppSignal, AppUid, Call, Config, Decides, Instant, JoinParams, Media, MediaSet, Role, Uid, VoiceChange,
};

use super::weather::Weather;
use super::{App, ClientId, Journal, World, cid_of, secs};

/// A world with its programme.
pub(crate) struct Life {
    world: World,
    /// The faults that exist here, besides the weather.
    faults: Vec<Fault>,
    /// How many clients the world is about; the others only make the room full.
    main: u64,
    homes: Vec<&'static str>,
    agenda: BTreeMap<(Instant, u32), Act>,
    acts: u32,
}

/// Something that somebody does to the world.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// An application calls.
    Call(ClientId),
    /// One of a crowd comes in.
    Enter(ClientId),
    /// It publishes.
    Show(ClientId),
    /// One of the faults that exist strikes.
    Fault,
    Heal(ClientId),
    StartHub,
    Signal(ClientId, AppSignal),
}

/// What goes wrong from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Cut,
    Drop,
    HalfOpen,
    Freeze,
    Signal,
    Kill,
    Shutdown,
    Move,
    Kick,
    Dissolve,
    /// Two clients are the same user.
    Twins,
}

impl Life {
    /// Draws the world that belongs to a seed.
    pub(crate) fn drawn(seed: u64, journal: Option<Journal>) -> Self {
        let mut world = World::seeded(seed);
        world.journal = journal;
        let rng = &mut world.rng;
        let faults: Vec<Fault> = ALL_FAULTS.into_iter().filter(|_| rng.between(1, 10) <= 3).collect();
        let weather = if rng.between(1, 8) == 1 { Weather::fair() } else { Weather::drawn(rng) };
        let clients = rng.between(1, 5).min(rng.between(1, 5)).max(rng.between(1, 3));
        world.weather = weather;
        world.media_waits = world.rng.between(1, 2) == 1;
        let (homes, agenda) = (Vec::new(), BTreeMap::new());
        let mut life = Self { world, faults, main: clients, homes, agenda, acts: 0 };
        for index in 0..clients {
            life.settle_in(index);
        }
        match life.draw(1, CROWDED) {
            1 => life.fill_the_room(),
            2..=17 => {
                life.world.limit_rooms(SMALL_ROOM);
                life.fill_the_room();
            }
            _ => {}
        }
        let span = life.draw(20, 150) * 1000;
        for _ in 0..life.draw(10, 32) {
            let who = life.somebody();
            life.plan(span, Act::Call(who));
        }
        for _ in 0..life.draw(0, 10) {
            life.plan(span, Act::Fault);
        }
        let (faults, weather) = (&life.faults, &life.world.weather);
        let text = format!("{faults:?}, {weather:?}");
        life.world.note("world", "has", |_| text);
        life
    }

    /// Lives it to the end.
    ///
    /// # Panics
    /// When a rule is broken.
    pub(crate) fn live(mut self) -> World {
        while let Some(((due, _), act)) = self.agenda.pop_first() {
            self.world.run_for(due.since(self.world.now));
            self.act(act);
        }
        let mut world = self.world;
        world.calm_down();
        world
    }

    fn settle_in(&mut self, index: u64) {
        let has_twin = self.faults.contains(&Fault::Twins) && index == 1;
        let uid = match index {
            _twin if has_twin => self.world.seats[0].uid.0,
            4 => u64::MAX,
            index => 100 * (index + 1),
        };
        let decides = if self.draw(1, 6) == 1 { Decides::Application } else { Decides::Sdk };
        let id = self.world.client_with(uid, Config { decides, ..Config::new("app") });
        let app = App {
            subscribes: self.draw(1, 2) == 1,
            publishes_again: self.draw(1, 3) == 1,
            renders: self.draw(1, 2) == 1,
        };
        self.world.set_app(id, app);
        let lives_apart = !has_twin && self.draw(1, 6) == 1;
        self.homes.push(if lives_apart { "other" } else { "room" });
        self.plan(3000, Act::Call(id));
        self.plan(5000, Act::Call(id));
    }

    /// So many others that the room is full, or nearly.
    fn fill_the_room(&mut self) {
        let most = self.world.hub.config().max_members as u64;
        let others = most - self.draw(0, 2);
        for index in 0..others {
            let id = self.world.client(CROWD + index);
            self.homes.push("room");
            self.plan(4000, Act::Enter(id));
            self.plan(8000, Act::Show(id));
        }
        self.world.marks.see("path", "a crowd");
        // Somebody is there for whom it matters.
        self.world.set_app(ClientId(0), App { subscribes: true, renders: true, ..App::default() });
    }

    /// At some time within so many milliseconds.
    fn plan(&mut self, within: u64, act: Act) {
        let due = self.world.now + Duration::from_millis(self.draw(0, within));
        self.acts += 1;
        self.agenda.insert((due, self.acts), act);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Call(id) => {
                let call = self.wish(id);
                if self.world.seats[id.0].frozen.is_none() {
                    self.world.call(id, call);
                }
            }
            Act::Enter(id) => {
                let uid = self.world.seats[id.0].uid;
                self.world.call(id, Call::Join(Box::new(JoinParams::new("room", uid))));
            }
            Act::Show(id) => {
                self.world.call(id, Call::Publish(MediaSet::MAIN));
            }
            Act::Fault => self.strike(),
            Act::Heal(id) => {
                self.world.note(id, "is healed", |_| String::new());
                self.world.heal(id);
                if self.draw(1, 3) == 1 {
                    self.plan(500, Act::Signal(id, AppSignal::NetworkUp));
                }
            }
            Act::StartHub => {
                self.world.note("hub", "starts", |_| String::new());
                self.world.start_hub();
            }
            Act::Signal(id, signal) => self.world.signal(id, signal),
        }
    }

    fn strike(&mut self) {
        if self.faults.is_empty() {
            return;
        }
        let index = self.draw(0, self.faults.len() as u64 - 1) as usize;
        let fault = self.faults[index];
        let (id, home) = (self.somebody(), "room");
        self.world.marks.see("fault", fault.name());
        self.world.note(id, "suffers", |_| fault.name().to_owned());
        match fault {
            Fault::Cut => {
                self.world.cut(id);
                let lasts = self.some_time(100, 150_000);
                self.plan(lasts, Act::Heal(id));
                if self.draw(1, 3) == 1 {
                    self.plan(500, Act::Signal(id, AppSignal::NetworkDown));
                }
            }
            Fault::Drop => self.world.drop_connection(id),
            Fault::HalfOpen => {
                let direction = self.draw(1, 3);
                self.world.swallow_some(id, direction != 1, direction != 2);
                let lasts = self.some_time(1000, 60_000);
                self.plan(lasts, Act::Heal(id));
            }
            Fault::Freeze => {
                let longest = if self.draw(1, 12) == 1 { 29 * 60_000 } else { 60_000 };
                let lasts = Duration::from_millis(self.some_time(1000, longest));
                self.world.freeze(id, lasts);
                let thaws = self.world.now + lasts;
                match self.draw(1, 3) {
                    1 => self.world.drop_connection(id),
                    2 => {
                        self.acts += 1;
                        self.agenda.insert((thaws, self.acts), Act::Signal(id, AppSignal::Shown));
                    }
                    _nothing_else => {}
                }
            }
            Fault::Signal => {
                let signal =
                    [AppSignal::Shown, AppSignal::Hidden, AppSignal::NetworkUp, AppSignal::NetworkDown]
                        [self.draw(0, 3) as usize];
                self.world.signal(id, signal);
            }
            Fault::Kill => {
                self.world.kill_hub();
                let lasts = self.some_time(100, 60_000);
                self.plan(lasts, Act::StartHub);
            }
            Fault::Shutdown => {
                self.world.shut_hub_down();
                let lasts = self.some_time(100, 20_000);
                self.plan(lasts, Act::StartHub);
            }
            Fault::Move => self.world.move_hub(),
            Fault::Kick => self.world.kick(home, id),
            Fault::Dissolve => self.world.dissolve(home),
            Fault::Twins => {}
        }
    }

    /// What an application may want, given where it is.
    fn wish(&mut self, id: ClientId) -> Call {
        let media = [Media::Audio.into(), Media::Video.into(), MediaSet::MAIN][self.draw(0, 2) as usize];
        let is_idle = self.world.is_idle(id);
        let uid = self.world.seats[id.0].uid;
        match self.draw(1, 100) {
            chance if is_idle && chance <= 80 => Call::Join(Box::new(JoinParams::new(self.homes[id.0], uid))),
            1..=28 => Call::Publish(media),
            29..=40 => Call::Unpublish(media),
            41..=52 => Call::Subscribe(self.somebody_else(id), Media::Audio),
            53..=56 => Call::Unsubscribe(self.somebody_else(id), Media::Audio),
            57..=63 => Call::Mute(media, true),
            64..=69 => Call::Mute(media, false),
            70..=73 => Call::SetRole(Role::Audience),
            74..=78 => Call::SetRole(Role::Broadcaster),
            79..=81 => {
                let change = match self.draw(1, 4) {
                    1 => VoiceChange::Effect(3),
                    2 => VoiceChange::Equalizer(3, -4),
                    3 => VoiceChange::Beautifier(0),
                    _pitch => VoiceChange::Pitch("1.5".into()),
                };
                Call::SetVoice("setAudioEffectPreset", change)
            }
            82..=84 => Call::StartCaptions("zh".into(), "en".into()),
            85..=86 => Call::StopCaptions,
            87..=88 => Call::SwitchMode(self.draw(0, 3) as u8),
            89..=91 => Call::UploadUserList,
            92 => Call::Interrupt(None),
            93 => Call::MuteOther(Uid(100), media, true),
            94 => {
                let caption = Caption { src_uid: uid, text: "hello".into(), ..Caption::default() };
                self.world.tell_hub(HubInput::Captions(cid_of("room"), vec![caption]));
                Call::UploadUserList
            }
            95..=96 => Call::Join(Box::new(JoinParams::new("other", uid))),
            _away => Call::Leave,
        }
    }

    fn somebody(&mut self) -> ClientId {
        ClientId(self.draw(0, self.main - 1) as usize)
    }

    /// A member that the application was told of, or somebody who may not be there.
    fn somebody_else(&mut self, id: ClientId) -> AppUid {
        let known: Vec<Uid> = self.world.seats[id.0].client.view.members.keys().copied().collect();
        let index = self.draw(0, known.len() as u64) as usize;
        AppUid::Text(known.get(index).copied().unwrap_or(Uid(200)))
    }

    /// Milliseconds, as often between 1 and 2 seconds as between 10 and 20.
    fn some_time(&mut self, least: u64, most: u64) -> u64 {
        let mut longest = least * 2;
        while longest < most && self.draw(1, 4) > 1 {
            longest *= 2;
        }
        self.draw(longest / 2, longest).min(most)
    }

    fn draw(&mut self, least: u64, most: u64) -> u64 {
        self.world.rng.between(least, most)
    }
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Drop => "drop",
            Self::HalfOpen => "half-open",
            Self::Freeze => "freeze",
            Self::Signal => "signal",
            Self::Kill => "kill",
            Self::Shutdown => "shutdown",
            Self::Move => "move",
            Self::Kick => "kick",
            Self::Dissolve => "dissolve",
            Self::Twins => "twins",
        }
    }
}

impl World {
    /// Heals everything, gives the world its time, and looks whether all agree, and still do later.
    fn calm_down(&mut self) {
        self.note("world", "is healed", |_| String::new());
        self.weather = Weather { latency: self.weather.latency, ..Weather::fair() };
        self.start_hub();
        for index in 0..self.seats.len() {
            self.heal(ClientId(index));
            self.thaw(ClientId(index));
            if self.seats[index].told_offline {
                // While the platform says so, a session tries only now and then.
                self.signal(ClientId(index), AppSignal::NetworkUp);
            }
        }
        let end = self.now + RECOVERY;
        let mut calm = 0;
        while calm < 6 {
            self.run_for(secs(1));
            match self.peace() {
                Ok(()) => calm += 1,
                Err(what) => {
                    assert!(self.now < end, "no peace: {what}");
                    calm = 0;
                }
            }
        }
    }
}

/// A connection that died silently is noticed after 13 s by the client and 15 s by the hub, whose grace
/// lasts 30 s more; a session may wait 8 s and need 25 s for an attempt, and twins drive each other out.
const RECOVERY: Duration = Duration::from_secs(90);

/// One world in so many has a room with as many members as a gateway lets in, and takes as long as four thousand
/// others; sixteen have a full room with few places.
const CROWDED: u64 = 16_000;
const SMALL_ROOM: usize = 12;

/// The first uid of a crowd.
const CROWD: u64 = 10_000;

const ALL_FAULTS: [Fault; 11] = [
    Fault::Cut,
    Fault::Drop,
    Fault::HalfOpen,
    Fault::Freeze,
    Fault::Signal,
    Fault::Kill,
    Fault::Shutdown,
    Fault::Move,
    Fault::Kick,
    Fault::Dissolve,
    Fault::Twins,
];
