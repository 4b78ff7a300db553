//! How a connection moves to other threads: whoever answers its last request may have its own.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// A way for the answer to the last request of a connection to be sent by other threads. It ends when its peer
/// is gone.
#[derive(Debug, Default, Clone)]
pub(crate) struct Handover(Arc<(OnceLock<Handle>, Notify)>);

impl Handover {
    /// Has the answer sent by these threads.
    pub(crate) fn to(&self, workers: &Handle) {
        let (target, said) = &*self.0;
        let _again = target.set(workers.clone());
        said.notify_one();
    }

    /// Waits until somebody wants it, and says on which threads.
    pub(crate) async fn taken(&self) -> Handle {
        let (target, said) = &*self.0;
        loop {
            if let Some(workers) = target.get() {
                return workers.clone();
            }
            said.notified().await;
        }
    }
}
