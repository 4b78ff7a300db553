//! A session against a gateway that misbehaves in ways ours never does: every answer here is
//! written by hand, at a virtual time.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_miniapp::{
    AppUid, Call, Cause, Cid, Code, Config, DomainList, Error, ErrorKind, Event, Input, JoinParams, Media,
    MediaSet, Reply, Uid, Url,
};
use world::stage::{BOOTSTRAP, OWN, Stage, gone};

#[test]
fn a_join_sends_the_bootstrap_and_the_login_of_the_original() {
    let mut stage = Stage::new();
    let mut params = JoinParams::new("room 1", Uid(100));
    params.servers.edge_addr = "192.0.2.1:80".into();
    stage.join(params);

    let (_, request) = &stage.client.requests[0];
    assert_eq!(request.url.as_str(), "https://nrtc.netease.im/nrtc/getChannelInfos.action");
    assert_eq!(request.headers, [("content-type", "application/x-www-form-urlencoded".to_owned())]);
    assert_eq!(
        request.body,
        "uid=100&appkey=ak&channelName=room%201&secureType=2&osType=4&mode=2&netType=0&version=4.6.11.0\
         &curtime=1700000000000&checksum=38750beb8c77248788c630bc9fbbfa64&nrtcg2=1&t1=1700000000000"
    );

    stage.bootstrap();
    stage.open();
    assert_eq!(
        stage.client.sent[0].1,
        r#"{"cmd":0,"body":{"uid":100,"cid":123456789012345,"token":"t","scene":1,"usertype":3,"liveEnable":0,"webrtc":1,"recordAudio":0,"recordVideo":0,"rtmpRecord":0,"recordType":"0","role":0,"isHostSpeaker":0,"edgeAddr":"192.0.2.1:80","newprotocol":2,"audioChangeMode":0,"audioLocalPitch":"1.25","audioChangeType":0,"audioBeautyType":0},"seq":1}"#
    );
}

#[test]
fn a_secure_join_carries_the_token_as_checksum() {
    let mut stage = Stage::new();
    let mut params = JoinParams::new("room", Uid(1));
    params.token = "tok=".into();
    stage.join(params);
    let body = &stage.client.requests[0].1.body;
    assert!(body.contains("secureType=1") && body.contains("checksum=tok%3D"), "{body}");
}

#[test]
fn a_join_without_a_uid_chooses_one_and_tells_it_as_text() {
    let mut stage = Stage::new();
    let mut params = JoinParams::new("room", Uid(0));
    params.uid = None;
    let join = stage.join(params);
    stage.bootstrap();
    stage.open();
    stage.login("[]");
    let Some(Ok(Reply::Joined { uid: AppUid::Text(uid), cid: Cid(123_456_789_012_345), code: 200 })) =
        stage.client.result(join)
    else {
        panic!("{:?}", stage.client.result(join))
    };
    assert!(!uid.is_big());
}

