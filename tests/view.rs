//! What the page is told to render, and when its components are made anew.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_miniapp::{AppSignal, Call, Event, Media, MediaSet, NativeStatus, Uid};
use serde_json::{Value, json};
use world::page::Page;
use world::stage::OWN;

#[test]
fn a_stream_becomes_one_player_and_each_change_one_path() {
    let mut page = Page::new();
    page.stage.text(r#"{"cmd":20,"body":{"uid":7,"url":"rtmp://a?1","audio_on":1,"video_on":1}}"#);
    assert_eq!(page.render(), json!({}), "nothing is subscribed to");

    page.subscribe(7, Media::Audio);
    let player = json!({
        "key": "player-1", "uid": 7, "kind": "main", "src": "rtmp://a?1", "mode": "RTC", "autoplay": true,
        "muteAudio": false, "muteVideo": true, "minCache": 0.2, "maxCache": 0.8, "playing": false,
    });
    assert_eq!(page.render(), json!({"players[0]": player}));
    page.subscribe(7, Media::Video);
    assert_eq!(page.render(), json!({"players[0].muteVideo": false}));
    page.stage.text(r#"{"cmd":20,"body":{"uid":7,"url":"rtmp://a?2"}}"#);
    assert_eq!(page.render(), json!({"players[0].src": "rtmp://a?2"}));
    page.report("pull", 2004, Some(7));
    assert_eq!(page.render(), json!({"players[0].playing": true}));
    assert_eq!(page.render(), json!({}));
}

#[test]
fn who_leaves_makes_room_for_who_comes_and_moves_nobody() {
    let mut page = Page::new();
    for uid in [7, 8] {
        page.joined(uid);
        page.subscribe(uid, Media::Audio);
    }
    page.render();
    page.stage.text(r#"{"cmd":21,"body":{"uid":7}}"#);
    assert_eq!(page.render(), json!({"players[0]": {"key": "free-0", "src": ""}}));
    page.joined(9);
    page.subscribe(9, Media::Audio);
    let patch = page.render();
    assert_eq!(patch["players[0]"]["uid"], 9);
    assert_eq!(patch.as_object().unwrap().len(), 1);

    for uid in [8, 9] {
        page.stage.text(&format!(r#"{{"cmd":21,"body":{{"uid":{uid}}}}}"#));
    }
    assert_eq!(page.render(), json!({"players": []}));
}

#[test]
fn a_shared_screen_and_a_second_audio_have_players_of_their_own() {
    let mut page = Page::new();
    page.stage.text(
        r#"{"cmd":20,"body":{"uid":7,"url":"rtmp://a","audio_on":1,"screen_on":1,"screen_url":"rtmp://s","sa_on":1,"sa_url":"rtmp://sa"}}"#,
    );
    for media in [Media::Audio, Media::ScreenShare, Media::SlaveAudio] {
        page.subscribe(7, media);
    }
    let patch = page.render();
    let player = |place: usize| {
        let player = &patch[&format!("players[{place}]")];
        (player["kind"].as_str().unwrap(), player["src"].as_str().unwrap(), player["muteVideo"] == true)
    };
    let mut players = [player(0), player(1), player(2)];
    players.sort_unstable();
    let expected =
        [("main", "rtmp://a", true), ("screenShare", "rtmp://s", false), ("slaveAudio", "rtmp://sa", true)];
    assert_eq!(players, expected);
}

#[test]
fn the_pusher_is_there_while_something_is_published_and_new_when_a_medium_comes_back() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    let patch = page.render();
    assert_eq!(patch["pusher"]["url"], "rtmp://push");
    assert_eq!(
        (&patch["pusher"]["enableMic"], &patch["pusher"]["enableCamera"]),
        (&json!(true), &json!(true))
    );
    let key = patch["pusher"]["key"].clone();

    page.stage.run_alive_for(Duration::from_secs(5));
    page.unpublish(Media::Audio.into());
    assert_eq!(page.render(), json!({"pusher.enableMic": false}));
    page.publish(Media::Audio.into());
    let patch = page.render();
    assert_eq!(patch["pusher.enableMic"], true);
    assert_ne!(patch["pusher.key"], key);
    assert_eq!(patch.as_object().unwrap().len(), 2);

    page.unpublish(MediaSet::MAIN);
    assert_eq!(page.render(), json!({"pusher": null}));
}

#[test]
fn a_component_that_gave_up_is_made_anew_at_once_then_later_and_later() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.render();
    let mut waits = Vec::new();
    for _ in 0..6 {
        page.report("push", -1307, None);
        let begin = page.stage.now;
        while page.render().get("pusher.key").is_none() {
            page.stage.run_alive_for(Duration::from_secs(1));
        }
        waits.push(page.stage.now.since(begin).as_secs());
    }
    assert_eq!(waits, [0, 2, 4, 8, 16, 30]);

    page.report("push", 1002, None);
    page.render();
    page.stage.run_alive_for(Duration::from_secs(60));
    // As platforms do: first it tries by itself.
    page.report("push", 1102, None);
    page.report("push", -1307, None);
    assert!(page.render().get("pusher.key").is_some(), "it had worked for a minute");
}

#[test]
fn a_player_that_lost_its_connection_is_not_playing_and_is_watched_again() {
    let mut page = Page::new();
    page.joined(7);
    page.subscribe(7, Media::Video);
    page.render();
    page.report("pull", 2003, Some(7));
    assert_eq!(page.render(), json!({"players[0].playing": true}));
    page.report("pull", 2103, Some(7));
    assert_eq!(page.render(), json!({"players[0].playing": false}));
    page.report("pull", 2002, Some(7));
    page.stage.run_alive_for(Duration::from_secs(5));
    assert_eq!(page.render(), json!({"players[0].key": "player-2"}));
}

#[test]
fn a_nervous_finger_on_the_microphone_does_not_make_the_pusher_anew_each_time() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.render();
    let mut keys = 0;
    for _ in 0..20 {
        page.unpublish(Media::Audio.into());
        page.render();
        page.publish(Media::Audio.into());
        keys += usize::from(page.render().get("pusher.key").is_some());
        page.stage.run_for(Duration::from_millis(100));
        // What the page never sees off is not off.
        page.unpublish(Media::Audio.into());
        page.publish(Media::Audio.into());
        keys += usize::from(page.render().get("pusher.key").is_some());
    }
    assert!((1..=3).contains(&keys), "{keys} in two seconds");
    page.stage.run_for(Duration::from_secs(1));
    page.render();
    assert_eq!(page.render(), json!({}));
}

#[test]
fn a_player_that_connects_and_shows_nothing_is_made_anew_once_then_reported() {
    let mut page = Page::new();
    page.joined(7);
    page.subscribe(7, Media::Video);
    page.render();
    page.report("pull", 2001, Some(7));
    page.stage.run_alive_for(Duration::from_secs(5));
    assert_eq!(page.render(), json!({"players[0].key": "player-2"}));
    page.report("pull", 2002, Some(7));
    page.stage.run_alive_for(Duration::from_secs(5));
    let Some(Event::NativeStatus(status)) = page.stage.client.events.last() else { panic!() };
    assert_eq!(**status, NativeStatus::no_first_frame(Uid(7)));
    assert_eq!(page.render(), json!({}));
    page.stage.run_alive_for(Duration::from_secs(60));
    assert!(matches!(page.stage.client.events.last(), Some(Event::NativeStatus(_))), "told once");
}

#[test]
fn after_more_than_a_moment_in_the_background_every_component_is_new() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.joined(7);
    page.subscribe(7, Media::Video);
    page.render();
    for (seconds, changes) in [(4, 0), (6, 2)] {
        page.stage.signal(AppSignal::Hidden);
        page.stage.run_alive_for(Duration::from_secs(seconds));
        page.stage.signal(AppSignal::Shown);
        let patch = page.render();
        assert_eq!(patch.as_object().unwrap().len(), changes, "{patch}");
    }
}

#[test]
fn a_camera_or_microphone_that_cannot_be_used_is_told_once_and_the_page_does_not_claim_it() {
    for (codes, field, device) in [
        (&[10001, -1301, -1305][..], "pusher.cameraFailed", "camera"),
        (&[10002, -1302, -1306, -1311, -1318], "pusher.micFailed", "microphone"),
    ] {
        for code in codes {
            let mut page = Page::new();
            page.publish(MediaSet::MAIN);
            assert_eq!(page.render()["pusher"]["cameraFailed"], false);
            // By `bindstatechange`, by `binderror`, or by both.
            page.report("push", *code, None);
            page.fail("push", *code);
            page.fail("push", *code);
            assert_eq!(page.render(), json!({field: true}));
            let [told] = &page.statuses()[..] else { panic!("{:?}", page.statuses()) };
            assert_eq!((&told["code"], &told["device"]), (&json!(code), &json!(device)));
        }
        let mut page = Page::new();
        page.publish(MediaSet::MAIN);
        page.render();
        page.fail("push", codes[0]);
        assert_eq!(page.render(), json!({field: true}), "by binderror alone");
        assert_eq!(page.statuses().len(), 1);
    }
}

#[test]
fn a_screen_that_cannot_be_captured_is_told_and_says_nothing_of_camera_and_microphone() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.render();
    page.report("push", -1308, None);
    assert_eq!(page.render(), json!({}));
    assert_eq!(page.statuses()[0]["device"], "screen");
}

