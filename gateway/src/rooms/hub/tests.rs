use std::time::Duration;

use nertc_miniapp::time::Rng;
use nertc_miniapp::wire::model::Url;
use nertc_miniapp::wire::protocol::{Caption, MAX_FRAME, MOST_MEMBERS};

use super::*;
use crate::rights::{Grants, LoginTicket};
use crate::rooms::*;

const CID: Cid = Cid(123_456_789_012_345);
const ALICE: Uid = Uid(100);
const BOB: Uid = Uid(18_446_744_073_709_551_615);
const CAROL: Uid = Uid(300);

#[test]
fn a_login_is_answered_with_oneself_and_everybody_else() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.publish(alice, Media::Video, true);
    let bob = bench.join(BOB);

    let users = bench.userlist(bob);
    assert_eq!(users.iter().map(|user| user.uid).collect::<Vec<_>>(), [BOB, ALICE]);
    assert_eq!(path(users[0].url.as_ref()), format!("rtmp://media/live/{CID}-{BOB}"));
    assert_eq!(path(users[1].url.as_ref()), format!("rtmp://media/live/{CID}-100"));
    assert!(users[1].published.contains(Media::Video) && !users[1].published.contains(Media::Audio));
}

#[test]
fn uids_travel_as_bare_literals_and_notices_without_a_number() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.join(BOB);
    let text = &bench.texts(alice)[1];
    assert!(text.starts_with(r#"{"cmd":20,"#) && text.contains(r#""uid":18446744073709551615,"#), "{text}");
    assert!(!text.contains("seq"), "{text}");
}

#[test]
fn coming_and_leaving_is_told_to_the_others_only() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    let Some(Notice::Join(entry)) = bench.notices(alice).pop() else { panic!("no join") };
    assert_eq!((entry.uid, entry.role), (BOB, Role::Broadcaster));
    assert!(entry.url.is_some());
    assert_eq!(bench.notices(bob), []);

    assert_eq!(bench.send(bob, Command::Logout), Some((9, 200)));
    assert_eq!(bench.notices(alice), [Notice::Leave(BOB)]);
    assert_eq!(bench.notices(bob), []);
    assert_eq!(bench.close_code(bob), Some(1000));
    assert_eq!(bench.ended(), streams(BOB));
}

#[test]
fn an_audience_member_is_announced_with_role_and_url() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.open();
    bench.login(bob, |login| (login.uid, login.role) = (BOB, Role::Audience), BOB);
    let Some(Notice::Join(entry)) = bench.notices(alice).pop() else { panic!("no join") };
    assert_eq!(entry.role, Role::Audience);
    assert!(entry.url.is_some());
}

#[test]
fn members_of_other_rooms_hear_nothing() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.open();
    bench.ticket_cid = Cid(7);
    bench.login(bob, |login| (login.uid, login.cid) = (BOB, Cid(7)), BOB);
    bench.publish(bob, Media::Audio, true);
    assert_eq!(bench.notices(alice), []);
    assert_eq!(bench.hub.rooms().count(), 2);
}

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
fn streams_of_their_own_are_announced_under_every_name_that_clients_read() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.texts(alice);
    bench.publish(bob, Media::ScreenShare, true);
    bench.publish(bob, Media::SlaveAudio, true);
    let texts = bench.texts(alice);
    assert!(texts[0].contains(r#""url":"rtmp:"#) && texts[0].contains("-screen?grant="), "{}", texts[0]);
    assert!(texts[1].contains(r#""url":"rtmp:"#) && texts[1].contains(r#""sa_url":"rtmp:"#), "{}", texts[1]);

    let carol = bench.join(CAROL);
    let login = &bench.texts(carol)[0];
    for key in ["\"screen_url\":", "\"sa_url\":", "\"screen_on\":true", "\"sa_on\":true"] {
        assert!(login.contains(key), "{key} is missing: {login}");
    }
}

#[test]
fn every_real_publish_transition_is_told_once() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.publish(bob, Media::Audio, true);
    bench.publish(bob, Media::Audio, true);
    bench.publish(bob, Media::Audio, false);
    bench.publish(bob, Media::Audio, false);
    bench.publish(bob, Media::Audio, true);
    let told: Vec<_> = bench.notices(alice).into_iter().filter_map(published).collect();
    assert_eq!(told, [(BOB, Media::Audio, true), (BOB, Media::Audio, false), (BOB, Media::Audio, true)]);
    assert_eq!(bench.notices(bob), []);
    assert_eq!(bench.ended(), [""; 0]);
}

#[test]
fn a_publish_notice_carries_the_url_of_its_stream() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    for (media, suffix) in
        [(Media::Audio, ""), (Media::Video, ""), (Media::ScreenShare, "-screen"), (Media::SlaveAudio, "-sa")]
    {
        bench.notices(alice);
        bench.publish(bob, media, true);
        let Some(Notice::Published(_, _, true, url)) = bench.notices(alice).pop() else {
            panic!("{media:?}")
        };
        assert_eq!(path(url.as_ref()), format!("rtmp://media/live/{CID}-{BOB}{suffix}"));
    }
    let carol = bench.join(CAROL);
    let bob = bench.userlist(carol).pop().unwrap();
    assert!(bob.screen_url.is_some() && bob.slave_audio_url.is_some());
}

#[test]
fn the_urls_of_a_session_do_not_change() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let first = bench.userlist(alice)[0].url.clone();
    let bob = bench.join(BOB);
    let Some(Notice::Join(entry)) = bench.notices(alice).pop() else { panic!("no join") };
    bench.pass(3);
    bench.publish(bob, Media::Audio, true);
    let Some(Notice::Published(.., url)) = bench.notices(alice).pop() else { panic!("not told") };
    assert_eq!(url, entry.url);

    bench.lose(alice);
    let again = bench.join(ALICE);
    let users = bench.userlist(again);
    assert_eq!((users[0].url.clone(), users[1].url.clone()), (first, url));
}

#[test]
fn the_audience_cannot_publish_until_it_changes_role() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.send(bob, Command::Role(Role::Audience));
    assert_eq!(bench.send(bob, Command::Publish(Media::Audio, true)), Some((14, 403)));
    assert_eq!(bench.send(bob, Command::Publish(Media::Audio, false)), Some((14, 200)));
    bench.send(bob, Command::Role(Role::Broadcaster));
    assert_eq!(bench.send(bob, Command::Publish(Media::Audio, true)), Some((14, 200)));
    assert_eq!(bench.notices(alice).len(), 4, "join, two roles, publish");
}

#[test]
fn becoming_audience_closes_what_was_published_first() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.publish(bob, Media::Audio, true);
    bench.publish(bob, Media::Video, true);
    bench.notices(alice);

    assert_eq!(bench.send(bob, Command::Role(Role::Audience)), Some((14, 200)));
    assert_eq!(
        bench.notices(alice),
        [
            Notice::Published(BOB, Media::Audio, false, None),
            Notice::Published(BOB, Media::Video, false, None),
            Notice::RoleChanged(BOB, Role::Audience),
        ]
    );
    assert_eq!(bench.ended(), streams(BOB));

    bench.send(bob, Command::Role(Role::Audience));
    assert_eq!(bench.notices(alice), [], "the same role again");
}

