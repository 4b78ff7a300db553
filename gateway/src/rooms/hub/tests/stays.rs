//! Connections that are lost, taken over and come back, and whose stay they belong to.

use super::*;

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
fn a_packet_moves_no_timer_and_counts_all_the_same() {
    let mut bench = Bench::new();
    let (alice, silence) = (bench.join(ALICE), HubConfig::default().silence.as_secs());
    let first = bench.hub.poll_timeout();
    bench.pass(silence - 1);
    bench.text(alice, &heartbeat(ALICE));
    let heard = bench.now;
    assert_eq!(bench.hub.poll_timeout(), first);
    bench.pass(1);
    assert_eq!(bench.close_code(alice), None);
    assert_eq!(
        bench.hub.poll_timeout(),
        Some((heard + Duration::from_secs(silence), HubTimer::Silence(alice)))
    );
    bench.pass(silence - 1);
    assert_eq!(bench.close_code(alice), Some(1008));
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
