//! What the application wants of the gateway, what the gateway confirmed, and the commands that get
//! from one to the other.
//!
//! Everything that can be switched is an [`Item`] with one [`Row`]; its states are the [`Command`]s
//! that bring them about. Knows nothing of sockets, time, members or waiting calls.

use crate::api::voice::{Voice, VoiceChange};
use crate::table::Table;
use crate::wire::model::{Media, Role, Uid};
use crate::wire::protocol::Command;

/// Wants and facts, item by item.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    rows: Table<Item, Row>,
    /// The role that the next stay begins with.
    next_role: Role,
    voice: Voice,
    /// The voice as the calls that succeeded left it.
    kept_voice: Voice,
    /// What the login on its way tells; calls may come before its answer.
    login: Vec<Command>,
    /// Whether everything that is wanted has been asked for, as far as `reconcile` found out.
    is_asked: bool,
    /// Whether the gateway may remember a state other than the login's: there was a login before, which
    /// was answered, or named another role.
    known: bool,
}

/// One item. In `wanted` and `confirmed`, `None` stands for the item's neutral state.
#[derive(Debug, Default, PartialEq)]
struct Row {
    /// What the application asked for last. Survives outages.
    wanted: Option<Command>,
    /// What the calls that succeeded left, and what one that fails goes back to.
    kept: Option<Command>,
    /// What the gateway confirmed on this connection.
    confirmed: Option<Command>,
    state: State,
    /// How often in a row nobody answered.
    silences: u8,
}

