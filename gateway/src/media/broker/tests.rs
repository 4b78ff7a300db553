#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use nertc_miniapp::wire::protocol::MOST_MEMBERS;

use super::place::SlotId;
use super::*;

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
    let own = bench.play_as(NAME, 1).unwrap();
    let other = bench.play();
    bench.broker.review(3, |_, _| false);
    bench.broker.review(1, |action, name| action == Action::Publish && name == NAME);
    assert_eq!(bench.try_take(own, 1), Err(Ended));
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
        bench.try_take(slow, 1).unwrap();
    }
    assert_eq!(bench.try_take(dead, 1), Err(Ended));
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
    bench.leave(first);
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
        bench.now += 40;
    }
    let times: Vec<_> = bench.take(player).into_iter().map(|(time, _)| time).collect();
    assert_eq!(times, [0, 40, 80, 120, 160, 200]);
}

#[test]
fn the_same_holder_replaces_itself_and_another_is_refused() {
    let mut bench = Bench::new();
    let old = bench.publish(1);
    assert_eq!(bench.try_publish(2), Err(MediaRefusal::Busy));
    let new = bench.publish(1);
    assert_eq!(bench.push(old, 0, KEY), Err(Ended));
    bench.leave(old);
    assert_eq!(bench.push(new, 0, KEY), Ok(()));
    bench.leave(new);
    assert_eq!(bench.push(new, 0, KEY), Err(Ended));
    assert!(bench.try_publish(2).is_ok());
}

#[test]
fn one_more_than_the_limit_is_refused() {
    let mut bench = Bench::new();
    let mut holders = 2..;
    let mut play = |bench: &mut Bench, name| bench.play_as(name, holders.next().unwrap());
    bench.broker.limits.streams = 2;
    bench.broker.limits.waiting_players = 2;
    bench.broker.limits.players_per_stream = 1;
    play(&mut bench, "a").unwrap();
    assert_eq!(play(&mut bench, "a"), Err(MediaRefusal::Full), "a stream's players");
    let leaver = play(&mut bench, "b").unwrap();
    assert_eq!(bench.try_publish(1), Err(MediaRefusal::Full), "streams");
    bench.leave(leaver);
    bench.broker.limits.waiting_players = 1;
    assert_eq!(play(&mut bench, "b"), Err(MediaRefusal::Full), "waiting players");
    bench.publish(1);
    bench.broker.limits.players = 1;
    assert_eq!(play(&mut bench, NAME), Err(MediaRefusal::Full), "players");
    bench.broker.limits.players = 2;
    play(&mut bench, NAME).unwrap();
    assert_eq!(bench.broker.statistics().streams, 2);
}

#[test]
fn the_largest_room_plays_one_stream_though_every_player_has_come_back_and_one_more_is_refused() {
    let broker = Broker::new(BrokerLimits::default());
    let mut holders = 2..;
    let mut play = |name: &str| broker.play(name, holders.next().unwrap(), 0).map(drop);
    for _ in 0..2 * MOST_MEMBERS {
        play("a").unwrap();
    }
    assert_eq!(play("a"), Err(MediaRefusal::Full));
    for _ in 2 * MOST_MEMBERS..BrokerLimits::default().players {
        play("b").unwrap();
    }
    assert_eq!(play("c"), Err(MediaRefusal::Full), "all of them wait, and no more fit in");
}

#[test]
fn a_stream_whose_places_are_taken_has_one_for_who_has_fewer_than_another() {
    let mut bench = Bench::new();
    bench.broker.limits.players_per_stream = 4;
    bench.broker.limits.players_per_holder = 3;
    let first = bench.play_as(NAME, 1).unwrap();
    let second = bench.play_as(NAME, 1).unwrap();
    bench.play_as(NAME, 1).unwrap();
    bench.play_as(NAME, 1).unwrap();
    assert_eq!(bench.try_take(first, 1), Err(Ended), "one too many of the same holder");
    bench.play_as(NAME, 2).unwrap();
    bench.play_as(NAME, 3).unwrap();
    assert_eq!(bench.try_take(second, 1), Err(Ended), "the oldest of who has most");
    assert_eq!(bench.play_as(NAME, 2).err(), Some(MediaRefusal::Full), "as many as anybody has");
    bench.play_as(NAME, 4).unwrap();
    assert_eq!(bench.play_as(NAME, 5).err(), Some(MediaRefusal::Full), "everybody has one");
    assert_eq!(bench.broker.statistics().players, 4);
}

