//! The broker as connections use it: how they take part, wait, and leave.
//!
//! Hides the media clock, and how connections wait. Whoever drops a publication or subscription has left.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::yield_now;

use super::broker::{Broker, BrokerLimits, Ended, Packet, Slot, Track};
use crate::media::{Flows, MediaRefusal};
use crate::rights::{Action, Carried, Privileges, Sense};

/// All streams of one broker, shared by the connections.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    broker: Arc<Broker>,
    flows: Arc<Flows>,
    opened: Instant,
}

impl Streams {
    /// Makes a broker without any.
    pub(crate) fn new(limits: BrokerLimits) -> Self {
        Self { broker: Arc::new(Broker::new(limits)), flows: Arc::default(), opened: Instant::now() }
    }

    /// Becomes the publisher of a stream until the publication is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::publish`].
    pub(crate) fn publish(&self, name: &str, holder: u64) -> Result<Publication, MediaRefusal> {
        let slot = self.broker.publish(name, holder)?;
        self.flows.touch(name);
        Ok(Publication { slot, streams: self.clone(), may: Privileges::ALL.into() })
    }

    /// Becomes a player of a stream until the subscription is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::play`].
    pub(crate) fn play(&self, name: &str, holder: u64) -> Result<Subscription, MediaRefusal> {
        let slot = self.broker.play(name, holder, self.now_ms())?;
        Ok(Subscription { slot, streams: self.clone(), may: Privileges::ALL.into() })
    }

    /// Which of them have got or lost their publisher.
    pub(crate) fn flows(&self) -> &Arc<Flows> {
        &self.flows
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
    slot: Slot,
    streams: Streams,
    may: Carried,
}

impl Publication {
    /// Feeds it only what its publisher may send.
    pub(crate) fn within(mut self, may: Carried) -> Self {
        self.may = may;
        self
    }

    /// Feeds the stream. However many players there are, other connections get their turn in between.
    ///
    /// # Errors
    ///
    /// As [`Broker::push`].
    pub(crate) async fn push(&self, packets: &[Packet]) -> Result<(), Ended> {
        let packets = permitted(self.may.now(), Action::Publish, packets.into());
        if packets.is_empty() {
            return Ok(());
        }
        let Streams { broker, .. } = &self.streams;
        for (index, slice) in packets.chunks(self.slot.slice()).enumerate() {
            if index > 0 {
                yield_now().await;
            }
            broker.push(&self.slot, slice, self.streams.now_ms())?;
        }
        broker.wake(&self.slot, self.streams.now_ms());
        Ok(())
    }

    /// The stream.
    pub(crate) fn name(&self) -> &str {
        self.slot.name()
    }

    /// Waits until another connection takes over, or the stream is ended.
    pub(crate) async fn ended(&self) {
        while !self.slot.is_over() {
            self.slot.news().await;
        }
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.streams.broker.leave(&self.slot);
        self.streams.flows.touch(self.slot.name());
    }
}

/// A place among the players of a stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    slot: Slot,
    streams: Streams,
    may: Carried,
}

impl Subscription {
    /// Gives only what its player may receive.
    pub(crate) fn within(mut self, may: Carried) -> Self {
        self.may = may;
        self
    }

    /// Waits for the next packets, of about `bytes` at most.
    ///
    /// # Errors
    ///
    /// As [`Broker::take`].
    pub(crate) async fn next(&mut self, bytes: usize) -> Result<Vec<Packet>, Ended> {
        loop {
            let packets = self.streams.broker.take(&self.slot, bytes, self.streams.now_ms())?;
            if packets.is_empty() {
                self.slot.news().await;
                continue;
            }
            let packets = permitted(self.may.now(), Action::Play, packets.into());
            if !packets.is_empty() {
                return Ok(packets.into_owned());
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.streams.broker.leave(&self.slot);
    }
}

/// What of it may be sent or received. Nearly everybody may everything, and nothing is copied for them. A header
/// passes whoever sends it: what is held back for a while is of no use without it afterwards.
fn permitted(may: Privileges, action: Action, packets: Cow<'_, [Packet]>) -> Cow<'_, [Packet]> {
    let allows = |packet: &Packet| match packet.track {
        Track::Audio => may.allows(action, Sense::Sound),
        Track::Video => may.allows(action, Sense::Picture),
        Track::Metadata => true,
    };
    let passes = |packet: &Packet| allows(packet) || packet.is_header();
    if packets.iter().all(passes) {
        packets
    } else {
        packets.iter().filter(|packet| passes(packet)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_held_back_the_headers_pass() {
        let packet = |track, body: &'static [u8]| Packet { track, timestamp: 0, body: body.into() };
        let all = [
            packet(Track::Metadata, b"m"),
            packet(Track::Audio, &[0xaf, 0]),
            packet(Track::Audio, &[0xaf, 1, 2]),
            packet(Track::Video, &[0x17, 0]),
            packet(Track::Video, &[0x17, 1, 2]),
        ];
        let passes = |may: Privileges| -> Vec<usize> {
            let passed = permitted(may, Action::Publish, (&all[..]).into());
            (0..all.len()).filter(|index| passed.contains(&all[*index])).collect()
        };
        assert_eq!(passes(Privileges::ALL), [0, 1, 2, 3, 4]);
        assert_eq!(passes(Privileges::ALL.without(Sense::Sound)), [0, 1, 3, 4]);
        assert_eq!(passes(Privileges::ALL.without(Sense::Picture)), [0, 1, 2, 3]);
        assert_eq!(passes(Privileges(0)), [0, 1, 3]);
    }
}
