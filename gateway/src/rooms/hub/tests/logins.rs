//! Logins that are refused, or never come.

use super::*;

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
