//! What a permission key allows, and until when.

use super::*;

#[test]
fn a_member_sends_and_receives_what_its_key_allows() {
    let mut bench = Bench::new();
    bench.join(BOB);
    for (bits, send, receive) in [
        (0, [403, 403, 403, 403], [403, 403, 403, 403]),
        (1, [200, 200, 403, 403], [403, 403, 403, 403]),
        (2, [403, 403, 200, 200], [403, 403, 403, 403]),
        (4, [403, 403, 403, 403], [200, 200, 403, 403]),
        (8, [403, 403, 403, 403], [403, 403, 200, 200]),
        (15, [200; 4], [200; 4]),
    ] {
        bench.permit(JOIN | bits, 3600);
        let alice = bench.join(ALICE);
        let codes = |bench: &mut Bench, command: fn(Media) -> Command| {
            Media::ALL.map(|media| bench.send(alice, command(media)).map(|(_, code)| code).unwrap())
        };
        assert_eq!(codes(&mut bench, |media| Command::Publish(media, true)), send, "{bits}");
        assert_eq!(codes(&mut bench, |media| Command::Subscribe(BOB, media, true)), receive, "{bits}");
        assert_eq!(codes(&mut bench, |media| Command::Publish(media, false)), [200; 4], "to stop is free");
        let privileges = Privileges(JOIN | bits);
        let stay = bench.ticket_expires;
        let admitted = HubOutput::Admit(CID, ALICE, Role::Broadcaster, stay, privileges);
        assert_eq!(
            bench.transcript.iter().rev().find(|output| matches!(output, HubOutput::Admit(..))),
            Some(&admitted)
        );
    }
}

#[test]
fn a_key_lets_in_only_where_it_says() {
    let mut bench = Bench::new();
    for (bits, code) in [(15, 403), (CREATE, 403), (JOIN, 403), (JOIN | CREATE, 200)] {
        bench.permit(bits, 3600);
        let alice = bench.join(ALICE);
        assert_eq!(bench.last_ack(alice), Some((1, code)), "{bits}");
    }
    bench.permit(JOIN, 3600);
    let bob = bench.join(BOB);
    assert_eq!(bench.last_ack(bob), Some((1, 200)), "the room is there");
}

#[test]
fn a_stay_ends_with_its_key_and_a_newer_key_prolongs_it() {
    let mut bench = Bench::new();
    bench.permit(63, 20);
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    bench.keep_alive(alice, bob, 15);
    bench.permit(63, 30);
    let bob = bench.join(BOB);
    bench.texts(alice);
    bench.keep_alive(alice, bob, 4);
    assert!(bench.notices(alice).is_empty());
    bench.keep_alive(alice, bob, 1);
    assert_eq!(bench.notices(alice), [Notice::Kicked(room::PERMISSION_EXPIRED)]);
    assert!(!bench.roster.contains_key(&(CID, ALICE)) && bench.roster.contains_key(&(CID, BOB)));

    let again = bench.join(ALICE);
    assert_eq!(bench.last_ack(again), Some((1, 200)), "with the newer key");
    bench.ticket_permit = Some(Permit { privileges: Privileges::ALL, until_ms: bench.now.as_millis() });
    let late = bench.join(CAROL);
    assert_eq!(bench.last_ack(late), Some((1, 401)));
}

#[test]
fn what_a_weaker_key_does_not_allow_ends_at_once() {
    let mut bench = Bench::new();
    bench.permit(63, 3600);
    let alice = bench.join(ALICE);
    bench.publish(alice, Media::Video, true);
    bench.transcript.clear();
    bench.permit(JOIN | 1, 3600);
    bench.join(ALICE);
    let media: Vec<_> = bench
        .transcript
        .iter()
        .filter(|output| matches!(output, HubOutput::Admit(..) | HubOutput::Expel(..)))
        .collect();
    let (stay, privileges) = (bench.ticket_expires, Privileges(JOIN | 1));
    assert_eq!(
        media,
        [&HubOutput::Expel(CID, ALICE), &HubOutput::Admit(CID, ALICE, Role::Broadcaster, stay, privileges)]
    );
}

#[test]
fn who_comes_back_after_a_restart_opens_its_room_again_with_the_same_rights() {
    let mut bench = Bench::new();
    bench.join(BOB);
    bench.permit(JOIN | 1, 3600);
    let alice = bench.join(ALICE);
    let resume = bench.texts(alice).iter().find_map(|text| {
        let packet: serde_json::Value = serde_json::from_str(text).unwrap();
        packet["body"]["resume"].as_str().map(str::to_owned)
    });
    let resume = resume.unwrap();

    let mut after = Bench::new();
    after.permit(JOIN | 1, 3600);
    let alice = after.open();
    after.login(alice, |login| login.resume.clone_from(&resume), ALICE);
    assert_eq!(after.last_ack(alice), Some((1, 200)));
    let refused = after.send(alice, Command::Publish(Media::Video, true));
    assert_eq!(refused.map(|(_, code)| code), Some(403));
}

impl Bench {
    /// The tickets from now on are given for such a key, which lasts for so many seconds.
    fn permit(&mut self, bits: u8, seconds: u64) {
        let until_ms = self.now.as_millis() + seconds * 1000;
        self.ticket_permit = Some(Permit { privileges: Privileges(bits), until_ms });
    }
}

const CREATE: u8 = 16;
const JOIN: u8 = 32;
