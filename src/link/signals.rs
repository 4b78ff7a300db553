//! What is not on the wire and moves the link all the same: the application's life, the network as the
//! platform sees it, and an application that decides about reconnecting.

use std::time::Duration;

use super::{Link, Phase, Step, Tools};
use crate::api::config::Config;
use crate::api::doors::{Advice, AppSignal};
use crate::api::error::{Cause, Error};
use crate::time::Instant;

impl Link {
    /// The platform told something about the application's surroundings.
    pub(crate) fn handle_signal(&mut self, signal: AppSignal, tools: &mut Tools, now: Instant) -> Vec<Step> {
        match signal {
            AppSignal::Hidden => {
                tools.hidden.get_or_insert(tools.clock.wall());
            }
            AppSignal::NetworkDown => tools.offline = true,
            AppSignal::Shown => {
                tools.hidden = None;
                return self.hurry(tools, now);
            }
            AppSignal::NetworkUp => {
                let was_offline = std::mem::take(&mut tools.offline);
                return self.network_is_up(was_offline, tools, now);
            }
        }
        Vec::new()
    }

    /// The application says when the next attempt, after `count` that failed, is to follow.
    pub(crate) fn handle_advice(
        &mut self,
        count: u32,
        advice: Advice,
        tools: &Tools,
        now: Instant,
    ) -> Vec<Step> {
        let Self::Staying { stay, phase: Phase::Waiting { until, .. } } = self else { return Vec::new() };
        let error = stay.given_up();
        if !matches!(error, Error::ReconnectFailed { attempts, .. } if attempts == count) {
            return Vec::new();
        }
        match advice {
            Advice::After(millis) => *until = now + Duration::from_millis(millis.into()),
            Advice::GiveUp => return self.finish(error),
            Advice::Default if stay.has_spent(&tools.config, tools.offline, now) => {
                return self.finish(error);
            }
            Advice::Default => {}
        }
        Vec::new()
    }

    /// The application was suspended: answers may be waiting to be read, and an open socket is in doubt.
    pub(crate) fn resumed(&mut self, tools: &Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { phase, .. } = self else { return Vec::new() };
        match phase {
            Phase::Leaving { .. } => {}
            Phase::Waiting { until, .. } => *until = now,
            Phase::Locating { deadline, .. }
            | Phase::Opening { deadline, .. }
            | Phase::LoggingIn { deadline, .. } => {
                *deadline = (*deadline).max(now + tools.config.probe_limit);
            }
            Phase::Online { .. } => return self.probe(tools, now),
        }
        Vec::new()
    }

    /// There is no reason to wait any longer, and good reason to doubt a socket that was open before.
    fn hurry(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { stay, phase: Phase::Waiting { .. } } = self else {
            return self.probe(tools, now);
        };
        stay.excuse_one();
        self.retry(tools, now)
    }

    /// There is a network, perhaps another one. What began on the one before leads nowhere: an open
    /// socket is replaced where the platform said that the network was gone, and an attempt that was
    /// under way begins anew.
    fn network_is_up(&mut self, was_offline: bool, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Config { bootstrap_timeout, login_timeout, retry_base, .. } = tools.config;
        let Self::Staying { stay, phase } = self else { return Vec::new() };
        let (deadline, limit) = match phase {
            Phase::Locating { deadline, .. } => (*deadline, bootstrap_timeout),
            Phase::Opening { deadline, .. } | Phase::LoggingIn { deadline, .. } => (*deadline, login_timeout),
            Phase::Online { .. } if was_offline => {
                let mut steps = self.fail(Cause::NetworkLost, tools, now);
                steps.extend(self.hurry(tools, now));
                return steps;
            }
            Phase::Waiting { .. } if was_offline => {
                stay.excuse_all();
                return self.hurry(tools, now);
            }
            Phase::Online { .. } | Phase::Waiting { .. } | Phase::Leaving { .. } => {
                return self.hurry(tools, now);
            }
        };
        if was_offline {
            stay.excuse_all();
        }
        // Beginning anew has no end of its own.
        let is_spent = stay.is_entering() || stay.has_spent(&tools.config, true, now);
        let age = limit.saturating_sub(deadline.since(now));
        // A nervous network tells of itself many times a second, and an attempt needs some time.
        if !was_offline && (is_spent || age < retry_base) {
            return Vec::new();
        }
        if let Phase::Locating { attempt, .. } = *phase {
            return self.locate(attempt, tools, now);
        }
        let close = self.socket().map(Step::Close);
        close.into_iter().chain(self.open(tools, now)).collect()
    }

    /// Asks the gateway for a sign of life, soon.
    fn probe(&mut self, tools: &Tools, now: Instant) -> Vec<Step> {
        let Self::Staying { phase: Phase::Online { pulse, .. }, .. } = self else { return Vec::new() };
        pulse.probe(&tools.config, now);
        vec![Step::Heartbeat]
    }
}