#[test]
fn who_was_replaced_and_comes_late_replaces_nobody() {
    let mut bench = Bench::new();
    // Both have a place each before either tells the stream.
    let limits = bench.broker.limits.clone();
    let early = bench.broker.directory().publish(NAME, 1, &limits).unwrap();
    let late = bench.broker.directory().publish(NAME, 1, &limits).unwrap();
    for slot in [&late, &early] {
        open(&slot.stream).begin(slot.id);
    }
    let [early, late] = [early, late].map(|slot| bench.keep(slot));
    assert_eq!(bench.push(early, 0, KEY), Err(Ended));
    assert_eq!(bench.push(late, 0, KEY), Ok(()));
    bench.leave(early);
    assert_eq!(bench.push(late, 0, KEY), Ok(()));
}

#[test]
fn nobody_who_decides_about_places_waits_for_a_stream() {
    let mut bench = Bench::new();
    let (publisher, player) = (bench.publish(1), bench.play());
    let stream = Arc::clone(&bench.slots[&publisher].stream);
    let busy = open(&stream);
    assert_eq!(bench.broker.statistics().players, 1);
    bench.broker.review(2, |_, _| false);
    assert!(bench.slots[&player].is_over());
    bench.broker.publish("another", 3).unwrap();
    bench.broker.end(NAME);
    assert!(bench.slots[&publisher].is_over());
    drop(busy);
}

#[test]
fn no_step_of_a_clock_stops_time_or_turns_it_back() {
    const HALF: u32 = 1 << 31;
    for steps in [
        &[HALF][..],
        &[HALF, HALF],
        &[HALF - 1, HALF + 1],
        &[HALF + 1, 40, HALF - 1],
        &[u32::MAX],
        &[HALF, 0, HALF, 40],
    ] {
        for track in [KEY, SOUND] {
            let mut bench = Bench::new();
            let publisher = bench.publish(1);
            let player = bench.play();
            let (mut raw, mut last) = (0_u32, 0);
            bench.push_at(publisher, raw, track);
            bench.take(player);
            for step in steps.iter().copied().chain([40; 20]) {
                raw = raw.wrapping_add(step);
                bench.now += 40;
                bench.push_at(publisher, raw, track);
                let time = bench.take(player)[0].0;
                assert!(time >= last && time <= last + 1_000, "{steps:?}: {time} after {last}");
                last = time;
            }
            assert!(last >= 19 * 40, "{steps:?}: time stands at {last}");
        }
    }
}

#[test]
fn an_ended_stream_is_over_for_everyone_and_nothing_of_it_stays() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    let player = bench.play();
    bench.broker.end(NAME);
    assert_eq!(bench.push(publisher, 0, KEY), Err(Ended));
    assert_eq!(bench.try_take(player, 1), Err(Ended));
    bench.leave(player);
    bench.leave(publisher);
    assert_eq!(bench.broker.statistics().streams, 0);
}

