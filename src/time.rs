//! Time and randomness as plain values: the core reads neither a clock nor a random device.

use std::ops::Add;
use std::time::Duration;

/// A moment in milliseconds since the Unix epoch, as the shell last read it.
///
/// The epoch is real because the bootstrap request carries it (`curtime`); everything else uses
/// differences only. [`crate::Session`] never lets it go backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// Makes a moment from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

/// Whole milliseconds. The standard library's come as 128 bits, which cost a phone's interpreter fifty steps.
pub(crate) const fn millis(duration: Duration) -> u64 {
    let seconds = duration.as_secs();
    if seconds < u64::MAX / 1000 { seconds * 1000 + duration.subsec_millis() as u64 } else { u64::MAX }
}

/// The time that a session lives in: that of the shell, less what the application was suspended for.
///
/// In it a suspension takes no time, so whatever is kept of it needs no care.
#[derive(Debug)]
pub(crate) struct Clock {
    /// What the shell said last.
    wall: Instant,
    /// How long the application has been suspended, all in all.
    suspended: Duration,
    /// When it was last found to have been, as the shell says.
    resumed: Instant,
}

impl Clock {
    pub(crate) const fn starting(wall: Instant) -> Self {
        Self { wall, suspended: Duration::ZERO, resumed: wall }
    }

    /// The shell says what time it is. `due` is when it was to wake us; if it is late by the limit, the
    /// application was suspended: true once for each suspension, however much has queued up behind the
    /// timer that is late.
    pub(crate) fn advance(&mut self, wall: Instant, due: Option<Instant>, limit: Duration) -> bool {
        let before = self.wall;
        self.wall = wall.max(before);
        let Some(due) = due.map(|due| self.on_the_wall(due)) else { return false };
        if self.wall.since(due.max(self.resumed)) < limit {
            return false;
        }
        self.resumed = self.wall;
        self.suspended += self.wall.since(due.max(before));
        true
    }

    pub(crate) fn now(&self) -> Instant {
        Instant(self.wall.0.saturating_sub(millis(self.suspended)))
    }

    /// What the shell says now: for those who look at a clock too, and for what a suspension does not
    /// stop.
    pub(crate) const fn wall(&self) -> Instant {
        self.wall
    }

    /// When the shell is to wake us for something of this time.
    pub(crate) fn on_the_wall(&self, time: Instant) -> Instant {
        time + self.suspended
    }
}

/// Why a session wants to be woken: every deadline there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The bootstrap request has taken too long.
    Bootstrap,
    /// Socket and login together have taken too long.
    Login,
    /// The next heartbeat is due.
    Heartbeat,
    /// The gateway has been silent for too long after a heartbeat.
    Silence,
    /// The back-off before the next connection attempt ends.
    Retry,
    /// The gateway has not confirmed our logout.
    Leave,
    /// The task server has not answered.
    Task,
    /// A command has not been acknowledged.
    Command,
    /// A call of the application must be settled.
    Call,
    /// Whoever is not back after a restart of the gateway is gone.
    Settle,
    /// Reports are to be sent.
    Report,
    /// A component of the page is to be made anew, or has shown nothing for too long.
    Component,
}

/// A small seeded generator (SplitMix64): same seed, same run. Not for secrets.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Starts the sequence that belongs to `seed`.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed of the rest of the sequence.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.0
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `low..=high`; the bias of the remainder is below 2^-32 for the ranges used here.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1).max(1);
        low + self.next_u64() % span
    }
}
