//! The hub's limits and times, and what keeps count of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Media, Uid};

use super::doors::ConnectionId;

/// The hub's limits and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// Connections at once, logged in or not; for one more, the oldest goes that has not logged in.
    pub max_connections: usize,
    /// Rooms at once.
    pub max_rooms: usize,
    /// Members of one room, audience included.
    pub max_members: usize,
    /// Users that are kept out of a room at once.
    pub max_bans: usize,
    /// Unreadable or unknown packets that one connection may send before it is closed.
    pub max_bad_packets: u32,
    /// Packets per second that are read from one connection in the long run; the rest waits in its socket.
    pub packets_per_second: u32,
    /// Packets that are read at once, besides a subscription to every medium of every member.
    pub spare_packets: u32,
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
    /// Whether RTMP tasks may name servers of this machine and of private networks.
    pub private_targets: bool,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_rooms: 5_000,
            max_members: 200,
            max_bans: 10_000,
            max_bad_packets: 50,
            packets_per_second: 50,
            spare_packets: 200,
            login_timeout: Duration::from_secs(10),
            silence: Duration::from_secs(15),
            grace: Duration::from_secs(30),
            return_life: Duration::from_secs(86_400),
            confirm_within: Duration::from_secs(5),
            settling: Duration::from_secs(10),
            dissolve_notice: Duration::from_secs(1),
            farewell: Duration::from_secs(1),
            private_targets: false,
        }
    }
}

impl HubConfig {
    /// What a connection may send, from now on.
    #[must_use]
    pub fn budget(&self, now: Instant) -> Budget {
        let media = u64::try_from(self.max_members.saturating_mul(Media::ALL.len())).unwrap_or(u64::MAX);
        let most = media.saturating_add(self.spare_packets.into()).saturating_mul(1000);
        let per_second = u64::from(self.packets_per_second.max(1));
        Budget { millipackets: most, most, per_second, filled: now }
    }

    /// Frames that one member can rightly be sent before it has taken the first: everybody else comes, takes
    /// a role, opens every medium, mutes it, and is gone again.
    #[must_use]
    pub const fn told_at_once(&self) -> usize {
        self.max_members.saturating_mul(3 + 2 * Media::ALL.len())
    }
}

/// Why the hub wants to be woken: every deadline there is. The first is that of who has not logged in.
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
    /// The member's permission key expires.
    Permit(Cid, Uid),
    /// The room's members have been told that it ends.
    Dissolve(Cid),
    /// The user has been kept out for long enough.
    Ban(Cid, Uid),
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

    /// The oldest of the connections that have not logged in.
    pub(super) fn first_login(&self) -> Option<ConnectionId> {
        match self.by_name.first_key_value() {
            Some((HubTimer::Login(id), _)) => Some(*id),
            Some(_) | None => None,
        }
    }

    /// When it is due, if it is set.
    pub(super) fn due(&self, timer: HubTimer) -> Option<Instant> {
        self.by_name.get(&timer).copied()
    }

    #[cfg(test)]
    pub(super) fn is_set(&self, timer: HubTimer) -> bool {
        self.by_name.contains_key(&timer)
    }

    pub(super) fn next(&self) -> Option<(Instant, HubTimer)> {
        self.by_time.first().copied()
    }
}

/// How fast a connection is read: a token bucket, in thousandths of a packet. Whoever reads keeps to it, so
/// that a packet too many waits where it is instead of being dropped.
#[derive(Debug, Clone)]
pub struct Budget {
    millipackets: u64,
    most: u64,
    per_second: u64,
    filled: Instant,
}

impl Budget {
    /// From when on the next packet may be read.
    #[must_use]
    pub fn ready(&self) -> Instant {
        let missing = 1000_u64.saturating_sub(self.millipackets);
        self.filled + Duration::from_millis(missing.div_ceil(self.per_second))
    }