#[test]
fn the_media_engine_hears_of_a_member_before_its_urls_work_and_before_its_streams_end() {
    let mut bench = Bench::new();
    let (alice, stay) = (bench.join(ALICE), bench.ticket_expires);
    let is_sent = |output: &HubOutput| matches!(output, HubOutput::Send(..));
    let admitted = bench
        .transcript
        .iter()
        .position(|output| *output == HubOutput::Admit(CID, ALICE, Role::Broadcaster, stay));
    assert!(admitted.unwrap() < bench.transcript.iter().position(is_sent).unwrap());

    for (command, told) in [
        (Command::Role(Role::Audience), HubOutput::Admit(CID, ALICE, Role::Audience, stay)),
        (Command::Logout, HubOutput::Expel(CID, ALICE)),
    ] {
        bench.transcript.clear();
        bench.send(alice, command);
        let told = bench.transcript.iter().position(|output| *output == told).unwrap();
        let ended = bench.transcript.iter().position(|output| matches!(output, HubOutput::EndStream(_)));
        assert!(told < ended.unwrap());
    }
}

#[test]
fn a_lost_member_may_publish_and_play_until_its_grace_period_ends() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.lose(alice);
    bench.keep_alive(bob, bob, 29);
    assert!(bench.roster.contains_key(&(CID, ALICE)));
    bench.keep_alive(bob, bob, 1);
    assert!(!bench.roster.contains_key(&(CID, ALICE)));
}

#[test]
fn a_mute_is_told_once_and_repeated_to_newcomers_after_their_login() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.notices(alice);
    for mute in [true, true, false, true] {
        assert_eq!(bench.send(bob, Command::Mute(Media::Audio, mute)), Some((14, 200)));
    }
    let muted = |mute| Notice::Mute(BOB, Media::Audio, mute);
    assert_eq!(bench.notices(alice), [muted(true), muted(false), muted(true)]);

    let carol = bench.join(CAROL);
    let texts = bench.texts(carol);
    assert!(texts[0].starts_with(r#"{"cmd":1,"#) && texts[1].starts_with(r#"{"cmd":15,"#), "{texts:?}");
}

#[test]
fn nobody_mutes_somebody_else() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    let packet = ClientPacket { seq: Seq(9), uid: BOB, cid: CID, command: Command::Mute(Media::Audio, true) };
    bench.text(alice, &packet.encode());
    assert_eq!(bench.last_ack(alice), Some((14, 403)));
    assert_eq!(bench.notices(bob), []);
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
fn the_upload_list_names_who_publishes() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.publish(bob, Media::Audio, true);
    bench.send(alice, Command::UploadUserList);
    let users = bench.userlist(alice);
    assert_eq!(users.iter().map(|user| user.uid).collect::<Vec<_>>(), [BOB]);
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
fn an_old_client_is_recognised_and_gets_no_packet_above_28() {
    let mut bench = Bench::new();
    let alice = bench.open();
    bench.login(alice, as_4_4_1, ALICE);
    let bob = bench.join(BOB);
    for media in Media::ALL {
        bench.publish(bob, media, true);
        bench.send(bob, Command::Mute(media, true));
    }
    bench.send(bob, Command::PushMode(2));
    bench.send(bob, captions("", ""));
    bench.send(bob, Command::Interrupt(Some(ALICE)));
    bench.input(HubInput::Captions(CID, vec![caption("hello")]));
    bench.send(bob, Command::Role(Role::Audience));
    bench.lose(bob);
    bench.pass(31);
    bench.kick(ALICE);
    for text in bench.texts(alice) {
        let number: u32 = text[7..].split(',').next().unwrap().parse().unwrap();
        assert!(number <= 28, "{text}");
    }
    let (old, new) = (bench.open(), bench.join(BOB));
    bench.login(old, as_4_4_1, ALICE);
    let members = bench.hub.rooms().next().unwrap().members;
    assert_eq!((members[0].client, members[1].client), (Generation::V44, Generation::V46), "{new}");
}

#[test]
fn captions_reach_members_of_the_room_that_asked_and_nobody_else() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    let elsewhere = bench.open();
    bench.ticket_cid = Cid(7);
    bench.login(elsewhere, |login| (login.uid, login.cid) = (CAROL, Cid(7)), CAROL);
    bench.send(elsewhere, captions("", ""));
    assert_eq!(bench.send(alice, captions("AUTO", "en")), Some((14, 200)));
    let wish = bench.hub.rooms().find(|room| room.cid == CID).unwrap().members[0].captions.clone();
    assert_eq!(wish.unwrap().target_lang, "en");
    for id in [alice, bob, elsewhere] {
        bench.texts(id);
    }

    let said = vec![caption("one"), caption("two")];
    bench.input(HubInput::Captions(CID, said.clone()));
    bench.input(HubInput::Captions(Cid(99), said.clone()));
    assert_eq!(bench.notices(alice), [Notice::Captions(said.clone())]);
    assert_eq!((bench.texts(bob), bench.texts(elsewhere)), (vec![], vec![]));

    assert_eq!(bench.send(alice, Command::StopCaptions), Some((14, 200)));
    bench.notices(alice);
    bench.input(HubInput::Captions(CID, said));
    assert_eq!(bench.notices(alice), []);
}

#[test]
fn a_member_that_comes_back_asks_for_captions_again() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.send(alice, captions("", ""));
    bench.lose(alice);
    bench.input(HubInput::Captions(CID, vec![caption("lost")]));
    let back = bench.join(ALICE);
    bench.texts(back);
    bench.input(HubInput::Captions(CID, vec![caption("too early")]));
    assert_eq!(bench.notices(back), []);
    bench.send(back, captions("", ""));
    bench.texts(back);
    bench.input(HubInput::Captions(CID, vec![caption("in time")]));
    assert_eq!(bench.notices(back), [Notice::Captions(vec![caption("in time")])]);
    bench.notices(bob);

    bench.kick(ALICE);
    bench.texts(back);
    bench.input(HubInput::Captions(CID, vec![caption("after the end")]));
    assert_eq!(bench.notices(back), []);
}

#[test]
fn many_captions_are_sent_in_order_in_frames_of_moderate_size() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.send(alice, captions("", ""));
    bench.texts(alice);
    let said: Vec<_> = (0..100).map(|number| caption(&format!("{number}{}", "x".repeat(4000)))).collect();
    bench.input(HubInput::Captions(CID, said.clone()));
    let mut heard = Vec::new();
    for text in bench.texts(alice) {
        assert!(text.len() < 64 * 1024);
        let Ok(ServerPacket::Notice(Notice::Captions(batch))) = ServerPacket::decode(&text) else { panic!() };
        heard.extend(batch);
    }
    assert_eq!(heard, said);
    bench.input(HubInput::Captions(CID, vec![]));
    assert_eq!(bench.notices(alice), []);
}

#[test]
fn a_language_has_a_longest_name() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    assert_eq!(bench.send(alice, captions(&"x".repeat(32), "")), Some((14, 200)));
    assert_eq!(bench.send(alice, captions("", &"x".repeat(33))), Some((14, 400)));
}

