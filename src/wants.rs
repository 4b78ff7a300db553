//! What the application wants of the gateway, what the gateway confirmed, and the commands that get
//! from one to the other.
//!
//! Everything that can be switched is an [`Item`] with one [`Row`]; its states are the [`Command`]s
//! that bring them about. Knows nothing of sockets, time, members or waiting calls.

use crate::model::{Media, Role, Uid};
use crate::protocol::Command;
use crate::table::Table;
use crate::voice::Voice;

/// Wants and facts, item by item.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    rows: Table<Item, Row>,
    voice: Voice,
    /// The voice as the gateway last confirmed all of it.
    steady_voice: Voice,
    /// What the login on its way tells; calls may come before its answer.
    login: Vec<Command>,
    /// Whether the gateway may remember a state other than the login's: there was a login before, which
    /// was answered, or named another role.
    known: bool,
}

/// One item. In `wanted` and `confirmed`, `None` stands for the item's neutral state.
#[derive(Debug, Default, PartialEq)]
struct Row {
    /// What the application asked for. Survives outages.
    wanted: Option<Command>,
    /// What the gateway confirmed on this connection.
    confirmed: Option<Command>,
    /// What is on the wire.
    asked: Option<Command>,
    /// Whether the gateway has confirmed, at some time, what is wanted.
    granted: bool,
    /// Whether the state at the gateway is unknown, or the application asked for it once more.
    stale: bool,
    /// Whether asking was in vain: not to be repeated before the next call or login.
    stuck: bool,
}

/// Something that has one state at the gateway, in the order in which a recovery restores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    Role,
    VoiceMode,
    Effect,
    Pitch,
    Beautifier,
    Equalizer,
    Publish(Media),
    Subscribe(Uid, Media),
    Mute(Media),
    Captions,
}

/// How far the gateway is from what a call asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Confirmed by the gateway.
    Done,
    /// Asked for, or to be asked for.
    Pending,
    /// A later call asked for something else.
    Withdrawn,
}

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The gateway did it.
    Accepted,
    /// The gateway did not do it.
    Refused,
    /// Nobody knows.
    Silence,
}

impl Wants {
    /// Notes what the application wants. Only a difference is sent.
    pub(crate) fn want(&mut self, command: Command) {
        let Some(item) = Item::of(&command) else { return };
        let wanted = item.unless_neutral(command);
        let row = self.row(item);
        row.granted &= row.wanted == wanted;
        row.stuck = false;
        row.wanted = wanted;
    }

    /// Notes what the application wants; it is sent even if the gateway has confirmed it before,
    /// as the original does.
    pub(crate) fn insist(&mut self, command: Command) {
        if let Some(item) = Item::of(&command) {
            self.want(command);
            self.row(item).stale = true;
        }
    }

    /// Changes the role.
    pub(crate) fn want_role(&mut self, role: Role) {
        self.insist(Command::Role(role));
        self.audience_publishes_nothing();
    }

    /// Changes the voice; the `touched` items are sent in any case.
    pub(crate) fn want_voice(&mut self, voice: Voice, touched: &[Item]) {
        self.set_voice(voice);
        for item in touched {
            self.row(*item).stale = true;
        }
    }

    /// The commands that bring the gateway in line, each noted as asked for. The only place that
    /// compares wants with facts; serves calls and recovery alike.
    ///
    /// `can_push`: the push URL is known. Before that, others would be told of a stream that
    /// nobody can push. `lists`: whether the gateway knows a member; one that is not back yet after a
    /// restart cannot be subscribed to.
    pub(crate) fn reconcile(&mut self, can_push: bool, lists: impl Fn(Uid) -> bool) -> Vec<Command> {
        let publishing = Media::ALL.into_iter().any(|media| !self.is_settled(Item::Publish(media)));
        let due: Vec<Item> =
            self.rows.iter().map(|(item, _)| item).filter(|item| self.is_due(*item)).collect();
        let mut commands = Vec::new();
        for item in due {
            let command = self.state_wanted(item);
            // An audience member first stops publishing, and only when that is confirmed becomes
            // one: if it is refused, nothing else has happened (5.11).
            let held = matches!(command, Command::Publish(_, true)) && !can_push
                || matches!(command, Command::Subscribe(uid, _, true) if !lists(uid))
                || command == Command::Role(Role::Audience) && publishing;
            if !held {
                let row = self.row(item);
                row.stale = false;
                row.asked = Some(command.clone());
                commands.push(command);
            }
        }
        self.rows.retain(|_, row| *row != Row::default());
        commands
    }

