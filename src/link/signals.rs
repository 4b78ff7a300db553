//! What is not on the wire and moves the link all the same: the application's life, the network as the
//! platform sees it, and an application that decides about reconnecting.

use std::time::Duration;

use super::{Link, Step, Tools};
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
        let Self::Waiting { trip, until, .. } = self else { return Vec::new() };
        let error = trip.given_up();
        if !matches!(error, Error::ReconnectFailed { attempts, .. } if attempts == count) {
            return Vec::new();
        }
        match advice {
            Advice::After(millis) => *until = now + Duration::from_millis(millis.into()),
            Advice::GiveUp => return self.finish(error),
            Advice::Default if trip.has_spent(&tools.config, tools.offline, now) => {
                return self.finish(error);
            }
            Advice::Default => {}
        }
        Vec::new()
    }

    /// The application was suspended: answers may be waiting to be read, and an open socket is in doubt.
    pub(crate) fn resumed(&mut self, tools: &Tools, now: Instant) -> Vec<Step> {
        match self {
            Self::Idle | Self::Leaving { .. } => {}
            Self::Waiting { until, .. } => *until = now,
            Self::Locating { deadline, .. }
            | Self::Opening { deadline, .. }
            | Self::LoggingIn { deadline, .. } => {
                *deadline = (*deadline).max(now + tools.config.probe_limit);
            }
            Self::Online { .. } => return self.probe(tools, now),
        }
        Vec::new()
    }

    /// There is no reason to wait any longer, and good reason to doubt a socket that was open before.
    fn hurry(&mut self, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Self::Waiting { trip, .. } = self else { return self.probe(tools, now) };
        trip.excuse_one();
        self.retry(tools, now)
    }

    /// There is a network, perhaps another one. What began on the one before leads nowhere: an open
    /// socket is replaced where the platform said that the network was gone, and an attempt that was
    /// under way begins anew.
    fn network_is_up(&mut self, was_offline: bool, tools: &mut Tools, now: Instant) -> Vec<Step> {
        let Config { bootstrap_timeout, login_timeout, retry_base, .. } = tools.config;
        let (trip, deadline, limit) = match self {
            Self::Locating { trip, deadline, .. } => (trip, *deadline, bootstrap_timeout),
            Self::Opening { trip, deadline, .. } | Self::LoggingIn { trip, deadline, .. } => {
                (trip, *deadline, login_timeout)
            }
            Self::Online { .. } if was_offline => {
                let mut steps = self.fail(Cause::NetworkLost, tools, now);
                steps.extend(self.hurry(tools, now));
                return steps;
            }
            Self::Waiting { trip, .. } if was_offline => {
                trip.excuse_all();
                return self.hurry(tools, now);
            }
            Self::Idle | Self::Online { .. } | Self::Waiting { .. } | Self::Leaving { .. } => {
                return self.hurry(tools, now);
            }
        };
        if was_offline {
            trip.excuse_all();
        }
        // Beginning anew has no end of its own.
        let is_spent = trip.is_entering() || trip.has_spent(&tools.config, true, now);
        let age = limit.saturating_sub(deadline.since(now));
        // A nervous network tells of itself many times a second, and an attempt needs some time.
        if !was_offline && (is_spent || age < retry_base) {
            return Vec::new();
        }
        let close = self.socket().map(Step::Close);
        let again = match std::mem::take(self) {
            Self::Locating { trip, old, attempt, .. } => self.locate(trip, old, attempt, tools, now),
            Self::Opening { trip, target, .. } | Self::LoggingIn { trip, target, .. } => {
                self.open(trip, target, tools, now)
            }
            other @ (Self::Idle | Self::Online { .. } | Self::Waiting { .. } | Self::Leaving { .. }) => {
                *self = other;
                Vec::new()
            }
        };
        close.into_iter().chain(again).collect()
    }

    /// Asks the gateway for a sign of life, soon.
    fn probe(&mut self, tools: &Tools, now: Instant) -> Vec<Step> {
        let Self::Online { pulse, .. } = self else { return Vec::new() };
        pulse.probe(&tools.config, now);
        vec![Step::Heartbeat]
    }
}
