//! What the application wants of the gateway, what the gateway confirmed, and how to get from one to
//! the other.
//!
//! Everything that can be switched is an [`Item`], and its state is the [`Command`] that brings it
//! about. Knows nothing of sockets, time, members or waiting calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Media, Role, Uid};
use crate::protocol::Command;
use crate::voice::Voice;

/// Wants, facts, and what is on the wire between them.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    /// What the application asked for; an absent item is wanted in its neutral state.
    wanted: BTreeMap<Item, Command>,
    /// What the gateway confirmed; an absent item is in its neutral state there.
    confirmed: BTreeMap<Item, Command>,
    /// Items whose state at the gateway is unknown, or that the application asked for once more.
    stale: BTreeSet<Item>,
    /// Commands on the wire.
    asked: BTreeMap<Item, Command>,
    voice: Voice,
    /// The voice as the gateway last confirmed all of it.
    steady_voice: Voice,
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

impl Wants {
    /// Notes what the application wants. Only a difference is sent.
    pub(crate) fn want(&mut self, command: Command) {
        let Some(item) = Item::of(&command) else { return };
        if Some(&command) == item.neutral().as_ref() {
            self.wanted.remove(&item);
        } else {
            self.wanted.insert(item, command);
        }
    }

    /// Notes what the application wants; it is sent even if the gateway has confirmed it before,
    /// as the original does.
    pub(crate) fn insist(&mut self, command: Command) {
        if let Some(item) = Item::of(&command) {
            self.stale.insert(item);
        }
        self.want(command);
    }

    /// Changes the role. An audience publishes nothing.
    pub(crate) fn want_role(&mut self, role: Role) {
        self.insist(Command::Role(role));
        if role == Role::Audience {
            for media in Media::ALL {
                self.want(Command::Publish(media, false));
            }
        }
    }

    /// Changes the voice.
    pub(crate) fn want_voice(&mut self, voice: Voice, touched: &[Item]) {
        self.set_voice(voice);
        self.stale.extend(touched);
    }

    /// The commands that bring the gateway in line, each noted as asked for. The only place that
    /// compares wants with facts; serves calls and recovery alike.
    pub(crate) fn reconcile(&mut self) -> Vec<Command> {
        let items: BTreeSet<Item> = self.wanted.keys().chain(self.confirmed.keys()).copied().collect();
        let due: Vec<Item> = items.union(&self.stale).copied().filter(|item| self.is_due(*item)).collect();
        let mut commands = Vec::new();
        for item in due {
            // An audience member first stops publishing, and only when that is confirmed becomes
            // one: if it is refused, nothing else has happened (5.11).
            let becomes_audience = item == Item::Role && self.wanted_role() == Role::Audience;
            if becomes_audience && Media::ALL.into_iter().any(|media| !self.is_settled(Item::Publish(media)))
            {
                continue;
            }
            if let Some(command) = self.state_wanted(item) {
                self.stale.remove(&item);
                self.asked.insert(item, command.clone());
                commands.push(command);
            }
        }
        commands
    }

    /// Takes the gateway's answer. What was refused is no longer wanted: asking again for it would
    /// never end.
    pub(crate) fn answered(&mut self, command: &Command, accepted: bool) {
        let Some(item) = Item::of(command) else { return };
        if self.asked.remove(&item).is_none() {
            return;
        }
        if accepted {
            self.confirmed.insert(item, command.clone());
            if self.is_voice_settled() {
                self.steady_voice = self.voice.clone();
            }
        } else if self.state_wanted(item).as_ref() == Some(command) {
            self.give_up(item);
        }
    }

    /// The connection is lost: nothing that was asked for will be answered.
    pub(crate) fn lost(&mut self) {
        self.asked.clear();
        self.steady_voice = self.voice.clone();
    }

    /// A login was answered. The gateway starts from nothing but what the login told, except that
    /// it may remember our role and mutes from before an outage.
    pub(crate) fn logged_in(&mut self, first: bool) {
        let is_muted = |item: &Item| matches!(self.confirmed.get(item), Some(Command::Mute(_, true)));
        let muted = Media::ALL.map(Item::Mute).into_iter().filter(is_muted);
        self.stale = if first { BTreeSet::new() } else { muted.chain([Item::Role]).collect() };
        self.confirmed.clear();
        self.confirmed.insert(Item::Role, Command::Role(self.wanted_role()));
        for command in self.voice.login() {
            if let Some(item) = Item::of(&command) {
                self.confirmed.insert(item, command);
            }
        }
        if self.voice.is_equalized() {
            // A login cannot carry the equaliser, and its mode alone means nothing (3.1).
            self.stale.extend([Item::VoiceMode, Item::Equalizer]);
        }
    }

    /// The gateway holds something open for us that we have not asked for on this connection.
    pub(crate) fn found(&mut self, command: Command) {
        if let Some(item) = Item::of(&command)
            && self.state_wanted(item).as_ref() != Some(&command)
        {
            self.confirmed.insert(item, command);
        }
    }

