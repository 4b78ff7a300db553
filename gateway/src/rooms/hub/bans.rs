//! Who may not come back after a removal, and until when.

use std::ops::Bound;
use std::time::Duration;

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Uid};
use serde::Serialize;

use super::Hub;
use crate::rooms::limits::HubTimer;
use crate::rooms::page::Page;

impl Hub {
    /// Keeps a user out of a room for so long, or until whatever it holds to come in with has expired; and
    /// removes it if it is there. A time of zero lets it in again.
    ///
    /// # Errors
    ///
    /// Refuses one ban too many, and then does nothing.
    pub fn ban(
        &mut self,
        cid: Cid,
        uid: Uid,
        how_long: Option<Duration>,
        now: Instant,
    ) -> Result<(), TooManyBans> {
        let how_long = how_long.unwrap_or(self.config.return_life);
        if how_long.is_zero() {
            self.bans.remove(&(cid, uid));
            self.timers.clear(HubTimer::Ban(cid, uid));
            return Ok(());
        }
        if self.bans.len() >= self.config.max_bans && !self.is_banned(cid, uid) {
            return Err(TooManyBans);
        }
        self.bans.insert((cid, uid));
        self.timers.set(HubTimer::Ban(cid, uid), now + how_long);
        self.kick(cid, uid, now);
        Ok(())
    }

    /// Who is kept out of a room, from the uid after this one on, and for how long yet.
    #[must_use]
    pub fn bans(&self, cid: Cid, after: Option<Uid>, limit: usize, now: Instant) -> Page<Banned> {
        let first = after.map_or(Bound::Included((cid, Uid(0))), |after| Bound::Excluded((cid, after)));
        let found = self.bans.range((first, Bound::Included((cid, Uid(u64::MAX)))));
        Page::of(found.map(|(_, uid)| (uid.0, 1, uid)), limit, |uid| Banned {
            uid: *uid,
            id: uid.to_string(),
            seconds: self.timers.due(HubTimer::Ban(cid, *uid)).map_or(0, |due| due.since(now).as_secs()),
        })
    }

    /// Whether a user is kept out of a room.
    #[must_use]
    pub fn is_banned(&self, cid: Cid, uid: Uid) -> bool {
        self.bans.contains(&(cid, uid))
    }
}

/// Who is kept out of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Banned {
    /// The user.
    pub uid: Uid,
    /// The same as text, for languages whose numbers are not exact.
    pub id: String,
    /// For how long yet.
    pub seconds: u64,
}

/// There is no room for another ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bans")]
pub struct TooManyBans;
