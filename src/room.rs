//! The room: what the application wants, what the gateway confirmed, who is there and where their
//! media are. Knows nothing of sockets, time or waiting calls.

use std::collections::BTreeMap;

use crate::event::{Event, StreamOf, SyncDone};
use crate::model::{Media, MediaSet, Role, Stream, Uid, Url};
use crate::protocol::{Command, UserEntry};

/// One stay in a room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    me: Uid,
    max_members: usize,
    wants: Wants,
    facts: Facts,
    /// Changes on the wire: what was asked for and is not answered yet.
    asked: BTreeMap<Item, bool>,
}

/// What the application asked for. Survives outages.
#[derive(Debug, Default)]
struct Wants {
    published: MediaSet,
    subscribed: BTreeMap<Uid, MediaSet>,
}

/// What the gateway told or confirmed.
#[derive(Debug, Default)]
struct Facts {
    push_url: Option<Url>,
    published: MediaSet,
    subscribed: BTreeMap<Uid, MediaSet>,
    members: BTreeMap<Uid, Member>,
}

/// Another member.
#[derive(Debug, Default)]
struct Member {
    role: Role,
    urls: BTreeMap<Stream, Url>,
    published: MediaSet,
}

/// Something that is on or off at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    /// A medium of ours is published.
    Publish(Media),
    /// A medium of a member is subscribed to.
    Subscribe(Uid, Media),
}

/// An item to switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) item: Item,
    pub(crate) on: bool,
}

/// How far an item is from what a call asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Confirmed by the gateway.
    Done,
    /// Asked for, or to be asked for.
    Pending,
    /// A later call asked for the opposite.
    Withdrawn,
}

impl Change {
    /// The command that makes the change.
    pub(crate) const fn command(self) -> Command {
        match self.item {
            Item::Publish(media) => Command::Publish(media, self.on),
            Item::Subscribe(uid, media) => Command::Subscribe(uid, media, self.on),
        }
    }
}

impl Room {
    /// An empty room that nothing is known of.
    pub(crate) fn new(me: Uid, max_members: usize) -> Self {
        Self { me, max_members, ..Self::default() }
    }

    /// Notes what the application wants of an item.
    pub(crate) fn want(&mut self, change: Change) {
        match change.item {
            Item::Publish(media) => {
                self.wants.published.set(media, change.on);
            }
            Item::Subscribe(uid, media) => set_of(&mut self.wants.subscribed, uid, media, change.on),
        }
    }

    /// The changes that bring the gateway in line with the wants, each noted as asked for. The
    /// only place that compares the two; serves calls and recovery alike.
    pub(crate) fn reconcile(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for media in [Media::Audio, Media::Video] {
            self.compare(Item::Publish(media), &mut changes);
        }
        let members = self.wants.subscribed.keys().chain(self.facts.subscribed.keys()).copied();
        let mut members: Vec<Uid> = members.collect();
        members.sort_unstable();
        members.dedup();
        for uid in members {
            for media in Media::ALL {
                self.compare(Item::Subscribe(uid, media), &mut changes);
            }
        }
        changes
    }

    /// Takes the gateway's answer to a change. A refused change is no longer wanted: asking again
    /// for what was refused would never end.
    pub(crate) fn answered(&mut self, change: Change, accepted: bool) {
        if self.asked.remove(&change.item).is_none() {
            return;
        }
        if accepted {
            match change.item {
                Item::Publish(media) => {
                    self.facts.published.set(media, change.on);
                }
                Item::Subscribe(uid, media) => set_of(&mut self.facts.subscribed, uid, media, change.on),
            }
        } else if self.wanted(change.item) == change.on {
            self.want(Change { item: change.item, on: self.confirmed(change.item) });
        }
    }

    /// The connection is lost: nothing that was asked for will be answered, and the next login
    /// starts from nothing. Members stay, to be compared with the next list.
    pub(crate) fn lost(&mut self) {
        self.asked.clear();
        self.facts.published = MediaSet::default();
        self.facts.subscribed.clear();
    }