    /// Takes what came of a command.
    ///
    /// A refused "on" is no longer wanted, because asking again would never end. A refused "off"
    /// stays wanted, because a microphone must not open by itself. Silence may mean either: what
    /// was never granted is switched off, to be sure.
    pub(crate) fn answered(&mut self, command: &Command, verdict: Verdict) {
        let Some(item) = Item::of(command) else { return };
        let is_off = item.neutral() == *command;
        let is_wanted = self.state_wanted(item) == *command;
        let row = self.row(item);
        if row.asked.take_if(|asked| asked == command).is_none() {
            return;
        }
        if verdict == Verdict::Accepted {
            row.confirmed = item.unless_neutral(command.clone());
            row.granted |= is_wanted;
            if self.is_voice_settled() {
                self.steady_voice = self.voice.clone();
            }
            return;
        }
        row.stale |= verdict == Verdict::Silence;
        if item == Item::Role || item.is_voice() {
            row.stuck = true;
            self.roll_back(item);
        } else if is_off || (verdict == Verdict::Silence && row.granted) {
            row.stuck = true;
        } else if is_wanted {
            (row.wanted, row.granted) = (None, false);
        }
        if is_off && matches!(item, Item::Publish(_)) {
            // Who still publishes does not become audience.
            self.roll_back(Item::Role);
            self.row(Item::Role).stale = false;
        }
    }

    /// Nobody waits for this any more. What was never granted must not happen later.
    pub(crate) fn withdraw(&mut self, command: &Command) {
        let Some(item) = Item::of(command) else { return };
        if self.state_wanted(item) != *command || self.row(item).granted {
            return;
        }
        if item == Item::Role {
            self.roll_back(item);
        } else {
            self.row(item).wanted = None;
        }
    }

    /// The connection is lost: nothing that was asked for will be answered.
    pub(crate) fn lost(&mut self) {
        for (_, row) in self.rows.iter_mut() {
            // It may have happened, or not.
            row.stale |= row.asked.take().is_some();
        }
        self.steady_voice = self.voice.clone();
    }

    /// A login is sent, which tells role and voice.
    pub(crate) fn logging_in(&mut self) {
        let role = Command::Role(self.wanted_role());
        self.known |= self.login.last().is_some_and(|told| *told != role);
        self.login = self.voice.login().into();
        self.login.push(role);
    }

    /// A login was answered. The gateway starts from nothing but what the login told, except that
    /// it may remember our role and mutes from before an outage.
    pub(crate) fn logged_in(&mut self) {
        let known = std::mem::replace(&mut self.known, true);
        // The row must be there to be marked.
        self.row(Item::Role);
        for (item, row) in self.rows.iter_mut() {
            let is_muted = row.stale || row.confirmed.is_some();
            let remembered = item == Item::Role || matches!(item, Item::Mute(_)) && is_muted;
            *row = Row { confirmed: None, stale: known && remembered, stuck: false, ..std::mem::take(row) };
        }
        for command in std::mem::take(&mut self.login) {
            if let Some(item) = Item::of(&command) {
                self.row(item).confirmed = item.unless_neutral(command);
            }
        }
        if self.voice.is_equalized() {
            // A login cannot carry the equaliser, and its mode alone means nothing (3.1).
            self.row(Item::VoiceMode).stale = true;
            self.row(Item::Equalizer).stale = true;
        }
    }

    /// The gateway holds something open for us that was not asked for on this connection.
    pub(crate) fn found(&mut self, command: Command) {
        if let Some(item) = Item::of(&command)
            && self.state_wanted(item) != command
        {
            self.row(item).confirmed = item.unless_neutral(command);
        }
    }

    /// What ended takes its items with it.
    pub(crate) fn forget(&mut self, is_void: impl Fn(Item) -> bool) {
        self.rows.retain(|item, _| !is_void(item));
    }

    /// The stay is over. The role outlives it, as in the original; nothing else does (4.5).
    pub(crate) fn end(&mut self) {
        let role = self.wanted_role();
        *self = Self::default();
        self.want(Command::Role(role));
    }

    /// How far the gateway is from this command.
    pub(crate) fn progress(&self, command: &Command) -> Progress {
        let Some(item) = Item::of(command) else { return Progress::Withdrawn };
        let row = self.rows.get(item);
        if self.state_wanted(item) == *command {
            if self.is_settled(item) { Progress::Done } else { Progress::Pending }
        } else if row.is_some_and(|row| row.asked.as_ref() == Some(command)) {
            Progress::Pending
        } else if row.is_some_and(|row| row.confirmed == item.unless_neutral(command.clone())) {
            Progress::Done
        } else {
            Progress::Withdrawn
        }
    }

    /// Whether the voice is confirmed as wanted.
    pub(crate) fn is_voice_settled(&self) -> bool {
        VOICE.into_iter().all(|item| self.is_settled(item))
    }

    /// Whether no command is on the wire; after `reconcile` that means that nothing more is to come.
    pub(crate) fn is_quiet(&self) -> bool {
        self.rows.iter().all(|(_, row)| row.asked.is_none())
    }

