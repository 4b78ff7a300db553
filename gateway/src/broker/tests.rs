#![allow(clippy::unwrap_used)]

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