#[test]
fn a_refused_camera_is_tried_again_when_it_is_asked_for_opens_or_the_app_comes_back() {
    let mut page = Page::new();
    let refused = |page: &mut Page| {
        page.render();
        page.stage.run_alive_for(Duration::from_secs(2));
        page.report("push", 10001, None);
        assert_eq!(page.render(), json!({"pusher.cameraFailed": true}));
    };
    page.publish(MediaSet::MAIN);
    refused(&mut page);
    // It is published, says the gateway; and yet whoever asks for it gets a new component.
    page.publish(Media::Video.into());
    assert_eq!(page.render(), json!({"pusher.key": "pusher-2", "pusher.cameraFailed": false}));

    refused(&mut page);
    page.report("push", 1003, None);
    assert_eq!(page.render(), json!({"pusher.cameraFailed": false}), "it opened after all");

    refused(&mut page);
    page.stage.signal(AppSignal::Hidden);
    page.stage.run_for(Duration::from_millis(200));
    page.stage.signal(AppSignal::Shown);
    assert_eq!(page.render(), json!({"pusher.key": "pusher-3", "pusher.cameraFailed": false}));
    page.publish(Media::Video.into());
    assert_eq!(page.render(), json!({}), "nothing fails");
}

#[test]
fn what_an_error_event_says_beyond_the_tables_is_no_status() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.render();
    for code in [-1, 0, 1002, 10003, 77_777] {
        page.fail("push", code);
    }
    assert_eq!((page.render(), page.statuses()), (json!({}), Vec::new()));
}