#[test]
fn a_refused_bootstrap_rejects_the_join_with_the_servers_code_and_leaves_the_client_usable() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.respond(r#"{"code":414,"desc":"token does not match"}"#);

    let error = stage.error(join);
    assert_eq!(error.code(), Code::Number(414));
    assert_eq!(error.desc(), "token does not match");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(stage.client.event_names(), ["error"]);
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn an_html_error_page_is_not_taken_for_an_answer() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.respond("<html>502 Bad Gateway</html>");
    let error = stage.error(join);
    assert_eq!((error.code(), error.kind()), (Code::Number(-2), ErrorKind::Server));
    assert!(error.reason().contains("nrtc.netease.im") && error.reason().contains("HTML"), "{error}");
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_request_domain_that_is_not_listed_ends_the_join_at_once_and_names_the_list() {
    let mut stage = Stage::new();
    let mut params = JoinParams::new("room", Uid(1));
    params.servers.channel_server = "https://call.example.com:8443/nrtc/getChannelInfos.action?key=S".into();
    let join = stage.join(params);
    stage.fail_request("request:fail url not in domain list");
    let error = stage.error(join);
    assert_eq!(error, Error::NotListed { host: "call.example.com:8443".into(), list: DomainList::Request });
    assert_eq!((error.code(), error.kind()), (Code::Number(-2), ErrorKind::Misuse));
    assert!(error.reason().contains("https://call.example.com:8443") && !error.reason().contains("key"));
    assert_eq!(stage.client.requests.len(), 1);
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_socket_domain_that_is_not_listed_ends_the_join_once_no_other_gateway_is_left() {
    let refusal = "connectSocket:fail url not in domain list";
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.close_with(1006, refusal);
    assert!(stage.client.result(join).is_none(), "another gateway may be listed");
    stage.run_until_socket();
    assert_eq!(stage.opened, "wss://gw2.example");
    stage.close_with(1006, refusal);
    let error = stage.error(join);
    assert_eq!(error, Error::NotListed { host: "gw2.example".into(), list: DomainList::Socket });
    assert_eq!((error.code(), error.kind()), (Code::Text("401"), ErrorKind::Misuse));
    assert!(error.reason().contains("wss://gw2.example"), "{error}");
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_gateway_that_is_not_listed_does_not_end_a_call_that_another_can_carry_on() {
    let mut stage = Stage::new();
    stage.enter();
    stage.close(1006);
    stage.run_until_socket();
    stage.close_with(1006, "url not in domain list");
    stage.run_until_socket();
    stage.open();
    stage.login(OWN);
    stage.acknowledge(2);
    assert_eq!(stage.client.event_names().last(), Some(&"reconnected"));
}

#[test]
fn what_a_server_says_is_not_taken_for_a_refusal_of_the_platform() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.close_with(4000, "url not in domain list");
    assert!(stage.client.result(join).is_none());
    stage.run_until_socket();
}

#[test]
fn who_names_no_channel_server_is_told_once_where_the_app_key_goes() {
    let notices = |stage: &Stage| {
        let lines = stage.client.notices.iter();
        lines.filter(|line| line.contains("nrtc.netease.im") && line.contains("channelServer")).count()
    };
    let mut stage = Stage::new();
    for _ in 0..2 {
        let _join = stage.join(JoinParams::new("room", Uid(1)));
        stage.call(Call::Leave);
    }
    assert_eq!((notices(&stage), stage.client.notices.len()), (1, 1));

    let mut stage = Stage::new();
    let mut params = JoinParams::new("room", Uid(1));
    params.servers.channel_server = "https://call.example.com/nrtc/getChannelInfos.action".into();
    let _join = stage.join(params);
    assert!(stage.client.notices.is_empty());
}

#[test]
fn an_answer_without_gateways_or_channel_is_refused() {
    for (body, code) in [
        (r#"{"code":200,"cid":1,"ips":{"wechatapparray":[]}}"#, Code::Text("400")),
        (r#"{"code":200,"cid":1}"#, Code::Text("400")),
        (r#"{"code":200,"ips":{"wechatapparray":["h"]}}"#, Code::Number(-2)),
        (r#"{"code":"200","cid":1,"ips":{"wechatapparray":["h"]}}"#, Code::Number(-2)),
    ] {
        let mut stage = Stage::new();
        let join = stage.join(JoinParams::new("room", Uid(1)));
        stage.respond(body);
        assert_eq!(stage.error(join).code(), code, "{body}");
        assert!(stage.client.is_idle());
    }
}

#[test]
fn an_unreachable_channel_server_is_asked_twice_and_then_reported() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    for _ in 0..2 {
        assert!(stage.client.result(join).is_none());
        stage.fail_request("request:fail");
    }
    assert_eq!(stage.client.requests.len(), 2);
    assert_eq!(stage.error(join).code(), Code::Number(-2));
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_silent_channel_server_costs_twenty_seconds_and_its_late_answer_changes_nothing() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.run_for(Duration::from_secs(20));
    assert_eq!(stage.client.requests.len(), 2);
    assert_eq!(stage.error(join).code(), Code::Number(408));
    stage.respond(BOOTSTRAP);
    assert!(stage.client.is_idle());
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_login_that_is_never_answered_ends_within_its_budget_with_every_socket_closed() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    for _ in 0..30 {
        if stage.client.socket().is_some() {
            stage.open();
        }
        stage.run_for(Duration::from_millis(500));
    }
    let error = stage.error(join);
    let Error::ConnectFailed { host, cause: Cause::LoginTimeout } = &error else { panic!("{error:?}") };
    assert!(
        ["gw1.example", "gw2.example"].contains(&host.as_str()) && error.reason().contains(host),
        "{error}"
    );
    assert_eq!(stage.error(join).code(), Code::Text("401"));
    assert_eq!(stage.client.event_names().last(), Some(&"disconnect"));
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_socket_that_dies_before_the_login_answer_is_replaced_three_times_at_most() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    let mut addresses = vec![stage.opened.clone()];
    for attempt in 1..=3 {
        assert!(stage.client.result(join).is_none());
        stage.open();
        stage.close(1006);
        if attempt < 3 {
            stage.run_until_socket();
            addresses.push(stage.opened.clone());
        }
    }
    assert_eq!(addresses[..2], ["wss://gw1.example", "wss://gw2.example"]);
    assert_eq!(stage.error(join).code(), Code::Text("401"));
    assert_eq!(stage.error(join).desc(), "socket closed (1006) gone");
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_refused_login_rejects_the_join_then_tells_error_and_disconnect() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.text(r#"{"cmd":1,"seq":1,"body":{"code":417,"errmsg":"room destroyed","userlist":[]}}"#);
    assert_eq!(stage.error(join).code(), Code::Number(417));
    assert_eq!(stage.client.event_names(), ["sessionStart", "open", "error", "disconnect"]);
    assert!(stage.client.socket().is_none());
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn a_room_that_refuses_before_the_login_answer_rejects_the_join() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.text(r#"{"cmd":25,"body":{"cid":1,"reason":1}}"#);
    assert_eq!(stage.error(join).code(), Code::Text("406"));
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn leaving_during_the_bootstrap_aborts_the_join() {
    let mut stage = Stage::new();
    let join = stage.join(JoinParams::new("room", Uid(1)));
    let leave = stage.call(Call::Leave);
    assert_eq!(stage.client.result(leave), Some(&Ok(Reply::Nothing)));
    assert_eq!(stage.error(join), Error::Left);
    stage.respond(BOOTSTRAP);
    assert!(stage.client.is_idle() && stage.client.events.is_empty());
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn leaving_waits_for_the_gateway_but_not_for_long_and_a_join_right_behind_it_works() {
    let mut stage = Stage::joined();
    let first = stage.call(Call::Leave);
    let second = stage.call(Call::Leave);
    assert!(stage.client.result(first).is_none());
    assert!(stage.client.sent.last().unwrap().1.ends_with(r#""seq":3}"#), "a logout burns a number");
    stage.run_for(Duration::from_millis(300));
    assert_eq!(stage.client.result(first), Some(&Ok(Reply::Nothing)));
    assert_eq!(stage.client.result(second), Some(&Ok(Reply::Nothing)));
    assert_eq!(stage.client.event_names(), ["sessionStart", "open", "disconnect"]);

    let mut stage = Stage::joined();
    let leave = stage.call(Call::Leave);
    stage.joins_as_if_nothing_had_been();
    assert_eq!(stage.client.result(leave), Some(&Ok(Reply::Nothing)));
}

#[test]
fn calls_outside_of_a_room_are_refused_except_leave() {
    let mut stage = Stage::new();
    let leave = stage.call(Call::Leave);
    assert_eq!(stage.client.result(leave), Some(&Ok(Reply::Nothing)));
    for call in [
        Call::Publish(MediaSet::MAIN),
        Call::Unpublish(MediaSet::MAIN),
        Call::Subscribe(AppUid::Number(Uid(7)), Media::Audio),
        Call::Unsubscribe(AppUid::Number(Uid(7)), Media::Audio),
    ] {
        let id = stage.call(call);
        assert_eq!(stage.error(id).code(), Code::Number(434));
        assert_eq!(stage.error(id).kind(), ErrorKind::Misuse);
    }
}

#[test]
fn a_second_join_is_refused_and_the_first_one_goes_on() {
    let mut stage = Stage::joined();
    let again = stage.join(JoinParams::new("other", Uid(2)));
    assert_eq!(stage.error(again), Error::AlreadyInRoom);
    assert!(stage.client.socket().is_some());
}

#[test]
fn publishing_resolves_with_the_very_answer_that_completes_it() {
    let mut stage = Stage::joined();
    let publish = stage.call(Call::Publish(MediaSet::MAIN));
    let frames: Vec<&str> = stage.client.sent[1..].iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        frames,
        [
            r#"{"cmd":10,"body":{"uid":1,"cid":123456789012345,"mediaType":"audio","status":"open"},"seq":2}"#,
            r#"{"cmd":10,"body":{"uid":1,"cid":123456789012345,"mediaType":"video","status":"open"},"seq":3}"#,
        ]
    );
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    assert!(stage.client.result(publish).is_none());
    stage.text(r#"{"cmd":14,"seq":3,"body":{"code":200}}"#);
    assert_eq!(stage.client.result(publish), Some(&Ok(Reply::PushUrl(Url("rtmp://push".into())))));
}

#[test]
fn publishing_twice_sends_once_and_both_calls_resolve() {
    let mut stage = Stage::joined();
    let first = stage.call(Call::Publish(Media::Audio.into()));
    let second = stage.call(Call::Publish(Media::Audio.into()));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    let third = stage.call(Call::Publish(Media::Audio.into()));
    for call in [first, second, third] {
        assert!(matches!(stage.client.result(call), Some(Ok(Reply::PushUrl(_)))));
    }
    assert_eq!(stage.client.sent.len(), 2);
}

#[test]
fn unpublishing_before_the_publish_is_answered_settles_both_in_order() {
    let mut stage = Stage::joined();
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    let unpublish = stage.call(Call::Unpublish(Media::Audio.into()));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    assert!(matches!(stage.client.result(publish), Some(Ok(Reply::PushUrl(_)))));
    stage.text(r#"{"cmd":14,"seq":3,"body":{"code":200}}"#);
    assert!(matches!(stage.client.result(unpublish), Some(Ok(Reply::PushUrl(_)))));
    assert!(stage.client.sent[2].1.contains(r#""status":"close""#));
}

#[test]
fn unpublishing_what_was_never_published_resolves_without_traffic() {
    let mut stage = Stage::joined();
    let unpublish = stage.call(Call::Unpublish(Media::Audio.into()));
    assert!(matches!(stage.client.result(unpublish), Some(Ok(_))));
    assert_eq!(stage.client.sent.len(), 1);
}

#[test]
fn a_refused_publish_rejects_with_the_gateways_words_and_is_not_repeated() {
    let mut stage = Stage::joined();
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":403,"errmsg":"audience"}}"#);
    assert_eq!(stage.error(publish).code(), Code::Number(403));
    assert_eq!(stage.error(publish).desc(), "audience");
    assert_eq!(stage.client.sent.len(), 2);
}

#[test]
fn a_command_without_an_answer_is_told_and_rejected_after_ten_seconds() {
    let mut stage = Stage::joined();
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.run_alive_for(Duration::from_secs(10));
    assert_eq!(stage.error(publish), Error::Timeout("publish"));
    assert_eq!(stage.client.events.last(), Some(&Event::SendCommandOverTime { cmd: "publish", seq: 2 }));
}

#[test]
fn publishing_without_a_push_url_is_rejected_after_fifteen_seconds() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.login("[]");
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    stage.run_alive_for(Duration::from_secs(15));
    assert_eq!(stage.error(publish).code(), Code::Text("420"));
}

#[test]
fn a_notice_whose_number_collides_settles_nothing() {
    let mut stage = Stage::joined();
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.text(r#"{"cmd":21,"seq":2,"body":{"uid":7}}"#);
    assert!(stage.client.result(publish).is_none());
    stage.text(r#"{"cmd":14,"seq":99,"body":{"code":200}}"#);
    assert!(stage.client.result(publish).is_none());
}

#[test]
fn garbage_is_counted_and_the_session_goes_on() {
    let mut stage = Stage::joined();
    let garbage =
        ["", "{", "null", r#"{"cmd":14,"seq":"x","body":7}"#, r#"{"cmd":26,"body":{}}"#, r#"{"cmd":77}"#];
    for text in garbage {
        stage.text(text);
    }
    stage.text(&"x".repeat(5 << 20));
    assert_eq!(stage.client.dropped(), 7);
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    assert!(matches!(stage.client.result(publish), Some(Ok(_))));
}

#[test]
fn a_member_whose_stream_is_told_before_its_join_still_comes_first() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"screenShare","status":"open","url":"rtmp://s"}}"#);
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":0,"url":"rtmp://m"}}"#);
    assert_eq!(stage.client.event_names()[2..], ["clientJoin", "stream-added"]);
    let subscribe = stage.call(Call::Subscribe(AppUid::Text(Uid(7)), Media::ScreenShare));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    let expected = Reply::Subscribed { uid: AppUid::Text(Uid(7)), url: Url("rtmp://s".into()) };
    assert_eq!(stage.client.result(subscribe), Some(&Ok(expected)));
}

#[test]
fn a_subscription_waits_for_a_url_that_is_not_known_yet() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":0}}"#);
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"audio","status":"open"}}"#);
    let subscribe = stage.call(Call::Subscribe(AppUid::Number(Uid(7)), Media::Audio));
    stage.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
    assert!(stage.client.result(subscribe).is_none());
    stage.text(r#"{"cmd":26,"body":{"uid":7,"mediaType":"video","status":"open","url":"rtmp://m"}}"#);
    assert!(matches!(stage.client.result(subscribe), Some(Ok(Reply::Subscribed { .. }))));
}

#[test]
fn a_subscription_to_somebody_who_leaves_is_rejected() {
    let mut stage = Stage::joined();
    stage.text(r#"{"cmd":20,"body":{"uid":7,"role":0,"url":"rtmp://m","audio_on":true}}"#);
    let subscribe = stage.call(Call::Subscribe(AppUid::Number(Uid(7)), Media::Audio));
    stage.text(r#"{"cmd":21,"body":{"uid":7}}"#);
    assert_eq!(stage.error(subscribe), Error::UnknownMember("7".into()));
    assert_eq!(
        stage.client.event_names()[2..],
        ["clientJoin", "stream-added", "stream-removed", "clientLeave"]
    );
    let stranger = stage.call(Call::Subscribe(AppUid::Number(Uid(8)), Media::Audio));
    assert_eq!(stage.error(stranger).code(), Code::Number(434));
}

#[test]
fn being_removed_logs_out_and_ends_everything_once() {
    for (frame, told, code) in [
        (r#"{"cmd":24,"body":{"cid":5,"reason":2}}"#, "kicked", "405"),
        (r#"{"cmd":25,"body":{"cid":5,"reason":1}}"#, "kicked", "406"),
        (r#"{"cmd":23,"body":{"cid":5,"reason":1}}"#, "liveRoomClose", "0"),
    ] {
        let mut stage = Stage::joined();
        let publish = stage.call(Call::Publish(Media::Audio.into()));
        stage.text(frame);
        assert!(stage.client.result(publish).unwrap().is_err());
        assert!(stage.client.sent.last().unwrap().1.starts_with(r#"{"cmd":4"#));
        assert_eq!(stage.client.event_names(), ["sessionStart", "open", told, "disconnect"]);
        let Some(Event::Disconnect { code: given, .. }) = stage.client.events.last() else { panic!() };
        assert_eq!(*given, code);
        stage.joins_as_if_nothing_had_been();
    }
}

#[test]
fn after_nine_failed_attempts_the_cause_of_the_outage_is_reported() {
    let mut stage = Stage::joined();
    let publish = stage.call(Call::Publish(Media::Audio.into()));
    stage.close(1001);
    for _ in 0..400 {
        if stage.client.is_idle() {
            break;
        }
        if stage.client.socket().is_some() {
            stage.close(1006);
        } else if stage.request_is_open() {
            stage.fail_request("no route");
        } else {
            stage.run_for(Duration::from_millis(250));
        }
    }
    assert!(stage.error(publish).is_retryable());
    let Some(Event::Disconnect { code: "403", reason }) = stage.client.events.last() else { panic!() };
    assert!(reason.contains("after 9 attempts") && reason.contains("1001"), "{reason}");
    let counts: Vec<u32> = stage.client.events.iter().filter_map(count_of).collect();
    assert_eq!(counts, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    stage.joins_as_if_nothing_had_been();
}

#[test]
fn network_up_ends_the_wait_for_the_next_attempt() {
    let mut stage = Stage::joined();
    stage.close(1006);
    stage.run_until_socket();
    stage.close(1006);
    assert!(stage.client.socket().is_none());
    stage.input(Input::App(nertc_miniapp::AppSignal::NetworkUp));
    assert!(stage.client.socket().is_some());
}

#[test]
fn a_ticket_refused_during_an_outage_is_renewed_once() {
    let mut stage = Stage::joined();
    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    let refusal = r#"{"cmd":1,"seq":1,"body":{"code":401,"errmsg":"expired","userlist":[]}}"#;
    stage.text(refusal);
    stage.bootstrap();
    stage.open();
    stage.login("[]");
    stage.acknowledge(2);
    assert_eq!(
        stage.client.event_names(),
        ["sessionStart", "open", "willreconnect", "open", "open", "reconnected"]
    );

    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    stage.text(refusal);
    stage.bootstrap();
    stage.open();
    stage.text(refusal);
    assert_eq!(stage.client.event_names().last(), Some(&"disconnect"));
    assert!(stage.client.is_idle());
}

#[test]
fn late_callbacks_of_an_old_socket_are_dropped() {
    let mut stage = Stage::joined();
    let old = stage.client.socket().unwrap();
    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    stage.login("[]");
    stage.acknowledge(2);
    stage.input(Input::SocketClosed(old, gone(1006)));
    stage.input(Input::SocketText(old, r#"{"cmd":24,"body":{}}"#.into()));
    stage.input(Input::SocketOpened(old));
    assert_eq!(stage.client.event_names(), ["sessionStart", "open", "willreconnect", "open", "reconnected"]);
}

#[test]
fn more_members_than_the_limit_are_ignored_and_that_is_said_once() {
    let mut stage = Stage::with(Config { max_members: 10, ..Config::new("ak") });
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    let list: Vec<String> = (2..13).map(|uid| format!(r#"{{"uid":{uid},"role":0}}"#)).collect();
    stage.login(&format!("[{}]", list.join(",")));
    let joins = stage.client.events.iter().filter(|event| matches!(event, Event::ClientJoin(_))).count();
    assert_eq!(joins, 10);
    for uid in 20..22 {
        stage.text(&format!(r#"{{"cmd":20,"body":{{"uid":{uid},"role":0}}}}"#));
    }
    let [warning] = &stage.client.warnings[..] else { panic!("{:?}", stage.client.warnings) };
    assert!(warning.contains("more than 10 members"), "{warning}");
    stage.text(r#"{"cmd":21,"body":{"uid":2}}"#);
    stage.text(r#"{"cmd":20,"body":{"uid":22,"role":0}}"#);
    assert!(matches!(stage.client.events.last(), Some(Event::ClientJoin(who)) if who.uid == Uid(22)));
}

fn count_of(event: &Event) -> Option<u32> {
    if let Event::WillReconnect { count } = event { Some(*count) } else { None }
}
