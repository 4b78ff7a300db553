//! One stay in a room, from `join` to `disconnect`: where it goes, how often it has failed, and when
//! that was once too often.

use std::time::Duration;

use crate::api::config::{Config, Decides};
use crate::api::doors::RetryContext;
use crate::api::error::{Cause, Error, ErrorKind};
use crate::api::join::JoinParams;
use crate::api::voice::Voice;
use crate::link::gateways::Gateways;
use crate::link::pulse::AnswerTime;
use crate::time::{Instant, Rng, millis};
use crate::wire::login::Login;
use crate::wire::model::{AppUid, Role, Url};
use crate::wire::protocol::Ack;

/// One stay in a room, from `join` to `disconnect`.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) join: JoinParams,
    pub(crate) uid: AppUid,
    /// When `join` was called.
    pub(crate) since: Instant,
    /// Whether a socket was ever open, so that `open` and `disconnect` match.
    pub(crate) opened: bool,
    /// What our gateway gave us last to come back with, whatever expires meanwhile (12.6).
    pub(crate) resume: String,
    /// How long the gateway takes to answer.
    pub(crate) answers: AnswerTime,
    /// Where to connect, as the channel server said last.
    pub(crate) target: Option<Target>,
    /// The host that was tried last, which errors name.
    pub(crate) host: String,
    stage: Stage,
}

/// How the stay is going.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Never logged in yet.
    Entering { since: Instant, failures: u32 },
    /// Logged in. `failures` are those of the outage before, which count on if this does not last.
    Steady { since: Instant, failures: u32 },
    /// Lost after having been logged in. `cause` is what began it.
    Outage { since: Instant, failures: u32, cause: Cause, refused: bool },
}

/// Where to connect.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) gateways: Gateways,
    /// Which address is next; taken modulo their number.
    turn: usize,
}

impl Stay {
    pub(crate) const fn new(join: JoinParams, uid: AppUid, now: Instant) -> Self {
        Self {
            join,
            uid,
            since: now,
            opened: false,
            resume: String::new(),
            answers: AnswerTime::Unknown,
            target: None,
            host: String::new(),
            stage: Stage::Entering { since: now, failures: 0 },
        }
    }

    /// A login succeeded.
    pub(crate) fn arrive(&mut self, now: Instant) {
        let failures = match self.stage {
            Stage::Entering { .. } => 0,
            Stage::Steady { failures, .. } | Stage::Outage { failures, .. } => failures,
        };
        self.stage = Stage::Steady { since: now, failures };
    }

    /// The connection was lost, or an attempt failed: how many attempts have failed by now. While there
    /// is said to be no network (`offline`), only time ends an outage.
    ///
    /// # Errors
    /// Why no other attempt follows.
    pub(crate) fn set_back(
        &mut self,
        cause: Cause,
        offline: bool,
        config: &Config,
        now: Instant,
    ) -> Result<u32, Error> {
        let (since, failures, first) = match &self.stage {
            Stage::Entering { since, failures } => {
                let (since, failures) = (*since, failures + 1);
                if failures >= config.join_attempts || now.since(since) >= config.join_budget {
                    return Err(Error::ConnectFailed { host: self.host.clone(), cause });
                }
                self.stage = Stage::Entering { since, failures };
                return Ok(failures);
            }
            Stage::Steady { since, failures } => {
                let lasted = now.since(*since) >= config.stable_after;
                (now, if lasted { 0 } else { failures + 1 }, cause)
            }
            Stage::Outage { since, failures, cause, .. } => (*since, failures + 1, cause.clone()),
        };
        let refused = matches!(self.stage, Stage::Outage { refused: true, .. });
        self.stage = Stage::Outage { since, failures, cause: first, refused };
        match config.decides {
            Decides::Sdk if self.has_spent(config, offline, now) => Err(self.given_up()),
            Decides::Sdk | Decides::Application => Ok(failures),
        }
    }

    /// Whether the configured attempts or time for this outage are used up.
    pub(crate) fn has_spent(&self, config: &Config, offline: bool, now: Instant) -> bool {
        let Stage::Outage { since, failures, .. } = &self.stage else { return false };
        !offline && *failures >= config.reconnect_attempts || now.since(*since) >= config.reconnect_budget
    }

    /// The error of a stay that no other attempt is made for.
    pub(crate) fn given_up(&self) -> Error {
        match &self.stage {
            Stage::Outage { failures, cause, .. } => {
                Error::ReconnectFailed { host: self.host.clone(), attempts: *failures, cause: cause.clone() }
            }
            Stage::Entering { .. } | Stage::Steady { .. } => Error::Left,
        }
    }

    /// What an application that decides is told before it does; `None` outside of an outage.
    pub(crate) fn context(&self, delay: Duration, now: Instant) -> Option<RetryContext> {
        let Stage::Outage { since, failures, cause, .. } = &self.stage else { return None };
        let short = |time| u32::try_from(millis(time)).unwrap_or(u32::MAX);
        Some(RetryContext {
            retry_count: *failures,
            elapsed_ms: short(now.since(*since)),
            retry_reason: cause.to_string(),
            delay_ms: short(delay),
        })
    }

