//! The room: who is there, what they publish and where their media are, and which of that is news.
//! Knows nothing of sockets, time, wants or waiting calls.

use crate::api::event::{Event, MediaStatus, RoleChanged, StreamOf, SyncDone};
use crate::table::Table;
use crate::wire::model::{Media, MediaSet, Role, Stream, Uid, Url};
use crate::wire::protocol::UserEntry;

/// One stay in a room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    me: Uid,
    max_members: usize,
    push_url: Option<Url>,
    /// Whether our own URL is to be told, changed or not.
    push_is_due: bool,
    /// Boxed, because a table moves its values about.
    members: Table<Uid, Box<Member>>,
    /// Whether a URL of anybody is due.
    is_due: bool,
    crowd: Crowd,
}

/// Whether there are more members than are remembered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Crowd {
    #[default]
    Fits,
    /// There are, and nobody has been told.
    Overflows,
    Told,
}

/// Another member.
#[derive(Debug, Default)]
struct Member {
    role: Role,
    /// By stream.
    urls: [Option<Url>; 3],
    published: MediaSet,
    /// What it publishes and has muted.
    muted: MediaSet,
    /// What it publishes and the media server has nothing of.
    stalled: MediaSet,
    /// Whether the gateway has told of it since the latest login.
    listed: bool,
    /// What it published before, and may publish again.
    doubted: MediaSet,
    /// What we receive of it and whose URL is to be told, changed or not, once it flows again.
    due: MediaSet,
}

impl Room {
    /// An empty room that nothing is known of.
    pub(crate) fn new(me: Uid, max_members: usize) -> Self {
        Self { me, max_members, ..Self::default() }
    }

    /// The gateway did not know us any more, so media were refused, and components may have given up: what we
    /// receive and push is told again, each as soon as it is there.
    pub(crate) fn interrupted(&mut self, received: impl Iterator<Item = (Uid, Media)>, pushes: bool) {
        self.push_is_due = pushes;
        for (uid, media) in received {
            if let Some(member) = self.members.get_mut(uid) {
                member.due.set(media, true);
                self.is_due = true;
            }
        }
    }

    /// Takes the list of a login and tells what changed: after an outage only the differences.
    ///
    /// `complete`: nobody else is to be expected. A gateway that has just started knows only who is back
    /// already, so until [`Room::settle`] nobody counts as gone, and nothing as ended.
    pub(crate) fn learn(&mut self, entries: Vec<UserEntry>, complete: bool) -> Vec<Event> {
        let mut events = Vec::new();
        for (_, member) in self.members.iter_mut() {
            member.listed = false;
            member.doubted = member.published;
            // Told anew after each login, as far as it is so.
            (member.muted, member.stalled) = Default::default();
        }
        for entry in &entries {
            if let Some(member) = self.members.get_mut(entry.uid) {
                member.listed = true;
            }
        }
        if complete {
            self.drop_unlisted(&mut events);
        }
        for mut entry in entries {
            if entry.uid != self.me {
                self.joined(entry, complete, &mut events);
            } else if let Some(url) = entry.url.take() {
                events.extend(self.handle_push_url(url));
            }
        }
        self.told(events)
    }

    /// Whoever is not back by now is gone, and what has not been published again has ended.
    pub(crate) fn settle(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        self.drop_unlisted(&mut events);
        let doubted: Vec<(Uid, MediaSet)> =
            self.members.iter().map(|(uid, member)| (uid, member.doubted)).collect();
        for (uid, media) in doubted {
            media.iter().for_each(|media| self.streaming(uid, media, false, &mut events));
        }
        self.told(events)
    }

    /// Where we push, told by a login or a role change. Only a change is news.
    pub(crate) fn handle_push_url(&mut self, url: Url) -> Option<Event> {
        let known = self.push_url.replace(url.clone());
        known.is_some_and(|known| known != url).then(|| Event::SyncDone(SyncDone::new(self.me, url)))
    }

    /// A member came, or is described anew.
    pub(crate) fn handle_join(&mut self, entry: UserEntry) -> Vec<Event> {
        let mut events = Vec::new();
        if entry.uid != self.me {
            self.joined(entry, false, &mut events);
        }
        self.told(events)
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
        if on && self.members.get(uid).is_none_or(|member| member.role == Role::Audience) {
            // The notice overtook the join or the role change: both have happened (11.29).
            self.joined(UserEntry { uid, ..UserEntry::default() }, false, &mut events);
        }
        self.streaming(uid, media, on, &mut events);
        if let Some(url) = url {
            self.located(uid, media.stream(), url, &mut events);
        }
        self.told(events)
    }

