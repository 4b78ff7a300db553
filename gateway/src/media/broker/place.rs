//! A publisher's or player's place in a stream, as everybody sees it who has to do with either.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// What everybody who has to do with a publisher or player shares.
#[derive(Debug, Default)]
pub(super) struct Place {
    is_over: AtomicBool,
    pub(super) wake: Notify,
}

impl Place {
    /// Takes it away; its connection finds out by itself.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// A publisher's or player's slot; the number is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotId(pub(super) u64);

/// The publisher or player is no longer part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has ended for this connection")]
pub struct Ended;
