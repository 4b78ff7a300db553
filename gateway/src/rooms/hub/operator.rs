//! What the operator sees of rooms, and does to members that stay.

use std::ops::Bound;

use nertc_miniapp::wire::model::{Cid, Media, Role, Uid};
use nertc_miniapp::wire::protocol::Notice;

use super::Hub;
use crate::rights::Sense;
use crate::rooms::doors::HubOutput;
use crate::rooms::page::Page;
use crate::rooms::room::{Room, RoomStatus, RoomSummary, sense_of};

/// Which rooms the operator wants to see.
#[derive(Debug, Clone, Default)]
pub struct RoomFilter {
    /// Those after this one.
    pub after: Option<Cid>,
    /// Those of this application.
    pub app_key: Option<String>,
    /// Those with this in their name.
    pub search: String,
}

impl RoomFilter {
    fn fits(&self, room: &Room) -> bool {
        self.app_key.as_ref().is_none_or(|key| room.app_key == *key) && room.channel.contains(&self.search)
    }
}

impl Hub {
    /// Rooms in the order of their ids, with their members.
    #[must_use]
    pub fn page(&self, filter: &RoomFilter, limit: usize) -> Page<RoomStatus> {
        let weight = |room: &Room| -> usize {
            1 + room.members.values().map(|member| 1 + member.quality.samples()).sum::<usize>()
        };
        let found = self.found(filter).map(|(cid, room)| (cid.0, weight(room), (cid, room)));
        Page::of(found, limit, |(cid, room)| room.status(*cid, None, usize::MAX))
    }

    /// The same without their members.
    #[must_use]
    pub fn summaries(&self, filter: &RoomFilter, limit: usize) -> Page<RoomSummary> {
        let found = self.found(filter).map(|(cid, room)| (cid.0, 1, (cid, room)));
        Page::of(found, limit, |(cid, room)| room.summary(*cid))
    }

    /// How many rooms fit, wherever the page begins.
    #[must_use]
    pub fn count(&self, filter: &RoomFilter) -> usize {
        self.rooms.values().filter(|room| filter.fits(room)).count()
    }

    /// A room, with its members from the uid after this one on.
    #[must_use]
    pub fn room(&self, cid: Cid, after: Option<Uid>, limit: usize) -> Option<RoomStatus> {
        Some(self.rooms.get(&cid)?.status(cid, after, limit))
    }

    /// Mutes a member or lets it be heard again, whatever it has muted itself: all its sound, or all its pictures.
    /// Its connections stay, and so does what it publishes; nothing of it is passed on. It says whether there is
    /// such a member.
    ///
    /// The wire has no packet that tells the member itself, and the vendor's clients would take a mute of their
    /// own uid for somebody else's (docs/protocol.md 5.10, 6): only the others are told.
    pub fn silence(&mut self, cid: Cid, uid: Uid, sense: Sense, on: bool) -> bool {
        let Some(room) = self.rooms.get_mut(&cid) else { return false };
        let Some(member) = room.members.get(&uid) else { return false };
        let before = room.muted(uid, member);
        let mut silenced = room.silenced(uid);
        for media in Media::ALL.into_iter().filter(|media| sense_of(*media) == sense) {
            silenced.set(media, on);
        }
        // At most one for each member: who is gone is forgotten before one more is kept.
        if on && room.silenced.len() >= room.members.len() {
            let members = &room.members;
            room.silenced.retain(|uid, _| members.contains_key(uid));
        }
        if silenced.is_empty() {
            room.silenced.remove(&uid);
        } else {
            room.silenced.insert(uid, silenced);
        }
        let after = room.members.get(&uid).map(|member| room.muted(uid, member)).unwrap_or_default();
        self.carry(cid, uid);
        for media in Media::ALL {
            if before.contains(media) != after.contains(media) {
                let mute = after.contains(media);
                self.tell_others(cid, uid, &Notice::Mute(uid, media, mute));
            }
        }
        true
    }

    /// Gives a member another role, as it could itself; and says whether there is such a member.
    pub fn cast(&mut self, cid: Cid, uid: Uid, role: Role) -> bool {
        let is_there = self.has(cid, Some(uid));
        self.change_role(cid, uid, role);
        is_there
    }

    /// Tells those in the room what of a member is muted that has just come in.
    pub(super) fn repeat_silence(&mut self, cid: Cid, uid: Uid) {
        let silenced = self.rooms.get(&cid).map(|room| room.silenced(uid)).unwrap_or_default();
        for media in silenced.iter() {
            self.tell_others(cid, uid, &Notice::Mute(uid, media, true));
        }
    }

    /// Tells the media engine what is muted of somebody who has just been admitted.
    pub(super) fn hold_back(&mut self, cid: Cid, uid: Uid) {
        if self.rooms.get(&cid).is_some_and(|room| !room.silenced(uid).is_empty()) {
            self.carry(cid, uid);
        }
    }

    /// Tells the media engine what goes on of somebody.
    fn carry(&mut self, cid: Cid, uid: Uid) {
        let Some(room) = self.rooms.get(&cid) else { return };
        let Some(member) = room.members.get(&uid) else { return };
        let silenced = room.silenced(uid).iter();
        let carried = silenced.fold(member.privileges(), |may, media| may.without(sense_of(media)));
        self.outputs.push_back(HubOutput::Carry(cid, uid, carried));
    }

    fn found(&self, filter: &RoomFilter) -> impl Iterator<Item = (&Cid, &Room)> {
        let first = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
        self.rooms.range((first, Bound::Unbounded)).filter(|(_, room)| filter.fits(room))
    }
}
