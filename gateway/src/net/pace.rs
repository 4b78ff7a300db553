//! How fast a connection is read: what comes too fast waits in its socket, and so at its sender.

use std::time::Duration;

use tokio::time::Instant;

/// How much may come in the long run, and at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// A second.
    pub(crate) units: u64,
    /// What nothing came for may come at once later, up to so long.
    pub(crate) burst: Duration,
}

/// Whether one connection keeps to a [`Rate`]. It may run into debt: what was read was read, and the rest
/// waits until that is made up for.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    rate: Rate,
    /// When all that has come would have come at the rate.
    paid: Instant,
    /// Since when it has been too fast, without having been slow enough in between to count as calm.
    excess: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, paid: now, excess: None }
    }

    /// So many units have come.
    pub(crate) fn spend(&mut self, units: u64, now: Instant) {
        let whole = u128::from(units) * 1_000_000_000 / u128::from(self.rate.units.max(1));
        let cost = Duration::from_nanos(u64::try_from(whole).unwrap_or(u64::MAX)).min(LONGEST_DEBT);
        self.paid = self.paid.max(now) + cost;
        let ahead = self.paid - now;
        if ahead >= self.rate.burst {
            self.excess.get_or_insert(now);
        } else if ahead <= self.rate.burst / 2 {
            self.excess = None;
        }
    }

    /// How many units may come now.
    pub(crate) fn allowance(&self, now: Instant) -> u64 {
        let left = self.rate.burst.saturating_sub(self.paid.saturating_duration_since(now));
        u64::try_from(left.as_nanos().saturating_mul(self.rate.units.into()) / 1_000_000_000)
            .unwrap_or(u64::MAX)
    }

    /// When more may come, if not now: enough of it to be worth waking for.
    pub(crate) fn resumes(&self, now: Instant) -> Option<Instant> {
        let ahead = self.paid.saturating_duration_since(now);
        let over = ahead.checked_sub(self.rate.burst).filter(|_| !ahead.is_zero())?;
        Some(now + over + PORTION.min(self.rate.burst))
    }

    /// How long it has been too fast.
    pub(crate) fn excess(&self, now: Instant) -> Duration {
        self.excess.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// What is too fast is let through in portions, so that whoever it is for is woken no more often than that.
const PORTION: Duration = Duration::from_millis(50);
/// So that no arithmetic ends beyond time.
const LONGEST_DEBT: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { units: 100, burst: Duration::from_secs(2) };

    #[test]
    fn a_burst_passes_and_then_as_much_as_the_rate_allows() {
        let start = Instant::now();
        let mut pace = Pace::new(RATE, start);
        assert_eq!((pace.allowance(start), pace.resumes(start)), (200, None));
        pace.spend(200, start);
        assert_eq!(pace.allowance(start), 0);
        let (mut now, mut passed) = (start, 0);
        while let Some(next) = pace.resumes(now) {
            now = next;
            let most = pace.allowance(now);
            assert!((5..=6).contains(&most), "{most}");
            pace.spend(most, now);
            passed += most;
            if now > start + Duration::from_secs(10) {
                break;
            }
        }
        assert!((990..=1010).contains(&passed), "{passed}");
    }

    #[test]
    fn a_debt_is_made_up_for_and_saving_has_an_end() {
        let start = Instant::now();
        let mut pace = Pace::new(RATE, start);
        pace.spend(1200, start);
        assert_eq!(pace.resumes(start), Some(start + Duration::from_millis(10_050)));
        let later = start + Duration::from_secs(1000);
        assert_eq!((pace.allowance(later), pace.resumes(later)), (200, None));
    }

    #[test]
    fn excess_lasts_from_the_first_unit_too_many_until_things_are_calm() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut pace = Pace::new(RATE, start);
        pace.spend(200, start);
        assert_eq!(pace.excess(start + second), second);
        // Still at the rate: no calm.
        pace.spend(100, start + second);
        assert_eq!(pace.excess(start + 2 * second), 2 * second);
        pace.spend(1, start + 3 * second);
        assert_eq!(pace.excess(start + 4 * second), Duration::ZERO);
    }

    #[test]
    fn no_number_overflows() {
        let now = Instant::now();
        for units in [0, 1, u64::MAX] {
            for burst in [Duration::ZERO, Duration::from_secs(1 << 40)] {
                let mut pace = Pace::new(Rate { units, burst }, now);
                pace.spend(u64::MAX, now);
                pace.spend(u64::MAX, now);
                let _ = (pace.allowance(now), pace.resumes(now));
            }
        }
    }
}
