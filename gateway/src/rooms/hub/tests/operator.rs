//! What the operator does to members and rooms, and the end of the gateway.

use super::*;

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
fn while_it_drains_calls_go_on_and_none_begins() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    bench.input(HubInput::Drain);
    assert!(!bench.hub.is_open() && !bench.transcript.contains(&HubOutput::Drained));
    assert_eq!(bench.send(alice, Command::Heartbeat), Some((3, 200)));
    assert_eq!(bench.hub.admits(Cid(7), CAROL), Err(LoginRefusal::Stopping));
    assert_eq!(bench.hub.admits(CID, CAROL), Ok(()), "the call would not be whole without");
    bench.input(HubInput::Closed(bob));
    let bob = bench.join(BOB);
    assert_eq!(bench.last_ack(bob), Some((1, 200)), "it comes back");

    bench.send(alice, Command::Logout);
    assert!(!bench.transcript.contains(&HubOutput::Drained));
    bench.input(HubInput::Drain);
    bench.send(bob, Command::Logout);
    let told =
        |bench: &Bench| bench.transcript.iter().filter(|output| **output == HubOutput::Drained).count();
    assert_eq!(told(&bench), 1);
    let carol = bench.join(CAROL);
    assert_eq!(bench.last_ack(carol), Some((1, 503)));
    assert_eq!(bench.notices(carol), [Notice::Refused(Some(2))]);
    bench.input(HubInput::Timeout);
    assert_eq!(told(&bench), 1, "once");
}

#[test]
fn who_was_in_a_call_elsewhere_is_sent_on_by_one_that_drains_and_not_refused() {
    let mut elsewhere = Bench::new();
    let alice = elsewhere.join(ALICE);
    let resume = elsewhere.stay(alice);
    let mut bench = Bench::new();
    bench.input(HubInput::Drain);
    assert!(bench.transcript.contains(&HubOutput::Drained), "nobody is there");
    let back = bench.open();
    bench.login(back, |login| login.resume = resume.clone(), ALICE);
    assert_eq!((bench.last_ack(back), bench.close_code(back)), (None, Some(1012)));
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
fn a_mute_of_the_operator_holds_against_the_member_and_takes_its_media_off_the_air() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    bench.publish(alice, Media::Audio, true);
    bench.notices(bob);
    assert!(bench.silence(ALICE, Sense::Sound, true));
    assert_eq!(bench.notices(bob), SOUND.map(|media| Notice::Mute(ALICE, media, true)));
    assert_eq!(bench.carried[&ALICE], Privileges::ALL.without(Sense::Sound));
    assert!(bench.ended().is_empty() && bench.published(ALICE) == [Media::Audio], "nothing ends");

    assert_eq!(bench.send(alice, Command::Mute(Media::Audio, true)), Some((14, 200)));
    assert_eq!(
        bench.send(alice, Command::Mute(Media::Audio, false)),
        Some((14, 200)),
        "or the vendor's would hang"
    );
    assert_eq!(bench.notices(bob), []);
    let carol = bench.join(CAROL);
    assert!(bench.notices(carol).ends_with(&SOUND.map(|media| Notice::Mute(ALICE, media, true))));

    bench.send(alice, Command::Logout);
    bench.notices(bob);
    bench.carried.clear();
    bench.join(ALICE);
    let told = bench.notices(bob);
    assert!(
        matches!(told[0], Notice::Join(_))
            && told[1..] == SOUND.map(|media| Notice::Mute(ALICE, media, true))
    );
    assert_eq!(bench.carried[&ALICE], Privileges::ALL.without(Sense::Sound));

    assert!(bench.silence(ALICE, Sense::Sound, false));
    assert_eq!(bench.notices(bob), SOUND.map(|media| Notice::Mute(ALICE, media, false)));
    assert_eq!(bench.carried[&ALICE], Privileges::ALL);
}

#[test]
fn what_a_member_has_muted_itself_stays_muted_when_the_operator_takes_its_own_back() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    bench.send(alice, Command::Mute(Media::Video, true));
    bench.notices(bob);
    bench.silence(ALICE, Sense::Picture, true);
    assert_eq!(bench.notices(bob), [Notice::Mute(ALICE, Media::ScreenShare, true)]);
    bench.silence(ALICE, Sense::Picture, false);
    assert_eq!(bench.notices(bob), [Notice::Mute(ALICE, Media::ScreenShare, false)]);
    bench.send(alice, Command::Mute(Media::Video, false));
    assert_eq!(bench.notices(bob), [Notice::Mute(ALICE, Media::Video, false)]);
    assert!(
        !bench.silence(CAROL, Sense::Sound, true) && !bench.hub.silence(Cid(7), ALICE, Sense::Sound, true)
    );
}

