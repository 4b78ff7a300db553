//! What a session keeps, and what it gives up, when answers are late, missing or negative.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_miniapp::{
    AppSignal, AppUid, Call, Code, Error, ErrorKind, Event, Input, JoinParams, Media, MediaSet, Role, Uid,
    VoiceChange,
};
use world::stage::{OWN, Stage};

#[test]
fn a_silent_death_right_after_a_reconnect_does_not_lose_the_publication() {
    let mut stage = publishing();
    stage.close(1006);
    stage.back();
    assert_eq!(stage.frames(OPEN), 1, "restored");
    stage.run_for(Duration::from_secs(14));
    stage.back();
    assert_eq!(stage.frames(OPEN), 1, "restored again");
}

#[test]
fn a_repeated_publish_that_fails_in_an_outage_does_not_undo_the_first() {
    let mut stage = publishing();
    stage.close(1006);
    let again = stage.call(publish());
    stage.run_until_socket();
    stage.run_for(Duration::from_secs(16));
    assert_eq!(stage.error(again), Error::Timeout("publish"));
    if stage.client.socket().is_none() {
        stage.run_until_socket();
    }
    stage.open();
    stage.login(OWN);
    assert_eq!(stage.frames(OPEN), 1);
}

#[test]
fn what_a_late_answer_may_have_opened_is_closed() {
    let mut stage = Stage::joined();
    let call = stage.call(publish());
    stage.run_alive_for(Duration::from_secs(10));
    assert_eq!(stage.error(call), Error::Timeout("publish"));
    assert_eq!(stage.frames(CLOSE), 1, "nobody waits for it, and the gateway may have done it");
}

#[test]
fn an_unpublish_that_nobody_answers_does_not_become_a_publish() {
    let mut stage = publishing();
    let unpublish = stage.call(Call::Unpublish(Media::Audio.into()));
    stage.run_alive_for(Duration::from_secs(10));
    assert!(stage.client.result(unpublish).unwrap().is_err());
    stage.close(1006);
    stage.back();
    assert_eq!(stage.frames(OPEN), 0, "a microphone must not open by itself");
}

#[test]
fn what_the_gateway_holds_open_and_nobody_wants_is_closed_once() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.login(r#"[{"uid":1,"url":"rtmp://push","audio_on":1}]"#);
    assert_eq!(stage.frames(CLOSE), 1);
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":404}}"#);
    stage.run_alive_for(Duration::from_secs(30));
    assert_eq!(stage.frames(CLOSE), 1, "asked for once, not for ever");
    stage.close(1006);
    stage.back();
    assert_eq!(stage.frames(OPEN), 0, "nobody ever called publish");
}

#[test]
fn the_answer_to_a_forgotten_subscription_does_not_settle_the_new_one() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"url":"rtmp://m","audio_on":true}}"#);
    stage.call(subscribe());
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"audio","status":"close"}}"#);
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"audio","status":"open"}}"#);
    let second = stage.call(subscribe());
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":404,"errmsg":"no such stream"}}"#);
    assert!(stage.client.result(second).is_none());
    stage.acknowledge(3);
    assert!(stage.client.result(second).unwrap().is_ok());
}

#[test]
fn a_subscription_to_a_stream_that_ends_is_not_blamed_on_the_application() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":0,"audio_on":1,"url":"rtmp://m"}}"#);
    let call = stage.call(subscribe());
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"audio","status":"close"}}"#);
    assert_eq!(stage.error(call), Error::StreamEnded);
    assert_ne!(stage.error(call).kind(), ErrorKind::Misuse);
}

#[test]
fn a_subscription_takes_its_url_from_a_media_status() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":0,"audio_on":1}}"#);
    let call = stage.call(subscribe());
    stage.acknowledge(2);
    assert!(stage.client.result(call).is_none());
    stage.text(r#"{"cmd":30,"body":{"uid":7,"mediaType":"audio","status":"on","url":"rtmp://m"}}"#);
    assert!(stage.client.result(call).unwrap().is_ok());
}

