//! Captions, and speakers that are cut short.

use super::*;

#[test]
fn captions_reach_members_of_the_room_that_asked_and_nobody_else() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    let elsewhere = bench.open();
    bench.ticket_cid = Cid(7);
    bench.login(elsewhere, |login| (login.uid, login.cid) = (CAROL, Cid(7)), CAROL);
    bench.send(elsewhere, captions("", ""));
    assert_eq!(bench.send(alice, captions("AUTO", "en")), Some((14, 200)));
    let wish = bench.hub.rooms().find(|room| room.summary.cid == CID).unwrap().members[0].captions.clone();
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
