//! Who may begin to publish or play, and who may go on: the one place that every engine asks.
//!
//! Hides what is asked before somebody is let in, and for how long an answer is waited for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::media::MediaRefusal;
use crate::rights::{Action, Admission, Authorizer, Carried, GrantError, Grants, Holder};

/// Asked by whoever lets clients in.
pub(crate) struct Gate {
    grants: Arc<Grants>,
    authorizer: Arc<dyn Authorizer>,
    /// Places for those whose holder may come back.
    waiting: Semaphore,
    /// What came of requests so far.
    requests: Mutex<BTreeMap<&'static str, u64>>,
}

impl Gate {
    /// `waiting` is for how many at once an answer may be waited for.
    pub(crate) fn new(grants: Arc<Grants>, authorizer: Arc<dyn Authorizer>, waiting: usize) -> Self {
        Self { grants, authorizer, waiting: Semaphore::new(waiting), requests: Mutex::default() }
    }

    /// What came of requests to publish or play so far.
    pub(crate) fn requests(&self) -> Vec<(&'static str, u64)> {
        self.counts().iter().map(|(reason, count)| (*reason, *count)).collect()
    }

    /// Counts what came of a request for `asked`, and says it when it is refused.
    pub(crate) fn count<T>(&self, asked: &str, outcome: Result<T, MediaRefusal>) -> Result<T, MediaRefusal> {
        let result = outcome.as_ref().map_or_else(|refusal| refusal.reason(), |_| "ok");
        if outcome.is_err() {
            // The rest is a grant.
            let name: String = asked.chars().take_while(|letter| *letter != '?').take(MAX_LOGGED).collect();
            tracing::warn!("media are refused: {result}, stream {name:?}");
        }
        self.tally(result);
        outcome
    }

    /// Counts something that is no request for a stream.
    pub(crate) fn tally(&self, reason: &'static str) {
        *self.counts().entry(reason).or_default() += 1;
    }

    /// Asked before a slot is taken, so that no stranger replaces anybody. After a restart of the gateway
    /// components are back before their members are, and a refused one would not come again: their members are
    /// waited for, at most for `patience`. `waits` is called when that begins.
    pub(crate) async fn admit(
        &self,
        action: Action,
        name: &str,
        grant: &str,
        patience: Option<Duration>,
        waits: impl Fn(),
    ) -> Result<Holder, MediaRefusal> {
        let holder = self.grants.verify(grant, action, name)?;
        let limit = patience.map(|patience| Instant::now() + patience);
        let mut place = None;
        loop {
            match self.authorizer.admits(action, name, holder) {
                Admission::Granted(_) => return Ok(holder),
                Admission::Refused(refusal) => return Err(refusal.into()),
                Admission::Unknown { until, mut changed } => {
                    if limit.is_some_and(|limit| limit <= Instant::now()) {
                        return Err(GrantError::NotAMember.into());
                    }
                    if place.is_none() {
                        place = Some(self.waiting.try_acquire().map_err(|_| GrantError::NotAMember)?);
                        waits();
                    }
                    let until = limit.map_or(until, |limit| limit.min(until));
                    // The members are gone with the gateway, or the time is over: the next answer is the last.
                    let _again = timeout_at(until, changed.changed()).await;
                }
            }
        }
    }

    /// Asked again after a slot was taken: a review in between would have found nothing to end.
    pub(crate) fn confirm(
        &self,
        action: Action,
        name: &str,
        holder: Holder,
    ) -> Result<Carried, MediaRefusal> {
        match self.authorizer.admits(action, name, holder) {
            Admission::Granted(carried) => Ok(carried),
            Admission::Refused(refusal) => Err(refusal.into()),
            Admission::Unknown { .. } => Err(GrantError::NotAMember.into()),
        }
    }

    /// Whether a user may go on with what it does.
    pub(crate) fn permits(&self, action: Action, stream: &str, holder: u64) -> bool {
        self.authorizer.permits(action, stream, holder)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Letters of a stream's name in a line of the log.
const MAX_LOGGED: usize = 64;
