//! Who publishes, who plays, and what each player still has to be sent.
//!
//! Hides the stream clock, the cache that lets a late player start at a key frame, and what a slow
//! player misses. A plain state machine: no socket, no clock, no task; it only wakes connections.

mod packet;
mod player;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

use nertc_miniapp::protocol::MOST_MEMBERS;
use tokio::sync::Notify;

pub use self::packet::{Packet, Track};

use self::packet::Part;
use self::player::{Phase, Player};
use self::stream::{Headers, Publisher, Stream};
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
        stream.headers = Headers::default();
        stream.cache.close();
        stream.clock.begin();
        for player in stream.players.values_mut() {
            player.phase = Phase::Fresh;
        }
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
        let part = packet.part();
        let time = stream.clock.place(packet, &part);
        match part {
            Part::Header => {
                if !stream.headers.learn(packet) {
                    return Ok(());
                }
                // The cached pictures belong to the header before this one.
                if packet.track != Track::Metadata {
                    stream.cache.close();
                }
            }
            Part::KeyFrame => stream.cache.open(time, packet),
            Part::Frame | Part::Sound => stream.cache.push(time, packet, &self.limits),
        }
        let (headers, clock, limits) = (&stream.headers, &stream.clock, &self.limits);
        stream.players.retain(|_, player| {
            match (&part, player.phase) {
                (Part::Header, Phase::Fresh) | (Part::Frame, Phase::Fresh | Phase::Listening) => {}
                (Part::KeyFrame, Phase::Fresh) => {
                    player.start(headers, clock, time, now_ms);
                    player.phase = Phase::Flowing;
                    player.push(time, packet, now_ms);
                }
                (Part::KeyFrame, Phase::Listening) => {
                    player.phase = Phase::Flowing;
                    player.push(time, packet, now_ms);
                }
                // Sound does not wait for a picture: the camera may be off.
                (Part::Sound, Phase::Fresh) => {
                    player.start(headers, clock, time, now_ms);
                    player.phase = Phase::Listening;
                    player.push(time, packet, now_ms);
                }
                (Part::Header | Part::Sound, Phase::Listening)
                | (Part::Header | Part::KeyFrame | Part::Frame | Part::Sound, Phase::Flowing) => {
                    player.push(time, packet, now_ms)
                }
            }
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
        player.start_from(&stream.headers, &stream.cache, now_ms);
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_late_player_gets_the_headers_and_then_everything_since_the_key_frame() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[META, AVC_HEADER, AAC_HEADER]);
        bench.push_at(publisher, 7000, KEY);
        bench.push_at(publisher, 7020, SOUND);
        bench.push_at(publisher, 7040, FRAME);
        let player = bench.play();
        bench.push_at(publisher, 7080, FRAME);
        let headers = [(0, META), (0, AVC_HEADER), (0, AAC_HEADER)];
        let media = [(0, KEY), (20, SOUND), (40, FRAME), (80, FRAME)];
        assert_eq!(bench.take(player), [&headers[..], &media].concat());
    }

    #[test]
    fn a_group_of_pictures_too_long_to_keep_makes_late_players_wait_for_the_next() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER, KEY]);
        let most = bench.broker.limits.cached_packets;
        for _ in 1..most {
            bench.push_at(publisher, 0, FRAME);
        }
        let in_time = bench.play();
        assert_eq!(bench.take(in_time).len(), 2 + most);
        bench.push_at(publisher, 0, FRAME);
        let late = bench.play();
        bench.push_at(publisher, 0, FRAME);
        assert_eq!(bench.take(late), []);
        bench.push_at(publisher, 100, SOUND);
        bench.push_at(publisher, 120, FRAME);
        let sound = [(0, AVC_HEADER), (0, AAC_HEADER), (0, SOUND)];
        assert_eq!(bench.take(late), sound);
        bench.push_at(publisher, 140, KEY);
        bench.push_at(publisher, 180, FRAME);
        assert_eq!(bench.take(late), [(40, KEY), (80, FRAME)]);
    }

    #[test]
    fn a_group_of_pictures_too_large_to_keep_is_not_kept() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[KEY]);
        let large: &'static [u8] = vec![0x27; bench.broker.limits.cached_bytes].leak();
        bench.push_all(publisher, &[large]);
        let player = bench.play();
        assert_eq!(bench.take(player), []);
    }

    #[test]
    fn sound_alone_is_a_stream() {
        let mut bench = Bench::new();
        let early = bench.play();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[AAC_HEADER]);
        bench.push_at(publisher, 500, SOUND);
        let late = bench.play();
        bench.push_at(publisher, 523, SOUND);
        let start = [(0, AAC_HEADER), (0, SOUND)];
        assert_eq!(bench.take(early), [&start[..], &[(23, SOUND)]].concat());
        assert_eq!(bench.take(late), start);
    }

    #[test]
    fn a_repeated_header_is_news_only_when_it_differs() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[AVC_HEADER, KEY]);
        let player = bench.play();
        bench.take(player);
        bench.push_all(publisher, &[AVC_HEADER, OTHER_HEADER]);
        assert_eq!(bench.take(player), [(0, OTHER_HEADER)]);
        // What is cached belongs to the first header.
        let late = bench.play();
        assert_eq!(bench.take(late), []);
    }

    #[test]
    fn a_slow_player_skips_to_a_key_frame_and_the_others_do_not() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[AVC_HEADER, KEY]);
        let (slow, quick) = (bench.play(), bench.play());
        let most = bench.broker.limits.queued_packets;
        for _ in 2..most {
            bench.push_at(publisher, 0, FRAME);
            bench.take(quick);
        }
        assert_eq!(bench.broker.statistics().dropped, 0);
        bench.push_at(publisher, 40, FRAME);
        assert_eq!(bench.take(quick), [(40, FRAME)]);
        bench.push_at(publisher, 80, FRAME);
        assert_eq!(bench.broker.statistics().dropped, most as u64 + 1);
        assert_eq!(bench.take(slow), []);
        bench.push_at(publisher, 120, KEY);
        assert_eq!(bench.take(slow), [(120, AVC_HEADER), (120, KEY)]);
        assert_eq!(bench.take(quick), [(80, FRAME), (120, KEY)]);
    }

    #[test]
    fn a_review_ends_only_what_its_holder_may_not_do() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[AVC_HEADER, KEY]);
        let wake = || Arc::new(Notify::new());
        let own = bench.broker.play(NAME, 1, wake(), 0).unwrap();
        let other = bench.play();
        bench.broker.review(3, |_, _| false);
        bench.broker.review(1, |action, name| action == Action::Publish && name == NAME);
        assert_eq!(bench.broker.take(NAME, own, 1, 0), Err(Ended));
        bench.push_all(publisher, &[FRAME]);

        bench.broker.review(1, |_, _| false);
        assert_eq!(bench.push(publisher, 0, FRAME), Err(Ended));
        assert_eq!(bench.take(other), [(0, AVC_HEADER), (0, KEY), (0, FRAME)]);
        assert_eq!(bench.broker.statistics().players, 1, "the other waits for the next publisher");
        bench.broker.review(2, |_, _| false);
        assert_eq!(bench.broker.statistics().streams, 0);
    }

    #[test]
    fn a_player_that_takes_nothing_is_dropped_and_one_that_takes_a_little_is_not() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[KEY]);
        let (dead, slow) = (bench.play(), bench.play());
        let limit = bench.broker.limits.stalled_ms;
        for step in 1..=2 {
            bench.now = limit * step / 2;
            bench.push_all(publisher, &[FRAME]);
            bench.broker.take(NAME, slow, 1, bench.now).unwrap();
        }
        assert_eq!(bench.broker.take(NAME, dead, 1, bench.now), Err(Ended));
        assert_eq!(bench.broker.statistics().players, 1);
    }

    #[test]
    fn a_player_goes_on_across_publishers_without_going_back_in_time() {
        let mut bench = Bench::new();
        let player = bench.play();
        let first = bench.publish(1);
        bench.push_all(first, &[AVC_HEADER]);
        bench.push_at(first, 9000, KEY);
        bench.push_at(first, 9100, FRAME);
        bench.broker.unpublish(NAME, first);
        let second = bench.publish(2);
        bench.push_at(second, 0, FRAME);
        bench.push_all(second, &[OTHER_HEADER]);
        bench.push_at(second, 5, KEY);
        bench.push_at(second, 45, FRAME);
        let before = [(0, AVC_HEADER), (0, KEY), (100, FRAME)];
        let after = [(145, OTHER_HEADER), (145, KEY), (185, FRAME)];
        assert_eq!(bench.take(player), [before, after].concat());
    }

    #[test]
    fn time_survives_a_wrap_and_an_encoder_that_starts_over() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        let player = bench.play();
        for timestamp in [u32::MAX - 39, 0, 40, 3_000_000, 3_000_040, 0] {
            bench.push_at(publisher, timestamp, KEY);
        }
        let times: Vec<_> = bench.take(player).into_iter().map(|(time, _)| time).collect();
        assert_eq!(times, [0, 40, 80, 120, 160, 200]);
    }

    #[test]
    fn the_same_holder_replaces_itself_and_another_is_refused() {
        let mut bench = Bench::new();
        let old = bench.publish(1);
        assert_eq!(bench.try_publish(2), Err(Refusal::Busy));
        let new = bench.publish(1);
        assert_eq!(bench.push(old, 0, KEY), Err(Ended));
        bench.broker.unpublish(NAME, old);
        assert_eq!(bench.push(new, 0, KEY), Ok(()));
        bench.broker.unpublish(NAME, new);
        assert_eq!(bench.push(new, 0, KEY), Err(Ended));
        assert!(bench.try_publish(2).is_ok());
    }

    #[test]
    fn one_more_than_the_limit_is_refused() {
        let mut bench = Bench::new();
        let wake = || Arc::new(Notify::new());
        let play = |bench: &mut Bench, name| bench.broker.play(name, 2, wake(), 0);
        bench.broker.limits.streams = 2;
        bench.broker.limits.waiting_players = 2;
        bench.broker.limits.players_per_stream = 1;
        play(&mut bench, "a").unwrap();
        assert_eq!(play(&mut bench, "a"), Err(Refusal::Full), "a stream's players");
        let leaver = play(&mut bench, "b").unwrap();
        assert_eq!(bench.try_publish(1), Err(Refusal::Full), "streams");
        bench.broker.leave("b", leaver);
        bench.broker.limits.waiting_players = 1;
        assert_eq!(play(&mut bench, "b"), Err(Refusal::Full), "waiting players");
        bench.publish(1);
        bench.broker.limits.players = 1;
        assert_eq!(play(&mut bench, NAME), Err(Refusal::Full), "players");
        bench.broker.limits.players = 2;
        play(&mut bench, NAME).unwrap();
        assert_eq!(bench.broker.statistics().streams, 2);
    }

    #[test]
    fn the_largest_room_plays_one_stream_though_every_player_has_come_back_and_one_more_is_refused() {
        let mut broker = Broker::new(BrokerLimits::default());
        let mut play = |name: &str| broker.play(name, 2, Arc::new(Notify::new()), 0);
        for _ in 0..2 * MOST_MEMBERS {
            play("a").unwrap();
        }
        assert_eq!(play("a"), Err(Refusal::Full));
        for _ in 2 * MOST_MEMBERS..BrokerLimits::default().players {
            play("b").unwrap();
        }
        assert_eq!(play("c"), Err(Refusal::Full), "all of them wait, and no more fit in");
    }

    #[test]
    fn an_ended_stream_is_over_for_everyone_and_nothing_of_it_stays() {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        let player = bench.play();
        bench.broker.end(NAME);
        assert_eq!(bench.push(publisher, 0, KEY), Err(Ended));
        assert_eq!(bench.broker.take(NAME, player, 1, 0), Err(Ended));
        bench.broker.leave(NAME, player);
        bench.broker.unpublish(NAME, publisher);
        assert_eq!(bench.broker.statistics().streams, 0);
    }

    #[test]
    fn a_closed_broker_lets_nobody_in() {
        let mut bench = Bench::new();
        bench.broker.close();
        assert_eq!(bench.try_publish(1), Err(Refusal::Full));
        let wake = Arc::new(Notify::new());
        assert_eq!(bench.broker.play(NAME, 2, wake, 0), Err(Refusal::Full));
    }

    #[test]
    fn whatever_happens_players_see_headers_before_media_key_frames_first_and_time_forward() {
        for seed in 1..300_u64 {
            let mut random = seed;
            let mut below = |end: u64| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 20) % end
            };
            let mut bench = Bench::new();
            let mut publisher = bench.publish(1);
            let mut timestamp = 0;
            let mut players: BTreeMap<ConnectionId, Vec<(u32, &[u8])>> = BTreeMap::new();
            for _ in 0..400 {
                match below(20) {
                    0 => {
                        publisher = bench.publish(1);
                        timestamp = below(1 << 32) as u32;
                        bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER]);
                    }
                    1 => {
                        players.insert(bench.play(), Vec::new());
                    }
                    2 => bench.push_all(publisher, &[AVC_HEADER, OTHER_HEADER]),
                    3 => bench.push_at(publisher, timestamp, KEY),
                    4..8 => bench.push_at(publisher, timestamp.wrapping_sub(30), SOUND),
                    8..12 => {
                        for (&player, seen) in &mut players {
                            seen.extend(bench.take(player));
                        }
                    }
                    _ => {
                        timestamp = timestamp.wrapping_add(below(50) as u32);
                        bench.push_at(publisher, timestamp, FRAME);
                    }
                }
            }
            for seen in players.values() {
                check(seen);
            }
        }
    }

    /// The invariants of what a player is sent.
    fn check(seen: &[(u32, &[u8])]) {
        let times = |track: u8| {
            let of_track = move |(_, body): &&(u32, &[u8])| body[0] & 0x0f == track;
            seen.iter().filter(of_track).map(|(time, _)| *time)
        };
        assert!(times(7).is_sorted() && times(0x0f).is_sorted(), "{seen:?}");
        let mut may_continue = false;
        for (_, body) in seen {
            match *body {
                // A changed header needs a new key frame; a repeated one follows a skip.
                AVC_HEADER | OTHER_HEADER => {}
                KEY => may_continue = true,
                FRAME => assert!(may_continue, "{seen:?}"),
                _ => {}
            }
        }
    }

    const NAME: &str = "s";
    const META: &[u8] = &[0x02, 0, 10];
    const AVC_HEADER: &[u8] = &[0x17, 0, 1];
    const OTHER_HEADER: &[u8] = &[0x17, 0, 2];
    const KEY: &[u8] = &[0x17, 1, 1];
    const FRAME: &[u8] = &[0x27, 1, 1];
    const AAC_HEADER: &[u8] = &[0xaf, 0, 1];
    const SOUND: &[u8] = &[0xaf, 1, 1];

    struct Bench {
        broker: Broker,
        now: u64,
    }

    impl Bench {
        fn new() -> Self {
            let limits = BrokerLimits {
                cached_packets: 5,
                cached_bytes: 1000,
                queued_packets: 10,
                queued_bytes: 2000,
                ..BrokerLimits::default()
            };
            Self { broker: Broker::new(limits), now: 0 }
        }

        fn publish(&mut self, holder: u64) -> ConnectionId {
            self.try_publish(holder).unwrap()
        }

        fn try_publish(&mut self, holder: u64) -> Result<ConnectionId, Refusal> {
            self.broker.publish(NAME, holder, Arc::new(Notify::new()))
        }

        fn play(&mut self) -> ConnectionId {
            let wake = Arc::new(Notify::new());
            self.broker.play(NAME, 2, wake, self.now).unwrap()
        }

        fn push_all(&mut self, id: ConnectionId, bodies: &[&'static [u8]]) {
            for body in bodies {
                self.push_at(id, 0, body);
            }
        }

        fn push_at(&mut self, id: ConnectionId, timestamp: u32, body: &'static [u8]) {
            self.push(id, timestamp, body).unwrap();
        }

        fn push(&mut self, id: ConnectionId, timestamp: u32, body: &'static [u8]) -> Result<(), Ended> {
            let track = match body[0] {
                0x02 => Track::Metadata,
                0xaf => Track::Audio,
                _ => Track::Video,
            };
            let body = Bytes::from_static(body);
            let packet = Packet { track, timestamp, body };
            self.broker.push(NAME, id, &packet, self.now)
        }

        fn take(&mut self, id: ConnectionId) -> Vec<(u32, &'static [u8])> {
            let all = [META, AVC_HEADER, OTHER_HEADER, KEY, FRAME, AAC_HEADER, SOUND];
            let taken = self.broker.take(NAME, id, usize::MAX, self.now).unwrap();
            let known = |packet: Packet| {
                let body = all.into_iter().find(|body| packet.body == *body);
                (packet.timestamp, body.unwrap())
            };
            taken.into_iter().map(known).collect()
        }
    }
}
