//! What is answered to commands, good and bad.

use super::*;

#[test]
fn every_command_is_acknowledged_with_its_number() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.join(BOB);
    for (command, number) in [
        (Command::Heartbeat, 3),
        (Command::UploadUserList, 6),
        (Command::PushMode(3), 8),
        (Command::Publish(Media::Audio, true), 14),
        (Command::Mute(Media::Audio, true), 14),
        (Command::Role(Role::Broadcaster), 14),
        (Command::Subscribe(BOB, Media::Audio, true), 14),
        (Command::DualAudio(BOB, 0), 14),
        (Command::AudioChangeMode(1), 14),
        (Command::Pitch("0.6".into()), 14),
        (Command::AudioEffect(1), 14),
        (Command::Beautifier(1), 14),
        (Command::Equalization("0,0,0,0,0,0,0,0,0,0".into()), 14),
        (captions("AUTO", "en"), 14),
        (Command::Interrupt(Some(BOB)), 14),
        (Command::StopCaptions, 14),
        (Command::Logout, 9),
    ] {
        assert_eq!(bench.send(alice, command.clone()), Some((number, 200)), "{}", command.name());
    }
}

#[test]
fn every_frame_of_both_generations_is_acknowledged_as_written() {
    for old in [true, false] {
        let mut bench = Bench::new();
        let alice = bench.open();
        bench.login(
            alice,
            |login| {
                if old {
                    as_4_4_1(login)
                }
            },
            ALICE,
        );
        let bob = bench.join(BOB);
        bench.texts(bob);
        for (number, fields, ack) in [
            (2, "", 3),
            (5, "", 6),
            (7, r#","mode":0"#, 8),
            (10, r#","mediaType":"audio","status":"open""#, 14),
            (10, r#","mediaType":"audio","status":"close""#, 14),
            (11, r#","mediaType":"video","mute":true"#, 14),
            (11, r#","mediaType":"video""#, 14),
            (11, r#","mediaType":"video","mute":false"#, 14),
            (12, r#","role":0"#, 14),
            (16, r#","srcUid":18446744073709551615,"mediaType":"audio","sub":true"#, 14),
            (16, r#","srcUid":18446744073709551615,"mediaType":"slaveAudio""#, 14),
            (16, r#","srcUid":18446744073709551615,"mediaType":"screenShare","sub":false"#, 14),
            (17, r#","srcUid":18446744073709551615,"dualAudio":0"#, 14),
            (17, r#","srcUid":18446744073709551615,"dualAudio":1"#, 14),
            (17, r#","srcUid":18446744073709551615,"dualAudio":2"#, 14),
            (40, r#","mode":0"#, 14),
            (41, r#","pitch":"0.6""#, 14),
            (42, r#","type":0"#, 14),
            (43, r#","type":11"#, 14),
            // Eleven values: the original adds unknown bands (5.12).
            (44, r#","equa":"0,0,0,0,0,0,0,0,0,0,7""#, 14),
            (4, r#","statistic":{}"#, 9),
        ] {
            bench.seq += 1;
            // A 4.6.11 that came back after a failed first login names channel 0 (5.5).
            let frame =
                format!(r#"{{"cmd":{number},"body":{{"uid":100,"cid":0{fields}}},"seq":{}}}"#, bench.seq);
            bench.text(alice, &frame);
            let texts = bench.texts(alice);
            let answer = texts.iter().find(|text| text.ends_with(&format!(r#""seq":{}}}"#, bench.seq)));
            assert_eq!(answer.and_then(|text| parse_ack(text)), Some((ack, 200)), "{frame}");
        }
        let told: Vec<_> = bench.texts(bob).iter().map(|text| text[7..9].to_owned()).collect();
        assert_eq!(told, ["26", "26", "15", "15", "21"], "and nothing about the rest");
    }
}

#[test]
fn subscribing_needs_a_member_to_subscribe_to() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.join(BOB);
    assert_eq!(bench.send(alice, Command::Subscribe(CAROL, Media::Audio, true)), Some((14, 404)));
    assert_eq!(bench.send(alice, Command::DualAudio(CAROL, 2)), Some((14, 404)));
    assert_eq!(bench.send(alice, Command::Subscribe(ALICE, Media::Audio, true)), Some((14, 404)));
    assert_eq!(bench.send(alice, Command::Subscribe(CAROL, Media::Audio, false)), Some((14, 200)));
    assert_eq!(bench.send(alice, Command::Subscribe(BOB, Media::Audio, true)), Some((14, 200)));
    assert_eq!(bench.send(alice, Command::Subscribe(BOB, Media::Audio, true)), Some((14, 200)));
}

#[test]
fn a_change_of_mode_is_told_once_and_must_exist() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.notices(alice);
    bench.send(bob, Command::PushMode(1));
    bench.send(bob, Command::PushMode(1));
    assert_eq!(bench.notices(alice), [Notice::Update(BOB, 1)]);
    assert_eq!(bench.send(bob, Command::PushMode(4)), Some((8, 400)));
}

#[test]
fn a_second_login_on_one_connection_is_refused_without_harm() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.login(alice, |_| {}, ALICE);
    assert_eq!(bench.last_ack(alice), Some((1, 400)));
    assert_eq!(bench.send(alice, Command::Heartbeat), Some((3, 200)));
    assert_eq!(bench.hub.rooms().next().unwrap().members.len(), 1);
}

#[test]
fn bad_packets_are_logged_once_and_counted() {
    let mut bench = Bench::with(HubConfig { max_bad_packets: 3, ..HubConfig::default() });
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.notices(bob);
    bench.logs.clear();
    bench.text(alice, "{");
    bench.text(alice, r#"{"cmd":10,"body":{"uid":100,"cid":1,"mediaType":"smell","status":"open"},"seq":5}"#);
    assert!(bench.texts[&alice].last().unwrap().contains(r#""seq":5"#), "its sender need not wait for it");
    assert_eq!(bench.last_ack(alice), Some((14, 400)));
    bench.text(alice, r#"{"cmd":99,"body":{"uid":100,"cid":1},"seq":77}"#);
    assert_eq!(bench.last_ack(alice), Some((14, 400)), "an unknown command fails at once");
    assert_eq!(bench.logs.len(), 1);
    assert_eq!(bench.send(alice, Command::Heartbeat), Some((3, 200)));

    bench.text(alice, "one more");
    assert_eq!(bench.close_code(alice), Some(1008));
    assert_eq!(bench.notices(bob), [], "the grace period runs");
    bench.keep_alive(bob, bob, 30);
    assert_eq!(bench.notices(bob), [Notice::Leave(ALICE)]);
}

#[test]
fn however_many_commands_come_at_once_each_is_answered() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.join(BOB);
    for _ in 0..2000 {
        assert_eq!(bench.send(alice, Command::Subscribe(BOB, Media::Video, true)), Some((14, 200)));
    }
}
