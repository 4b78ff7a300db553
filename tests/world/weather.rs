//! What goes wrong by itself: how long things take, and how often they fail.

use std::time::Duration;

use nertc_miniapp::Rng;

/// Delays, and rates in thousandths.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    /// One way, in milliseconds: at least and at most.
    pub(crate) latency: (u64, u64),
    /// A message waits for seconds, and those behind it on the same connection with it.
    pub(crate) stalls: u64,
    /// One end is not told that its connection broke.
    pub(crate) closes_unseen: u64,
    /// The platform tells of a close twice.
    pub(crate) closes_twice: u64,
    /// The channel server cannot be reached.
    pub(crate) requests_fail: u64,
    /// It answers after seconds.
    pub(crate) requests_late: u64,
    /// It never answers.
    pub(crate) requests_unanswered: u64,
    /// A socket cannot be opened.
    pub(crate) opens_fail: u64,
    /// A socket never opens.
    pub(crate) opens_hang: u64,
    /// The platform fails to send a frame.
    pub(crate) sends_fail: u64,
    /// The channel server hands out a ticket that the gateway refuses.
    pub(crate) tickets_bad: u64,
    /// How long tickets are good for.
    pub(crate) ticket_life: Duration,
    /// The channel server also names a gateway that does not exist.
    pub(crate) spare_address: bool,
}

impl Weather {
    /// Nothing fails, and everything takes the same time.
    pub(crate) fn fair() -> Self {
        let ms = u64::try_from(super::LATENCY.as_millis()).expect("short");
        Self {
            latency: (ms, ms),
            stalls: 0,
            closes_unseen: 0,
            closes_twice: 0,
            requests_fail: 0,
            requests_late: 0,
            requests_unanswered: 0,
            opens_fail: 0,
            opens_hang: 0,
            sends_fail: 0,
            tickets_bad: 0,
            ticket_life: Duration::from_secs(86_400),
            spare_address: false,
        }
    }

    /// First which faults exist, then how often they strike.
    pub(crate) fn drawn(rng: &mut Rng) -> Self {
        let mut rate = |most: u64| {
            let exists = rng.between(1, 4) == 1;
            if exists { rng.between(1, most) } else { 0 }
        };
        let mut weather = Self {
            stalls: rate(30),
            closes_unseen: rate(700),
            closes_twice: rate(700),
            requests_fail: rate(500),
            requests_late: rate(500),
            requests_unanswered: rate(300),
            opens_fail: rate(500),
            opens_hang: rate(300),
            sends_fail: rate(20),
            tickets_bad: rate(300),
            ..Self::fair()
        };
        if rng.between(1, 2) == 1 {
            weather.latency = (1, 10 * rng.between(1, 40));
        }
        if rng.between(1, 5) == 1 {
            weather.ticket_life = Duration::from_secs(rng.between(2, 60));
        }
        weather.spare_address = rng.between(1, 5) == 1;
        weather
    }
}
