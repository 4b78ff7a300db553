//! Who may not come back after a removal, and until when.

use std::time::Duration;

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Uid};

use super::Hub;
use crate::rooms::limits::HubTimer;

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

    /// Whether a user is kept out of a room.
    #[must_use]
    pub fn is_banned(&self, cid: Cid, uid: Uid) -> bool {
        self.bans.contains(&(cid, uid))
    }
}

/// There is no room for another ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bans")]
pub struct TooManyBans;
