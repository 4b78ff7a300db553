//! A publisher's or player's place in a stream, as everybody sees it who has to do with either.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake};

use futures_util::task::AtomicWaker;

use super::outbox::Outbox;

/// What everybody who has to do with a publisher or player shares.
#[derive(Debug, Default)]
pub(super) struct Place {
    is_over: AtomicBool,
    /// The one connection that has the place.
    connection: AtomicWaker,
    /// Whether what else the connection waits for was looked at, and has not woken it since.
    is_calm: AtomicBool,
    /// Under a lock of its own: who takes waits for nobody who takes something else.
    outbox: Mutex<Outbox>,
}

impl Place {
    /// Takes it away; its connection finds out by itself.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.tell();
    }

    /// Wakes the connection, which has news.
    pub(super) fn tell(&self) {
        self.connection.wake();
    }

    /// Ready when there is something to take, or the place is taken away.
    pub(super) fn poll_news(&self, context: &Context<'_>) -> Poll<()> {
        // Before it is looked: what came in between would wake nobody.
        self.connection.register(context.waker());
        if self.has_news() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The same, beside something that the connection waits for and that seldom comes. That is looked at the
    /// first time, after it was ready, and when it woke the connection: news alone do not cost a look.
    pub(super) fn poll_beside<T>(
        self: &Arc<Self>,
        turn: Turn,
        context: &Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Arrival<T>> {
        self.connection.register(context.waker());
        if turn == Turn::News && self.has_news() {
            return Poll::Ready(Arrival::News);
        }
        if !self.is_calm.swap(true, Ordering::AcqRel) {
            let found = look(&mut Context::from_waker(&Arc::clone(self).into()));
            if let Poll::Ready(other) = found {
                self.is_calm.store(false, Ordering::Release);
                return Poll::Ready(Arrival::Other(other));
            }
        }
        if turn == Turn::Other && self.has_news() { Poll::Ready(Arrival::News) } else { Poll::Pending }
    }

    fn has_news(&self) -> bool {
        self.is_over() || !self.outbox().is_empty()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the connection for what is no news.
impl Wake for Place {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_calm.store(false, Ordering::Release);
        self.connection.wake();
    }
}

/// What is looked at first. Whoever was served waits for the other, or could keep it waiting for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Something to take.
    News,
    /// Whatever else a connection waits for.
    Other,
}

/// What has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival<T> {
    /// Something to take, or the end.
    News,
    /// Something else.
    Other(T),
}

/// A publisher's or player's slot; the number is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotId(pub(super) u64);

/// The publisher or player is no longer part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has ended for this connection")]
pub struct Ended;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    use bytes::Bytes;
    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::super::packet::{Packet, Track};
    use super::*;

    #[tokio::test]
    async fn what_seldom_comes_is_looked_at_when_it_woke_the_connection_and_not_for_each_packet() {
        const PACKETS: u64 = 10;
        let (place, rare, looks) = (Arc::new(Place::default()), Notify::new(), Cell::new(0));
        let connection = async {
            let mut waiting = pin!(rare.notified());
            let mut taken = 0;
            loop {
                let next = poll_fn(|context| {
                    place.poll_beside(Turn::Other, context, |context| {
                        looks.set(looks.get() + 1);
                        waiting.as_mut().poll(context)
                    })
                });
                match next.await {
                    Arrival::News => taken += place.outbox().clear(),
                    Arrival::Other(()) => return taken,
                }
            }
        };
        let others = async {
            yield_now().await;
            for _ in 0..PACKETS {
                push(&place);
                while !place.outbox().is_empty() {
                    yield_now().await;
                }
            }
            assert_eq!(looks.get(), 1);
            rare.notify_one();
        };
        assert_eq!(tokio::join!(connection, others).0, PACKETS);
        assert_eq!(looks.get(), 2);
    }

    #[tokio::test]
    async fn neither_keeps_the_other_waiting() {
        let place = Arc::new(Place::default());
        push(&place);
        let next =
            async |turn| poll_fn(|context| place.poll_beside(turn, context, |_| Poll::Ready(()))).await;
        for _ in 0..3 {
            assert_eq!(next(Turn::News).await, Arrival::News);
            assert_eq!(next(Turn::Other).await, Arrival::Other(()));
        }
    }

    fn push(place: &Place) {
        place.outbox().push(Packet { track: Track::Audio, timestamp: 0, body: Bytes::new() }, 0);
        place.tell();
    }
}