#[test]
fn interruptions_are_handed_out_and_the_latest_remembered() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    assert_eq!(bench.send(alice, Command::Interrupt(Some(BOB))), Some((14, 200)));
    assert_eq!(bench.send(alice, Command::Interrupt(None)), Some((14, 200)));
    assert_eq!(bench.interrupts, [(CID, ALICE, Some(BOB)), (CID, ALICE, None)]);
    let first = Interruption { id: 1, from: ALICE, target: Some(BOB) };
    let second = Interruption { id: 2, from: ALICE, target: None };
    assert_eq!(bench.hub.interruptions(CID, 0), [first, second]);
    assert_eq!(bench.hub.interruptions(CID, 1), [second]);

    for _ in 0..31 {
        bench.send(alice, Command::Interrupt(None));
    }
    let ids: Vec<_> = bench.hub.interruptions(CID, 0).iter().map(|one| one.id).collect();
    assert_eq!(ids, (2..=33).collect::<Vec<_>>());
    bench.send(alice, Command::Logout);
    assert_eq!(bench.hub.interruptions(CID, 0), []);
}

#[test]
fn a_room_keeps_three_tasks_of_its_broadcasters_until_it_is_gone() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    let task = |id: &str| Task { task_id: id.into(), ..serde_json::from_str(TASK).unwrap() };
    assert_eq!(bench.hub.add_task(CID, ALICE, task("a")), Ok(()));
    assert_eq!(bench.hub.add_task(CID, ALICE, task("a")), Err(TaskRefusal::Duplicate));
    assert_eq!(bench.hub.add_task(CID, BOB, task("b")), Ok(()));
    assert_eq!(bench.hub.add_task(CID, BOB, task("c")), Ok(()));
    assert_eq!(bench.hub.add_task(CID, BOB, task("d")), Err(TaskRefusal::TooMany));
    assert_eq!(bench.hub.update_task(CID, BOB, task("d")), Err(TaskRefusal::Unknown));
    assert_eq!(bench.hub.add_task(CID, CAROL, task("d")), Err(TaskRefusal::NotABroadcaster));
    assert_eq!(bench.hub.add_task(Cid(7), ALICE, task("d")), Err(TaskRefusal::NotABroadcaster));
    assert!(matches!(bench.hub.update_task(CID, ALICE, task("")), Err(TaskRefusal::Malformed(_))));

    let moved = Task { stream_url: Url("rtmp://elsewhere.example/live/key".into()), ..task("b") };
    assert_eq!(bench.hub.update_task(CID, ALICE, moved), Ok(()));
    let seen = bench.hub.rooms().next().unwrap().tasks;
    let seen: Vec<_> =
        seen.iter().map(|task| (task.task_id.as_str(), task.host_uid, task.target.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("a", ALICE, "rtmp://cdn.example"),
            ("b", BOB, "rtmp://elsewhere.example"),
            ("c", BOB, "rtmp://cdn.example")
        ]
    );

    bench.send(bob, Command::Role(Role::Audience));
    assert_eq!(bench.hub.delete_task(CID, BOB, "a"), Err(TaskRefusal::NotABroadcaster));
    assert_eq!(bench.hub.delete_task(CID, ALICE, "d"), Err(TaskRefusal::Unknown));
    assert_eq!(bench.hub.delete_task(CID, ALICE, "a"), Ok(()));
    assert_eq!(bench.hub.add_task(CID, ALICE, task("d")), Ok(()));
    bench.lose(alice);
    assert_eq!(bench.hub.delete_task(CID, ALICE, "d"), Ok(()), "it still counts as present");
    assert!(bench.logs.iter().all(|line| !line.contains("key")));

    bench.pass(120);
    bench.join(ALICE);
    assert_eq!(bench.hub.rooms().next().unwrap().tasks, []);
}

#[test]
fn a_room_is_found_by_name_and_told_apart_by_its_application() {
    let mut bench = Bench::new();
    assert_eq!(bench.hub.find("room", None), Err(NotOneRoom::None));
    bench.join(ALICE);
    assert_eq!(bench.hub.find("room", None), Ok(CID));
    assert_eq!(bench.hub.find("room", Some("app")), Ok(CID));
    assert_eq!(bench.hub.find("room", Some("other")), Err(NotOneRoom::None));
    let bob = bench.open();
    bench.ticket_cid = Cid(7);
    bench.login(bob, |login| (login.uid, login.cid) = (BOB, Cid(7)), BOB);
    assert_eq!(bench.hub.find("room", None), Err(NotOneRoom::Several));
}

#[test]
fn a_second_login_takes_over_and_closes_the_first_connection_silently() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let first = bench.join(ALICE);
    bench.send(first, Command::Mute(Media::Video, true));
    bench.notices(bob);
    bench.texts(first);

    let second = bench.join(ALICE);
    assert_eq!(bench.close_code(first), Some(4001));
    assert_eq!(bench.texts(first), [""; 0]);
    assert_eq!(bench.notices(bob), []);
    assert_eq!(bench.userlist(second).len(), 2);

    bench.input(HubInput::Closed(first));
    bench.text(first, &heartbeat(ALICE));
    bench.keep_alive(bob, second, 60);
    assert_eq!(bench.notices(bob), [], "the old connection's end is nobody's business");
    assert_eq!(bench.hub.rooms().next().unwrap().members[0].muted, [Media::Video]);
}

#[test]
fn a_lost_member_that_returns_in_time_and_publishes_again_goes_unnoticed() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.publish(alice, Media::Audio, true);
    bench.notices(bob);

    bench.lose(alice);
    bench.keep_alive(bob, bob, 29);
    let back = bench.join(ALICE);
    assert_eq!(bench.send(back, Command::Role(Role::Broadcaster)), Some((14, 200)));
    bench.publish(back, Media::Audio, true);
    bench.keep_alive(bob, back, 60);
    assert_eq!(bench.notices(bob), []);
    assert_eq!(bench.ended(), [""; 0]);
}

#[test]
fn what_a_returned_member_does_not_publish_again_is_closed() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.publish(alice, Media::Audio, true);
    bench.publish(alice, Media::Video, true);
    bench.lose(alice);
    bench.notices(bob);

    let back = bench.join(ALICE);
    assert!(bench.userlist(back)[0].published.is_empty(), "a client must not think it is done");
    bench.publish(back, Media::Video, true);
    bench.pass(4);
    assert_eq!(bench.notices(bob), []);
    bench.pass(1);
    assert_eq!(bench.notices(bob), [Notice::Published(ALICE, Media::Audio, false, None)]);
}

#[test]
fn closing_what_is_not_confirmed_is_told_at_once() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.publish(alice, Media::Audio, true);
    bench.lose(alice);
    bench.notices(bob);
    let back = bench.join(ALICE);
    bench.publish(back, Media::Audio, false);
    bench.pass(6);
    assert_eq!(bench.notices(bob), [Notice::Published(ALICE, Media::Audio, false, None)]);
}

#[test]
fn a_lost_member_that_stays_away_leaves_after_the_grace_period() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.notices(bob);
    bench.lose(alice);
    let carol = bench.join(CAROL);
    assert_eq!(bench.userlist(carol).len(), 3, "it still counts as present");
    assert_eq!(bench.notices(bob).len(), 1, "only carol's join");
    bench.send(carol, Command::Logout);
    bench.notices(bob);
    bench.ended();

    bench.keep_alive(bob, bob, 29);
    assert_eq!(bench.notices(bob), []);
    bench.keep_alive(bob, bob, 1);
    assert_eq!(bench.notices(bob), [Notice::Leave(ALICE)]);
    assert_eq!(bench.ended(), streams(ALICE));
}