    /// What was read has cost as much as so many packets more. What there is not is owed, up to a few seconds: a
    /// client that is not read for longer would be taken for dead.
    pub fn charge(&mut self, packets: u64, now: Instant) {
        let cost = packets.saturating_mul(1000);
        let owed = cost.saturating_sub(self.millipackets).div_ceil(self.per_second);
        self.millipackets = self.millipackets.saturating_sub(cost);
        if owed > 0 {
            let until = self.filled.max(now) + Duration::from_millis(owed);
            self.filled = until.min(now + MOST_OWED).max(self.filled);
        }
    }

    /// A packet is read.
    pub fn spend(&mut self, now: Instant) {
        let elapsed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(self.per_second);
        self.millipackets = self.millipackets.saturating_add(gained).min(self.most).saturating_sub(1000);
        self.filled = self.filled.max(now);
    }
}

const MOST_OWED: Duration = Duration::from_secs(5);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use nertc_miniapp::Config;
    use nertc_miniapp::wire::protocol::{MAX_UNANSWERED, MOST_MEMBERS};

    use super::*;

    #[test]
    fn what_a_client_may_ask_for_at_once_is_read_before_it_doubts_the_socket() {
        let (limits, client) = (HubConfig::default(), Config::new("k"));
        assert!(limits.max_members <= MOST_MEMBERS && MOST_MEMBERS <= client.max_members);
        assert!(client.max_calls > MOST_MEMBERS * Media::ALL.len());
        assert!(client.max_unanswered >= Media::ALL.len(), "a call's commands go out together");
        let paced = Duration::from_secs(MAX_UNANSWERED as u64) / limits.packets_per_second;
        assert!(paced < client.probe_limit && paced < client.silence_limit);
        assert!(client.heartbeat_interval < limits.silence);
    }

    #[test]
    fn a_budget_lets_the_burst_through_and_then_one_packet_after_the_other() {
        let limits =
            HubConfig { max_members: 2, spare_packets: 3, packets_per_second: 4, ..HubConfig::default() };
        let start = Instant::from_millis(5000);
        let mut budget = limits.budget(start);
        for _ in 0..2 * Media::ALL.len() + 3 {
            assert!(budget.ready() <= start);
            budget.spend(start);
        }
        for packet in 1..=20 {
            assert_eq!(budget.ready(), start + Duration::from_millis(250 * packet));
            budget.spend(budget.ready());
        }
        let later = start + Duration::from_secs(3600);
        for _ in 0..2 * Media::ALL.len() + 3 {
            budget.spend(later);
        }
        assert_eq!(budget.ready(), later + Duration::from_millis(250), "what is saved up has an end");
    }

    #[test]
    fn what_is_owed_is_waited_for_and_no_longer_than_a_client_may_be_silent() {
        let limits =
            HubConfig { max_members: 0, spare_packets: 10, packets_per_second: 10, ..HubConfig::default() };
        let start = Instant::from_millis(5000);
        let mut budget = limits.budget(start);
        budget.charge(9, start);
        assert!(budget.ready() <= start, "one is left");
        budget.charge(11, start);
        assert_eq!(budget.ready(), start + Duration::from_millis(1000 + 100));
        budget.charge(1_000_000, start);
        let last = start + MOST_OWED + Duration::from_millis(100);
        assert_eq!(budget.ready(), last);
        assert!(MOST_OWED * 2 < limits.silence);
        budget.spend(last);
        assert_eq!(budget.ready(), last + Duration::from_millis(100));
    }

    #[test]
    fn settings_that_make_no_sense_neither_stop_nor_overflow() {
        let limits = HubConfig {
            max_members: usize::MAX,
            spare_packets: u32::MAX,
            packets_per_second: 0,
            ..HubConfig::default()
        };
        let start = Instant::from_millis(0);
        let mut budget = limits.budget(start);
        budget.spend(start);
        assert!(budget.ready() <= start && limits.told_at_once() > 0);
        let none = HubConfig { max_members: 0, spare_packets: 0, ..limits };
        assert_eq!(none.budget(start).ready(), start + Duration::from_secs(1));
    }
}
