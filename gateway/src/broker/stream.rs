//! What a stream remembers for the players still to come: its tracks, and the last pictures.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::player::Player;
use super::tracks::Tracks;
use super::{BrokerLimits, ConnectionId, Packet, Track};

#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) publisher: Option<Publisher>,
    pub(super) tracks: Tracks,
    pub(super) cache: Cache,
    pub(super) players: BTreeMap<ConnectionId, Player>,
}

impl Stream {
    pub(super) fn end_publisher(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            publisher.wake.notify_one();
        }
        self.cache.close();
        self.tracks.end();
    }

    pub(super) fn wake_all(&self) {
        for player in self.players.values() {
            player.wake.notify_one();
        }
        if let Some(publisher) = &self.publisher {
            publisher.wake.notify_one();
        }
    }
}

#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) id: ConnectionId,
    pub(super) holder: u64,
    pub(super) wake: Arc<Notify>,
}

/// Everything since the last key frame; empty while that is unknown or too much to keep.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) packets: Vec<(i64, Packet)>,
    bytes: usize,
}

impl Cache {
    pub(super) fn open(&mut self, time: i64, packet: &Packet) {
        self.packets.clear();
        self.packets.push((time, packet.clone()));
        self.bytes = packet.body.len();
    }

    pub(super) fn push(&mut self, time: i64, packet: &Packet, limits: &BrokerLimits) {
        if self.packets.is_empty() {
            return;
        }
        self.bytes += packet.body.len();
        if self.packets.len() >= limits.cached_packets || self.bytes > limits.cached_bytes {
            return self.close();
        }
        self.packets.push((time, packet.clone()));
    }

    /// Drops the sound, whose header has changed. Pictures do not need it.
    pub(super) fn hush(&mut self) {
        self.packets.retain(|(_, packet)| packet.track != Track::Audio);
        self.bytes = self.packets.iter().map(|(_, packet)| packet.body.len()).sum();
    }

    pub(super) fn close(&mut self) {
        self.packets = Vec::new();
        self.bytes = 0;
    }
}