    /// A stream that ended takes its subscription with it: when it comes back, the application is
    /// told and subscribes anew.
    pub(crate) fn forget_stream(&mut self, uid: Uid, media: Media) {
        let item = Item::Subscribe(uid, media);
        self.asked.remove(&item);
        self.wanted.remove(&item);
        self.confirmed.remove(&item);
        self.stale.remove(&item);
    }

    /// The stay is over. The role outlives it, as in the original; nothing else does (4.5).
    pub(crate) fn end(&mut self) {
        let role = self.wanted_role();
        *self = Self::default();
        self.want(Command::Role(role));
    }

    /// Takes a want back that nobody waits for any more.
    pub(crate) fn give_up(&mut self, item: Item) {
        match item {
            Item::VoiceMode | Item::Effect | Item::Pitch | Item::Beautifier | Item::Equalizer => {
                self.set_voice(self.steady_voice.clone());
            }
            Item::Publish(_) if self.state_wanted(item) == item.neutral() => {
                // Not unpublished, so not an audience either.
                self.take_confirmed(item);
                self.take_confirmed(Item::Role);
            }
            Item::Role | Item::Publish(_) | Item::Subscribe(..) | Item::Mute(_) | Item::Captions => {
                self.take_confirmed(item);
            }
        }
    }

    /// How far the gateway is from this command.
    pub(crate) fn progress(&self, command: &Command) -> Progress {
        let Some(item) = Item::of(command) else { return Progress::Withdrawn };
        if self.state_wanted(item).as_ref() == Some(command) {
            if self.is_settled(item) { Progress::Done } else { Progress::Pending }
        } else if self.asked.get(&item) == Some(command) {
            Progress::Pending
        } else if self.confirmed.get(&item) == Some(command) {
            Progress::Done
        } else {
            Progress::Withdrawn
        }
    }

    /// Whether the voice is confirmed as wanted.
    pub(crate) fn is_voice_settled(&self) -> bool {
        VOICE.into_iter().all(|item| self.is_settled(item))
    }

    /// Whether no command is on the wire; after `reconcile` that means every want is confirmed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.asked.is_empty()
    }

    /// The role that the application wants.
    pub(crate) fn wanted_role(&self) -> Role {
        match self.wanted.get(&Item::Role) {
            Some(Command::Role(role)) => *role,
            Some(_) | None => Role::Broadcaster,
        }
    }

    /// The voice that the application wants.
    pub(crate) const fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Whether a medium of ours is wanted published.
    pub(crate) fn publishes(&self, media: Media) -> bool {
        self.wanted.contains_key(&Item::Publish(media))
    }

    fn set_voice(&mut self, voice: Voice) {
        for item in VOICE {
            self.wanted.remove(&item);
        }
        for command in voice.commands() {
            self.want(command);
        }
        self.voice = voice;
    }

    fn take_confirmed(&mut self, item: Item) {
        match self.confirmed.get(&item).cloned() {
            Some(command) => self.want(command),
            None => {
                self.wanted.remove(&item);
            }
        }
    }

    /// Not settled, and nothing about it on the wire.
    fn is_due(&self, item: Item) -> bool {
        !self.asked.contains_key(&item) && !self.is_settled(item)
    }

    fn is_settled(&self, item: Item) -> bool {
        if self.asked.contains_key(&item) || self.stale.contains(&item) {
            return false;
        }
        // Without a mode that uses it, a voice setting means nothing to the gateway.
        if VOICE.contains(&item) && !self.voice.uses(item) {
            return true;
        }
        let confirmed = self.confirmed.get(&item).cloned().or_else(|| item.neutral());
        confirmed == self.state_wanted(item)
    }

    fn state_wanted(&self, item: Item) -> Option<Command> {
        self.wanted.get(&item).cloned().or_else(|| item.neutral())
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

    pub(crate) fn is_voice(self) -> bool {
        VOICE.contains(&self)
    }

    /// The command for the state in which an item is when nobody has touched it.
    fn neutral(self) -> Option<Command> {
        match self {
            Self::Role => Some(Command::Role(Role::Broadcaster)),
            Self::Publish(media) => Some(Command::Publish(media, false)),
            Self::Subscribe(uid, media) => Some(Command::Subscribe(uid, media, false)),
            Self::Mute(media) => Some(Command::Mute(media, false)),
            Self::Captions => Some(Command::StopCaptions),
            Self::VoiceMode | Self::Effect | Self::Pitch | Self::Beautifier | Self::Equalizer => {
                Voice::default().commands().into_iter().find(|command| Self::of(command) == Some(self))
            }
        }
    }
}

const VOICE: [Item; 5] = [Item::VoiceMode, Item::Effect, Item::Pitch, Item::Beautifier, Item::Equalizer];
