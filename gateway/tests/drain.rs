//! A gateway that is told to stop while calls go on: none of them is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod program;

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use self::program::{Member, PATIENCE, Program, ask, bootstrap};

#[tokio::test]
async fn calls_go_on_until_they_end_and_then_it_stops() {
    let mut gateway = Program::start(&["--drain-time", "600", PATIENT[0], PATIENT[1]]).await;
    let mut members = fill(&gateway).await;
    gateway.signal("-TERM");
    gateway.hears("draining: no room begins any more, and calls may go on for 600 s").await;
    assert_eq!(status(&gateway, "/readyz").await, 503);
    assert_eq!(status(&gateway, "/livez").await, 200);
    let refused = bootstrap(connect(&gateway).await, "", "another-room", 9000).await;
    assert_eq!(refused["code"], 503, "{refused}");
    assert!(refused["desc"].as_str().unwrap().contains("about to stop"), "{refused}");
    let whole = bootstrap(connect(&gateway).await, "", "room-0", 9001).await;
    assert_eq!(whole["code"], 200, "who is missed in a call may come: {whole}");

    // A connection that is lost in the middle of it is no lost call either.
    let MemberOf { uid, answer, member } = members.swap_remove(0);
    let resume = member.ack["body"]["resume"].clone();
    let before = member.push_url().to_owned();
    drop(member);
    let member = log_in(&gateway, uid, &answer, &resume).await;
    assert_eq!(member.push_url(), before);
    members.push(MemberOf { uid, answer, member });

    let there = join_all(members.iter_mut().map(|member| member.member.is_there())).await;
    assert_eq!(there.iter().filter(|there| !**there).count(), 0, "members were lost");
    assert!(gateway.child.try_wait().unwrap().is_none(), "it has not waited");
    let begun = Instant::now();
    for MemberOf { uid, member, .. } in &mut members {
        member.say(json!({"cmd": 4, "body": {"uid": *uid, "cid": 0}, "seq": 2})).await;
    }
    gateway.hears("stopping: the last call is over").await;
    assert!(gateway.ends().await.success() && begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn when_the_time_is_over_calls_go_on_at_another_gateway() {
    const SECRET: [&str; 2] = ["--secret", "0123456789abcdef"];
    // The other one is reached as its clients are told: by a name that both have.
    let media = ["--public-media", "call.example.com:1935", PATIENT[0], PATIENT[1]];
    let old = [&SECRET[..], &media, &["--drain-time", "1"]].concat();
    let (mut old, new) = (Program::start(&old).await, Program::start(&[&SECRET[..], &media].concat()).await);
    let members = fill(&old).await;
    old.signal("-TERM");
    let moved = members.into_iter().map(async |MemberOf { uid, answer, mut member }| {
        let (resume, before) = (member.ack["body"]["resume"].clone(), member.push_url().to_owned());
        // What it hears before it is told to go: of nobody's leaving.
        let left = member.hear(|packet| packet["cmd"] == 21).await;
        assert_eq!((left, member.close_code), (None, Some(1012)), "{uid}");
        let member = log_in(&new, uid, &answer, &resume).await;
        assert_eq!(member.push_url(), before, "it would have to publish anew");
        MemberOf { uid, answer, member }
    });
    let mut members = join_all(moved).await;
    old.hears("stopping: drain-time is over, and calls go on elsewhere").await;
    assert!(old.ends().await.success());
    let there = join_all(members.iter_mut().map(|member| member.member.is_there())).await;
    assert_eq!(there.iter().filter(|there| **there).count(), MEMBERS as usize);
    let again =
        log_in(&new, members[0].uid, &members[0].answer, &members[0].member.ack["body"]["resume"]).await;
    assert_eq!(
        again.ack["body"]["userlist"].as_array().unwrap().len(),
        IN_A_ROOM as usize,
        "calls are whole"
    );
}

#[tokio::test]
async fn who_cannot_wait_sends_the_signal_again() {
    let mut gateway = Program::start(&["--drain-time", "600"]).await;
    let answer = bootstrap(connect(&gateway).await, "", "room", 1).await;
    let mut alice = log_in(&gateway, 1, &answer, &Value::Null).await;
    gateway.signal("-TERM");
    gateway.hears("draining").await;
    gateway.signal("-TERM");
    gateway.hears("stopping: terminated").await;
    assert!(alice.hear(|_| false).await.is_none());
    assert_eq!(alice.close_code, Some(1012));
    assert!(gateway.ends().await.success());
}

#[tokio::test]
async fn an_empty_one_stops_at_once() {
    let mut gateway = Program::start(&["--drain-time", "600"]).await;
    let _stranger = connect(&gateway).await;
    gateway.signal("-TERM");
    gateway.hears("stopping: the last call is over").await;
    assert!(gateway.ends().await.success());
}

struct MemberOf {
    uid: u64,
    answer: Value,
    member: Member<TcpStream>,
}

/// 300 members in calls of three.
async fn fill(gateway: &Program) -> Vec<MemberOf> {
    let mut members = Vec::new();
    for uid in 1..=MEMBERS {
        let room = format!("room-{}", (uid - 1) / IN_A_ROOM);
        let answer = bootstrap(connect(gateway).await, "", &room, uid).await;
        let member = log_in(gateway, uid, &answer, &Value::Null).await;
        members.push(MemberOf { uid, answer, member });
    }
    members
}

async fn log_in(gateway: &Program, uid: u64, answer: &Value, resume: &Value) -> Member<TcpStream> {
    let member = Member::log_in(connect(gateway).await, "ws://test/", uid, answer, resume).await;
    assert_eq!(member.ack["body"]["code"], 200, "{}", member.ack);
    member
}

async fn connect(gateway: &Program) -> TcpStream {
    TcpStream::connect(gateway.addr("http")).await.unwrap()
}

async fn status(gateway: &Program, path: &str) -> u16 {
    ask(connect(gateway).await, &format!("GET {path} HTTP/1.1\r\nHost: test"), "").await.0
}

/// Members say nothing while others join, which may take its time.
const PATIENT: [&str; 2] = ["--silence-timeout", "3600"];
const MEMBERS: u64 = 300;
const IN_A_ROOM: u64 = 3;