    /// What we receive, as far as the gateway has ever granted it: member by member.
    pub(crate) fn received(&self) -> impl Iterator<Item = (Uid, Media)> {
        self.rows.iter().filter_map(|(item, row)| match (item, &row.wanted) {
            (Item::Subscribe(uid, media), Some(_)) if row.granted => Some((uid, media)),
            _other => None,
        })
    }

    /// The role that the application wants.
    pub(crate) fn wanted_role(&self) -> Role {
        let is_audience = self.state_wanted(Item::Role) == Command::Role(Role::Audience);
        if is_audience { Role::Audience } else { Role::Broadcaster }
    }

    /// The voice that the application wants.
    pub(crate) const fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Whether a medium of ours is wanted published.
    pub(crate) fn publishes(&self, media: Media) -> bool {
        self.state_wanted(Item::Publish(media)) == Command::Publish(media, true)
    }

    /// Whether something is wanted of a pusher.
    pub(crate) fn pushes(&self) -> bool {
        self.publishes(Media::Audio) || self.publishes(Media::Video)
    }

    fn row(&mut self, item: Item) -> &mut Row {
        self.rows.entry(item)
    }

    fn set_voice(&mut self, voice: Voice) {
        for command in voice.commands() {
            self.want(command);
        }
        self.voice = voice;
    }

    /// Wants again what the gateway last confirmed.
    fn roll_back(&mut self, item: Item) {
        if item.is_voice() {
            return self.set_voice(self.steady_voice.clone());
        }
        let stuck = self.row(item).stuck;
        let confirmed = self.row(item).confirmed.clone();
        self.want(confirmed.unwrap_or_else(|| item.neutral()));
        self.row(item).stuck = stuck;
        self.audience_publishes_nothing();
    }

    fn audience_publishes_nothing(&mut self) {
        if self.wanted_role() == Role::Audience {
            for media in Media::ALL {
                self.want(Command::Publish(media, false));
            }
        }
    }

    fn is_due(&self, item: Item) -> bool {
        !self.is_settled(item) && self.rows.get(item).is_some_and(|row| row.asked.is_none() && !row.stuck)
    }

    fn is_settled(&self, item: Item) -> bool {
        let Some(row) = self.rows.get(item) else { return true };
        // Without a mode that uses it, a voice setting means nothing to the gateway.
        let matters = !item.is_voice() || self.voice.uses(item);
        row.asked.is_none() && !(matters && (row.stale || row.confirmed != row.wanted))
    }

    fn state_wanted(&self, item: Item) -> Command {
        self.rows.get(item).and_then(|row| row.wanted.clone()).unwrap_or_else(|| item.neutral())
    }
}

impl Item {
    /// What a command switches; `None` for commands that only ask or tell.
    pub(crate) const fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Role(_) => Some(Self::Role),
            Command::AudioChangeMode(_) => Some(Self::VoiceMode),
            Command::AudioEffect(_) => Some(Self::Effect),
            Command::Pitch(_) => Some(Self::Pitch),
            Command::Beautifier(_) => Some(Self::Beautifier),
            Command::Equalization(_) => Some(Self::Equalizer),
            Command::Publish(media, _) => Some(Self::Publish(*media)),
            Command::Subscribe(uid, media, _) => Some(Self::Subscribe(*uid, *media)),
            Command::Mute(media, _) => Some(Self::Mute(*media)),
            Command::StartCaptions { .. } | Command::StopCaptions => Some(Self::Captions),
            Command::Login(_)
            | Command::Heartbeat
            | Command::Logout
            | Command::UploadUserList
            | Command::PushMode(_)
            | Command::DualAudio(..)
            | Command::Interrupt(_) => None,
        }
    }

    pub(crate) const fn is_voice(self) -> bool {
        matches!(self, Self::VoiceMode | Self::Effect | Self::Pitch | Self::Beautifier | Self::Equalizer)
    }

    /// How a row writes a state: nothing for the neutral one.
    fn unless_neutral(self, command: Command) -> Option<Command> {
        (self.neutral() != command).then_some(command)
    }

    /// The command for the state in which an item is when nobody has touched it.
    fn neutral(self) -> Command {
        let untouched = |index: usize| Voice::default().commands()[index].clone();
        match self {
            Self::Role => Command::Role(Role::Broadcaster),
            Self::VoiceMode => untouched(0),
            Self::Effect => untouched(1),
            Self::Pitch => untouched(2),
            Self::Beautifier => untouched(3),
            Self::Equalizer => untouched(4),
            Self::Publish(media) => Command::Publish(media, false),
            Self::Subscribe(uid, media) => Command::Subscribe(uid, media, false),
            Self::Mute(media) => Command::Mute(media, false),
            Self::Captions => Command::StopCaptions,
        }
    }
}

const VOICE: [Item; 5] = [Item::VoiceMode, Item::Effect, Item::Pitch, Item::Beautifier, Item::Equalizer];
