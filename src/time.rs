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
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
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
