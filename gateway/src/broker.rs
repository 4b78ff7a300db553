//! Who publishes, who plays, and what each player still has to be sent.
//!
//! Hides the stream clock, the cache that lets a late player start at a key frame, and what a slow
//! player misses. A plain state machine: no socket, no clock, no task; it only wakes connections.

mod packet;
mod player;
mod stream;
mod tracks;

use std::collections::BTreeMap;
use std::sync::Arc;

use nertc_miniapp::protocol::MOST_MEMBERS;
use tokio::sync::Notify;

pub use self::packet::{Packet, Track};

use self::packet::Part;
use self::player::Player;
use self::stream::{Publisher, Stream};
use crate::media::{MediaStatistics, Refusal};
use crate::token::Action;

/// How much the broker holds.
#[derive(Debug, Clone)]
pub struct BrokerLimits {
    /// Streams that have a publisher or a player.
    pub streams: usize,
    /// Players over all streams.
    pub players: usize,
    /// Players of one stream.
    pub players_per_stream: usize,
    /// Players that wait for a publisher, over all streams.
    pub waiting_players: usize,
    /// Packets kept since the last key frame. A longer group of pictures is not kept at all: late
    /// players then start at the next key frame.
    pub cached_packets: usize,
    /// Bytes kept since the last key frame.
    pub cached_bytes: usize,
    /// Packets a player may fall behind before it skips to the next key frame; at least twice
    /// `cached_packets`, or late players could not keep what they start with.
    pub queued_packets: usize,
    /// Bytes a player may fall behind before it skips to the next key frame; at least twice
    /// `cached_bytes`.
    pub queued_bytes: usize,
    /// How long a player may take nothing, while something is there for it, before it is dropped.
    pub stalled_ms: u64,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            streams: 1000,
            players: 4000,
            // Everybody in the largest room, and for each a connection that is not known to be dead yet.
            players_per_stream: 2 * MOST_MEMBERS,
            // After a restart all of them, until the publishers are back.
            waiting_players: 4000,
            cached_packets: 1024,
            cached_bytes: 4 << 20,
            queued_packets: 2048,
            queued_bytes: 8 << 20,
            stalled_ms: 10_000,
        }
    }
}

/// Every stream of the server.
#[derive(Debug)]
pub struct Broker {
    limits: BrokerLimits,
    streams: BTreeMap<String, Stream>,
    next_id: u64,
    is_closed: bool,
    bytes_in: u64,
    bytes_out: u64,
    dropped: u64,
}

impl Broker {
    /// Makes an empty one.
    #[must_use]
    pub fn new(mut limits: BrokerLimits) -> Self {
        limits.queued_packets = limits.queued_packets.max(2 * limits.cached_packets);
        limits.queued_bytes = limits.queued_bytes.max(2 * limits.cached_bytes);
        Self {
            limits,
            streams: BTreeMap::new(),
            next_id: 0,
            is_closed: false,
            bytes_in: 0,
            bytes_out: 0,
            dropped: 0,
        }
    }

    /// Lets `holder` publish. The same holder's new connection replaces the old one: a phone that
    /// changes networks comes back long before its old connection is known to be dead.
    ///
    /// # Errors
    ///
    /// Refuses a second holder, and one stream more than the limit.
    pub fn publish(&mut self, name: &str, holder: u64, wake: Arc<Notify>) -> Result<ConnectionId, Refusal> {
        let id = self.mint();
        let stream = self.stream(name)?;
        if let Some(old) = &stream.publisher {
            if old.holder != holder {
                return Err(Refusal::Busy);
            }
            old.wake.notify_one();
        }
        stream.publisher = Some(Publisher { id, holder, wake });
        stream.tracks.end();
        stream.cache.close();
        stream.players.values_mut().for_each(Player::start_over);
        Ok(id)
    }

    /// Takes a packet from the publisher `id` and queues it for every player.
    ///
    /// # Errors
    ///
    /// Says that the publisher was replaced or ended.
    pub fn push(&mut self, name: &str, id: ConnectionId, packet: &Packet, now_ms: u64) -> Result<(), Ended> {
        let stream = self.streams.get_mut(name).ok_or(Ended)?;
        if stream.publisher.as_ref().is_none_or(|p| p.id != id) {
            return Err(Ended);
        }
        self.bytes_in += packet.body.len() as u64;
        let (part, track) = (packet.part(), packet.track);
        let time = match part {
            Part::Header => {
                if !stream.tracks.learn(packet, now_ms) {
                    return Ok(());
                }
                // What is cached belongs to the header before this one.
                match track {
                    Track::Metadata => {}
                    Track::Audio => stream.cache.hush(),
                    Track::Video => stream.cache.close(),
                }
                // Headers carry whatever time the encoder likes, mostly zero.
                stream.tracks.last(track)
            }
            Part::KeyFrame | Part::Frame | Part::Sound => {
                let time = stream.tracks.place(track, packet.timestamp, now_ms);
                match part {
                    Part::KeyFrame => stream.cache.open(time, packet),
                    Part::Header | Part::Frame | Part::Sound => {
                        stream.cache.push(time, packet, &self.limits);
                    }
                }
                time
            }
        };
        let (tracks, limits) = (&stream.tracks, &self.limits);
        stream.players.retain(|_, player| {
            player.receive(part, time, packet, tracks, now_ms);
            self.dropped += player.skip_if_behind(limits);
            player.wake.notify_one();
            !player.is_stalled(limits, now_ms)
        });
        Ok(())
    }