#[test]
fn mutes_of_who_is_gone_are_forgotten_before_there_are_more_than_members() {
    let mut bench = Bench::new();
    bench.join(BOB);
    for uid in 1..=50 {
        let id = bench.join(Uid(uid));
        assert!(bench.silence(Uid(uid), Sense::Sound, true));
        bench.send(id, Command::Logout);
    }
    assert!(bench.hub.rooms[&CID].silenced.len() <= 2);
}

#[test]
fn a_member_gets_another_role_as_if_it_had_asked_for_it() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    bench.publish(alice, Media::Video, true);
    bench.notices(bob);
    assert!(bench.hub.cast(CID, ALICE, Role::Audience));
    bench.input(HubInput::Timeout);
    let told = bench.notices(bob);
    assert_eq!(told.last(), Some(&Notice::RoleChanged(ALICE, Role::Audience)));
    assert_eq!(told.len(), 2, "and that it publishes no more: {told:?}");
    assert_eq!(bench.ended(), streams(ALICE));
    assert_eq!(bench.send(alice, Command::Role(Role::Broadcaster)), Some((14, 200)), "it may take it back");
    assert!(!bench.hub.cast(CID, CAROL, Role::Audience));
    bench.check();
}

#[test]
fn lists_are_seen_page_by_page() {
    let mut bench = Bench::new();
    for uid in 1..=5 {
        bench.join(Uid(uid));
    }
    for cid in [7, 8, 9] {
        bench.ticket_cid = Cid(cid);
        bench.join(ALICE);
    }
    let first = bench.hub.room(CID, None, 3).unwrap();
    let uids = |room: &RoomStatus| room.members.iter().map(|member| member.uid.0).collect::<Vec<_>>();
    assert_eq!((first.summary.size, uids(&first), first.next.as_deref()), (5, vec![1, 2, 3], Some("3")));
    let rest = bench.hub.room(CID, Some(Uid(3)), 3).unwrap();
    assert_eq!((uids(&rest), rest.next), (vec![4, 5], None));

    let filter = RoomFilter::default();
    let page = bench.hub.summaries(&filter, 2);
    assert_eq!(
        (page.items.iter().map(|room| room.cid.0).collect::<Vec<_>>(), page.next),
        (vec![7, 8], Some("8".into()))
    );
    let page = bench.hub.page(&RoomFilter { after: Some(Cid(8)), ..filter.clone() }, 2);
    assert_eq!(
        (page.items.iter().map(|room| room.summary.size).collect::<Vec<_>>(), page.next),
        (vec![1, 5], None)
    );
    for (search, app_key, count) in
        [("oo", None, 4), ("x", None, 0), ("", Some("app"), 4), ("", Some("other"), 0)]
    {
        let filter = RoomFilter { search: search.into(), app_key: app_key.map(str::to_owned), after: None };
        assert_eq!(bench.hub.count(&filter), count, "{search}");
    }
    for uid in 1..=3 {
        assert_eq!(bench.ban(Uid(uid), Some(Duration::from_secs(60 * uid))), Ok(()));
    }
    let page = bench.hub.bans(CID, None, 2, bench.now);
    assert_eq!(
        page.items.iter().map(|ban| (ban.uid.0, ban.seconds)).collect::<Vec<_>>(),
        [(1, 60), (2, 120)]
    );
    let page = bench.hub.bans(CID, Some(Uid(2)), 2, bench.now);
    assert_eq!((page.items.len(), page.next), (1, None));
}

#[test]
fn of_ten_thousand_rooms_an_answer_has_a_thousand_and_the_pages_have_all() {
    let most = 10_000;
    let mut bench = Bench::with(HubConfig { max_rooms: most, max_connections: most, ..HubConfig::default() });
    for cid in 1..=most {
        bench.ticket_cid = Cid(cid as u64);
        bench.join(ALICE);
    }
    let (mut seen, mut filter) = (0, RoomFilter::default());
    loop {
        let page = bench.hub.page(&filter, 1000);
        let bytes = serde_json::to_string(&page.items).unwrap().len();
        assert!(page.items.len() <= 1000 && bytes <= 1 << 20, "{bytes} bytes");
        seen += page.items.len();
        let Some(next) = page.next else { break };
        filter.after = Some(Cid(next.parse().unwrap()));
    }
    assert_eq!((seen, bench.hub.count(&RoomFilter::default())), (most, most));
}

const SOUND: [Media; 2] = [Media::Audio, Media::SlaveAudio];

impl Bench {
    fn silence(&mut self, uid: Uid, sense: Sense, on: bool) -> bool {
        let is_there = self.hub.silence(CID, uid, sense, on);
        self.input(HubInput::Timeout);
        is_there
    }

    fn published(&self, uid: Uid) -> Vec<Media> {
        self.hub.rooms[&CID].members[&uid].published.iter().collect()
    }
}
