//! Clocks that jump, drift and stop.

use super::*;

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
    bench.limit(|limits| limits.cached_packets = 100);
    bench.limit(|limits| limits.queued_packets = 200);
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
