//! The hub's limits and times, and what keeps count of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nertc_miniapp::model::{Cid, Uid};
use nertc_miniapp::time::Instant;

use super::ConnectionId;

/// The hub's limits and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// Connections at once, logged in or not.
    pub max_connections: usize,
    /// Rooms at once.
    pub max_rooms: usize,
    /// Members of one room, audience included.
    pub max_members: usize,
    /// Unreadable, unknown or surplus packets that one connection may send before it is closed.
    pub max_bad_packets: u32,
    /// Packets per second that one connection may send in the long run.
    pub packets_per_second: u32,
    /// Packets that one connection may send at once.
    pub packet_burst: u32,
    /// From the opening of a connection to its login.
    pub login_timeout: Duration,
    /// Longest time without a packet; clients send a heartbeat every 3 s.
    pub silence: Duration,
    /// How long a member without connection stays in its room.
    pub grace: Duration,
    /// How long a member may be out of its room, and the gateway out of order, before it must ask the channel
    /// server whether it may come back; twice as long, at first.
    pub return_life: Duration,
    /// How long a member that came back has for publishing again what it published.
    pub confirm_within: Duration,
    /// From the gateway's start to the time when everybody who was there before should be back. Until then
    /// a client that comes back counts nobody as gone (docs/protocol.md 12.6).
    pub settling: Duration,
    /// From the notice of a room's end to the removal of its members.
    pub dissolve_notice: Duration,
    /// From a removal to the closing of the connection, unless the client logs out before.
    pub farewell: Duration,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_rooms: 5_000,
            max_members: 200,
            max_bad_packets: 50,
            packets_per_second: 50,
            packet_burst: 200,
            login_timeout: Duration::from_secs(10),
            silence: Duration::from_secs(15),
            grace: Duration::from_secs(30),
            return_life: Duration::from_secs(86_400),
            confirm_within: Duration::from_secs(5),
            settling: Duration::from_secs(10),
            dissolve_notice: Duration::from_secs(1),
            farewell: Duration::from_secs(1),
        }
    }
}

/// Why the hub wants to be woken: every deadline there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HubTimer {
    /// The connection has not logged in.
    Login(ConnectionId),
    /// The connection has sent nothing for too long.
    Silence(ConnectionId),
    /// The connection has been told to go, and has not gone.
    Farewell(ConnectionId),
    /// The member has not come back.
    Grace(Cid, Uid),
    /// The member is back, and has not published again what it published before.
    Confirm(Cid, Uid),
    /// The room's members have been told that it ends.
    Dissolve(Cid),
}

/// Every deadline, by time and by name.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Instant, HubTimer)>,
    by_name: BTreeMap<HubTimer, Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: HubTimer, at: Instant) {
        self.clear(timer);
        self.by_name.insert(timer, at);
        self.by_time.insert((at, timer));
    }

    pub(super) fn clear(&mut self, timer: HubTimer) {
        if let Some(at) = self.by_name.remove(&timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<HubTimer> {
        let (_, timer) = self.next().filter(|(at, _)| *at <= now)?;
        self.clear(timer);
        Some(timer)
    }

    #[cfg(test)]
    pub(super) fn is_set(&self, timer: HubTimer) -> bool {
        self.by_name.contains_key(&timer)
    }

    pub(super) fn next(&self) -> Option<(Instant, HubTimer)> {
        self.by_time.first().copied()
    }
}

/// A token bucket, in thousandths of a packet.
#[derive(Debug)]
pub(super) struct Budget {
    millipackets: u64,
    filled: Instant,
}

impl Budget {
    pub(super) fn full(config: &HubConfig, now: Instant) -> Self {
        Self { millipackets: u64::from(config.packet_burst) * 1000, filled: now }
    }

    pub(super) fn take(&mut self, config: &HubConfig, now: Instant) -> bool {
        let elapsed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(u64::from(config.packets_per_second));
        let most = u64::from(config.packet_burst) * 1000;
        self.millipackets = self.millipackets.saturating_add(gained).min(most);
        self.filled = now;
        let Some(rest) = self.millipackets.checked_sub(1000) else { return false };
        self.millipackets = rest;
        true
    }
}
