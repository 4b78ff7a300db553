//! How often a component of the page may be rebuilt.

use std::time::Duration;

use crate::time::Instant;

/// When a component that gave up may be rebuilt: at once, then after a wait that doubles, until it
/// has served well for a while.
///
/// One for each component. The owner asks with [`Restarts::ask`], wakes at
/// [`Restarts::poll_timeout`], rebuilds when [`Restarts::take`] says so, and passes on every sign of
/// life to [`Restarts::serve`].
#[derive(Debug, Clone, Default)]
pub struct Restarts {
    /// How many there have been since the last good service.
    count: u32,
    last: Option<Instant>,
    due: Option<Instant>,
    /// The first and the latest sign of life since the last rebuild.
    service: Option<(Instant, Instant)>,
}

impl Restarts {
    /// The component needs to be rebuilt. Asking again before it is changes nothing.
    pub fn ask(&mut self, now: Instant) {
        if self.due.is_some() {
            return;
        }
        if self.service.take().is_some_and(|(first, latest)| latest.since(first) >= GOOD_SERVICE) {
            self.count = 0;
        }
        let wait = match self.count {
            0 => Duration::ZERO,
            count => SHORTEST.saturating_mul(1 << (count - 1).min(16)).min(LONGEST),
        };
        self.due = Some(self.last.map_or(now, |last| now.max(last + wait)));
    }

    /// The component showed a sign of life: it is connected, or its media flow.
    pub fn serve(&mut self, now: Instant) {
        let (first, _) = self.service.unwrap_or((now, now));
        self.service = Some((first, now));
    }

    /// Whether the component is to be rebuilt now; true once for each time it was asked.
    #[must_use]
    pub fn take(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            *self = Self { count: self.count + 1, last: Some(now), due: None, service: None };
        }
        due
    }

    /// When [`Restarts::take`] says yes.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}

const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);
/// What makes the next failure a first one again.
const GOOD_SERVICE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_at_once_and_the_waits_double_to_a_cap() {
        let mut restarts = Restarts::default();
        let mut now = secs(100);
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                restarts.ask(now);
                let due = restarts.poll_timeout().unwrap();
                let wait = due.since(now).as_secs();
                now = due;
                assert!(restarts.take(now));
                wait
            })
            .collect();
        assert_eq!(waits, [0, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn the_wait_counts_from_the_last_rebuild() {
        let mut restarts = rebuilt_at(secs(100));
        restarts.ask(secs(101));
        assert_eq!(restarts.poll_timeout(), Some(secs(102)));
        let mut restarts = rebuilt_at(secs(100));
        restarts.ask(secs(150));
        assert_eq!(restarts.poll_timeout(), Some(secs(150)));
    }

    #[test]
    fn asking_again_neither_hastens_nor_delays_and_leads_to_one_rebuild() {
        let mut restarts = rebuilt_at(secs(100));
        for at in [100, 101, 101] {
            restarts.ask(secs(at));
            assert!(!restarts.take(secs(at)));
        }
        assert!(restarts.take(secs(102)));
        assert!(!restarts.take(secs(200)));
        assert_eq!(restarts.poll_timeout(), None);
    }

    #[test]
    fn a_minute_of_good_service_makes_the_next_failure_a_first_one() {
        for (last_sign, next_wait) in [(159, 4), (160, 2)] {
            let mut restarts = rebuilt_at(secs(99));
            restarts.serve(secs(100));
            restarts.serve(secs(last_sign));
            restarts.ask(secs(200));
            assert!(restarts.take(secs(200)));
            restarts.ask(secs(200));
            assert_eq!(restarts.poll_timeout(), Some(secs(200 + next_wait)));
        }
    }

    #[test]
    fn silence_is_no_service() {
        let mut restarts = rebuilt_at(secs(100));
        restarts.serve(secs(101));
        restarts.ask(secs(1000));
        assert!(restarts.take(secs(1000)));
        restarts.ask(secs(1000));
        assert_eq!(restarts.poll_timeout(), Some(secs(1004)));
    }

    fn rebuilt_at(now: Instant) -> Restarts {
        let mut restarts = Restarts::default();
        restarts.ask(now);
        assert!(restarts.take(now));
        restarts
    }

    fn secs(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }
}
