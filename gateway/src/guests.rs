//! Who is in which room at the moment, for the media engine to ask.
//!
//! A grant outlives its holder's stay: it says what the holder may do with a stream, as long as its
//! ticket lasts. This list says whether the holder is there at all. The hub's task keeps it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use nertc_miniapp::model::{Cid, Role, Uid};

use crate::token::Action;
use crate::urls::room_of;

/// Who is in which room at the moment, lost connections in their grace period included.
#[derive(Debug, Default)]
pub(crate) struct GuestList {
    roles: RwLock<BTreeMap<(Cid, Uid), Role>>,
}

impl GuestList {
    pub(crate) fn admit(&self, cid: Cid, uid: Uid, role: Role) {
        self.roles.write().unwrap_or_else(PoisonError::into_inner).insert((cid, uid), role);
    }

    pub(crate) fn expel(&self, cid: Cid, uid: Uid) {
        self.roles.write().unwrap_or_else(PoisonError::into_inner).remove(&(cid, uid));
    }

    /// Whether a user may do something with a stream, as far as its presence and role go.
    pub(crate) fn welcomes(&self, action: Action, stream: &str, uid: u64) -> bool {
        let Some(cid) = room_of(stream) else { return false };
        let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner);
        match (roles.get(&(cid, Uid(uid))), action) {
            (Some(Role::Broadcaster), Action::Publish | Action::Play)
            | (Some(Role::Audience), Action::Play) => true,
            (Some(Role::Audience), Action::Publish) | (None, Action::Publish | Action::Play) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::stream_name;
    use nertc_miniapp::model::Stream;

    #[test]
    fn who_is_in_a_room_may_play_there_and_its_broadcasters_may_publish() {
        let guests = GuestList::default();
        let (here, there) = (Cid(123_456_789_012_345), Cid(7));
        let (alice, bob) = (Uid(u64::MAX), Uid(2));
        guests.admit(here, alice, Role::Broadcaster);
        guests.admit(here, bob, Role::Audience);
        for stream in [Stream::Main, Stream::ScreenShare, Stream::SlaveAudio] {
            let (name, elsewhere) = (stream_name(here, alice, stream), stream_name(there, alice, stream));
            let may = |action, name: &str| [alice, bob].map(|uid| guests.welcomes(action, name, uid.0));
            assert_eq!(may(Action::Publish, &name), [true, false]);
            assert_eq!(may(Action::Play, &name), [true, true]);
            assert_eq!(may(Action::Play, &elsewhere), [false, false], "another room");
        }
        let name = stream_name(here, bob, Stream::Main);
        guests.admit(here, bob, Role::Broadcaster);
        assert!(guests.welcomes(Action::Publish, &name, bob.0));
        guests.expel(here, bob);
        assert!(!guests.welcomes(Action::Play, &name, bob.0));
        assert!(!guests.welcomes(Action::Play, "no-room", alice.0));
    }
}
