//! Who publishes, who plays, and what each player still has to be sent.
//!
//! Hides the stream clock, the cache that lets a late player start at a key frame, and what a slow
//! player misses. No socket, no clock, no task; it only wakes connections.

mod cache;
mod directory;
mod limits;
mod outbox;
mod packet;
mod place;
mod player;
mod stream;
mod tracks;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use arc_swap::ArcSwap;

use self::directory::Directory;
pub use self::directory::Slot;
pub use self::limits::BrokerLimits;
pub use self::packet::{Packet, Track};
pub use self::place::{Arrival, Ended, Turn};
use crate::media::{MediaRefusal, MediaStatistics};
use crate::rights::Action;

/// Every stream of the server.
///
/// Who has a place is one thing under one lock, held for moments; what is known of each stream is another, under
/// a lock of its own, and so is what waits for each player. So no stream waits for another, no player for
/// others, and nobody who decides about places waits for any.
#[derive(Debug)]
pub struct Broker {
    /// Read for every packet, and by whoever reads them without a lock.
    limits: ArcSwap<BrokerLimits>,
    directory: Mutex<Directory>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    dropped: AtomicU64,
}

impl Broker {
    /// Makes an empty one.
    #[must_use]
    pub fn new(limits: BrokerLimits) -> Self {
        Self {
            limits: ArcSwap::from_pointee(limits.consistent()),
            directory: Mutex::default(),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Holds no more than this from now on. Who has a place keeps it.
    pub fn limit_to(&self, limits: BrokerLimits) {
        self.limits.store(Arc::new(limits.consistent()));
    }

    /// Lets `holder` publish. The same holder's new connection replaces the old one: a phone that
    /// changes networks comes back long before its old connection is known to be dead.
    ///
    /// # Errors
    ///
    /// Refuses a second holder, and one stream more than the limit.
    pub fn publish(&self, name: &str, holder: u64) -> Result<Slot, MediaRefusal> {
        let slot = self.directory().publish(name, holder, &self.limits.load())?;
        open(&slot.stream).begin(slot.id);
        Ok(slot)
    }

    /// Lets `holder` play. What it needs to start is queued at once if the stream has it.
    ///
    /// # Errors
    ///
    /// Refuses one player, one waiting player or one stream more than the limit, unless somebody has more
    /// places than its share.
    pub fn play(&self, name: &str, holder: u64, now_ms: u64) -> Result<Slot, MediaRefusal> {
        let slot = self.directory().play(name, holder, &self.limits.load())?;
        open(&slot.stream).play(slot.id, Arc::clone(&slot.place), now_ms);
        Ok(slot)
    }

    /// Takes packets from a publisher and queues them for every player, which [`Broker::wake`] tells.
    ///
    /// # Errors
    ///
    /// Says that the publisher was replaced or ended.
    pub fn push(&self, slot: &Slot, packets: &[Packet], now_ms: u64) -> Result<(), Ended> {
        let Slot { id, place, stream, .. } = slot;
        if place.is_over() {
            return Err(Ended);
        }
        let dropped = open(stream).push(*id, packets, &self.limits.load(), now_ms)?;
        let bytes: usize = packets.iter().map(|packet| packet.body.len()).sum();
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        Ok(())
    }

    /// Wakes the players of a publisher's stream, once for all that was pushed, and drops those that took
    /// nothing for too long.
    pub fn wake(&self, slot: &Slot, now_ms: u64) {
        let stalled = open(&slot.stream).wake(&self.limits.load(), now_ms);
        for player in stalled {
            self.directory().leave(&slot.name, player);
        }
    }

    /// Hands on each of a player's next packets, of at most about `bytes`; none if there are none yet.
    ///
    /// # Errors
    ///
    /// Says that the player was dropped or its stream ended.
    pub fn take(
        &self,
        slot: &Slot,
        bytes: usize,
        now_ms: impl FnOnce() -> u64,
        each: impl FnMut(Packet),
    ) -> Result<(), Ended> {
        if slot.place.is_over() {
            return Err(Ended);
        }
        let bytes = slot.place.outbox().take(bytes, now_ms, each);
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets a publisher, whose players wait for the next one, or a player.
    pub fn leave(&self, slot: &Slot) {
        let Slot { id, name, stream, .. } = slot;
        open(stream).leave(*id);
        self.directory().leave(name, *id);
    }

    /// Ends a stream for its publisher and all its players.
    pub fn end(&self, name: &str) {
        self.directory().end(name);
    }

    /// Disconnects `holder` from what `permits` does not let it do any more. Others go on, and the players
    /// of a publisher that is cut off wait for the next one.
    pub fn review(&self, holder: u64, permits: impl Fn(Action, &str) -> bool) {
        self.directory().review(holder, permits);
    }

    /// Whether somebody publishes a stream.
    #[must_use]
    pub fn is_live(&self, name: &str) -> bool {
        self.directory().is_live(name)
    }

    /// Ends every stream and lets nobody in any more.
    pub fn close(&self) {
        self.directory().close();
    }

    /// Counts everything.
    #[must_use]
    pub fn statistics(&self) -> MediaStatistics {
        let so_far = |count: &AtomicU64| count.load(Ordering::Relaxed);
        MediaStatistics {
            bytes_in: so_far(&self.bytes_in),
            bytes_out: so_far(&self.bytes_out),
            dropped: so_far(&self.dropped),
            ..self.directory().statistics()
        }
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        open(&self.directory)
    }
}

impl Slot {
    /// The stream.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Ready when there is something to take, or the slot is taken away. One task at a time may wait for that.
    pub fn poll_news(&self, context: &Context<'_>) -> Poll<()> {
        self.place.poll_news(context)
    }

    /// The same beside something that seldom comes, which is looked at only when it woke the task. It is not
    /// looked at with the task's own waker.
    pub fn poll_beside<T>(
        &self,
        turn: Turn,
        context: &Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Arrival<T>> {
        self.place.poll_beside(turn, context, look)
    }

    /// Whether it was taken away.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.place.is_over()
    }

    /// How many packets may be pushed at a time, so that nobody waits long for the stream or the thread.
    #[must_use]
    pub fn slice(&self) -> usize {
        (SLICE / open(&self.stream).players().max(1)).max(1)
    }
}

/// Nothing is left half done where anything could panic, and one connection that did must not end the others.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Packets that are queued for players under one lock; about a millisecond.
const SLICE: usize = 4096;

#[cfg(test)]
mod tests;
