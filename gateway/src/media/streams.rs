//! The broker as connections use it: how they take part, wait, and leave.
//!
//! Hides the media clock, and how connections wait. Whoever drops a publication or subscription has left.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::task::yield_now;

use super::broker::{Arrival, Broker, BrokerLimits, Ended, Packet, Slot, Track, Turn};
use crate::media::MediaRefusal;
use crate::rights::{Action, Privileges, Sense};

/// All streams of one broker, shared by the connections.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    broker: Arc<Broker>,
    opened: Instant,
}

impl Streams {
    /// Makes a broker without any.
    pub(crate) fn new(limits: BrokerLimits) -> Self {
        Self { broker: Arc::new(Broker::new(limits)), opened: Instant::now() }
    }

    /// Becomes the publisher of a stream until the publication is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::publish`].
    pub(crate) fn publish(&self, name: &str, holder: u64) -> Result<Publication, MediaRefusal> {
        let slot = self.broker.publish(name, holder)?;
        Ok(Publication { slot, streams: self.clone(), may: Privileges::ALL })
    }

    /// Becomes a player of a stream until the subscription is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::play`].
    pub(crate) fn play(&self, name: &str, holder: u64) -> Result<Subscription, MediaRefusal> {
        let slot = self.broker.play(name, holder, self.now_ms())?;
        Ok(Subscription { slot, streams: self.clone(), may: Privileges::ALL })
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
    may: Privileges,
}

impl Publication {
    /// Feeds it only what its publisher may send.
    pub(crate) fn within(mut self, may: Privileges) -> Self {
        self.may = may;
        self
    }

    /// Feeds the stream. However many players there are, other connections get their turn in between.
    ///
    /// # Errors
    ///
    /// As [`Broker::push`].
    pub(crate) async fn push(&self, packets: &[Packet]) -> Result<(), Ended> {
        let is_allowed = |packet: &Packet| allows(self.may, Action::Publish, packet.track);
        // Nearly everybody may everything, and nothing is copied for them.
        let packets: Cow<'_, [Packet]> = if packets.iter().all(is_allowed) {
            packets.into()
        } else {
            packets.iter().filter(|packet| is_allowed(packet)).cloned().collect()
        };
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
    pub(crate) fn stream(&self) -> &Arc<str> {
        self.slot.name()
    }

    /// Waits until another connection takes over, or the stream is ended.
    pub(crate) async fn ended(&self) {
        poll_fn(|context| self.slot.poll_news(context)).await;
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.streams.broker.leave(&self.slot);
    }
}

/// A place among the players of a stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    slot: Slot,
    streams: Streams,
    may: Privileges,
}

impl Subscription {
    /// Gives only what its player may receive.
    pub(crate) fn within(mut self, may: Privileges) -> Self {
        self.may = may;
        self
    }

    /// The stream.
    pub(crate) fn stream(&self) -> &Arc<str> {
        self.slot.name()
    }

    /// Ready when there may be packets, or the subscription is over.
    pub(crate) fn poll_news(&self, context: &Context<'_>) -> Poll<()> {
        self.slot.poll_news(context)
    }

    /// The same beside something that seldom comes, as [`Slot::poll_beside`].
    pub(crate) fn poll_beside<T>(
        &self,
        turn: Turn,
        context: &Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Arrival<T>> {
        self.slot.poll_beside(turn, context, look)
    }

    /// Hands on each of the next packets, of at most about `bytes`, and says whether there was any.
    ///
    /// # Errors
    ///
    /// As [`Broker::take`].
    pub(crate) fn take(&self, bytes: usize, mut each: impl FnMut(Packet)) -> Result<bool, Ended> {
        let mut is_any = false;
        let permitted = |packet: Packet| {
            if allows(self.may, Action::Play, packet.track) {
                is_any = true;
                each(packet);
            }
        };
        self.streams.broker.take(&self.slot, bytes, || self.streams.now_ms(), permitted)?;
        Ok(is_any)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.streams.broker.leave(&self.slot);
    }
}

fn allows(may: Privileges, action: Action, track: Track) -> bool {
    match track {
        Track::Audio => may.allows(action, Sense::Sound),
        Track::Video => may.allows(action, Sense::Picture),
        Track::Metadata => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const SOUND_ONLY: Privileges = Privileges(4);
    const PICTURES_ONLY: Privileges = Privileges(8);

    #[tokio::test]
    async fn of_one_stream_each_player_gets_what_it_may_receive() {
        let streams = Streams::new(BrokerLimits::default());
        let publication = streams.publish("s", 1).unwrap();
        let all = streams.play("s", 2).unwrap();
        let listener = streams.play("s", 3).unwrap().within(SOUND_ONLY);
        let viewer = streams.play("s", 4).unwrap().within(PICTURES_ONLY);
        let neither = streams.play("s", 5).unwrap().within(Privileges(3));
        let packet = |track, body| Packet { track, timestamp: 0, body: Bytes::from_static(body) };
        let (sound, picture) = (packet(Track::Audio, &[0xaf, 1]), packet(Track::Video, &[0x17, 1, 0, 0, 0]));

        publication.push(&[picture.clone(), sound, picture.clone()]).await.unwrap();
        assert_eq!(taken(&all), Ok(vec![Track::Video, Track::Audio, Track::Video]));
        assert_eq!(taken(&listener), Ok(vec![Track::Audio]));
        assert_eq!(taken(&viewer), Ok(vec![Track::Video, Track::Video]));
        assert_eq!(taken(&neither), Ok(vec![]));

        publication.push(&[picture]).await.unwrap();
        assert_eq!(listener.take(usize::MAX, |_| {}), Ok(false), "it is not told of what it does not get");
        let context = Context::from_waker(std::task::Waker::noop());
        assert!(listener.poll_news(&context).is_pending() && viewer.poll_news(&context).is_ready());
    }

    fn taken(subscription: &Subscription) -> Result<Vec<Track>, Ended> {
        let mut tracks = Vec::new();
        subscription.take(usize::MAX, |packet| tracks.push(packet.track)).map(|_| tracks)
    }
}
