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

    /// Hands on the next packets of at most about `bytes`, and says how many bytes they were.
    pub(super) fn take(
        &mut self,
        bytes: usize,
        now_ms: impl FnOnce() -> u64,
        mut each: impl FnMut(Packet),
    ) -> usize {
        let (mut size, mut cost) = (0, 0);
        while cost < bytes
            && let Some(packet) = self.queue.pop_front()
        {
            size += packet.body.len();
            cost += packet.body.len() + PACKET_OVERHEAD;
            each(packet);
        }
        self.bytes -= size;
        self.untaken_since = (!self.queue.is_empty()).then(now_ms);
        if self.queue.is_empty() && self.queue.capacity() > KEPT {
            // Otherwise the room for one burst would stay as long as the player.
            self.queue = VecDeque::new();
        }
        size
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
/// Room for packets that is kept for the next ones.
const KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::packet::Track;
    use super::*;

    #[test]
    fn the_room_for_a_burst_is_given_back_however_it_is_taken() {
        for bytes in [usize::MAX, 1] {
            let mut outbox = Outbox::default();
            for timestamp in 0..1000 {
                outbox.push(Packet { track: Track::Audio, timestamp, body: Bytes::from_static(b"sound") }, 0);
            }
            let mut taken = Vec::new();
            while !outbox.is_empty() {
                assert!(outbox.take(bytes, || 0, |packet| taken.push(packet.timestamp)) > 0);
            }
            assert!(taken.into_iter().eq(0..1000));
            assert!(outbox.queue.capacity() <= KEPT && outbox.bytes == 0);
        }
    }
}