    /// Forgets the publisher `id`. Its players wait for the next one.
    pub fn unpublish(&mut self, name: &str, id: ConnectionId) {
        let Some(stream) = self.streams.get_mut(name) else {
            return;
        };
        if stream.publisher.as_ref().is_some_and(|p| p.id == id) {
            stream.end_publisher();
        }
        self.forget_if_empty(name);
    }

    /// Lets `holder` play. What it needs to start is queued at once if the stream has it.
    ///
    /// # Errors
    ///
    /// Refuses one player, one waiting player or one stream more than the limit.
    pub fn play(
        &mut self,
        name: &str,
        holder: u64,
        wake: Arc<Notify>,
        now_ms: u64,
    ) -> Result<ConnectionId, Refusal> {
        let id = self.mint();
        let is_live = |s: &Stream| s.publisher.is_some();
        let waits = !self.streams.get(name).is_some_and(is_live);
        let (mut players, mut waiting) = (0, 0);
        for stream in self.streams.values() {
            players += stream.players.len();
            waiting += stream.players.len() * usize::from(!is_live(stream));
        }
        if players >= self.limits.players || (waits && waiting >= self.limits.waiting_players) {
            return Err(Refusal::Full);
        }
        let most = self.limits.players_per_stream;
        let stream = self.stream(name)?;
        if stream.players.len() >= most {
            return Err(Refusal::Full);
        }
        let mut player = Player::new(holder, wake);
        player.start_from(&stream.cache, &stream.tracks, now_ms);
        stream.players.insert(id, player);
        Ok(id)
    }

    /// Hands a player the next packets of at most about `bytes`; none if there are none yet.
    ///
    /// # Errors
    ///
    /// Says that the player was dropped or its stream ended.
    pub fn take(
        &mut self,
        name: &str,
        id: ConnectionId,
        bytes: usize,
        now_ms: u64,
    ) -> Result<Vec<Packet>, Ended> {
        let player =
            self.streams.get_mut(name).and_then(|stream| stream.players.get_mut(&id)).ok_or(Ended)?;
        let taken = player.take(bytes, now_ms);
        self.bytes_out += taken.iter().map(|p| p.body.len() as u64).sum::<u64>();
        Ok(taken)
    }

    /// Forgets a player.
    pub fn leave(&mut self, name: &str, id: ConnectionId) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.players.remove(&id);
        }
        self.forget_if_empty(name);
    }

    /// Ends a stream for its publisher and all its players.
    pub fn end(&mut self, name: &str) {
        if let Some(stream) = self.streams.remove(name) {
            stream.wake_all();
        }
    }

    /// Disconnects `holder` from what it is not `welcome` to do any more. Others go on, and the players
    /// of a publisher that is cut off wait for the next one.
    pub fn review(&mut self, holder: u64, welcome: impl Fn(Action, &str) -> bool) {
        self.streams.retain(|name, stream| {
            let publishes = stream.publisher.as_ref().is_some_and(|p| p.holder == holder);
            if publishes && !welcome(Action::Publish, name) {
                stream.end_publisher();
            }
            stream.players.retain(|_, player| {
                let stays = player.holder != holder || welcome(Action::Play, name);
                if !stays {
                    player.wake.notify_one();
                }
                stays
            });
            stream.publisher.is_some() || !stream.players.is_empty()
        });
    }

    /// Ends every stream and lets nobody in any more.
    pub fn close(&mut self) {
        self.is_closed = true;
        for (_, stream) in std::mem::take(&mut self.streams) {
            stream.wake_all();
        }
    }

    /// Counts everything.
    #[must_use]
    pub fn statistics(&self) -> MediaStatistics {
        let streams = self.streams.values();
        MediaStatistics {
            streams: self.streams.len(),
            publishers: streams.clone().filter(|s| s.publisher.is_some()).count(),
            players: streams.map(|s| s.players.len()).sum(),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            dropped: self.dropped,
        }
    }

    fn mint(&mut self) -> ConnectionId {
        self.next_id += 1;
        ConnectionId(self.next_id)
    }

    fn stream(&mut self, name: &str) -> Result<&mut Stream, Refusal> {
        let is_full = self.streams.len() >= self.limits.streams;
        if self.is_closed || (is_full && !self.streams.contains_key(name)) {
            return Err(Refusal::Full);
        }
        Ok(self.streams.entry(name.to_owned()).or_default())
    }

    fn forget_if_empty(&mut self, name: &str) {
        let empty = |s: &Stream| s.publisher.is_none() && s.players.is_empty();
        if self.streams.get(name).is_some_and(empty) {
            self.streams.remove(name);
        }
    }
}

/// A publisher or player, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// The publisher or player is no longer part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has ended for this connection")]
pub struct Ended;

#[cfg(test)]
mod tests;