/// What is under way between `wanted` and `confirmed`.
#[derive(Debug, Default, PartialEq)]
enum State {
    /// Nothing: to be asked for when they differ.
    #[default]
    Idle,
    /// To be asked for in any case: nobody knows what is so (`unknown`), or the application asked once more.
    Due { unknown: bool },
    /// On the wire. `again`: the application has asked once more since.
    Asked { command: Command, again: bool },
    /// Asking was in vain: not to be repeated before the next call or login.
    Stuck { unknown: bool },
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
        let row = self.row(item);
        row.silences = 0;
        row.state.unstick();
        row.wanted = item.unless_neutral(command);
    }

    /// Notes what the application wants; it is sent even if the gateway has confirmed it before,
    /// as the original does.
    pub(crate) fn insist(&mut self, command: Command) {
        if let Some(item) = Item::of(&command) {
            self.want(command.clone());
            let state = &mut self.row(item).state;
            state.insist();
            // What is on the wire is asked for already: one answer is for both.
            if let State::Asked { command: asked, again } = state {
                *again = *asked != command;
            }
        }
    }

    /// Changes the role.
    pub(crate) fn want_role(&mut self, role: Role) {
        self.insist(Command::Role(role));
        self.audience_publishes_nothing();
    }

    /// Changes the voice; the `repeated` commands are sent in any case.
    pub(crate) fn want_voice(&mut self, voice: Voice, repeated: &[Command]) {
        for command in voice.commands() {
            self.want(command);
        }
        self.voice = voice;
        for item in repeated.iter().filter_map(Item::of) {
            self.row(item).state.insist();
        }
    }

    /// The commands that bring the gateway in line, each noted as asked for. The only place that
    /// compares wants with facts; serves calls and recovery alike.
    ///
    /// `can_push`: the push URL is known. Before that, others would be told of a stream that
    /// nobody can push. `lists`: whether the gateway knows a member; one that is not back yet after a
    /// restart cannot be subscribed to. `most`: how many commands may be sent; the rest stays due.
    pub(crate) fn reconcile(
        &mut self,
        most: usize,
        can_push: bool,
        lists: impl Fn(Uid) -> bool,
    ) -> Vec<Command> {
        // Nothing is looked through for every packet that comes.
        if self.is_asked {
            return Vec::new();
        }
        let publishing = Media::ALL.into_iter().any(|media| !self.is_settled(Item::Publish(media)));
        let due: Vec<Item> =
            self.rows.iter().map(|(item, _)| item).filter(|item| self.is_due(*item)).collect();
        let mut commands = Vec::new();
        let count = due.len();
        for item in due {
            if commands.len() == most {
                break;
            }
            let command = self.state_wanted(item);
            // An audience member first stops publishing, and only when that is confirmed becomes
            // one: if it is refused, nothing else has happened (5.11).
            let held = matches!(command, Command::Publish(_, true)) && !can_push
                || matches!(command, Command::Subscribe(uid, _, true) if !lists(uid))
                || command == Command::Role(Role::Audience) && publishing;
            if !held {
                self.row(item).state = State::Asked { command: command.clone(), again: false };
                commands.push(command);
            }
        }
        self.rows.retain(|_, row| *row != Row::default());
        self.is_asked = commands.len() == count;
        commands
    }

    /// Takes what came of a command.
    ///
    /// What was refused or not answered is wanted no longer; wanted again is what was before, unless
    /// that is the same, as in a recovery. Two exceptions: a microphone must not open by itself, so what
    /// closes it stays wanted; and after silence the gateway is asked again, since nobody knows.
    ///
    /// True when what had been granted before is not to be had any more.
    pub(crate) fn answered(&mut self, command: &Command, verdict: Verdict) -> bool {
        let Some(item) = Item::of(command) else { return false };
        let is_wanted = self.state_wanted(item) == *command;
        let row = self.row(item);
        let again = match &row.state {
            State::Asked { command: asked, again } if asked == command => *again,
            State::Idle | State::Due { .. } | State::Asked { .. } | State::Stuck { .. } => return false,
        };
        let rest = if again { State::Due { unknown: false } } else { State::Idle };
        match verdict {
            Verdict::Accepted => {
                row.confirmed = item.unless_neutral(command.clone());
                (row.state, row.silences) = (rest, 0);
                return false;
            }
            // Something else has been asked for since.
            Verdict::Refused if !is_wanted => row.state = rest,
            Verdict::Refused => row.state = State::Stuck { unknown: false },
            Verdict::Silence => {
                row.silences += 1;
                let is_last = row.silences >= MOST_SILENCES;
                row.state =
                    if is_last { State::Stuck { unknown: true } } else { State::Due { unknown: true } };
            }
        }
        if !is_wanted {
            return false;
        }
        if row.kept != item.unless_neutral(command.clone()) {
            self.give_up(command);
            return false;
        }
        if verdict == Verdict::Refused && item.is_lost_when_refused() {
            (row.wanted, row.kept) = (None, None);
        }
        if verdict == Verdict::Refused && item == Item::Role {
            // Not even the way back: it is what the gateway says.
            (row.wanted, row.kept) = (row.confirmed.clone(), row.confirmed.clone());
            self.audience_publishes_nothing();
            return false;
        }
        matches!(row.state, State::Stuck { .. })
    }

    /// The call that asked for this has failed: wanted again is what was before.
    ///
    /// `awaited`: the state of an item that other calls wait for; of several the latest.
    pub(crate) fn withdraw(&mut self, command: &Command, awaited: impl Fn(Item) -> Option<Command>) {
        let Some(item) = Item::of(command) else { return };
        if let Command::Publish(_, false) = command {
            self.row(item).kept = None;
        }
        if self.state_wanted(item) == *command {
            self.give_up(command);
            self.want_awaited(item, &awaited);
        }
        if *command == Command::Role(Role::Audience) && self.wanted_role() == Role::Broadcaster {
            // It also stopped publishing.
            for item in Media::ALL.map(Item::Publish) {
                let row = self.row(item);
                row.wanted.clone_from(&row.kept);
                row.state.unstick();
                self.want_awaited(item, &awaited);
            }
        }
    }

    /// A call succeeded: this state stays.
    pub(crate) fn keep(&mut self, command: &Command) {
        let Some(item) = Item::of(command) else { return };
        self.row(item).kept = item.unless_neutral(command.clone());
        if let Command::Role(role) = command {
            self.next_role = *role;
            if *role == Role::Audience {
                for (item, row) in self.rows.iter_mut() {
                    row.kept.take_if(|_| matches!(item, Item::Publish(_)));
                }
            }
        }
    }

    /// A call that changes the voice succeeded.
    pub(crate) fn keep_voice(&mut self) {
        self.kept_voice = self.voice.clone();
    }

    /// Calls that change the voice have failed: what is left is what was before, with the `changes` that
    /// others wait for.
    pub(crate) fn withdraw_voice<'a>(&mut self, changes: impl Iterator<Item = &'a VoiceChange>) {
        let voice = changes.fold(self.kept_voice.clone(), |voice, change| voice.with(change).0);
        for command in voice.commands() {
            if let Some(item) = Item::of(&command) {
                self.row(item).wanted = item.unless_neutral(command);
            }
        }
        self.voice = voice;
    }

    /// The connection is lost: nothing that was asked for will be answered.
    pub(crate) fn lost(&mut self) {
        self.is_asked = false;
        for (_, row) in self.rows.iter_mut() {
            // It may have happened, or not.
            if let State::Asked { .. } = row.state {
                row.state = State::Due { unknown: true };
            }
        }
    }

    /// The next stay begins with this role.
    pub(crate) fn next(&mut self, role: Role) {
        self.next_role = role;
        self.want(Command::Role(role));
    }

    /// A stay begins, in this role or the one set before.
    pub(crate) fn begin(&mut self, role: Option<Role>) {
        let role = Command::Role(role.unwrap_or(self.next_role));
        self.want(role.clone());
        self.row(Item::Role).kept = Item::Role.unless_neutral(role);
    }

    /// A login is sent, which tells role and voice.
    pub(crate) fn logging_in(&mut self) {
        let role = Command::Role(self.wanted_role());
        self.known |= self.login.last().is_some_and(|told| *told != role);
        self.login = self.voice.login().into();
        self.login.push(role);
    }

    /// A login was answered. The gateway starts from nothing but what the login told, except that
    /// it may remember our role and mutes from before an outage; `role` is what the answer says of us.
    pub(crate) fn logged_in(&mut self, role: Option<Role>) {
        let known = std::mem::replace(&mut self.known, true);
        // The row must be there to be marked.
        self.row(Item::Role);
        for (item, row) in self.rows.iter_mut() {
            let is_muted = matches!(row.state, State::Due { .. } | State::Stuck { unknown: true });
            let is_muted = matches!(item, Item::Mute(_)) && (is_muted || row.confirmed.is_some());
            let is_unknown = known && (item == Item::Role || is_muted);
            let state = if is_unknown { State::Due { unknown: true } } else { State::Idle };
            let Row { wanted, kept, .. } = std::mem::take(row);
            *row = Row { wanted, kept, state, ..Row::default() };
        }
        for command in std::mem::take(&mut self.login) {
            if let Some(item) = Item::of(&command) {
                self.row(item).confirmed = item.unless_neutral(command);
            }
        }
        if let Some(role) = role.filter(|_| known) {
            self.row(Item::Role).confirmed = Item::Role.unless_neutral(Command::Role(role));
        }
        if self.voice.is_equalized() {
            // A login cannot carry the equaliser, and its mode alone means nothing (3.1).
            self.row(Item::VoiceMode).state = State::Due { unknown: true };
            self.row(Item::Equalizer).state = State::Due { unknown: true };
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

    /// The stay is over. The role that a call has set outlives it, as in the original; nothing else
    /// does (4.5).
    pub(crate) fn end(&mut self) {
        let role = self.next_role;
        *self = Self::default();
        self.next(role);
    }

    /// How far the gateway is from this command.
    pub(crate) fn progress(&self, command: &Command) -> Progress {
        let Some(item) = Item::of(command) else { return Progress::Withdrawn };
        if self.state_wanted(item) == *command {
            return if self.is_settled(item) { Progress::Done } else { Progress::Pending };
        }
        match self.rows.get(item) {
            Some(Row { state: State::Asked { command: asked, .. }, .. }) if asked == command => {
                Progress::Pending
            }
            Some(row) if !row.is_asked() && row.confirmed == item.unless_neutral(command.clone()) => {
                Progress::Done
            }
            Some(_) | None => Progress::Withdrawn,
        }
    }

    /// Whether the voice is confirmed as wanted.
    pub(crate) fn is_voice_settled(&self) -> bool {
        VOICE.into_iter().all(|item| self.is_settled(item))
    }

    /// Whether no command is on the wire; after `reconcile` that means that nothing more is to come.
    pub(crate) fn is_quiet(&self) -> bool {
        self.rows.iter().all(|(_, row)| !row.is_asked())
    }

    /// What we receive, as far as a call for it has succeeded: member by member.
    pub(crate) fn received(&self) -> impl Iterator<Item = (Uid, Media)> {
        self.rows.iter().filter_map(|(item, row)| match (item, &row.wanted, &row.kept) {
            (Item::Subscribe(uid, media), Some(_), Some(_)) => Some((uid, media)),
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
        self.is_asked = false;
        self.rows.entry(item)
    }

    /// Wants again what was before, but for what closes a microphone or camera.
    fn give_up(&mut self, command: &Command) {
        let Some(item) = Item::of(command) else { return };
        if matches!(command, Command::Publish(_, false)) || item.is_voice() {
            // A failed call takes the voice back as a whole.
            return;
        }
        let row = self.row(item);
        row.wanted.clone_from(&row.kept);
        match &mut row.state {
            State::Asked { again, .. } => *again = false,
            state @ State::Due { unknown: false } => *state = State::Idle,
            State::Idle | State::Due { unknown: true } | State::Stuck { .. } => {}
        }
        if row.silences < MOST_SILENCES {
            row.state.unstick();
        }
        self.audience_publishes_nothing();
    }

    fn want_awaited(&mut self, item: Item, awaited: impl Fn(Item) -> Option<Command>) {
        if let Some(command) = awaited(item) {
            self.row(item).wanted = item.unless_neutral(command);
        }
    }

    fn audience_publishes_nothing(&mut self) {
        if self.wanted_role() == Role::Audience {
            for media in Media::ALL {
                self.want(Command::Publish(media, false));
            }
        }
    }

    fn is_due(&self, item: Item) -> bool {
        let is_free = |row: &Row| matches!(row.state, State::Idle | State::Due { .. });
        !self.is_settled(item) && self.rows.get(item).is_some_and(is_free)
    }

    fn is_settled(&self, item: Item) -> bool {
        let Some(row) = self.rows.get(item) else { return true };
        // Without a mode that uses it, a voice setting means nothing to the gateway.
        let matters = item.mode().is_none_or(|mode| self.voice.mode() == mode);
        match &row.state {
            State::Asked { .. } => false,
            State::Due { .. } | State::Stuck { unknown: true } => !matters,
            State::Idle | State::Stuck { unknown: false } => !matters || row.confirmed == row.wanted,
        }
    }

    fn state_wanted(&self, item: Item) -> Command {
        self.rows.get(item).and_then(|row| row.wanted.clone()).unwrap_or_else(|| item.neutral())
    }
}

impl Row {
    const fn is_asked(&self) -> bool {
        matches!(self.state, State::Asked { .. })
    }
}

impl State {
    /// To be asked for in any case.
    fn insist(&mut self) {
        match self {
            Self::Idle => *self = Self::Due { unknown: false },
            Self::Stuck { unknown } => *self = Self::Due { unknown: *unknown },
            Self::Asked { again, .. } => *again = true,
            Self::Due { .. } => {}
        }
    }

    /// What was asked for in vain may be asked for once more.
    fn unstick(&mut self) {
        if let Self::Stuck { unknown } = *self {
            *self = if unknown { Self::Due { unknown } } else { Self::Idle };
        }
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

    /// Whether the gateway forgets it between two connections, so that a refusal to restore it ends it.
    const fn is_lost_when_refused(self) -> bool {
        matches!(self, Self::Publish(_) | Self::Subscribe(..) | Self::Captions)
    }

    /// The mode of the voice that makes use of this item, if one alone does.
    const fn mode(self) -> Option<u8> {
        match self {
            Self::Effect | Self::Pitch => Some(1),
            Self::Beautifier | Self::Equalizer => Some(2),
            Self::VoiceMode
            | Self::Role
            | Self::Publish(_)
            | Self::Subscribe(..)
            | Self::Mute(_)
            | Self::Captions => None,
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
/// How often the gateway is asked for the same when it says nothing.
const MOST_SILENCES: u8 = 2;