#[test]
fn an_outage_changes_nothing_on_the_page_and_the_end_clears_it() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.joined(7);
    page.subscribe(7, Media::Audio);
    page.render();
    page.stage.close(1006);
    assert_eq!(page.render(), json!({}));
    page.stage.run_until_socket();
    page.stage.open();
    page.stage.login(&OWN.replace(']', r#",{"uid":7,"url":"rtmp://7","audio_on":1}]"#));
    assert_eq!(page.render(), json!({}));
    page.stage.call(Call::Leave);
    page.stage.run_for(Duration::from_secs(1));
    assert_eq!(page.render(), json!({"pusher": null, "players": []}));
    assert!(page.stage.client.is_idle());
}

#[test]
fn statistics_of_a_component_become_a_quality_of_its_member() {
    let mut page = Page::new();
    page.publish(Media::Video.into());
    page.joined(7);
    page.subscribe(7, Media::Video);
    page.render();
    let before = page.stage.client.events.len();
    for _ in 0..6 {
        for (direction, fps, uid) in [("push", 15, json!(null)), ("pull", 0, json!(7))] {
            let info =
                json!({"videoFPS": fps, "videoBitrate": fps * 40, "netSpeed": fps * 50, "videoCache": 0});
            let arguments = json!([direction, "bindnetstatus", info, uid]).to_string();
            page.stage.call(Call::parse("dataReporter", &arguments).unwrap());
        }
        page.stage.run_alive_for(Duration::from_secs(2));
    }
    let told: Vec<Value> = page.stage.client.events[before..]
        .iter()
        .filter(|event| matches!(event, Event::NetworkQuality(_)))
        .map(|event| serde_json::to_value(event).unwrap())
        .collect();
    let of = |direction: &str| told.iter().rfind(|told| told["direction"] == direction).unwrap();
    assert_eq!((&of("up")["uid"], &of("up")["level"]), (&json!(1), &json!(1)));
    assert_eq!(of("down")["uid"], 7);
    assert!(of("down")["level"].as_u64() >= Some(5), "{told:?}");
}

#[test]
fn the_quality_of_a_member_that_left_and_came_back_is_told_anew() {
    let mut page = Page::new();
    let mut told = Vec::new();
    for _ in 0..2 {
        page.joined(7);
        page.subscribe(7, Media::Audio);
        let before = page.stage.client.events.len();
        for _ in 0..6 {
            let info = json!({"audioBitrate": 48, "netSpeed": 50, "audioCache": 200});
            let arguments = json!(["pull", "bindnetstatus", info, 7]).to_string();
            page.stage.call(Call::parse("dataReporter", &arguments).unwrap());
            page.stage.run_alive_for(Duration::from_secs(2));
        }
        let events = page.stage.client.events[before..].iter();
        told.push(events.filter(|event| matches!(event, Event::NetworkQuality(_))).count());
        page.stage.text(r#"{"cmd":21,"body":{"uid":7}}"#);
    }
    assert_eq!(told, [1, 1]);
}

#[test]
fn a_push_that_was_refused_or_given_up_is_told_its_url_again_once_until_it_is_connected() {
    let mut page = Page::new();
    assert_eq!(page.told_of("push", -1307, None), [""; 0], "nothing is pushed");
    page.publish(Media::Audio.into());
    for told in [
        (1001, false),
        (3004, true),
        (3004, false),
        (-1307, false),
        (1001, false),
        (1102, false),
        (-1307, true),
        (1002, false),
        (-1304, true),
    ] {
        let own = if told.1 { vec!["rtmp://push"] } else { vec![] };
        assert_eq!(page.told_of("push", told.0, None), own, "{told:?}");
    }
    page.joined(7);
    page.subscribe(7, Media::Audio);
    assert_eq!(page.told_of("pull", -2301, Some(7)), [""; 0]);
    page.unpublish(Media::Audio.into());
    page.publish(Media::Audio.into());
    page.report("push", 1001, None);
    page.unpublish(Media::Audio.into());
    assert_eq!(page.told_of("push", 3004, None), [""; 0]);
}

#[test]
fn a_page_that_is_told_what_to_render_makes_nothing_anew_because_the_gateway_was_restarted() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.joined(7);
    page.subscribe(7, Media::Video);
    page.render();
    page.stage.close(1006);
    page.stage.run_until_socket();
    page.stage.open();
    page.stage.text(
        r#"{"cmd":1,"seq":1,"body":{"code":200,"resume":"r","settling":9000,"userlist":[{"uid":1,"url":"rtmp://push","role":0},{"uid":7,"url":"rtmp://7","role":0,"video_on":true}]}}"#,
    );
    assert_eq!(page.synchronised(0), ["rtmp://7", "rtmp://push"]);
    assert_eq!(page.render(), json!({}), "only a component that reports a failure is made anew");
}