    /// A member changed its role.
    pub(crate) fn handle_role(&mut self, uid: Uid, role: Role) -> Vec<Event> {
        if uid == self.me {
            return Vec::new();
        }
        let mut events = vec![Event::RoleChanged(RoleChanged::new(uid, role))];
        let (mut described, known) = (UserEntry { uid, role, ..UserEntry::default() }, self.members.get(uid));
        described.published = known.map(|member| member.published).unwrap_or_default();
        self.joined(described, false, &mut events);
        self.told(events)
    }

    /// A member muted a medium, or no longer does.
    pub(crate) fn handle_mute(&mut self, uid: Uid, media: Media, mute: bool) -> Option<Event> {
        if let Some(member) = self.members.get_mut(uid) {
            member.muted.set(media, mute);
        }
        // The original tells of microphone and camera only (6.2).
        match (media, mute) {
            (Media::SlaveAudio | Media::ScreenShare, _) => None,
            (Media::Audio | Media::Video, true) => Some(Event::Mute(StreamOf::new(uid, media))),
            (Media::Audio | Media::Video, false) => Some(Event::Unmute(StreamOf::new(uid, media))),
        }
    }

    /// The media of a member flow or stopped flowing, though published.
    pub(crate) fn handle_media_status(
        &mut self,
        uid: Uid,
        media: Media,
        status: String,
        url: Option<Url>,
    ) -> Vec<Event> {
        if let Some(member) = self.members.get_mut(uid) {
            member.stalled.set(media, status == "off");
        }
        let mut events = vec![Event::MediaStatus(MediaStatus::new(uid, media, status, url.clone()))];
        if let Some(url) = url {
            self.located(uid, media.stream(), url, &mut events);
        }
        self.told(events)
    }

    /// Whether a member came for whom there was no place; true once in a stay.
    pub(crate) fn overflows(&mut self) -> bool {
        let overflows = self.crowd == Crowd::Overflows;
        if overflows {
            self.crowd = Crowd::Told;
        }
        overflows
    }

    /// Where the application pushes, once known.
    pub(crate) const fn push_url(&self) -> Option<&Url> {
        self.push_url.as_ref()
    }

    /// Where a medium of a member is pulled from, once known.
    pub(crate) fn pull_url(&self, uid: Uid, media: Media) -> Option<&Url> {
        self.members.get(uid)?.urls[media.stream() as usize].as_ref()
    }

    /// Whether a medium of a member is to be expected: published, not muted, and not known to be stuck.
    pub(crate) fn flows(&self, uid: Uid, media: Media) -> bool {
        self.members.get(uid).is_some_and(|member| {
            member.published.contains(media)
                && !member.muted.contains(media)
                && !member.stalled.contains(media)
        })
    }

    /// Whether the gateway knows of a member.
    pub(crate) fn lists(&self, uid: Uid) -> bool {
        self.members.get(uid).is_some_and(|member| member.listed)
    }

    /// Whether a member is in the room.
    pub(crate) fn has(&self, uid: Uid) -> bool {
        self.members.get(uid).is_some()
    }

    /// The first member that publishes something.
    pub(crate) fn first_publisher(&self) -> Option<Uid> {
        self.members.iter().find(|(_, member)| !member.published.is_empty()).map(|(uid, _)| uid)
    }