#[test]
fn a_reconnect_keeps_the_role_and_a_new_join_brings_its_own() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.send(alice, Command::Role(Role::Audience));
    bench.send(alice, Command::Mute(Media::Audio, true));
    bench.notices(bob);

    // The original names the role it had when it joined, then corrects it (4.4).
    let back = bench.join(ALICE);
    assert_eq!(bench.userlist(back)[0].role, Role::Audience);
    assert_eq!(bench.notices(bob), []);

    bench.ticket_expires += 1;
    let anew = bench.join(ALICE);
    assert_eq!(bench.userlist(anew)[0].role, Role::Broadcaster);
    assert_eq!(
        bench.notices(bob),
        [Notice::RoleChanged(ALICE, Role::Broadcaster), Notice::Mute(ALICE, Media::Audio, false)]
    );
}

#[test]
fn a_client_that_names_its_stay_keeps_role_mutes_and_urls_with_another_ticket() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.send(alice, Command::Role(Role::Audience));
    bench.send(alice, Command::Mute(Media::Audio, true));
    let (urls, stay) = (bench.userlist(alice), bench.stay(alice));
    bench.notices(bob);

    bench.ticket_expires += 60_000;
    let back = bench.open();
    bench.login(back, |login| login.resume = stay.clone(), ALICE);
    assert_eq!(bench.userlist(back)[0].role, Role::Audience);
    assert_eq!(bench.userlist(back)[1].url, urls[1].url);
    assert_eq!(bench.notices(bob), []);
}

#[test]
fn who_is_in_the_room_comes_back_with_the_ticket_of_that_stay_though_it_has_expired() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let url = bench.userlist(alice)[0].url.clone();
    bench.now = bench.now + Duration::from_secs(86_401);
    bench.text(alice, &heartbeat(ALICE));
    for lost in [false, true] {
        if lost {
            bench.pass(16);
        }
        let back = bench.join(ALICE);
        assert_eq!(bench.last_ack(back), Some((1, 200)), "lost: {lost}");
        assert_eq!(bench.userlist(back)[0].url, url);
    }
    bench.pass(15 + 30);
    assert_eq!(bench.hub.rooms().count(), 0, "the grace period is over");
    let late = bench.join(ALICE);
    assert_eq!(bench.last_ack(late), Some((1, 401)));
}

#[test]
fn a_long_stay_outlives_the_gateway_and_an_outage_because_it_is_given_tickets_to_come_back_with() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let url = bench.userlist(alice)[0].url.clone();
    let (mut latest, mut given) = (bench.stay(alice), 0);
    for _ in 0..100 {
        bench.now = bench.now + Duration::from_secs(3600);
        bench.texts(alice);
        bench.text(alice, &heartbeat(ALICE));
        let resume = bench.stay(alice);
        if !resume.is_empty() {
            (latest, given) = (resume, given + 1);
        }
    }
    assert_eq!(given, 100 / 12, "twice in its life");

    let mut next = Bench::new();
    (next.now, next.ticket_expires) = (bench.now + Duration::from_secs(11 * 3600), bench.ticket_expires);
    let back = next.open();
    next.login(back, |login| login.resume = latest.clone(), ALICE);
    assert_eq!(next.last_ack(back), Some((1, 200)), "though its own ticket has expired long ago");
    assert_eq!(next.userlist(back)[0].url, url);
    let fresh = next.join(BOB);
    assert_eq!(next.last_ack(fresh), Some((1, 401)), "a ticket alone opens nothing after its time");
}

#[test]
fn a_clock_that_is_set_ends_no_stay_and_no_ticket() {
    const DAYS: i64 = 40 * 86_400_000;
    for ahead in [DAYS, -DAYS] {
        let mut bench = Bench::new();
        let alice = bench.join(ALICE);
        bench.input(HubInput::ClockSet(ahead));
        bench.texts(alice);
        bench.text(alice, &heartbeat(ALICE));
        let resume = bench.stay(alice);
        assert_eq!(resume.is_empty(), ahead < 0, "what was given lasts longer when the clock is set back");
        let first = bench.join(BOB);
        assert_eq!(bench.last_ack(first), Some((1, 200)), "signed before");
        // Signed by a gateway that started after it.
        bench.ticket_expires = bench.ticket_expires.saturating_add_signed(ahead);
        let other = bench.join(CAROL);
        assert_eq!(bench.last_ack(other), Some((1, 200)), "{ahead}");
        if ahead > 0 {
            let mut next = Bench::new();
            next.now = Instant::from_millis(bench.now.as_millis().saturating_add_signed(ahead));
            let back = next.open();
            next.login(back, |login| login.resume = resume.clone(), ALICE);
            assert_eq!(next.last_ack(back), Some((1, 200)), "a restart with the clock set");
        }
    }
}

#[test]
fn of_two_devices_of_a_user_the_newer_stays_and_the_older_is_told() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let older = bench.join(ALICE);
    let (old_ticket, old_resume) = (bench.ticket_expires, bench.stay(older));
    bench.texts(older);
    bench.notices(bob);
    bench.ticket_expires += 1;
    let newer = bench.join(ALICE);
    assert_eq!(bench.notices(older), [Notice::Kicked(Some(3))]);
    assert_eq!(bench.close_code(older), None, "the vendor's clients say goodbye first");
    bench.pass(1);
    assert_eq!(bench.close_code(older), Some(1000));
    assert_eq!(bench.close_code(newer), None);

    // It comes back all the same, because it has not heard: with its old ticket, or with a new one on its
    // old stay, while the newer is there and in its grace period.
    let newest = bench.ticket_expires + 5;
    for lost in [false, true] {
        if lost {
            bench.lose(newer);
        }
        for (ticket, resume) in [(old_ticket, ""), (old_ticket, &old_resume), (newest, &old_resume)] {
            bench.ticket_expires = ticket;
            let again = bench.open();
            bench.login(again, |login| login.resume = resume.into(), ALICE);
            assert_eq!(bench.last_ack(again), Some((1, 405)));
            assert_eq!(bench.notices(again), [Notice::Kicked(Some(3))], "lost: {lost}");
        }
        assert_eq!(bench.notices(bob), [], "nobody else sees anything");
    }
    bench.ticket_expires = newest;
    let anew = bench.join(ALICE);
    assert_eq!(bench.last_ack(anew), Some((1, 200)), "whoever joins anew is the newest");
}

#[test]
fn an_older_device_that_came_in_while_the_newer_was_away_yields_to_it() {
    let mut bench = Bench::new();
    bench.join(BOB);
    let older = bench.join(ALICE);
    let ticket = bench.ticket_expires;
    bench.ticket_expires += 1;
    let newer = bench.join(ALICE);
    let resume = bench.stay(newer);
    bench.lose(older);
    bench.lose(newer);
    bench.pass(31);
    let again = bench.ticket_expires;
    bench.ticket_expires = ticket;
    let older = bench.join(ALICE);
    assert_eq!(bench.last_ack(older), Some((1, 200)), "nobody is there");
    bench.texts(older);
    bench.ticket_expires = again;
    let newer = bench.open();
    bench.login(newer, |login| login.resume = resume.clone(), ALICE);
    assert_eq!(bench.last_ack(newer), Some((1, 200)));
    assert_eq!(bench.notices(older), [Notice::Kicked(Some(3))]);
}

