//! What an application knows that believes the events and replies, and the rules that these keep.

use std::collections::{BTreeMap, BTreeSet};

use nertc_miniapp::{Call, Error, Event, Media, MediaSet, Reply, Stream, Uid, Url};

/// What an application knows.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Who we are, once a join began.
    pub(crate) me: Option<Uid>,
    pub(crate) stay: Stay,
    /// Who is in the room, and what they publish.
    pub(crate) members: BTreeMap<Uid, MediaSet>,
    /// The URLs on the page: ours to push, and those of others to pull.
    pub(crate) urls: BTreeMap<(Uid, Stream), Url>,
    /// The subscriptions that the application believes to have.
    pub(crate) subscriptions: BTreeSet<(Uid, Media)>,
}

/// How a stay is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stay {
    /// Not in a room; a join may be on its way.
    #[default]
    Out,
    /// A socket has been open.
    In,
    /// `reconnected` is due, or the end.
    Outage,
}

impl View {
    /// A call was answered.
    pub(crate) fn settled(&mut self, call: &Call, result: &Result<Reply, Error>) {
        match (call, result) {
            (Call::Publish(_) | Call::Unpublish(_), Ok(Reply::PushUrl(url))) => {
                if let Some(me) = self.me {
                    self.urls.insert((me, Stream::Main), url.clone());
                }
            }
            // An audience is not on the page, and leaves without a word.
            (Call::Subscribe(uid, media), Ok(Reply::Subscribed { url, .. }))
                if self.members.contains_key(&uid.uid()) =>
            {
                self.urls.insert((uid.uid(), media.stream()), url.clone());
                self.subscriptions.insert((uid.uid(), *media));
            }
            (Call::Unsubscribe(uid, media), _) => {
                self.subscriptions.remove(&(uid.uid(), *media));
            }
            (Call::Join(_), Ok(Reply::Joined { uid, .. })) => self.me = Some(uid.uid()),
            _nothing_to_see => {}
        }
    }

    /// An event was told. Brackets match: nothing is removed that was not added, nobody leaves who did
    /// not come, `reconnected` follows `willreconnect`, `disconnect` is the last word.
    pub(crate) fn tell(&mut self, event: &Event) {
        let is_out = self.stay == Stay::Out;
        let begins = matches!(event, Event::SessionStart | Event::Open { .. });
        let is_free = begins || matches!(event, Event::Error(_) | Event::View(_));
        assert!(!is_out || is_free, "{} outside of a room", event.name());
        match event {
            Event::ClientJoin(who) => {
                let known = self.members.insert(who.uid, MediaSet::default());
                assert_eq!(known, None, "{who:?} came twice");
            }
            Event::ClientLeave(who) => {
                let streams = self.members.remove(&who.uid);
                let streams = streams.unwrap_or_else(|| panic!("{who:?} left without having come"));
                assert!(streams.is_empty(), "{who:?} left streams behind");
                self.urls.retain(|(uid, _), _| *uid != who.uid);
                self.subscriptions.retain(|(uid, _)| *uid != who.uid);
            }
            Event::StreamAdded(stream) => {
                let streams = self.members.get_mut(&stream.who.uid);
                streams.unwrap_or_else(|| panic!("{stream:?} of nobody")).set(stream.media_type, true);
            }
            Event::StreamRemoved(stream) => {
                let (uid, media) = (stream.who.uid, stream.media_type);
                let there = self.members.get_mut(&uid).is_some_and(|streams| streams.set(media, false));
                assert!(there, "{stream:?} removed without being there");
                self.subscriptions.remove(&(uid, media));
            }
            Event::SyncDone(sync) if self.is_on_page(sync.uid()) => {
                self.urls.insert((sync.uid(), Stream::Main), sync.url().clone());
            }
            Event::WillReconnect { .. } => self.stay = Stay::Outage,
            Event::Reconnected => {
                assert_eq!(self.stay, Stay::Outage, "reconnected out of nowhere");
                self.stay = Stay::In;
            }
            Event::Disconnect { .. } => *self = Self::default(),
            Event::SessionStart => assert!(is_out && self.members.is_empty(), "a start in the middle"),
            Event::Open { .. } if is_out => self.stay = Stay::In,
            Event::Error(_)
            | Event::Open { .. }
            | Event::SyncDone(_)
            | Event::Kicked(_)
            | Event::LiveRoomClose(_)
            | Event::ClientUpdate(_)
            | Event::Mute(_)
            | Event::Unmute(_)
            | Event::RoleChanged(_)
            | Event::MediaStatus(_)
            | Event::AbilityNotSupport(_)
            | Event::RtmpTasksStatus(_)
            | Event::AsrCaptions(_)
            | Event::View(_)
            | Event::NativeStatus(_)
            | Event::NetworkQuality(_)
            | Event::SendCommandOverTime { .. } => {}
        }
    }

    fn is_on_page(&self, uid: Uid) -> bool {
        self.me == Some(uid) || self.members.contains_key(&uid)
    }
}
