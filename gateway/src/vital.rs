//! The tasks without which the gateway is none: the hub's, and those that accept connections.
//!
//! When one of them ends, by a panic or in any other way, the process must: half a gateway helps nobody, and
//! after a restart clients come back by themselves (docs/protocol.md 12.6).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

/// The vital tasks of one gateway. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Vital {
    tasks: Arc<Mutex<BTreeMap<&'static str, AbortHandle>>>,
    ended: watch::Sender<Option<&'static str>>,
}

impl Vital {
    /// Starts a task whose end is noticed.
    pub(crate) fn spawn<F>(&self, name: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.spawn_on(&Handle::current(), name, task)
    }

    /// The same, on threads of one's own.
    pub(crate) fn spawn_on<F>(&self, threads: &Handle, name: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let end = End { name, ended: self.ended.clone() };
        let running = threads.spawn(async move {
            // Dropped after the task, however that ends.
            let _end = end;
            task.await
        });
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert(name, running.abort_handle());
        running
    }

    /// Waits until one of them has ended, and says which.
    pub(crate) async fn first_end(&self) -> &'static str {
        let mut ended = self.ended.subscribe();
        // We hold a sender ourselves, so that it cannot be closed.
        let ended = ended.wait_for(Option::is_some).await;
        ended.ok().and_then(|name| *name).unwrap_or_default()
    }

    /// Ends one of them, for tests; whether there is one of that name.
    pub(crate) fn end(&self, name: &str) -> bool {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.get(name).map(AbortHandle::abort).is_some()
    }
}

struct End {
    name: &'static str,
    ended: watch::Sender<Option<&'static str>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.ended.send_if_modified(|first| first.is_none() && first.replace(self.name).is_none());
    }
}