#[test]
fn a_closed_broker_lets_nobody_in() {
    let mut bench = Bench::new();
    bench.broker.close();
    assert_eq!(bench.try_publish(1), Err(MediaRefusal::Full));
    assert_eq!(bench.play_as(NAME, 2), Err(MediaRefusal::Full));
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
        let mut players: BTreeMap<SlotId, Vec<(u32, &[u8])>> = BTreeMap::new();
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

/// One track's clock goes as it likes; the other's is right. Picture and sound come in real time.
#[test]
fn no_clock_of_one_track_moves_the_other() {
    type Reading = fn(u64) -> i64;
    let clocks: [(&str, Reading); 9] = [
        ("right", |now| now as i64),
        ("apart", |now| now as i64 + 3_600_000),
        ("apart a little", |now| now as i64 + 5_000),
        ("jumps ahead", |now| now as i64 + if now > 4_000 { 5_000 } else { 0 }),
        ("jumps far", |now| now as i64 + if now > 4_000 { 1 << 30 } else { 0 }),
        ("goes back", |now| now as i64 + if now > 4_000 { 0 } else { 3_000 }),
        ("starts over", |now| (now % 4_000) as i64),
        ("wraps", |now| now as i64 - 4_000),
        ("is noise", |now| (now.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as i64),
    ];
    for (case, clock) in clocks {
        for wrong in [Track::Audio, Track::Video] {
            let read = |track, now| if track == wrong { clock(now) as u32 } else { now as u32 };
            let mut bench = Bench::new();
            let publisher = bench.publish(1);
            let player = bench.play();
            bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER]);
            let (mut sound, mut pictures) = (Vec::new(), Vec::new());
            for now in (0..12_000).step_by(20) {
                bench.now = now;
                bench.push_at(publisher, read(Track::Audio, now), SOUND);
                if now % 40 == 0 {
                    bench.push_at(
                        publisher,
                        read(Track::Video, now),
                        if now % 1000 == 0 { KEY } else { FRAME },
                    );
                }
                for (time, body) in bench.take(player) {
                    match body {
                        SOUND => sound.push((now as u32, time)),
                        KEY | FRAME => pictures.push((now as u32, time)),
                        _ => {}
                    }
                }
            }
            for (track, seen) in [(Track::Audio, sound), (Track::Video, pictures)] {
                let off = seen.iter().map(|(now, time)| now.abs_diff(*time)).max().unwrap();
                let most = if track == wrong { 100 } else { 0 };
                assert!(off <= most, "{track:?} is off by {off} where {wrong:?} {case}");
            }
        }
    }
}

#[test]
fn a_clock_that_drifts_is_followed_and_late_players_get_both_tracks_at_once() {
    let mut bench = Bench::new();
    bench.broker.limits.cached_packets = 100;
    bench.broker.limits.queued_packets = 200;
    let publisher = bench.publish(1);
    let early = bench.play();
    bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER]);
    let mut seen = Vec::new();
    for now in (0..100_000).step_by(40) {
        bench.now = now;
        bench.push_at(publisher, now as u32, SOUND);
        bench.push_at(publisher, (now + now / 20) as u32, if now % 1000 == 0 { KEY } else { FRAME });
        seen.extend(bench.take(early));
    }
    let times = |wanted: fn(&[u8]) -> bool| {
        let of_track = seen.iter().filter(move |(_, body)| wanted(body));
        of_track.map(|(time, _)| *time).collect::<Vec<_>>()
    };
    assert!(times(|body| body == SOUND).windows(2).all(|pair| pair[1] - pair[0] == 40));
    assert!(times(|body| body[0] != 0xaf && body[1] == 1).windows(2).all(|pair| pair[1] - pair[0] == 42));

    // The tracks are five seconds apart by now.
    let late = bench.play();
    let start = bench.take(late);
    assert!(start.iter().all(|(time, _)| *time < 1_100), "{start:?}");
    assert!(start.iter().any(|(time, body)| *body == SOUND && *time > 800), "{start:?}");
}

#[test]
fn a_track_that_paused_comes_back_where_the_other_is() {
    for (case, stands) in [("its clock went on", false), ("its clock stood still", true)] {
        for pause in [1_000, 5_000, 60_000] {
            let mut bench = Bench::new();
            let publisher = bench.publish(1);
            let player = bench.play();
            bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER]);
            bench.push_at(publisher, 0, KEY);
            for now in (0..pause).step_by(20) {
                bench.now = now;
                bench.push_at(publisher, now as u32, SOUND);
                bench.take(player);
            }
            bench.push_all(publisher, &[AVC_HEADER]);
            bench.push_at(publisher, if stands && pause > 1_000 { 40 } else { pause as u32 }, KEY);
            let back = bench.take(player);
            let &[(time, KEY)] = &back[..] else {
                unreachable!("{back:?}");
            };
            assert!(pause.abs_diff(time.into()) <= 40, "{case}, {pause}: {time}");
        }
    }
}

