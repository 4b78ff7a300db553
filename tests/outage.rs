//! When a session takes its connection for lost, and when it tries again.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::collections::VecDeque;
use std::time::Duration;

use nertc_miniapp::{
    Advice, AppSignal, Call, Cause, Config, Decides, Error, Event, Input, Instant, JoinParams, Media, Uid,
};
use world::stage::{OWN, Stage};

#[test]
fn a_gateway_that_answers_at_once_is_left_four_seconds_after_its_last_packet() {
    let mut stage = answered_once();
    stage.run_for(millis(3999));
    assert_eq!(outages(&stage), 0);
    stage.run_for(millis(1));
    assert_eq!(outages(&stage), 1);
}

#[test]
fn a_gateway_that_never_answered_is_left_four_seconds_after_the_first_heartbeat() {
    let mut stage = joined(Config::new("ak"));
    stage.run_for(millis(6499));
    assert_eq!(outages(&stage), 0);
    stage.run_for(millis(1));
    assert_eq!(outages(&stage), 1);
}

#[test]
fn a_gateway_that_takes_almost_four_seconds_for_every_answer_is_kept() {
    let mut stage = joined(Config::new("ak"));
    let mut seen = stage.client.sent.len();
    let mut answers = VecDeque::new();
    for _ in 0..600 {
        stage.run_for(millis(100));
        for (_, frame) in &stage.client.sent[seen..] {
            answers.push_back((stage.now + millis(3900), seq_of(frame)));
        }
        seen = stage.client.sent.len();
        while let Some((_, seq)) = answers.pop_front_if(|(due, _)| *due <= stage.now) {
            stage.text(&format!(r#"{{"cmd":3,"seq":{seq},"body":{{"code":200}}}}"#));
        }
    }
    assert_eq!(outages(&stage), 0);
}

#[test]
fn in_the_background_a_heartbeat_has_ten_seconds() {
    let mut stage = answered_once();
    stage.signal(AppSignal::Hidden);
    stage.run_for(millis(12_900));
    assert_eq!(outages(&stage), 0);
    stage.run_for(millis(200));
    assert_eq!(outages(&stage), 1);
}

#[test]
fn when_the_network_comes_back_the_socket_of_before_is_replaced_at_once() {
    let mut stage = joined(Config::new("ak"));
    let old = stage.socket();
    stage.signal(AppSignal::NetworkDown);
    stage.run_for(millis(500));
    assert_eq!(stage.socket(), old, "what the platform says may be wrong");
    stage.signal(AppSignal::NetworkUp);
    assert_ne!(stage.socket(), old);
}

#[test]
fn an_attempt_on_the_network_of_before_begins_anew() {
    let mut stage = joined(Config::new("ak"));
    stage.close(1006);
    stage.run_until_socket();
    let hanging = stage.socket();
    stage.signal(AppSignal::NetworkUp);
    assert_eq!(stage.socket(), hanging, "it has just begun");
    stage.run_for(millis(300));
    stage.signal(AppSignal::NetworkUp);
    assert_ne!(stage.socket(), hanging);

    let hanging = stage.socket();
    stage.signal(AppSignal::NetworkDown);
    stage.signal(AppSignal::NetworkUp);
    assert_ne!(stage.socket(), hanging, "there was no network for it");
    stage.open();
    stage.login(OWN);
    assert_eq!(outages(&stage), 1, "none of this is another outage");
}

#[test]
fn a_nervous_network_does_not_begin_attempts_anew_for_ever() {
    let mut stage = joined(Config::new("ak"));
    stage.close(1006);
    let begin = stage.now;
    while !stage.client.is_idle() {
        stage.run_for(millis(400));
        stage.signal(AppSignal::NetworkUp);
        assert!(stage.now.since(begin) < Duration::from_secs(120), "90 s are the limit");
    }
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    for _ in 0..150 {
        stage.run_for(millis(400));
        stage.signal(AppSignal::NetworkUp);
    }
    assert!(stage.client.result(join).unwrap().is_err());
}

#[test]
fn without_a_network_attempts_are_few_and_count_for_nothing() {
    let mut stage = joined(Config::new("ak"));
    stage.signal(AppSignal::NetworkDown);
    let sockets = refused_for(&mut stage, Duration::from_secs(80));
    assert!((8..=20).contains(&sockets), "{sockets} attempts in 80 s");
    stage.signal(AppSignal::NetworkUp);
    stage.open();
    stage.login(OWN);
    stage.acknowledge(2);
    assert_eq!(stage.client.events.last(), Some(&Event::Reconnected));
}

#[test]
fn a_platform_that_is_wrong_about_the_network_does_not_keep_anybody_from_a_gateway_that_has_moved() {
    let mut stage = joined(Config::new("ak"));
    stage.signal(AppSignal::NetworkDown);
    let before = stage.client.requests.len();
    refused_for(&mut stage, Duration::from_secs(40));
    assert!(stage.client.requests.len() > before, "the channel server is asked");
}

#[test]
fn what_was_told_before_a_join_does_not_count_in_it() {
    let mut stage = joined(Config::new("ak"));
    stage.signal(AppSignal::NetworkDown);
    stage.signal(AppSignal::Hidden);
    stage.call(Call::Leave);
    stage.run_for(millis(300));
    stage.enter();
    stage.close(1006);
    stage.run_for(millis(50));
    assert!(stage.client.socket().is_some(), "nobody said that there is no network");
}

#[test]
fn an_outage_without_a_network_ends_after_its_time() {
    let mut stage = joined(Config::new("ak"));
    stage.signal(AppSignal::NetworkDown);
    refused_for(&mut stage, Duration::from_secs(110));
    assert!(stage.client.is_idle());
    let Some(Event::Disconnect { code: "403", .. }) = stage.client.events.last() else { panic!() };
}

#[test]
fn the_time_in_which_the_app_was_suspended_counts_for_nothing() {
    let mut stage = joined(Config::new("ak"));
    stage.close(1006);
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.run_until_socket();
    stage.now = stage.now + Duration::from_secs(29 * 60);
    stage.input(Input::Timeout);
    assert!(stage.client.result(publish).is_none(), "nobody could have answered");
    stage.open();
    stage.login(OWN);
    stage.acknowledge(2);
    stage.acknowledge(3);
    assert!(stage.client.result(publish).unwrap().is_ok());
    assert_eq!(stage.client.events.last(), Some(&Event::Reconnected));
}

#[test]
fn a_suspension_counts_once_however_much_has_queued_up_behind_the_timer() {
    let options = serde_json::json!({"appkey": "ak", "statisticsServer": "https://stat.example/"});
    let mut stage = joined(Config::parse(&options.to_string()).unwrap());
    stage.call(Call::parse("dataReporter", r#"["push","bindstatechange"]"#).unwrap());
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.now = stage.now + Duration::from_secs(60);
    let sent = stage.client.sent.len();
    for _ in 0..20 {
        stage.text(r#"{"cmd":21,"body":{"uid":9}}"#);
    }
    assert_eq!(stage.client.sent.len(), sent + 1, "the gateway is asked once");
    stage.run_for(Duration::from_secs(16));
    assert!(stage.client.result(publish).is_some(), "its time went on when the app did");
}

#[test]
fn whatever_wakes_a_suspended_app_its_socket_is_in_doubt() {
    for wake in [Input::Timeout, Input::App(AppSignal::Shown), Input::App(AppSignal::Hidden)] {
        let mut stage = answered_once();
        stage.now = stage.now + Duration::from_secs(60);
        let before = stage.client.sent.len();
        stage.input(wake);
        assert!(stage.client.sent.len() > before, "the gateway is asked");
        stage.run_for(millis(2000));
        assert_eq!(outages(&stage), 1, "and does not answer");
    }
}

#[test]
fn the_application_may_decide_when_to_try_again_and_for_how_long() {
    let mut stage = joined(Config { decides: Decides::Application, ..Config::new("ak") });
    stage.close(1001);
    let first = stage.client.asked.pop().unwrap();
    assert_eq!((first.retry_count, first.elapsed_ms), (0, 0));
    assert!(first.retry_reason.contains("1001") && first.delay_ms <= 50, "{first:?}");

    stage.input(Input::Retry(0, Advice::After(20_000)));
    stage.run_for(millis(19_999));
    assert!(stage.client.socket().is_none());
    stage.run_for(millis(1));
    stage.close(1006);
    let second = stage.client.asked.pop().unwrap();
    assert_eq!((second.retry_count, second.elapsed_ms), (1, 20_000));
    assert!(second.retry_reason.contains("1001"), "what began it, not what came last");

    stage.input(Input::Retry(0, Advice::GiveUp));
    assert!(!stage.client.is_idle(), "the answer to a question of before");
    stage.input(Input::Retry(1, Advice::GiveUp));
    assert!(stage.client.is_idle());
    assert_eq!(stage.client.events.last(), Some(&disconnected("gw1.example", 1, 1001)));
}

#[test]
fn an_application_without_an_opinion_gets_the_usual_attempts() {
    let mut stage = joined(Config { decides: Decides::Application, ..Config::new("ak") });
    stage.close(1001);
    while let Some(asked) = stage.client.asked.pop() {
        stage.input(Input::Retry(asked.retry_count, Advice::Default));
        if !stage.client.is_idle() {
            stage.run_until_socket();
            stage.close(1006);
        }
    }
    assert_eq!(stage.client.events.last(), Some(&disconnected("gw1.example", 9, 1001)));
}

#[test]
fn an_application_can_go_on_for_longer_than_the_usual_attempts() {
    let mut stage = joined(Config { decides: Decides::Application, ..Config::new("ak") });
    stage.close(1001);
    for _ in 0..30 {
        let asked = stage.client.asked.pop().unwrap();
        stage.input(Input::Retry(asked.retry_count, Advice::After(5000)));
        stage.run_until_socket();
        stage.close(1006);
    }
    assert!(!stage.client.is_idle());
}

#[test]
fn what_our_gateway_calls_the_stay_is_told_at_the_next_login_and_to_no_other_stay() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    assert_eq!(stage.frames("resume"), 0);
    let login = |stay: &str| {
        format!(r#"{{"cmd":1,"seq":1,"body":{{"code":200,"userlist":{OWN},"resume":"{stay}"}}}}"#)
    };
    stage.text(&login("stay-1"));
    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    assert_eq!(stage.frames(r#","resume":"stay-1"}"#), 1);
    stage.text(&login("stay-1"));
    stage.call(Call::Leave);
    stage.run_for(millis(300));
    stage.joins_as_if_nothing_had_been();
    assert_eq!(stage.frames("resume"), 0);
}

#[test]
fn what_a_heartbeat_brings_to_come_back_with_is_what_the_next_login_names() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.text(&format!(r#"{{"cmd":1,"seq":1,"body":{{"code":200,"userlist":{OWN},"resume":"first"}}}}"#));
    for body in [r#"{"code":200,"resume":"second"}"#, r#"{"code":200}"#] {
        stage.run_for(millis(3000));
        let seq = seq_of(&stage.client.sent.last().unwrap().1);
        stage.text(&format!(r#"{{"cmd":3,"seq":{seq},"body":{body}}}"#));
    }
    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    assert_eq!(stage.frames(r#","resume":"second"}"#), 1);
}

/// In a room, with a gateway that has just answered a heartbeat at once.
fn answered_once() -> Stage {
    let mut stage = joined(Config::new("ak"));
    stage.run_for(millis(2500));
    let seq = seq_of(&stage.client.sent.last().unwrap().1);
    stage.text(&format!(r#"{{"cmd":3,"seq":{seq},"body":{{"code":200}}}}"#));
    stage
}

/// In a room for half a second, after which a connection counts as stable.
fn joined(config: Config) -> Stage {
    let mut stage = Stage::with(config);
    stage.enter();
    stage
}

/// Refuses every connection for a while; how many there were.
fn refused_for(stage: &mut Stage, time: Duration) -> usize {
    let end: Instant = stage.now + time;
    let mut sockets = 0;
    while stage.now < end && !stage.client.is_idle() {
        if stage.client.socket().is_some() {
            stage.close(1006);
            sockets += 1;
        } else if stage.request_is_open() {
            stage.fail_request("no network");
        }
        stage.run_for(millis(100));
    }
    sockets
}

fn disconnected(host: &str, attempts: u32, code: u16) -> Event {
    let host = host.to_owned();
    let cause = Cause::Closed(code, "gone".into());
    Event::Disconnect { code: "403", reason: Error::ReconnectFailed { host, attempts, cause }.reason() }
}

fn seq_of(frame: &str) -> u64 {
    serde_json::from_str::<serde_json::Value>(frame).unwrap()["seq"].as_u64().unwrap()
}

fn outages(stage: &Stage) -> usize {
    stage.client.event_names().iter().filter(|name| **name == "willreconnect").count()
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
