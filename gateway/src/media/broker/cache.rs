//! What of a stream is kept for the players still to come.

use super::limits::BrokerLimits;
use super::packet::{Packet, Track};

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
