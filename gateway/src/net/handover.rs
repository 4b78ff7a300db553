//! How a connection moves to a row on other threads: whoever answers its last request may have some.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::rows::Rows;

/// A way for the answer to the last request of a connection to be sent from a row. It ends when its peer is gone.
#[derive(Debug, Default, Clone)]
pub(crate) struct Handover(Arc<(OnceLock<Seat>, Notify)>);

/// Among which rows, and under what name.
type Seat = (Arc<Rows>, Arc<str>);

impl Handover {
    /// Has the answer sent from a row of that name.
    pub(crate) fn to(&self, rows: &Arc<Rows>, name: &Arc<str>) {
        let (target, said) = &*self.0;
        let _again = target.set((Arc::clone(rows), Arc::clone(name)));
        said.notify_one();
    }

    /// Waits until somebody wants it, and says where.
    pub(crate) async fn taken(&self) -> Seat {
        let (target, said) = &*self.0;
        loop {
            if let Some(row) = target.get() {
                return row.clone();
            }
            said.notified().await;
        }
    }
}