    /// Takes the list of a login and tells what changed: after an outage only the differences.
    pub(crate) fn learn(&mut self, entries: Vec<UserEntry>) -> Vec<Event> {
        let mut events = Vec::new();
        let gone: Vec<Uid> = self.facts.members.keys().copied().collect();
        for uid in gone {
            if !entries.iter().any(|entry| entry.uid == uid) {
                self.left(uid, &mut events);
            }
        }
        for entry in entries {
            if entry.uid == self.me {
                // What the gateway still holds open for us and nobody wants is closed by
                // `reconcile`; what is wanted is asked for again, confirmed or not.
                for media in entry.published.iter().filter(|media| !self.wants.published.contains(*media)) {
                    self.facts.published.set(media, true);
                }
                if let Some(url) = entry.url {
                    let known = self.facts.push_url.replace(url.clone());
                    if known.is_some_and(|known| known != url) {
                        events.push(Event::SyncDone(SyncDone::new(self.me, url)));
                    }
                }
            } else {
                self.joined(entry, true, &mut events);
            }
        }
        events
    }

    /// A member came, or is described anew.
    pub(crate) fn handle_join(&mut self, entry: UserEntry) -> Vec<Event> {
        let mut events = Vec::new();
        if entry.uid != self.me {
            self.joined(entry, false, &mut events);
        }
        events
    }

    /// A member left.
    pub(crate) fn handle_leave(&mut self, uid: Uid) -> Vec<Event> {
        let mut events = Vec::new();
        self.left(uid, &mut events);
        events
    }

    /// A medium of a member started or stopped.
    pub(crate) fn handle_published(
        &mut self,
        uid: Uid,
        media: Media,
        on: bool,
        url: Option<Url>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        if uid == self.me {
            return events;
        }
        if on && !self.facts.members.contains_key(&uid) {
            // The notice overtook the join: the member is there all the same (11.29).
            self.joined(UserEntry { uid, ..UserEntry::default() }, false, &mut events);
        }
        self.streaming(uid, media, on, &mut events);
        if let Some(url) = url {
            self.located(uid, media.stream(), url, &mut events);
        }
        events
    }

    /// Where the application pushes, once known.
    pub(crate) const fn push_url(&self) -> Option<&Url> {
        self.facts.push_url.as_ref()
    }

    /// Where a medium of a member is pulled from, once known.
    pub(crate) fn pull_url(&self, uid: Uid, media: Media) -> Option<&Url> {
        self.facts.members.get(&uid)?.urls.get(&media.stream())
    }

    /// Whether a member is in the room.
    pub(crate) fn has(&self, uid: Uid) -> bool {
        self.facts.members.contains_key(&uid)
    }

    /// How far an item is from being on or off.
    pub(crate) fn progress(&self, change: Change) -> Progress {
        if self.asked.contains_key(&change.item) {
            Progress::Pending
        } else if self.confirmed(change.item) == change.on {
            Progress::Done
        } else if self.wanted(change.item) == change.on {
            Progress::Pending
        } else {
            Progress::Withdrawn
        }
    }

    /// Whether no change is on the wire; after `reconcile` that means every want is confirmed.
    pub(crate) fn is_settled(&self) -> bool {
        self.asked.is_empty()
    }

    fn wanted(&self, item: Item) -> bool {
        match item {
            Item::Publish(media) => self.wants.published.contains(media),
            Item::Subscribe(uid, media) => {
                self.wants.subscribed.get(&uid).is_some_and(|set| set.contains(media))
            }
        }
    }

    fn confirmed(&self, item: Item) -> bool {
        match item {
            Item::Publish(media) => self.facts.published.contains(media),
            Item::Subscribe(uid, media) => {
                self.facts.subscribed.get(&uid).is_some_and(|set| set.contains(media))
            }
        }
    }

