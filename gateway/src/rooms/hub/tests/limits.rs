//! Everything at its limit, and one more.

use super::*;

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
