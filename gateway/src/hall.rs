//! One broker shared by the connections: how they take part, wait, and leave.
//!
//! Hides the lock, the monotonic clock and who is woken. Whoever drops its seat has left.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::broker::{Broker, BrokerLimits, ConnectionId, Ended, Packet};
use crate::media::Refusal;

/// One broker, shared by the connections.
#[derive(Debug, Clone)]
pub(crate) struct Hall {
    broker: Arc<Mutex<Broker>>,
    opened: Instant,
}

impl Hall {
    /// Opens one without streams.
    pub(crate) fn new(limits: BrokerLimits) -> Self {
        Self { broker: Arc::new(Mutex::new(Broker::new(limits))), opened: Instant::now() }
    }

    /// Becomes the publisher of a stream until the publication is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::publish`].
    pub(crate) fn publish(&self, name: &str, holder: u64) -> Result<Publication, Refusal> {
        let wake = Arc::new(Notify::new());
        let id = self.broker().publish(name, holder, Arc::clone(&wake))?;
        Ok(Publication { seat: self.seat(name, id, wake) })
    }

    /// Becomes a player of a stream until the subscription is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::play`].
    pub(crate) fn play(&self, name: &str, holder: u64) -> Result<Subscription, Refusal> {
        let wake = Arc::new(Notify::new());
        let now = self.now_ms();
        let id = self.broker().play(name, holder, Arc::clone(&wake), now)?;
        Ok(Subscription { seat: self.seat(name, id, wake) })
    }

    /// The broker itself. A connection that panicked with it in hand must not end all the others.
    pub(crate) fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self, name: &str, id: ConnectionId, wake: Arc<Notify>) -> Seat {
        Seat { hall: self.clone(), name: name.to_owned(), id, wake }
    }

    fn now_ms(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }
}

#[derive(Debug)]
struct Seat {
    hall: Hall,
    name: String,
    id: ConnectionId,
    wake: Arc<Notify>,
}

/// The right to feed a stream.
#[derive(Debug)]
pub(crate) struct Publication {
    seat: Seat,
}

impl Publication {
    /// Feeds the stream.
    ///
    /// # Errors
    ///
    /// As [`Broker::push`].
    pub(crate) fn push(&self, packet: &Packet) -> Result<(), Ended> {
        let Seat { hall, name, id, .. } = &self.seat;
        hall.broker().push(name, *id, packet, hall.now_ms())
    }

    /// The stream.
    pub(crate) fn name(&self) -> &str {
        &self.seat.name
    }

    /// Waits until another connection takes over, or the stream is ended.
    pub(crate) async fn ended(&self) {
        self.seat.wake.notified().await;
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        let Seat { hall, name, id, .. } = &self.seat;
        hall.broker().unpublish(name, *id);
    }
}

/// A place among the players of a stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    seat: Seat,
}

impl Subscription {
    /// Waits for the next packets, of about `bytes` at most.
    ///
    /// # Errors
    ///
    /// As [`Broker::take`].
    pub(crate) async fn next(&mut self, bytes: usize) -> Result<Vec<Packet>, Ended> {
        let Seat { hall, name, id, wake } = &self.seat;
        loop {
            let packets = hall.broker().take(name, *id, bytes, hall.now_ms())?;
            if !packets.is_empty() {
                return Ok(packets);
            }
            wake.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Seat { hall, name, id, .. } = &self.seat;
        hall.broker().leave(name, *id);
    }
}
