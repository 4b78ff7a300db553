//! A publisher's or player's place in a stream, as everybody sees it who has to do with either.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::outbox::Outbox;

/// What everybody who has to do with a publisher or player shares.
#[derive(Debug, Default)]
pub(super) struct Place {
    is_over: AtomicBool,
    /// The one connection that has the place.
    connection: AtomicWaker,
    /// Under a lock of its own: who takes waits for nobody who takes something else.
    outbox: Mutex<Outbox>,
}

impl Place {
    /// Takes it away; its connection finds out by itself.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn wake(&self) {
        self.connection.wake();
    }

    /// Ready when there is something to take, or the place is taken away.
    pub(super) fn poll_news(&self, context: &Context<'_>) -> Poll<()> {
        // Before it is looked: what came in between would wake nobody.
        self.connection.register(context.waker());
        if self.is_over() || !self.outbox().is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A publisher's or player's slot; the number is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotId(pub(super) u64);

/// The publisher or player is no longer part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has ended for this connection")]
pub struct Ended;
