//! What members publish and mute, by role, and what the media engine hears of it.

use super::*;

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
        .position(|output| *output == HubOutput::Admit(CID, ALICE, Role::Broadcaster, stay, Privileges::ALL));
    assert!(admitted.unwrap() < bench.transcript.iter().position(is_sent).unwrap());

    for (command, told) in [
        (Command::Role(Role::Audience), HubOutput::Admit(CID, ALICE, Role::Audience, stay, Privileges::ALL)),
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
fn those_who_are_told_the_same_share_it_and_urls_are_each_ones_own() {
    let mut bench = Bench::new();
    let bob = bench.join(BOB);
    for uid in [ALICE, CAROL] {
        bench.join(uid);
    }
    for (command, is_shared) in [
        (Command::Mute(Media::Audio, true), true),
        (Command::Publish(Media::Audio, true), false),
        (Command::Publish(Media::Audio, false), true),
        (Command::Role(Role::Audience), true),
        (Command::PushMode(2), true),
        (Command::Logout, true),
    ] {
        bench.transcript.clear();
        bench.send(bob, command.clone());
        let text = |output| if let &HubOutput::Send(id, ref text) = output { Some((id, text)) } else { None };
        let told = bench.transcript.iter().filter_map(text).filter(|(id, _)| *id != bob);
        let told: Vec<_> = told.map(|(_, text)| text).collect();
        assert_eq!(told.len(), 2, "{command:?}");
        assert_eq!(std::sync::Arc::ptr_eq(told[0], told[1]), is_shared, "{command:?}");
    }
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
