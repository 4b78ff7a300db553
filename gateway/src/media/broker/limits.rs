//! How much the broker holds.

use nertc_miniapp::wire::protocol::MOST_MEMBERS;

/// How much the broker holds.
#[derive(Debug, Clone)]
pub struct BrokerLimits {
    /// Streams that have a publisher or a player.
    pub streams: usize,
    /// Players over all streams.
    pub players: usize,
    /// Players of one stream.
    pub players_per_stream: usize,
    /// Players of one stream that the same user may have; with one more the oldest goes.
    pub players_per_holder: usize,
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

impl BrokerLimits {
    /// The same, with queues that take what a late player starts with.
    pub(super) fn consistent(mut self) -> Self {
        self.queued_packets = self.queued_packets.max(2 * self.cached_packets);
        self.queued_bytes = self.queued_bytes.max(2 * self.cached_bytes);
        self
    }
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            streams: 1000,
            players: 4000,
            // Everybody in the largest room, and for each a connection that is not known to be dead yet.
            players_per_stream: 2 * MOST_MEMBERS,
            // A player, its successor after a change of networks, and as many on another screen.
            players_per_holder: 4,
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