    /// The login was refused. In an outage our ticket may just have become too old, so one refusal
    /// is no failure.
    ///
    /// # Errors
    /// Why no other attempt follows.
    pub(crate) fn refuse(&mut self, code: i32, desc: String) -> Result<(), Error> {
        let host = self.host.clone();
        match &mut self.stage {
            Stage::Outage { .. } if code == Ack::REPLACED => Err(Error::Replaced),
            Stage::Outage { refused: refused @ false, .. } => {
                *refused = true;
                Ok(())
            }
            Stage::Outage { failures, .. } => Err(Error::ReconnectFailed {
                host,
                attempts: *failures + 1,
                cause: Cause::LoginRefused(code),
            }),
            Stage::Entering { .. } | Stage::Steady { .. } => Err(Error::LoginRefused { host, code, desc }),
        }
    }

    /// The channel server was of no use before the first login.
    pub(crate) fn lost_on_the_way(&self, error: Error) -> Error {
        match self.stage {
            Stage::Entering { failures: 1.., .. } if error.kind() != ErrorKind::Misuse => {
                Error::ConnectFailed { host: self.host.clone(), cause: Cause::Bootstrap(error.reason()) }
            }
            Stage::Entering { .. } | Stage::Steady { .. } | Stage::Outage { .. } => error,
        }
    }

    /// The next attempt is made for an outside reason, and does not count: a nervous network would
    /// spend them all.
    pub(crate) const fn excuse_one(&mut self) {
        if let Stage::Outage { failures, .. } = &mut self.stage {
            *failures = failures.saturating_sub(1);
        }
    }

    /// There is a network again: what was tried without one does not count.
    pub(crate) const fn excuse_all(&mut self) {
        if let Stage::Outage { failures, .. } = &mut self.stage {
            *failures = 0;
        }
    }

    pub(crate) const fn is_entering(&self) -> bool {
        matches!(self.stage, Stage::Entering { .. })
    }

    /// What we log in with.
    pub(crate) fn login(&self, gateways: &Gateways, role: Role, voice: &Voice, model: &str) -> Login {
        let join = &self.join;
        let (effect, pitch, beautifier) = voice.presets();
        Login {
            uid: self.uid.uid(),
            cid: gateways.cid,
            token: gateways.token.clone(),
            mode: join.mode,
            scene: 1,
            usertype: 3,
            live_enable: join.live_enable,
            webrtc: 1,
            record_audio: join.record_audio,
            record_video: join.record_video,
            rtmp_record: join.rtmp_record,
            record_type: join.record_type.clone(),
            role,
            is_host_speaker: join.is_host_speaker,
            edge_addr: gateways.edge_addr.clone(),
            newprotocol: 2,
            dual_audio: None,
            audio_change_mode: Some(voice.mode().into()),
            audio_local_pitch: pitch.to_owned(),
            audio_change_type: Some(effect.into()),
            audio_beauty_type: Some(beautifier.into()),
            resume: self.resume.clone(),
            model: model.to_owned(),
        }
    }
}

impl Target {
    pub(crate) const fn new(gateways: Gateways) -> Self {
        Self { gateways, turn: 0 }
    }

    pub(crate) fn address(&self) -> Url {
        let addresses = &self.gateways.addresses;
        addresses[self.turn % addresses.len()].clone()
    }

    /// The next address, the next time.
    pub(crate) const fn rotate(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Without the present address, which will never do; `None` where it was the last one.
    pub(crate) fn without_this(mut self) -> Option<Self> {
        let addresses = &mut self.gateways.addresses;
        addresses.remove(self.turn % addresses.len());
        (!addresses.is_empty()).then_some(self)
    }
}

/// The wait before attempt number `failures` + 1: almost none at first, then doubling to a cap,
/// with full jitter, so that the clients of a restarted gateway don't come back in step.
pub(crate) fn back_off(failures: u32, config: &Config, rng: &mut Rng) -> Duration {
    let longest = match failures {
        0 => config.first_retry,
        _ => config.retry_base.saturating_mul(1 << (failures - 1).min(16)).min(config.retry_cap),
    };
    Duration::from_millis(rng.between(0, millis(longest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_back_off_starts_near_zero_doubles_and_is_capped() {
        let config = Config::new("k");
        let longest = |failures| {
            let mut rng = Rng::seeded(1);
            (0..1000).map(|_| back_off(failures, &config, &mut rng).as_millis()).max().unwrap()
        };
        assert!(longest(0) <= 50);
        let waits: Vec<u128> = (1..9).map(longest).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1] + 10), "{waits:?}");
        assert!(waits[7] <= 8000 && waits[7] > 7500, "{waits:?}");
    }
}
