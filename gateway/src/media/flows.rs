//! Which streams have got or lost their publisher lately.
//!
//! Names only: whether a stream has one is asked when somebody looks, so no order of events matters, and a stream
//! that comes and goes a thousand times before that is one name.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Streams that something has happened to.
#[derive(Debug, Default)]
pub struct Flows {
    changed: Mutex<BTreeSet<String>>,
    news: Notify,
}

impl Flows {
    /// The stream may have another state than before.
    pub(crate) fn touch(&self, stream: &str) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.to_owned());
        self.news.notify_one();
    }

    /// Waits for streams that were touched; each is given once.
    pub(crate) async fn changed(&self) -> BTreeSet<String> {
        loop {
            let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
            if !changed.is_empty() {
                return changed;
            }
            self.news.notified().await;
        }
    }
}