#[test]
fn what_was_held_up_on_its_way_keeps_its_time() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    let player = bench.play();
    bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER]);
    bench.push_at(publisher, 0, KEY);
    bench.push_at(publisher, 0, SOUND);
    // Eight seconds of nothing; then what was queued, and of the pictures only the last second.
    bench.now = 8_000;
    let mut expected = Vec::new();
    for time in (40..8_000).step_by(40) {
        bench.push_at(publisher, time, SOUND);
        expected.push((time, SOUND));
        if time >= 7_000 {
            bench.push_at(publisher, time, FRAME);
            expected.push((time, FRAME));
        }
        bench.now += 1;
        let start = if time == 40 { 4 } else { 0 };
        let taken = bench.take(player).split_off(start);
        assert_eq!(taken, expected.split_off(expected.len() - taken.len()));
    }
}

#[test]
fn new_players_are_promised_only_what_flows() {
    let long = |name: &str, value: &[u8]| [&[0, name.len() as u8][..], name.as_bytes(), value].concat();
    let properties = [
        long("width", &[5]),
        long("VideoCodecId", &[5]),
        long("hasVideo", &[1, 1]),
        long("audiosamplerate", &[5]),
        long("stereo", &[5]),
        long("hasAudio", &[1, 1]),
        long("encoder", &[5]),
    ];
    let metadata = |of: &[usize], no: &[(usize, &[u8])]| {
        let chosen =
            |i: &usize| no.iter().find(|(n, _)| n == i).map_or(properties[*i].clone(), |(_, p)| p.to_vec());
        let chosen: Vec<_> = of.iter().map(chosen).collect();
        [&b"\x02\0\x0aonMetaData\x08\0\0\0"[..], &[of.len() as u8], &chosen.concat(), b"\0\0\x09"].concat()
    };
    let no_picture = metadata(&[2, 3, 4, 5, 6], &[(2, &long("hasVideo", &[1, 0]))]);
    let no_sound = metadata(&[0, 1, 2, 5, 6], &[(5, &long("hasAudio", &[1, 0]))]);
    let all: &'static [u8] = metadata(&[0, 1, 2, 3, 4, 5, 6], &[]).leak();

    for (case, has_sound, has_pictures, promise) in [
        ("both", true, true, all),
        ("microphone off", false, true, &no_sound),
        ("camera off", true, false, &no_picture),
    ] {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_metadata(publisher, all);
        bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER, KEY, SOUND, FRAME]);
        let live = |bench: &mut Bench| {
            bench.now += 1_000;
            let time = bench.now as u32;
            if has_sound {
                bench.push_at(publisher, time, SOUND);
            }
            if has_pictures {
                bench.push_at(publisher, time, KEY);
            }
        };
        (0..4).for_each(|_| live(&mut bench));
        let player = bench.play();
        live(&mut bench);
        let taken = bench.try_take(player, usize::MAX).unwrap();
        assert_eq!(&taken[0].body[..], promise, "{case}");
        let has = |wanted: &[u8]| taken.iter().any(|packet| packet.body == wanted);
        assert_eq!([has(AAC_HEADER), has(SOUND)], [has_sound; 2], "{case}");
        assert_eq!([has(AVC_HEADER), has(KEY)], [has_pictures; 2], "{case}");
        assert!(!has(FRAME), "{case}: old pictures");

        // What was off comes back: its header first, and the promise.
        bench.now += 20;
        bench.push_at(publisher, bench.now as u32, SOUND);
        bench.push_at(publisher, bench.now as u32, KEY);
        let taken = bench.try_take(player, usize::MAX).unwrap();
        let bodies: Vec<_> = taken.iter().map(|packet| &packet.body[..]).collect();
        let expected: &[&[u8]] = match (has_sound, has_pictures) {
            (false, _) => &[all, AAC_HEADER, SOUND, KEY],
            (_, false) => &[SOUND, all, AVC_HEADER, KEY],
            _ => &[SOUND, KEY],
        };
        assert_eq!(bodies, expected, "{case}");
    }
}

#[test]
fn with_both_off_nothing_is_promised_and_whichever_is_first_begins() {
    for first in [SOUND, KEY] {
        let mut bench = Bench::new();
        let publisher = bench.publish(1);
        bench.push_all(publisher, &[AVC_HEADER, AAC_HEADER, KEY, SOUND]);
        bench.now = 5_000;
        let player = bench.play();
        assert_eq!(bench.take(player), []);
        bench.push_at(publisher, 5_000, first);
        let header = if first == SOUND { AAC_HEADER } else { AVC_HEADER };
        assert_eq!(bench.take(player), [(0, header), (0, first)]);
    }
}