#[test]
fn who_comes_back_and_is_not_known_hears_so_though_the_gateway_has_settled() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let stay = bench.stay(alice);
    bench.lose(alice);
    bench.pass(31);
    let back = bench.open();
    bench.login(back, |login| login.resume = stay.clone(), ALICE);
    assert!(bench.texts[&back][0].contains(r#""settling":0"#), "its media were cut off meanwhile");
    bench.lose(back);
    let back = bench.open();
    bench.login(back, |login| login.resume = stay.clone(), ALICE);
    assert!(!bench.texts[&back][0].contains("settling"), "and go on through a mere outage");
}

#[test]
fn a_gateway_that_has_just_started_says_so_to_whoever_comes_back_though_another_came_first() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let stay = bench.stay(alice);
    assert!(!bench.texts[&alice][0].contains("settling"), "nobody was here before");

    let mut bench = Bench::new();
    bench.join(BOB);
    let back = bench.open();
    bench.login(back, |login| login.resume = stay.clone(), ALICE);
    assert!(bench.texts[&back][0].contains(r#""settling":10000"#));
}

#[test]
fn a_stay_outlives_the_gateway_and_its_tickets_and_belongs_to_one_user() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let (url, stay) = (bench.userlist(alice)[0].url.clone(), bench.stay(alice));

    let mut bench = Bench::new();
    bench.ticket_expires += 60_000;
    let back = bench.open();
    bench.login(back, |login| login.resume = stay.clone(), ALICE);
    assert_eq!(bench.userlist(back)[0].url, url, "another process, the same URL");

    let bob = bench.open();
    bench.login(bob, |login| login.resume = stay.clone(), BOB);
    assert!(!bench.texts[&bob][0].contains("settling\":0") && bench.last_ack(bob) == Some((1, 200)));
    bench.ticket_expires = bench.now.as_millis();
    let stranger = bench.open();
    bench.login(stranger, |login| login.resume = stay.clone(), CAROL);
    assert_eq!(bench.last_ack(stranger), Some((1, 401)), "another's opens nothing");
    bench.ticket_expires += 86_460_000;

    bench.now = bench.now + Duration::from_secs(86_400);
    let late = bench.open();
    bench.login(late, |login| login.resume = stay.clone(), ALICE);
    assert_eq!(bench.userlist(late)[0].url, url, "the name has expired, and is its name all the same");
}

#[test]
fn silence_closes_the_connection_and_starts_the_grace_period() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.notices(bob);
    bench.keep_alive(bob, bob, 14);
    assert_eq!(bench.close_code(alice), None);
    bench.keep_alive(bob, bob, 1);
    assert_eq!(bench.close_code(alice), Some(1008));
    bench.keep_alive(bob, bob, 29);
    assert_eq!(bench.notices(bob), []);
    bench.keep_alive(bob, bob, 1);
    assert_eq!(bench.notices(bob), [Notice::Leave(ALICE)]);
}

#[test]
fn a_connection_must_log_in_soon() {
    let mut bench = Bench::new();
    let id = bench.open();
    bench.text(id, &heartbeat(ALICE));
    assert_eq!(bench.last_ack(id), Some((3, 401)), "and nothing else is done before");
    bench.pass(9);
    assert_eq!(bench.close_code(id), None);
    bench.pass(1);
    assert_eq!(bench.close_code(id), Some(1008));
}

