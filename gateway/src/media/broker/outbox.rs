//! What one player still has to be sent.

use std::collections::VecDeque;

use super::limits::BrokerLimits;
use super::packet::Packet;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Packet>,
    bytes: usize,
    /// Since when something is there that is not taken.
    untaken_since: Option<u64>,
}

impl Outbox {
    pub(super) fn push(&mut self, packet: Packet, now_ms: u64) {
        self.untaken_since.get_or_insert(now_ms);
        self.bytes += packet.body.len();
        self.queue.push_back(packet);
    }

    pub(super) fn take(&mut self, bytes: usize, now_ms: u64) -> Vec<Packet> {
        if self.bytes + self.queue.len() * PACKET_OVERHEAD <= bytes {
            // The room that a burst needed goes with it.
            (self.bytes, self.untaken_since) = (0, None);
            return std::mem::take(&mut self.queue).into();
        }
        let mut taken = Vec::new();
        let mut size = 0;
        while size < bytes
            && let Some(packet) = self.queue.pop_front()
        {
            size += packet.body.len() + PACKET_OVERHEAD;
            self.bytes -= packet.body.len();
            taken.push(packet);
        }
        self.untaken_since = (!self.queue.is_empty()).then_some(now_ms);
        taken
    }

    /// Drops everything, and says how many packets that was.
    pub(super) fn clear(&mut self) -> u64 {
        self.bytes = 0;
        std::mem::take(&mut self.queue).len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn is_behind(&self, limits: &BrokerLimits) -> bool {
        self.queue.len() > limits.queued_packets || self.bytes > limits.queued_bytes
    }

    pub(super) fn is_stalled(&self, limits: &BrokerLimits, now_ms: u64) -> bool {
        self.untaken_since.is_some_and(|since| now_ms.saturating_sub(since) >= limits.stalled_ms)
    }
}

/// What a packet costs beyond its body, roughly.
const PACKET_OVERHEAD: usize = 32;
