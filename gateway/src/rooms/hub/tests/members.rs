//! Who comes, goes and is there, and who hears of it.

use super::*;

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
