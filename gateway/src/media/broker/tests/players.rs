//! What players are sent: where they start, what they miss, and when they are dropped.

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
    let most = bench.broker.limits.load().cached_packets;
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
    let large: &'static [u8] = vec![0x27; bench.broker.limits.load().cached_bytes].leak();
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
    let most = bench.broker.limits.load().queued_packets;
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
fn a_player_that_takes_nothing_is_dropped_and_one_that_takes_a_little_is_not() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    bench.push_all(publisher, &[KEY]);
    let (dead, slow) = (bench.play(), bench.play());
    let limit = bench.broker.limits.load().stalled_ms;
    for step in 1..=2 {
        bench.now = limit * step / 2;
        bench.push_all(publisher, &[FRAME]);
        bench.try_take(slow, 1).unwrap();
    }
    assert_eq!(bench.try_take(dead, 1), Err(Ended));
    assert_eq!(bench.broker.statistics().players, 1);
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
