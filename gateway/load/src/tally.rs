//! How long things took, and how often they happened.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Times that many tasks note.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Vec<u32>>);

impl Tally {
    pub(crate) fn note(&self, nanos: u64) {
        self.times().push(u32::try_from(nanos / 1000).unwrap_or(u32::MAX));
    }

    pub(crate) fn count(&self) -> u64 {
        self.times().len() as u64
    }

    /// All of them, and begins anew.
    pub(crate) fn take(&self) -> Times {
        Times::of(std::mem::take(&mut *self.times()))
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long many things took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times {
    /// Microseconds, the shortest first.
    sorted: Vec<u32>,
}

impl Times {
    pub(crate) fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        Self { sorted: micros }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// So many of a thousand took no longer.
    #[must_use]
    pub fn permille(&self, part: usize) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let at = (self.sorted.len() * part).div_ceil(1000).saturating_sub(1).min(last);
        Duration::from_micros(self.sorted.get(at).copied().unwrap_or_default().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_times_is_no_longer_than_what_is_said() {
        let micros = |micros| Duration::from_micros(micros);
        let times = Times::of((1..=200).rev().collect());
        assert_eq!([500, 990, 1000, 0].map(|part| times.permille(part)), [100, 198, 200, 1].map(micros));
        assert_eq!(Times::of(vec![7]).permille(990), micros(7));
        assert_eq!(Times::default().permille(500), Duration::ZERO);
        let tally = Tally::default();
        tally.note(5999);
        assert_eq!((tally.count(), tally.take().permille(990), tally.count()), (1, micros(5), 0));
    }
}
