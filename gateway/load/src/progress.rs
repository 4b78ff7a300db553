//! Waiting, and what is told of work that takes longer than two seconds.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

/// Tells on standard error how far something is, now and then.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    done: u64,
    all: u64,
    told: Instant,
}

impl Progress {
    pub(crate) fn new(what: String, all: u64) -> Self {
        Self { what, done: 0, all, told: Instant::now() }
    }

    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            eprintln!("{}: {} of {}", self.what, self.done, self.all);
        }
    }

    /// Lets time pass.
    pub(crate) async fn wait(&mut self, what: String, length: Duration) {
        let end = Instant::now() + length;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if left < length {
                eprintln!("{what}: {} s left", left.as_secs() + 1);
            }
            sleep(left.min(EVERY)).await;
        }
    }
}

/// Waits for it, and not for ever: what is missing is counted.
pub(crate) async fn until(condition: impl Fn() -> bool, longest: Duration) {
    let reached = async {
        while !condition() {
            sleep(GLANCE).await;
        }
    };
    let _too_late = timeout(longest, reached).await;
}

const GLANCE: Duration = Duration::from_millis(2);
const EVERY: Duration = Duration::from_secs(2);