#[test]
fn a_slow_picture_is_none_that_has_ended() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    bench.push_all(publisher, &[AVC_HEADER, KEY]);
    for _ in 0..3 {
        bench.now += 5_000;
        bench.push_at(publisher, bench.now as u32, FRAME);
    }
    bench.now += 4_000;
    let player = bench.play();
    let slides = [(0, AVC_HEADER), (0, KEY), (5_000, FRAME), (10_000, FRAME), (15_000, FRAME)];
    assert_eq!(bench.take(player), slides);
}

#[test]
fn a_microphone_that_comes_on_costs_late_players_no_picture() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    bench.push_all(publisher, &[AVC_HEADER, KEY, FRAME, AAC_HEADER, SOUND]);
    let player = bench.play();
    let both = [(0, AVC_HEADER), (0, AAC_HEADER), (0, KEY), (0, FRAME), (0, SOUND)];
    assert_eq!(bench.take(player), both);
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
    slots: BTreeMap<SlotId, Slot>,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        let limits = BrokerLimits {
            cached_packets: 5,
            cached_bytes: 1000,
            queued_packets: 10,
            queued_bytes: 2000,
            players_per_holder: 1000,
            ..BrokerLimits::default()
        };
        Self { broker: Broker::new(limits), slots: BTreeMap::new(), now: 0 }
    }

    fn publish(&mut self, holder: u64) -> SlotId {
        self.try_publish(holder).unwrap()
    }

    fn try_publish(&mut self, holder: u64) -> Result<SlotId, MediaRefusal> {
        let slot = self.broker.publish(NAME, holder)?;
        Ok(self.keep(slot))
    }

    fn play(&mut self) -> SlotId {
        self.play_as(NAME, 2).unwrap()
    }

    fn play_as(&mut self, name: &str, holder: u64) -> Result<SlotId, MediaRefusal> {
        let slot = self.broker.play(name, holder, self.now)?;
        Ok(self.keep(slot))
    }

    fn keep(&mut self, slot: Slot) -> SlotId {
        let id = slot.id;
        self.slots.insert(id, slot);
        id
    }

    fn leave(&mut self, id: SlotId) {
        self.broker.leave(&self.slots[&id]);
    }

    fn try_take(&mut self, id: SlotId, bytes: usize) -> Result<Vec<Packet>, Ended> {
        self.broker.take(&self.slots[&id], bytes, self.now)
    }

    fn push_all(&mut self, id: SlotId, bodies: &[&'static [u8]]) {
        for body in bodies {
            self.push_at(id, 0, body);
        }
    }

    fn push_at(&mut self, id: SlotId, timestamp: u32, body: &'static [u8]) {
        self.push(id, timestamp, body).unwrap();
    }

    fn push_metadata(&mut self, id: SlotId, body: &'static [u8]) {
        let packet = Packet { track: Track::Metadata, timestamp: 0, body: Bytes::from_static(body) };
        self.pass(id, packet).unwrap();
    }

    fn push(&mut self, id: SlotId, timestamp: u32, body: &'static [u8]) -> Result<(), Ended> {
        let track = match body[0] {
            0x02 => Track::Metadata,
            0xaf => Track::Audio,
            _ => Track::Video,
        };
        let body = Bytes::from_static(body);
        let packet = Packet { track, timestamp, body };
        self.pass(id, packet)
    }

    fn pass(&mut self, id: SlotId, packet: Packet) -> Result<(), Ended> {
        let slot = &self.slots[&id];
        self.broker.push(slot, &[packet], self.now)?;
        self.broker.wake(slot, self.now);
        Ok(())
    }

    fn take(&mut self, id: SlotId) -> Vec<(u32, &'static [u8])> {
        let all = [META, AVC_HEADER, OTHER_HEADER, KEY, FRAME, AAC_HEADER, SOUND];
        let taken = self.try_take(id, usize::MAX).unwrap();
        let known = |packet: Packet| {
            let body = all.into_iter().find(|body| packet.body == *body);
            (packet.timestamp, body.unwrap())
        };
        taken.into_iter().map(known).collect()
    }
}