#[test]
fn a_refused_login_is_answered_then_refused_then_closed() {
    for (mutate, code) in [
        ((|login| login.token.clear()) as fn(&mut Login), 401),
        (|login| login.token.insert(3, 'x'), 401),
        (|login| login.uid = BOB, 401),
        (|login| login.cid = Cid(9), 401),
    ] {
        let mut bench = Bench::new();
        let id = bench.open();
        bench.login(id, mutate, ALICE);
        let texts = bench.texts(id);
        assert!(texts[0].contains(&format!(r#""code":{code}"#)), "{texts:?}");
        assert!(texts[0].contains(r#""userlist":[]"#) && texts[1].starts_with(r#"{"cmd":25,"#), "{texts:?}");
        assert_eq!(bench.close_code(id), None);
        bench.text(id, &logout(ALICE));
        assert_eq!(bench.close_code(id), Some(1000));
        assert_eq!(bench.hub.rooms().count(), 0);
    }
}

#[test]
fn a_refused_client_that_does_not_go_is_closed_after_a_second() {
    let mut bench = Bench::new();
    let id = bench.open();
    bench.login(id, |login| login.token.clear(), ALICE);
    bench.pass(1);
    assert_eq!(bench.close_code(id), Some(1000));
}

#[test]
fn an_expired_ticket_is_refused() {
    let mut bench = Bench::new();
    bench.ticket_expires = bench.now.as_millis();
    let id = bench.join(ALICE);
    assert_eq!(bench.last_ack(id), Some((1, 401)));
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

#[test]
fn the_largest_room_with_everything_on_greets_in_one_frame_and_a_full_one_in_what_may_wait() {
    let host = "h".repeat(253);
    let urls = MediaUrls::below(format!("rtmp://{host}:65535/live"), Grants::new(secret()).into());
    let mut bench = Bench::with(HubConfig { max_members: MOST_MEMBERS, ..HubConfig::default() });
    bench.hub.urls = urls;
    bench.ticket_cid = Cid(999_999_999_999_999);
    bench.crowd(MOST_MEMBERS - 1);
    let last = bench.join(ALICE);
    assert_eq!(bench.userlist(last).len(), MOST_MEMBERS);
    let longest = bench.texts[&last].iter().map(String::len).max().unwrap();
    println!("the longest frame has {longest} bytes");
    assert!(longest <= MAX_FRAME, "{longest} bytes");
    let waiting = bench.texts[&last].len();
    assert!(waiting <= bench.hub.config.told_at_once(), "{waiting} frames");
    assert_eq!(bench.hub.admits(bench.ticket_cid, CAROL), Err(LoginRefusal::RoomFull), "one more");
}

#[test]
fn one_connection_more_than_allowed_is_closed() {
    let mut bench = Bench::with(HubConfig { max_connections: 2, ..HubConfig::default() });
    let first = bench.join(ALICE);
    bench.join(BOB);
    let third = bench.open();
    assert_eq!(bench.close_code(third), Some(1013));
    bench.input(HubInput::Closed(first));
    let fourth = bench.open();
    assert_eq!(bench.close_code(fourth), None);
}

#[test]
fn who_has_not_logged_in_makes_room_and_members_do_not() {
    let mut bench = Bench::with(HubConfig { max_connections: 3, ..HubConfig::default() });
    let alice = bench.join(ALICE);
    let (first, second) = (bench.open(), bench.open());
    let bob = bench.join(BOB);
    assert_eq!((bench.close_code(first), bench.close_code(second)), (Some(1013), None));
    assert_eq!(bench.last_ack(bob), Some((1, 200)));
    let carol = bench.join(CAROL);
    assert_eq!((bench.close_code(second), bench.last_ack(carol)), (Some(1013), Some((1, 200))));
    assert_eq!(bench.send(alice, Command::Heartbeat), Some((3, 200)));
}

#[test]
fn one_member_more_than_allowed_is_refused() {
    let mut bench = Bench::with(HubConfig { max_members: 2, ..HubConfig::default() });
    let alice = bench.join(ALICE);
    bench.join(BOB);
    assert_eq!(bench.hub.admits(CID, CAROL), Err(LoginRefusal::RoomFull));
    let carol = bench.join(CAROL);
    assert_eq!(bench.last_ack(carol), Some((1, 4003)));
    let again = bench.join(ALICE);
    assert_eq!(bench.last_ack(again), Some((1, 200)), "its place is its own");
    assert_eq!(bench.close_code(alice), Some(4001));
}

#[test]
fn one_room_more_than_allowed_is_refused() {
    let mut bench = Bench::with(HubConfig { max_rooms: 1, ..HubConfig::default() });
    let alice = bench.join(ALICE);
    assert_eq!(bench.hub.admits(Cid(7), BOB), Err(LoginRefusal::TooManyRooms));
    bench.send(alice, Command::Logout);
    assert_eq!(bench.hub.admits(Cid(7), BOB), Ok(()), "an empty room is gone");
}

#[test]
fn a_kicked_member_is_told_and_closed_after_its_logout_or_a_second() {
    for polite in [true, false] {
        let mut bench = Bench::new();
        let bob = bench.join(BOB);
        let alice = bench.join(ALICE);
        bench.notices(bob);
        bench.kick(ALICE);
        assert_eq!(bench.notices(alice).pop(), Some(Notice::Kicked(Some(2))));
        assert_eq!(bench.notices(bob), [Notice::Leave(ALICE)]);
        assert_eq!(bench.ended(), streams(ALICE));
        assert_eq!(bench.close_code(alice), None);
        if polite {
            bench.text(alice, &logout(ALICE));
        } else {
            bench.pass(1);
        }
        assert_eq!(bench.close_code(alice), Some(1000));
        assert_eq!(bench.notices(bob), []);
    }
}

#[test]
fn a_member_can_be_kicked_in_its_grace_period() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.lose(alice);
    bench.notices(bob);
    bench.kick(ALICE);
    bench.keep_alive(bob, bob, 60);
    assert_eq!(bench.notices(bob), [Notice::Leave(ALICE)]);
}

#[test]
fn a_banned_member_is_removed_and_stays_out_until_its_time_is_over() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    let alice = bench.join(ALICE);
    bench.notices(bob);
    assert_eq!(bench.ban(ALICE, Some(Duration::from_secs(60))), Ok(()));
    assert_eq!(bench.notices(alice).pop(), Some(Notice::Kicked(Some(2))));
    assert_eq!(bench.notices(bob), [Notice::Leave(ALICE)]);
    assert_eq!(bench.hub.admits(CID, ALICE), Err(LoginRefusal::Banned), "no new ticket");
    assert_eq!((bench.hub.admits(CID, CAROL), bench.hub.admits(Cid(7), ALICE)), (Ok(()), Ok(())));

    let again = bench.open();
    bench.login(again, |_| {}, ALICE);
    assert_eq!(bench.notices(again), [Notice::Kicked(Some(2))], "nor with the one it has");
    assert!(!bench.hub.has(CID, Some(ALICE)));
    bench.keep_alive(bob, bob, 59);
    assert!(bench.hub.is_banned(CID, ALICE));
    bench.keep_alive(bob, bob, 1);
    bench.join(ALICE);
    assert!(bench.hub.has(CID, Some(ALICE)));
}

#[test]
fn a_ban_holds_as_long_as_any_ticket_outlives_the_room_and_can_be_lifted() {
    let mut bench = Bench::new();
    bench.join(ALICE);
    assert_eq!(bench.ban(ALICE, None), Ok(()));
    assert_eq!(bench.hub.room_count(), 0, "the last member takes the room along");
    let life = bench.hub.config.return_life;
    bench.pass(life.as_secs() - 1);
    assert_eq!(bench.hub.admits(CID, ALICE), Err(LoginRefusal::Banned));
    bench.pass(1);
    assert_eq!(bench.hub.admits(CID, ALICE), Ok(()));

    assert_eq!(bench.ban(BOB, None), Ok(()), "somebody who is not there");
    assert_eq!(bench.ban(BOB, Some(Duration::ZERO)), Ok(()));
    assert_eq!(bench.hub.admits(CID, BOB), Ok(()));
    assert!(bench.hub.timers.next().is_none() && bench.hub.bans.is_empty());
}

#[test]
fn bans_are_as_many_as_the_limit_and_one_more_does_nothing() {
    let mut bench = Bench::with(HubConfig { max_bans: 2, ..HubConfig::default() });
    let alice = bench.join(ALICE);
    for uid in [1, 2, 2, 1] {
        assert_eq!(bench.ban(Uid(uid), None), Ok(()));
    }
    assert_eq!(bench.ban(ALICE, None), Err(TooManyBans));
    assert!(bench.hub.has(CID, Some(ALICE)) && bench.close_code(alice).is_none());
    assert_eq!(bench.ban(Uid(1), Some(Duration::ZERO)), Ok(()));
    assert_eq!(bench.ban(ALICE, None), Ok(()));
}

#[test]
fn a_dissolved_room_says_so_then_refuses_who_stayed_then_closes() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.notices(alice);
    bench.input(HubInput::Dissolve(CID));
    bench.input(HubInput::Dissolve(CID));
    assert_eq!(bench.notices(alice), [Notice::RoomClosed(Some(1))]);
    let carol = bench.join(CAROL);
    assert_eq!(bench.last_ack(carol), Some((1, 417)));
    bench.send(bob, Command::Logout);
    assert_eq!(bench.notices(alice), [Notice::Leave(BOB)]);

    bench.pass(1);
    assert_eq!(bench.notices(alice), [Notice::Refused(Some(1))]);
    assert_eq!(bench.hub.rooms().count(), 0);
    bench.pass(1);
    assert_eq!(bench.close_code(alice), Some(1000));
    assert_eq!(bench.hub.poll_timeout(), None);
    let anew = bench.join(ALICE);
    assert_eq!(bench.last_ack(anew), Some((1, 200)));
}

#[test]
fn nobody_is_told_of_the_others_leaving_when_a_room_ends() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.notices(alice);
    bench.notices(bob);
    bench.input(HubInput::Dissolve(CID));
    bench.pass(1);
    for id in [alice, bob] {
        assert_eq!(bench.notices(id), [Notice::RoomClosed(Some(1)), Notice::Refused(Some(1))]);
    }
    assert_eq!(bench.ended().len(), 6);
}

#[test]
fn a_shutdown_closes_everybody_for_a_reconnect() {
    let mut bench = Bench::new();
    let (alice, bob, stranger) = (bench.join(ALICE), bench.join(BOB), bench.open());
    bench.input(HubInput::Shutdown);
    for id in [alice, bob, stranger] {
        assert_eq!(bench.close_code(id), Some(1012));
    }
    assert_eq!(bench.hub.poll_timeout(), None);
    let late = bench.open();
    assert_eq!(bench.close_code(late), Some(1012));
}

#[test]
fn every_deadline_says_why() {
    let mut bench = Bench::new();
    let why = |bench: &Bench| bench.hub.poll_timeout().map(|(_, timer)| timer);
    let alice = bench.open();
    assert_eq!(why(&bench), Some(HubTimer::Login(alice)));
    bench.login(alice, |_| {}, ALICE);
    assert_eq!(why(&bench), Some(HubTimer::Silence(alice)));
    bench.publish(alice, Media::Audio, true);
    bench.lose(alice);
    assert_eq!(why(&bench), Some(HubTimer::Grace(CID, ALICE)));
    let back = bench.join(ALICE);
    assert_eq!(why(&bench), Some(HubTimer::Confirm(CID, ALICE)));
    bench.publish(back, Media::Audio, true);
    assert_eq!(why(&bench), Some(HubTimer::Silence(back)));
    bench.input(HubInput::Dissolve(CID));
    assert_eq!(why(&bench), Some(HubTimer::Dissolve(CID)));
    bench.pass(1);
    assert_eq!(why(&bench), Some(HubTimer::Farewell(back)));
    bench.pass(1);
    assert_eq!(why(&bench), None);
}

#[test]
fn no_token_reaches_the_log() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.text(alice, "{");
    bench.kick(ALICE);
    let ticket = bench.ticket(ALICE);
    for log in &bench.logs {
        assert!(!log.contains(&ticket) && !log.contains("grant"), "{log}");
    }
}

#[test]
fn same_inputs_give_the_same_bytes() {
    let run = || {
        let mut bench = Bench::new();
        let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
        bench.publish(alice, Media::Video, true);
        bench.lose(bob);
        bench.pass(60);
        bench.transcript
    };
    assert_eq!(run(), run());
}

#[test]
fn members_and_connections_agree_whatever_happens() {
    for seed in 0..50 {
        let limits =
            HubConfig { max_members: 4, max_connections: 8, max_bad_packets: 3, ..HubConfig::default() };
        let mut bench = Bench::with(limits);
        let mut rng = Rng::seeded(seed);
        for _ in 0..400 {
            let (uid, other) = (Uid(rng.between(1, 6)), Uid(rng.between(1, 6)));
            let id = ConnectionId(rng.between(bench.connections.saturating_sub(8), bench.connections));
            let media = Media::ALL[rng.between(0, 3) as usize];
            let flag = rng.between(0, 1) == 1;
            let role = if flag { Role::Audience } else { Role::Broadcaster };
            match rng.between(0, 12) {
                0 | 1 => drop(bench.join(uid)),
                2 => bench.login(id, |_| {}, uid),
                3 => bench.lose(id),
                4 => bench.kick(uid),
                5 if rng.between(0, 9) == 0 => bench.input(HubInput::Dissolve(CID)),
                5 => bench.ticket_expires += 1,
                6 => bench.pass(rng.between(0, 20)),
                7 => bench.text(id, "{"),
                8 => bench.command(id, Command::Role(role)),
                9 => bench.command(id, Command::Mute(media, flag)),
                10 => bench.command(id, Command::Subscribe(other, media, flag)),
                11 => bench.command(id, if flag { Command::Logout } else { Command::Heartbeat }),
                _ => bench.command(id, Command::Publish(media, flag)),
            }
            bench.check();
        }
        bench.pass(120);
        assert_eq!((bench.hub.rooms().count(), bench.hub.poll_timeout()), (0, None), "seed {seed}");
        assert!(bench.hub.connections.is_empty(), "seed {seed}");
    }
}

/// A hub, and everything that came out of it.
struct Bench {
    hub: Hub,
    now: Instant,
    connections: u64,
    seq: u32,
    uids: BTreeMap<ConnectionId, Uid>,
    texts: BTreeMap<ConnectionId, Vec<String>>,
    closes: BTreeMap<ConnectionId, u16>,
    roster: BTreeMap<(Cid, Uid), (Role, u64)>,
    ended: Vec<String>,
    interrupts: Vec<(Cid, Uid, Option<Uid>)>,
    logs: Vec<String>,
    transcript: Vec<HubOutput>,
    ticket_cid: Cid,
    ticket_expires: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(HubConfig::default())
    }

    fn with(config: HubConfig) -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        Self {
            hub: Hub::new(
                config,
                secret(),
                MediaUrls::below("rtmp://media/live", Grants::new(secret()).into()),
            ),
            now,
            connections: 0,
            seq: 0,
            uids: BTreeMap::new(),
            texts: BTreeMap::new(),
            closes: BTreeMap::new(),
            roster: BTreeMap::new(),
            ended: Vec::new(),
            interrupts: Vec::new(),
            logs: Vec::new(),
            transcript: Vec::new(),
            ticket_cid: CID,
            ticket_expires: now.as_millis() + 86_400_000,
        }
    }

    fn input(&mut self, input: HubInput) {
        self.hub.handle(input, self.now);
        while let Some(output) = self.hub.poll_output() {
            self.transcript.push(output.clone());
            match output {
                HubOutput::Send(id, text) => {
                    assert!(!self.closes.contains_key(&id), "a frame for a closed connection: {text}");
                    self.texts.entry(id).or_default().push(text);
                }
                HubOutput::Close(id, code, _) => {
                    assert_eq!(self.closes.insert(id, code), None, "closed twice");
                }
                HubOutput::Admit(cid, uid, role, stay) => drop(self.roster.insert((cid, uid), (role, stay))),
                HubOutput::Expel(cid, uid) => drop(self.roster.remove(&(cid, uid))),
                HubOutput::EndStream(name) => self.ended.push(name),
                HubOutput::Interrupt { cid, from, target } => self.interrupts.push((cid, from, target)),
                HubOutput::Log(_, line) => self.logs.push(line),
            }
        }
        assert!(self.hub.poll_timeout().is_none_or(|(at, _)| at > self.now), "a deadline in the past");
    }

    fn open(&mut self) -> ConnectionId {
        self.connections += 1;
        let id = ConnectionId(self.connections);
        self.input(HubInput::Opened(id));
        id
    }

    fn join(&mut self, uid: Uid) -> ConnectionId {
        let id = self.open();
        self.login(id, |_| {}, uid);
        id
    }

    fn login(&mut self, id: ConnectionId, mutate: impl Fn(&mut Login), uid: Uid) {
        let cid = self.ticket_cid;
        let text = format!(
            r#"{{"cmd":0,"body":{{"uid":{uid},"cid":{cid},"token":"{}","audioChangeMode":0,"audioLocalPitch":"1.25"}}}}"#,
            self.ticket(uid)
        );
        let Command::Login(mut login) = ClientPacket::decode(&text).unwrap().command else { unreachable!() };
        mutate(&mut login);
        self.uids.insert(id, login.uid);
        self.seq += 1;
        let packet = ClientPacket {
            seq: Seq(self.seq),
            uid: login.uid,
            cid: login.cid,
            command: Command::Login(login),
        };
        self.text(id, &packet.encode());
    }

    /// So many members with everything on, and everything muted.
    fn crowd(&mut self, members: usize) {
        let (cid, session) = (self.ticket_cid, self.ticket_expires);
        let ticket = LoginTicket {
            cid: cid.0,
            uid: 0,
            channel: "room".into(),
            app_key: "app".into(),
            expires_ms: 0,
            good_until: None,
            began: None,
        };
        let mut room = Room::new(ticket);
        for index in 0..members {
            let (uid, id) = (Uid(u64::MAX - index as u64), self.open());
            self.login(id, |_| {}, uid);
            let Some(mut member) = self.hub.rooms.remove(&cid).and_then(|mut one| one.members.remove(&uid))
            else {
                unreachable!()
            };
            member.stay = session;
            for media in Media::ALL {
                member.published.set(media, true);
                member.muted.set(media, true);
            }
            room.members.insert(uid, member);
        }
        self.hub.rooms.insert(cid, room);
    }

    fn ticket(&self, uid: Uid) -> String {
        let ticket = LoginTicket {
            cid: self.ticket_cid.0,
            uid: uid.0,
            channel: "room".into(),
            app_key: "app".into(),
            expires_ms: self.ticket_expires,
            good_until: None,
            began: None,
        };
        ticket.sign(&secret())
    }

    fn text(&mut self, id: ConnectionId, text: &str) {
        self.input(HubInput::Text(id, text.into()));
    }

    /// Sends a command; the number and code of its acknowledgement, if there is one.
    fn send(&mut self, id: ConnectionId, command: Command) -> Option<(u32, i32)> {
        self.seq += 1;
        let packet = ClientPacket { seq: Seq(self.seq), uid: self.uids[&id], cid: CID, command };
        self.text(id, &packet.encode());
        let ack = format!(r#""seq":{}}}"#, self.seq);
        let heard = &self.texts[&id];
        heard.iter().rev().find(|text| text.ends_with(&ack)).and_then(|text| parse_ack(text))
    }

    /// Sends a command on whatever connection, answered or not.
    fn command(&mut self, id: ConnectionId, command: Command) {
        self.seq += 1;
        let uid = self.uids.get(&id).copied().unwrap_or_default();
        self.text(id, &ClientPacket { seq: Seq(self.seq), uid, cid: CID, command }.encode());
    }

    /// Every member that is online has a connection that knows it, and the other way round. Who is a
    /// member has been told to the media engine.
    fn check(&self) {
        let hub = &self.hub;
        let rooms = hub.rooms.iter();
        let members = rooms.flat_map(|(cid, room)| {
            room.members.iter().map(|(uid, one)| ((*cid, *uid), (one.role, one.stay)))
        });
        assert_eq!(self.roster, members.collect());
        let mut online = 0;
        for (cid, room) in &hub.rooms {
            assert!(!room.members.is_empty() && room.members.len() <= hub.config.max_members);
            for (uid, member) in &room.members {
                let waits = hub.timers.is_set(HubTimer::Grace(*cid, *uid));
                match member.presence {
                    Presence::Online { connection, unconfirmed, .. } => {
                        online += 1;
                        assert_eq!(hub.connections[&connection].state, State::Member(*cid, *uid));
                        assert_eq!(unconfirmed.is_empty(), !hub.timers.is_set(HubTimer::Confirm(*cid, *uid)));
                        assert!(unconfirmed.iter().all(|media| member.published.contains(media)) && !waits);
                    }
                    Presence::Lost => assert!(waits),
                }
                assert!(member.role == Role::Broadcaster || member.published.is_empty());
            }
        }
        let places =
            hub.connections.values().filter(|connection| matches!(connection.state, State::Member(..)));
        assert_eq!(places.count(), online);
        assert!(hub.connections.len() <= hub.config.max_connections);
    }

    fn publish(&mut self, id: ConnectionId, media: Media, open: bool) {
        assert_eq!(self.send(id, Command::Publish(media, open)), Some((14, 200)));
    }

    fn lose(&mut self, id: ConnectionId) {
        self.input(HubInput::Closed(id));
    }

    fn kick(&mut self, uid: Uid) {
        self.input(HubInput::Kick(CID, uid));
    }

    fn ban(&mut self, uid: Uid, how_long: Option<Duration>) -> Result<(), TooManyBans> {
        let banned = self.hub.ban(CID, uid, how_long, self.now);
        self.input(HubInput::Timeout);
        banned
    }

    fn pass(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while let Some((at, _)) = self.hub.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = at;
            self.input(HubInput::Timeout);
        }
        self.now = end;
        self.input(HubInput::Timeout);
    }

    fn keep_alive(&mut self, one: ConnectionId, other: ConnectionId, secs: u64) {
        for _ in 0..secs {
            for id in [one, other] {
                self.text(id, &heartbeat(self.uids[&id]));
            }
            self.pass(1);
        }
    }

    /// Takes what a connection was sent.
    fn texts(&mut self, id: ConnectionId) -> Vec<String> {
        self.texts.remove(&id).unwrap_or_default()
    }

    /// Takes what a connection was sent, and gives the notices in it.
    fn notices(&mut self, id: ConnectionId) -> Vec<Notice> {
        let texts = self.texts(id);
        let packets = texts.iter().map(|text| ServerPacket::decode(text).unwrap());
        packets
            .filter_map(|packet| match packet {
                ServerPacket::Ack(..) => None,
                ServerPacket::Notice(notice) => Some(notice),
            })
            .collect()
    }

    fn userlist(&self, id: ConnectionId) -> Vec<UserEntry> {
        let acks =
            self.texts[&id].iter().rev().filter_map(|text| match ServerPacket::decode(text).unwrap() {
                ServerPacket::Ack(_, ack) => ack.userlist,
                ServerPacket::Notice(_) => None,
            });
        acks.take(1).next().expect("no userlist")
    }

    /// What the answer to the login called the stay.
    fn stay(&self, id: ConnectionId) -> String {
        let Ok(ServerPacket::Ack(_, ack)) = ServerPacket::decode(&self.texts[&id][0]) else { panic!() };
        ack.resume
    }

    fn last_ack(&self, id: ConnectionId) -> Option<(u32, i32)> {
        self.texts.get(&id)?.iter().rev().find_map(|text| parse_ack(text))
    }

    fn close_code(&self, id: ConnectionId) -> Option<u16> {
        self.closes.get(&id).copied()
    }

    fn ended(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ended)
    }
}