#[test]
fn a_publish_of_both_that_is_refused_leaves_nothing_published() {
    let mut stage = Stage::joined();
    let call = stage.call(Call::Publish(MediaSet::MAIN));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":403}}"#);
    stage.acknowledge(3);
    assert!(stage.client.result(call).unwrap().is_err());
    assert_eq!(stage.frames(r#""mediaType":"video","status":"close""#), 1);
}

#[test]
fn nothing_is_published_before_the_push_url_is_known() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.login("[]");
    let call = stage.call(publish());
    stage.run_alive_for(Duration::from_secs(15));
    assert_eq!(stage.error(call).code(), Code::Text("420"));
    assert_eq!(stage.frames(OPEN), 0);
}

#[test]
fn a_refused_role_is_rolled_back() {
    let mut stage = publishing();
    let call = stage.call(Call::SetRole(Role::Audience));
    stage.acknowledge(3);
    stage.text(r#"{"cmd":14,"seq":4,"body":{"code":403}}"#);
    assert_eq!(stage.error(call).code(), Code::Number(403));
    let again = stage.call(publish());
    stage.acknowledge(5);
    assert!(stage.client.result(again).unwrap().is_ok(), "still a broadcaster");
}

#[test]
fn who_may_not_stop_publishing_does_not_become_audience() {
    let mut stage = publishing();
    let call = stage.call(Call::SetRole(Role::Audience));
    assert_eq!(stage.frames(r#"{"cmd":12"#), 0, "first the streams");
    stage.text(r#"{"cmd":14,"seq":3,"body":{"code":500}}"#);
    assert_eq!(stage.error(call).code(), Code::Number(500));
    assert_eq!(stage.frames(r#"{"cmd":12"#), 0);
}

#[test]
fn a_socket_that_died_in_the_background_is_replaced_two_seconds_after_coming_to_the_front() {
    for signal in [AppSignal::Shown, AppSignal::NetworkUp] {
        let mut stage = Stage::joined();
        stage.input(Input::App(signal));
        assert_eq!(stage.frames(r#"{"cmd":2"#), 1, "asked at once");
        stage.run_for(Duration::from_millis(1999));
        assert_eq!(outages(&stage), 0);
        stage.run_for(Duration::from_millis(1));
        assert_eq!(outages(&stage), 1);
    }
}

#[test]
fn a_socket_that_outlived_the_background_is_kept() {
    let mut stage = Stage::joined();
    stage.input(Input::App(AppSignal::Shown));
    stage.text(r#"{"cmd":3,"body":{"code":200}}"#);
    stage.run_for(Duration::from_millis(2500));
    assert_eq!(outages(&stage), 0);
}

#[test]
fn who_was_suspended_asks_before_giving_the_gateway_up() {
    let mut stage = Stage::joined();
    stage.run_for(Duration::from_secs(4));
    // Frozen for a minute, with a heartbeat unanswered; the timer rings late.
    stage.now = stage.now + Duration::from_secs(60);
    stage.input(Input::Timeout);
    assert_eq!(outages(&stage), 0, "the answer may be waiting to be read");
    stage.text(r#"{"cmd":3,"body":{"code":200}}"#);
    stage.run_alive_for(Duration::from_secs(20));
    assert_eq!(outages(&stage), 0);
}

#[test]
fn frames_of_an_old_socket_do_not_keep_the_new_one_alive() {
    let mut stage = Stage::joined();
    let old = stage.socket();
    stage.close(1006);
    stage.back();
    for _ in 0..8 {
        stage.run_for(Duration::from_secs(1));
        stage.input(Input::SocketText(old, r#"{"cmd":3,"body":{"code":200}}"#.into()));
    }
    assert_eq!(outages(&stage), 2);
}

#[test]
fn a_gateway_that_takes_us_and_drops_us_at_once_is_given_up() {
    let mut stage = Stage::joined();
    let begin = stage.now;
    let mut logins = 0;
    while !stage.client.is_idle() {
        stage.close(1006);
        if !stage.client.is_idle() {
            stage.back();
            logins += 1;
        }
    }
    assert!(logins <= 9, "{logins} logins in {:?}", stage.now.since(begin));
}

#[test]
fn who_is_replaced_by_another_login_does_not_fight_back() {
    let mut stage = Stage::joined();
    stage.close(4001);
    assert!(stage.client.is_idle());
    let Some(Event::Disconnect { code: "405", .. }) = stage.client.events.last() else { panic!() };
}

#[test]
fn a_platform_without_a_free_socket_rejects_the_join_at_once() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.close(4900);
    assert_eq!(stage.error(join), Error::TooManySockets("gone".into()));
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_nervous_network_does_not_use_up_the_attempts() {
    let mut stage = Stage::joined();
    stage.close(1006);
    for _ in 0..30 {
        stage.input(Input::App(AppSignal::NetworkUp));
        if stage.client.socket().is_some() {
            stage.close(1006);
        } else {
            stage.fail_request("no route");
        }
    }
    assert!(!stage.client.is_idle());
}

#[test]
fn being_removed_while_logging_in_again_is_told_as_such() {
    let mut stage = Stage::joined();
    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    stage.text(r#"{"cmd":24,"body":{"cid":5,"reason":2}}"#);
    assert_eq!(stage.client.event_names()[4..], ["kicked", "disconnect"]);
    let Some(Event::Disconnect { code: "405", .. }) = stage.client.events.last() else { panic!() };
}

#[test]
fn a_removal_that_crosses_our_leave_is_still_a_leave() {
    let mut stage = Stage::joined();
    stage.call(Call::Leave);
    stage.text(r#"{"cmd":24,"body":{"cid":5,"reason":2}}"#);
    stage.run_for(Duration::from_millis(300));
    let Some(Event::Disconnect { code: "0", .. }) = stage.client.events.last() else { panic!() };
}

#[test]
fn leaving_after_the_login_was_sent_logs_out() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.call(Call::Leave);
    assert!(stage.client.sent.last().unwrap().1.starts_with(r#"{"cmd":4"#));
}

#[test]
fn what_the_client_does_not_need_cannot_spoil_the_bootstrap() {
    for body in [
        r#"{"code":200,"cid":1,"ips":{"wechatapparray":["h"]},"time":{}}"#,
        r#"{"code":200,"cid":1,"ips":{"wechatapparray":["h"],"turnaddrs":null}}"#,
        r#"{"code":200,"cid":1,"ips":{"wechatapparray":[null,"h"],"turnaddrs":[7]}}"#,
    ] {
        let mut stage = Stage::new();
        let join = stage.join(JoinParams::new("room", Uid(1)));
        stage.respond(body);
        assert!(stage.client.result(join).is_none(), "{body}: {:?}", stage.client.result(join));
    }
}

#[test]
fn a_numeric_token_is_passed_on_exactly() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.respond(r#"{"code":200,"cid":1,"token":12345678901,"ips":{"wechatapparray":["h"]}}"#);
    stage.open();
    assert_eq!(stage.frames(r#""token":"12345678901""#), 1);
}

#[test]
fn nulls_in_a_notice_count_as_absent() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":0}}"#);
    stage.text(r#"{"cmd":21,"body":{"uid":7,"accid":null,"cid":5,"mediaType":null,"status":null}}"#);
    assert_eq!(stage.client.event_names()[2..], ["clientJoin", "clientLeave"]);
}

#[test]
fn an_audience_has_no_streams_whatever_a_list_says() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":1,"audio_on":1}}"#);
    stage.text(r#"{"cmd":27,"body":{"uid":7,"role":0}}"#);
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"audio","status":"open"}}"#);
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":1}}"#);
    let told = ["role-Changed", "clientJoin", "stream-added", "stream-removed", "clientLeave"];
    assert_eq!(stage.client.event_names()[2..], told);
}

#[test]
fn a_connect_failure_keeps_its_code_when_the_second_bootstrap_fails() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.close(1006);
    stage.run_until_socket();
    stage.close(1006);
    for _ in 0..2 {
        stage.run_for(Duration::from_millis(700));
        stage.fail_request("no");
    }
    assert_eq!(stage.error(join).code(), Code::Text("401"));
    let Some(Event::Disconnect { code: "401", .. }) = stage.client.events.last() else { panic!() };
}

#[test]
fn a_role_changed_while_the_login_is_answered_reaches_the_gateway() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    let role = stage.call(Call::SetRole(Role::Audience));
    let voice = stage.call(Call::SetVoice("setAudioEffectPreset", VoiceChange::Effect(3)));
    stage.login(OWN);
    assert_eq!(stage.frames(r#"{"cmd":12"#), 1, "the login named another one");
    assert_eq!(stage.frames(r#"{"cmd":42"#), 1, "the login named another one");
    assert!(stage.client.result(role).is_none() && stage.client.result(voice).is_none());
}

#[test]
fn a_publish_of_both_of_which_one_is_withdrawn_opens_nothing() {
    let mut stage = Stage::joined();
    stage.close(1006);
    let both = stage.call(Call::Publish(MediaSet::MAIN));
    stage.call(Call::Unpublish(Media::Video.into()));
    stage.back();
    assert_eq!(stage.error(both), Error::Withdrawn("publish"));
    assert_eq!(stage.frames(OPEN), 0, "a microphone must not open for a call that failed");
}

#[test]
fn muting_oneself_by_name_outlives_an_outage() {
    let mut stage = Stage::joined();
    stage.call(Call::MuteOther(Uid(1), Media::Audio.into(), true));
    stage.acknowledge(2);
    stage.close(1006);
    stage.back();
    assert_eq!(stage.frames(r#"{"cmd":11"#), 1);
}

#[test]
fn a_subscription_goes_with_its_member() {
    let mut stage = Stage::joined();
    for (seq, role) in [(2, 0), (3, 1)] {
        stage.text(&format!(r#"{{"cmd":20,"body":{{"uid":7,"role":{role},"url":"rtmp://m"}}}}"#));
        let call = stage.call(subscribe());
        stage.acknowledge(seq);
        assert!(stage.client.result(call).unwrap().is_ok(), "though nothing is published yet");
        stage.text(r#"{"cmd":21,"body":{"uid":7}}"#);
    }
    stage.close(1006);
    stage.back();
    assert_eq!(stage.frames(r#"{"cmd":16"#), 0, "nobody is there");
}

#[test]
fn an_unmute_is_sent_even_if_the_mute_before_was_never_acknowledged() {
    let mut stage = Stage::joined();
    stage.call(Call::Mute(Media::Audio.into(), true));
    stage.close(1006);
    let unmute = stage.call(Call::Mute(Media::Audio.into(), false));
    for _ in 0..2 {
        stage.back();
        assert_eq!(stage.frames(r#""mediaType":"audio""#), 1, "the gateway may remember the mute");
        assert!(stage.client.result(unmute).is_none());
        stage.close(1006);
    }
}

#[test]
fn a_mute_taken_back_in_an_outage_is_taken_back_at_the_gateway() {
    let mut stage = Stage::joined();
    let mute = stage.call(Call::Mute(Media::Audio.into(), true));
    stage.close(1006);
    stage.run_until_socket();
    stage.run_for(Duration::from_secs(16));
    assert_eq!(stage.error(mute), Error::Timeout("mute"));
    stage.back();
    assert_eq!(stage.frames(r#""mediaType":"audio""#), 1, "the gateway may remember the mute");
}

#[test]
fn who_wakes_up_to_a_closed_socket_sends_nothing_on_it() {
    let mut stage = Stage::joined();
    stage.now = stage.now + Duration::from_secs(60);
    let sent = stage.client.sent.len();
    stage.close(1006);
    assert_eq!(stage.client.sent.len(), sent);
    assert_eq!(outages(&stage), 1);
}

#[test]
fn a_role_is_sent_again_if_a_login_before_may_have_arrived() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    let role = stage.call(Call::SetRole(Role::Audience));
    stage.close(1006);
    stage.back();
    assert_eq!(stage.frames(r#"{"cmd":12"#), 1, "the gateway takes the second login for a reconnect");
    assert!(stage.client.result(role).is_none());
}

#[test]
fn who_stays_audience_after_all_publishes_nothing() {
    let mut stage = Stage::joined();
    stage.call(Call::SetRole(Role::Audience));
    stage.acknowledge(2);
    stage.close(1006);
    let role = stage.call(Call::SetRole(Role::Broadcaster));
    stage.run_for(Duration::from_secs(10));
    let publish = stage.call(publish());
    while stage.client.result(role).is_none() {
        stage.run_for(Duration::from_millis(100));
    }
    assert_eq!(stage.error(role), Error::Timeout("setRole"));
    if stage.client.socket().is_none() {
        stage.run_until_socket();
    }
    stage.open();
    stage.login(OWN);
    assert_eq!(stage.frames(OPEN), 0);
    assert_eq!(stage.error(publish), Error::Withdrawn("publish"));
}

const OPEN: &str = r#""mediaType":"audio","status":"open""#;
const CLOSE: &str = r#""mediaType":"audio","status":"close""#;

fn publishing() -> Stage {
    let mut stage = Stage::joined();
    let call = stage.call(publish());
    stage.acknowledge(2);
    assert!(stage.client.result(call).unwrap().is_ok());
    stage
}

fn publish() -> Call {
    Call::Publish(Media::Audio.into())
}

fn subscribe() -> Call {
    Call::Subscribe(AppUid::Number(Uid(7)), Media::Audio)
}

fn outages(stage: &Stage) -> usize {
    stage.client.event_names().iter().filter(|name| **name == "willreconnect").count()
}