    fn compare(&mut self, item: Item, changes: &mut Vec<Change>) {
        let on = self.wanted(item);
        if on != self.confirmed(item) && !self.asked.contains_key(&item) {
            self.asked.insert(item, on);
            changes.push(Change { item, on });
        }
    }

    /// `complete`: the entry's flags are the whole truth (a login list), so a missing flag means
    /// "stopped"; a join notice may simply not know.
    fn joined(&mut self, entry: UserEntry, complete: bool, events: &mut Vec<Event>) {
        let uid = entry.uid;
        let known = self.facts.members.get(&uid).map(|member| member.role);
        if known.is_none() && self.facts.members.len() >= self.max_members {
            return;
        }
        self.facts.members.entry(uid).or_default().role = entry.role;
        match (known, entry.role) {
            (None | Some(Role::Audience), Role::Broadcaster) => events.push(Event::ClientJoin(uid.into())),
            (Some(Role::Broadcaster), Role::Audience) => events.push(Event::ClientLeave(uid.into())),
            (None | Some(Role::Audience), Role::Audience) | (Some(Role::Broadcaster), Role::Broadcaster) => {}
        }
        for media in Media::ALL {
            let on = entry.published.contains(media);
            if on || complete {
                self.streaming(uid, media, on, events);
            }
        }
        let urls = [
            (Stream::Main, entry.url),
            (Stream::ScreenShare, entry.screen_url),
            (Stream::SlaveAudio, entry.slave_audio_url),
        ];
        for (stream, url) in urls {
            if let Some(url) = url {
                self.located(uid, stream, url, events);
            }
        }
    }

    fn left(&mut self, uid: Uid, events: &mut Vec<Event>) {
        let Some(member) = self.facts.members.remove(&uid) else { return };
        self.forget(uid, Media::ALL);
        events.extend(member.published.iter().map(|media| Event::StreamRemoved(StreamOf::new(uid, media))));
        if member.role == Role::Broadcaster {
            events.push(Event::ClientLeave(uid.into()));
        }
    }

    fn streaming(&mut self, uid: Uid, media: Media, on: bool, events: &mut Vec<Event>) {
        let Some(member) = self.facts.members.get_mut(&uid) else { return };
        if !member.published.set(media, on) {
            return;
        }
        let stream = StreamOf::new(uid, media);
        if on {
            events.push(Event::StreamAdded(stream));
        } else {
            self.forget(uid, [media]);
            events.push(Event::StreamRemoved(stream));
        }
    }

    /// A stream that ended takes its subscription with it: when it comes back, the application is
    /// told and subscribes anew.
    fn forget(&mut self, uid: Uid, media: impl IntoIterator<Item = Media>) {
        for media in media {
            self.asked.remove(&Item::Subscribe(uid, media));
            set_of(&mut self.wants.subscribed, uid, media, false);
            set_of(&mut self.facts.subscribed, uid, media, false);
        }
    }

    /// Notes where a stream is. Only a *change* is news; how it is told depends on the stream,
    /// because applications put the URL of `syncDone` on the main player (6.1).
    fn located(&mut self, uid: Uid, stream: Stream, url: Url, events: &mut Vec<Event>) {
        let Some(member) = self.facts.members.get_mut(&uid) else { return };
        let known = member.urls.insert(stream, url.clone());
        if known.is_none_or(|known| known == url) {
            return;
        }
        let side = match stream {
            Stream::Main => {
                events.push(Event::SyncDone(SyncDone::new(uid, url)));
                return;
            }
            Stream::ScreenShare => Media::ScreenShare,
            Stream::SlaveAudio => Media::SlaveAudio,
        };
        let added = Event::StreamAdded(StreamOf::new(uid, side));
        if member.published.contains(side) && !events.contains(&added) {
            events.push(added);
        }
    }
}

fn set_of(sets: &mut BTreeMap<Uid, MediaSet>, uid: Uid, media: Media, on: bool) {
    let set = sets.entry(uid).or_default();
    set.set(media, on);
    if set.is_empty() {
        sets.remove(&uid);
    }
}
