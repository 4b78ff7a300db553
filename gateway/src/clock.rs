//! The gateway's one clock: the epoch's time when it started, moved on by the steady clock.
//!
//! So it never goes backwards, whatever happens to the machine's own clock. Credentials outlive the process,
//! so for them both clocks count.

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

    /// What our clock and the machine's say, to sign and judge credentials.
    pub(crate) fn reading(&self) -> Reading {
        Reading::of(self.now().as_millis(), wall_clock_ms())
    }

    /// How many milliseconds the machine's clock is ahead of ours; negative when it was set back.
    pub(crate) fn machine_ahead(&self) -> i64 {
        let (machine, ours) = (wall_clock_ms(), self.now().as_millis());
        i64::try_from(i128::from(machine) - i128::from(ours)).unwrap_or(0)
    }

    /// The same moment for tokio's timers, which wait to the next full millisecond.
    pub(crate) fn when(&self, at: Instant) -> tokio::time::Instant {
        self.started + at.since(self.epoch)
    }
}

/// What time it is, by clocks that should agree and do not once somebody has set one of them.
///
/// What we sign lasts from the latest time on, and what is presented has expired when it has by the earliest:
/// so a clock that is set, forward or back, ends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// By the clock that is behind, in milliseconds since the Unix epoch.
    pub earliest_ms: u64,
    /// By the clock that is ahead.
    pub latest_ms: u64,
}

impl Reading {
    /// What two clocks say.
    #[must_use]
    pub fn of(one_ms: u64, other_ms: u64) -> Self {
        Self { earliest_ms: one_ms.min(other_ms), latest_ms: one_ms.max(other_ms) }
    }

    /// How far a time is from now by the nearer clock, in milliseconds.
    pub(crate) fn distance(&self, time_ms: u64) -> u64 {
        self.earliest_ms.abs_diff(time_ms).min(self.latest_ms.abs_diff(time_ms))
    }
}

/// What the machine's clock says: for comparison with times that other machines wrote.
pub(crate) fn wall_clock_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
