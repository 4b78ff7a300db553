//! What one player still has to be sent.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::stream::{Cache, Headers, StreamClock};
use super::{BrokerLimits, Packet};

#[derive(Debug)]
pub(super) struct Player {
    pub(super) holder: u64,
    pub(super) phase: Phase,
    queue: VecDeque<(i64, Packet)>,
    bytes: usize,
    /// The stream time that is zero for this player.
    origin: Option<i64>,
    /// Since when something is there for it that it does not take.
    untaken_since: Option<u64>,
    pub(super) wake: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Needs the headers, and a key frame for the picture.
    Fresh,
    /// Has the headers and gets sound; the picture waits for a key frame.
    Listening,
    /// Gets everything.
    Flowing,
}

impl Player {
    pub(super) fn new(holder: u64, wake: Arc<Notify>) -> Self {
        Self {
            holder,
            phase: Phase::Fresh,
            queue: VecDeque::new(),
            bytes: 0,
            origin: None,
            untaken_since: None,
            wake,
        }
    }

    /// Queues the headers, for media that starts at `time`. Each is as old as what its track last
    /// had, or sound that is muxed a little behind the picture would go back in time.
    pub(super) fn start(&mut self, headers: &Headers, clock: &StreamClock, time: i64, now_ms: u64) {
        self.origin.get_or_insert(time);
        for header in headers.all() {
            self.push(clock.last(header.track), header, now_ms);
        }
    }

    /// Queues the headers and all that is cached.
    pub(super) fn start_from(&mut self, headers: &Headers, cache: &Cache, now_ms: u64) {
        let Some(&(time, _)) = cache.packets.first() else {
            return;
        };
        self.start(headers, &StreamClock::default(), time, now_ms);
        self.phase = Phase::Flowing;
        for (time, packet) in &cache.packets {
            self.push(*time, packet, now_ms);
        }
    }

    pub(super) fn push(&mut self, time: i64, packet: &Packet, now_ms: u64) {
        self.untaken_since.get_or_insert(now_ms);
        self.bytes += packet.body.len();
        self.queue.push_back((time, packet.clone()));
    }

    /// Drops everything not sent yet once that is too much, and says how many packets that was.
    pub(super) fn skip_if_behind(&mut self, limits: &BrokerLimits) -> u64 {
        if self.queue.len() <= limits.queued_packets && self.bytes <= limits.queued_bytes {
            return 0;
        }
        let dropped = self.queue.len() as u64;
        self.queue.clear();
        self.bytes = 0;
        self.phase = Phase::Fresh;
        dropped
    }

    pub(super) fn take(&mut self, bytes: usize, now_ms: u64) -> Vec<Packet> {
        let mut taken = Vec::new();
        let mut size = 0;
        while size < bytes
            && let Some((time, mut packet)) = self.queue.pop_front()
        {
            size += packet.body.len() + PACKET_OVERHEAD;
            self.bytes -= packet.body.len();
            let time = (time - self.origin.unwrap_or(time)).max(0);
            // RTMP time is 32 bits and wraps after 49 days.
            packet.timestamp = time as u32;
            taken.push(packet);
        }
        self.untaken_since = (!self.queue.is_empty()).then_some(now_ms);
        taken
    }

    pub(super) fn is_stalled(&self, limits: &BrokerLimits, now_ms: u64) -> bool {
        self.untaken_since.is_some_and(|since| now_ms.saturating_sub(since) >= limits.stalled_ms)
    }
}

/// What a packet costs beyond its body, roughly.
const PACKET_OVERHEAD: usize = 32;