const TASK: &str = r#"{"taskId":"t","streamUrl":"rtmp://cdn.example/live/key"}"#;

fn secret() -> Secret {
    Secret::from_text("a secret for tests").unwrap()
}

fn heartbeat(uid: Uid) -> String {
    ClientPacket { seq: Seq(0), uid, cid: CID, command: Command::Heartbeat }.encode()
}

fn logout(uid: Uid) -> String {
    ClientPacket { seq: Seq(4), uid, cid: CID, command: Command::Logout }.encode()
}

fn as_4_4_1(login: &mut Login) {
    (login.dual_audio, login.audio_change_mode) = (Some(0), None);
    login.audio_local_pitch.clear();
}

fn captions(source: &str, target: &str) -> Command {
    Command::StartCaptions { source_lang: source.into(), target_lang: target.into() }
}

fn caption(text: &str) -> Caption {
    Caption { timestamp: 1.0, src_uid: BOB, text: text.into(), ..Caption::default() }
}

fn parse_ack(text: &str) -> Option<(u32, i32)> {
    let ServerPacket::Ack(_, ack) = ServerPacket::decode(text).unwrap() else { return None };
    Some((text[7..].split(',').next()?.parse().ok()?, ack.code?))
}

fn published(notice: Notice) -> Option<(Uid, Media, bool)> {
    if let Notice::Published(uid, media, open, _) = notice { Some((uid, media, open)) } else { None }
}

fn path(url: Option<&Url>) -> String {
    let (path, grant) = url.unwrap().as_str().split_once("?grant=").unwrap();
    assert_eq!(grant.len(), 40);
    path.into()
}

fn streams(uid: Uid) -> Vec<String> {
    [Stream::Main, Stream::ScreenShare, Stream::SlaveAudio].map(|stream| stream_name(CID, uid, stream)).into()
}