    /// Everybody else, as a login describes them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = UserEntry> {
        self.members.iter().map(|(uid, member)| UserEntry {
            uid,
            url: member.urls[Stream::Main as usize].clone(),
            screen_url: member.urls[Stream::ScreenShare as usize].clone(),
            slave_audio_url: member.urls[Stream::SlaveAudio as usize].clone(),
            role: member.role,
            published: member.published,
            ..UserEntry::default()
        })
    }

    /// `complete`: the entry's flags are the whole truth (a login list), so a missing flag means
    /// "stopped"; a join notice may simply not know.
    fn joined(&mut self, entry: UserEntry, complete: bool, events: &mut Vec<Event>) {
        let uid = entry.uid;
        let known = self.members.get(uid).map(|member| member.role);
        if known.is_none() && self.members.len() >= self.max_members {
            if self.crowd == Crowd::Fits {
                self.crowd = Crowd::Overflows;
            }
            return;
        }
        let member = self.members.entry(uid);
        (member.role, member.listed) = (entry.role, true);
        if (known, entry.role) == (Some(Role::Broadcaster), Role::Audience) {
            for media in Media::ALL {
                self.streaming(uid, media, false, events);
            }
        }
        match (known, entry.role) {
            (None | Some(Role::Audience), Role::Broadcaster) => events.push(Event::ClientJoin(uid.into())),
            (Some(Role::Broadcaster), Role::Audience) => events.push(Event::ClientLeave(uid.into())),
            (None | Some(Role::Audience), Role::Audience) | (Some(Role::Broadcaster), Role::Broadcaster) => {}
        }
        for media in Media::ALL {
            let on = entry.published.contains(media);
            if on && entry.role == Role::Broadcaster || !on && complete {
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
        for media in entry.stalled.iter().filter(|media| entry.published.contains(*media)) {
            self.members.entry(uid).stalled.set(media, true);
            let url = self.pull_url(uid, media).cloned();
            events.push(Event::MediaStatus(MediaStatus::new(uid, media, "off".into(), url)));
        }
    }

    /// What happened, and the URLs that follow from it. Some applications write the URL of every `syncDone`
    /// into their pusher: where another's is told, our own is the last (6.1).
    fn told(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        // Nobody is looked through for every packet that comes.
        if self.is_due {
            self.told_anew(&mut events);
        }
        let me = self.me;
        let is_url_of =
            |event: &Event, own: bool| matches!(event, Event::SyncDone(sync) if (sync.uid() == me) == own);
        if std::mem::take(&mut self.push_is_due) || events.iter().any(|event| is_url_of(event, false)) {
            events.retain(|event| !is_url_of(event, true));
            let own = self.push_url.clone();
            events.extend(own.map(|url| Event::SyncDone(SyncDone::new(me, url))));
        }
        events
    }

    /// The URLs that are due and known.
    fn told_anew(&mut self, events: &mut Vec<Event>) {
        self.is_due = false;
        for (uid, member) in self.members.iter_mut() {
            for media in Media::ALL {
                let flows = member.published.contains(media) && !member.doubted.contains(media);
                let Some(url) = &member.urls[media.stream() as usize] else { continue };
                if !member.listed || !flows || !member.due.set(media, false) {
                    continue;
                }
                let is_told = |event: &Event| match (event, media.stream()) {
                    (Event::SyncDone(sync), Stream::Main) => sync.uid() == uid,
                    (Event::StreamAdded(added), Stream::ScreenShare | Stream::SlaveAudio) => {
                        *added == StreamOf::new(uid, media)
                    }
                    (_other, _) => false,
                };
                let is_told = events.iter().any(is_told);
                let told = match media.stream() {
                    Stream::Main => {
                        // Microphone and camera share a component.
                        member.due.set(Media::Audio, false);
                        member.due.set(Media::Video, false);
                        Event::SyncDone(SyncDone::new(uid, url.clone()))
                    }
                    Stream::ScreenShare | Stream::SlaveAudio => Event::StreamAdded(StreamOf::new(uid, media)),
                };
                if !is_told {
                    events.push(told);
                }
            }
            self.is_due |= !member.due.is_empty();
        }
    }

    fn drop_unlisted(&mut self, events: &mut Vec<Event>) {
        let gone: Vec<Uid> =
            self.members.iter().filter(|(_, member)| !member.listed).map(|(uid, _)| uid).collect();
        for uid in gone {
            self.left(uid, events);
        }
    }

    fn left(&mut self, uid: Uid, events: &mut Vec<Event>) {
        let Some(member) = self.members.remove(uid) else { return };
        events.extend(member.published.iter().map(|media| Event::StreamRemoved(StreamOf::new(uid, media))));
        if member.role == Role::Broadcaster {
            events.push(Event::ClientLeave(uid.into()));
        }
    }

    fn streaming(&mut self, uid: Uid, media: Media, on: bool, events: &mut Vec<Event>) {
        let Some(member) = self.members.get_mut(uid) else { return };
        member.listed = true;
        member.doubted.set(media, false);
        member.due.set(media, on && member.due.contains(media));
        if !member.published.set(media, on) {
            return;
        }
        // What is published anew is judged anew.
        member.stalled.set(media, false);
        let stream = StreamOf::new(uid, media);
        if on {
            events.push(Event::StreamAdded(stream));
        } else {
            events.push(Event::StreamRemoved(stream));
        }
    }

    /// Notes where a stream is. Only a *change* is news; how it is told depends on the stream,
    /// because applications put the URL of `syncDone` on the main player (6.1).
    fn located(&mut self, uid: Uid, stream: Stream, url: Url, events: &mut Vec<Event>) {
        let Some(member) = self.members.get_mut(uid) else { return };
        let known = member.urls[stream as usize].replace(url.clone());
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
        let added = StreamOf::new(uid, side);
        let is_told = |event: &Event| matches!(event, Event::StreamAdded(stream) if *stream == added);
        if member.published.contains(side) && !events.iter().any(is_told) {
            events.push(Event::StreamAdded(added));
        }
    }
}
