//! The heartbeat: when the next one is due, and when a gateway that does not answer counts as dead.

use std::time::Duration;

use crate::api::config::Config;
use crate::time::{Instant, Timer, millis};
use crate::wire::model::Seq;

/// The heartbeat of one connection.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// When the next one is due.
    next: Instant,
    /// When the last packet came.
    heard: Instant,
    /// The last one sent, and when.
    beat: Option<(Seq, Instant)>,
    /// When the gateway counts as dead; set by a heartbeat, cleared by any packet.
    dead: Option<Instant>,
}

/// How long the gateway takes to answer, learned as TCP learns its retransmission timeout (RFC 6298);
/// in milliseconds. A network that changes keeps its history: it is the same gateway.
#[derive(Debug, Default)]
pub(crate) enum AnswerTime {
    #[default]
    Unknown,
    Known {
        smoothed: u64,
        variation: u64,
    },
}

impl Pulse {
    /// The pulse of a connection that has just answered a login.
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { next: now + config.heartbeat_interval, heard: now, beat: None, dead: None }
    }

    /// A packet came.
    pub(crate) const fn heard(&mut self, now: Instant) {
        (self.heard, self.dead) = (now, None);
    }

    /// The time of the next heartbeat has come. A gateway that usually answers at once is missed at
    /// the silence limit; any other is given the time it may need after its heartbeat.
    pub(crate) fn beat(&mut self, answers: &AnswerTime, hidden: bool, config: &Config, now: Instant) {
        let (limit, patience) = if hidden {
            (config.hidden_silence_limit, config.hidden_silence_limit)
        } else {
            (config.silence_limit, answers.patience(config))
        };
        self.schedule(config, now);
        self.dead.get_or_insert((self.heard + limit).max(now + patience));
    }

    /// The socket is in doubt: a heartbeat goes out here and now, and the answer must come soon.
    pub(crate) fn probe(&mut self, config: &Config, now: Instant) {
        self.schedule(config, now);
        self.dead = Some(now + config.probe_limit);
    }

    /// The heartbeat went out under this number.
    pub(crate) const fn sent(&mut self, seq: Seq, now: Instant) {
        self.beat = Some((seq, now));
    }

    /// A packet was acknowledged: when it went out, if it was the last heartbeat.
    pub(crate) fn acknowledged(&mut self, seq: Seq) -> Option<Instant> {
        self.beat.take_if(|(sent, _)| *sent == seq).map(|(_, at)| at)
    }

    /// What the pulse waits for.
    pub(crate) fn deadline(&self) -> (Instant, Timer) {
        let beat = (self.next, Timer::Heartbeat);
        self.dead.map_or(beat, |dead| beat.min((dead, Timer::Silence)))
    }

    fn schedule(&mut self, config: &Config, now: Instant) {
        // An interval of nothing would never let the loop end.
        self.next = now + config.heartbeat_interval.max(Duration::from_millis(1));
    }
}

impl AnswerTime {
    /// Takes in how long an answer took.
    pub(crate) fn learn(&mut self, took: Duration) {
        let took = millis(took);
        *self = match *self {
            Self::Unknown => Self::Known { smoothed: took, variation: took / 2 },
            Self::Known { smoothed, variation } => Self::Known {
                smoothed: smoothed.saturating_mul(7).saturating_add(took) / 8,
                variation: variation.saturating_mul(3).saturating_add(smoothed.abs_diff(took)) / 4,
            },
        };
    }

    fn patience(&self, config: &Config) -> Duration {
        let Self::Known { smoothed, variation } = *self else { return config.silence_limit };
        let expected = Duration::from_millis(smoothed.saturating_add(variation.saturating_mul(4)));
        expected.max(config.shortest_patience).min(config.silence_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn patience_grows_with_slow_answers_at_once_and_shrinks_with_fast_ones_slowly() {
        let config = Config::new("k");
        let mut answers = AnswerTime::default();
        assert_eq!(answers.patience(&config), millis(4000), "nothing is known");
        answers.learn(millis(20));
        assert_eq!(answers.patience(&config), millis(1000));
        answers.learn(millis(2000));
        assert!(answers.patience(&config) > millis(2000));
        for _ in 0..30 {
            answers.learn(millis(20));
        }
        assert_eq!(answers.patience(&config), millis(1000));
        answers.learn(Duration::MAX);
        assert_eq!(answers.patience(&config), millis(4000));
    }

    #[test]
    fn a_gateway_known_to_answer_at_once_is_missed_four_seconds_after_its_last_packet() {
        let config = Config::new("k");
        let start = Instant::from_millis(0);
        let mut answers = AnswerTime::default();
        let mut pulse = Pulse::new(&config, start);
        pulse.beat(&answers, false, &config, start + millis(3000));
        assert_eq!(pulse.deadline(), (start + millis(6000), Timer::Heartbeat), "it may take four seconds");

        answers.learn(millis(30));
        let mut pulse = Pulse::new(&config, start);
        pulse.heard(start + millis(100));
        pulse.beat(&answers, false, &config, start + millis(3000));
        assert_eq!(pulse.deadline(), (start + millis(4100), Timer::Silence));
    }
}
