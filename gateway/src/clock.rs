//! The gateway's one clock: the epoch's time when it started, moved on by the steady clock.
//!
//! So it never goes backwards, whatever happens to the machine's own clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nertc_miniapp::time::Instant;

/// A clock that was set once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: Instant,
    started: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::from_millis(wall_clock_ms()), started: tokio::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        self.epoch + self.started.elapsed()
    }

    /// The same moment for tokio's timers, which wait to the next full millisecond.
    pub(crate) fn when(&self, at: Instant) -> tokio::time::Instant {
        self.started + at.since(self.epoch)
    }
}

/// What the machine's clock says: for comparison with times that other machines wrote.
pub(crate) fn wall_clock_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
