//! One broker shared by the connections: how they take part, wait, and leave.
//!
//! Hides the monotonic clock, and how connections wait. Whoever drops its seat has left.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::yield_now;

use super::broker::{Broker, BrokerLimits, Ended, Packet, Seat};
use crate::media::Refusal;

/// One broker, shared by the connections.
#[derive(Debug, Clone)]
pub(crate) struct Hall {
    broker: Arc<Broker>,
    opened: Instant,
}

impl Hall {
    /// Opens one without streams.
    pub(crate) fn new(limits: BrokerLimits) -> Self {
        Self { broker: Arc::new(Broker::new(limits)), opened: Instant::now() }
    }

    /// Becomes the publisher of a stream until the publication is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::publish`].
    pub(crate) fn publish(&self, name: &str, holder: u64) -> Result<Publication, Refusal> {
        let seat = self.broker.publish(name, holder)?;
        Ok(Publication { seat, hall: self.clone() })
    }

    /// Becomes a player of a stream until the subscription is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::play`].
    pub(crate) fn play(&self, name: &str, holder: u64) -> Result<Subscription, Refusal> {
        let seat = self.broker.play(name, holder, self.now_ms())?;
        Ok(Subscription { seat, hall: self.clone() })
    }

    /// The broker itself.
    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    fn now_ms(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }
}

/// The right to feed a stream.
#[derive(Debug)]
pub(crate) struct Publication {
    seat: Seat,
    hall: Hall,
}

impl Publication {
    /// Feeds the stream. However many players there are, other connections get their turn in between.
    ///
    /// # Errors
    ///
    /// As [`Broker::push`].
    pub(crate) async fn push(&self, packets: &[Packet]) -> Result<(), Ended> {
        if packets.is_empty() {
            return Ok(());
        }
        let Hall { broker, .. } = &self.hall;
        for (index, slice) in packets.chunks(self.seat.slice()).enumerate() {
            if index > 0 {
                yield_now().await;
            }
            broker.push(&self.seat, slice, self.hall.now_ms())?;
        }
        broker.wake(&self.seat, self.hall.now_ms());
        Ok(())
    }

    /// The stream.
    pub(crate) fn name(&self) -> &str {
        self.seat.name()
    }

    /// Waits until another connection takes over, or the stream is ended.
    pub(crate) async fn ended(&self) {
        while !self.seat.is_over() {
            self.seat.news().await;
        }
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.hall.broker.leave(&self.seat);
    }
}

/// A place among the players of a stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    seat: Seat,
    hall: Hall,
}

impl Subscription {
    /// Waits for the next packets, of about `bytes` at most.
    ///
    /// # Errors
    ///
    /// As [`Broker::take`].
    pub(crate) async fn next(&mut self, bytes: usize) -> Result<Vec<Packet>, Ended> {
        loop {
            let packets = self.hall.broker.take(&self.seat, bytes, self.hall.now_ms())?;
            if !packets.is_empty() {
                return Ok(packets);
            }
            self.seat.news().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hall.broker.leave(&self.seat);
    }
}
