//! Time in which the application was suspended counts for nothing, whatever is waited for.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_miniapp::{
    AppSignal, Call, Config, Event, HttpResponse, Input, JoinParams, Media, MediaSet, RequestId, Uid,
};
use serde_json::{Value, json};
use world::page::Page;
use world::stage::Stage;

#[test]
fn no_picture_is_missed_while_nobody_could_see_it() {
    // At any moment between two heartbeats, and also too short to be noticed at all.
    for (wait, freeze) in (0..30).flat_map(|step| [4500, 2500, 60_000].map(|freeze| (100 * step, freeze))) {
        let mut page = Page::new();
        page.joined(7);
        page.subscribe(7, Media::Video);
        page.render();
        page.stage.run_for(millis(wait));
        page.report("pull", 2001, Some(7));
        for _ in 0..2 {
            page.stage.run_for(millis(900));
            page.stage.text(r#"{"cmd":3,"body":{"code":200}}"#);
            page.freeze(millis(freeze));
            assert_eq!(page.render().get("players[0].key"), None, "{wait} ms, frozen for {freeze}");
        }
        assert_eq!(page.statuses(), Vec::<Value>::new());
        page.stage.run_alive_for(Duration::from_secs(4));
        assert!(
            page.render().get("players[0].key").is_some(),
            "{wait} ms, frozen for {freeze}: missed in the end"
        );
    }
}

#[test]
fn a_component_neither_works_for_long_nor_waits_while_suspended() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.render();
    for _ in 0..4 {
        page.report("push", -1307, None);
        while page.render().get("pusher.key").is_none() {
            page.stage.run_alive_for(Duration::from_secs(1));
        }
    }
    page.report("push", 1002, None);
    page.freeze(Duration::from_secs(600));
    page.report("push", -1307, None);
    page.stage.run_alive_for(Duration::from_secs(6));
    page.freeze(Duration::from_secs(600));
    page.stage.run_alive_for(Duration::from_secs(6));
    assert_eq!(page.render().get("pusher.key"), None, "the fifth failure: sixteen seconds");
    page.stage.run_alive_for(Duration::from_secs(4));
    assert!(page.render().get("pusher.key").is_some());
}

#[test]
fn two_reports_with_a_suspension_in_between_are_still_one() {
    let mut page = Page::new();
    page.joined(7);
    page.subscribe(7, Media::Video);
    page.render();
    // Just before a heartbeat, by which the length of a suspension is known.
    page.stage.run_for(millis(2400));
    page.measure(15, 40, 7);
    page.freeze(Duration::from_secs(60));
    let levels = |page: &Page| {
        page.stage.client.events.iter().filter(|event| matches!(event, Event::NetworkQuality(_))).count()
    };
    // Two in a row change the level; the second half of a double report is none.
    page.measure(15, 40, 7);
    assert_eq!(levels(&page), 0);
    page.stage.run_alive_for(Duration::from_secs(1));
    page.measure(15, 40, 7);
    assert_eq!(levels(&page), 1);
}

#[test]
fn what_looks_at_a_clock_is_told_the_time_of_the_day() {
    let options = json!({"appkey": "ak", "statisticsServer": "https://stat.example/"});
    let mut stage = Stage::with(Config::parse(&options.to_string()).unwrap());
    stage.enter();
    stage.now = stage.now + Duration::from_secs(3600);
    stage.input(Input::Timeout);
    stage.call(Call::parse("dataReporter", r#"["push","bindstatechange"]"#).unwrap());
    stage.run_alive_for(Duration::from_secs(5));
    let body: Value = serde_json::from_str(&stage.client.requests.last().unwrap().1.body).unwrap();
    let time = body["event"]["function"]["time"].as_u64().unwrap();
    assert_eq!(stage.now.as_millis() - time, 5000);

    stage.call(Call::Leave);
    stage.run_for(Duration::from_secs(1));
    stage.join(JoinParams::new("again", Uid(1)));
    let form = &stage.client.requests.last().unwrap().1.body;
    assert!(form.contains(&format!("curtime={}&", stage.now.as_millis())), "{form}");
}

#[test]
fn reports_wait_for_five_seconds_in_which_they_could_be_sent() {
    let options = json!({"appkey": "ak", "statisticsServer": "https://stat.example/"});
    let mut stage = Stage::with(Config::parse(&options.to_string()).unwrap());
    stage.enter();
    let before = stage.client.requests.len();
    stage.call(Call::parse("dataReporter", r#"["push","bindstatechange"]"#).unwrap());
    stage.now = stage.now + Duration::from_secs(60);
    stage.input(Input::Timeout);
    stage.run_alive_for(Duration::from_secs(1));
    assert_eq!(stage.client.requests.len(), before);
    stage.run_alive_for(Duration::from_secs(4));
    assert_eq!(stage.client.requests.len(), before + 1);
}

#[test]
fn time_in_the_background_is_that_of_this_stay_and_counts_though_suspended() {
    let mut page = Page::new();
    page.publish(MediaSet::MAIN);
    page.render();
    // Told twice, as some platforms do, and suspended soon after.
    page.stage.signal(AppSignal::Hidden);
    page.stage.run_alive_for(Duration::from_secs(4));
    page.stage.signal(AppSignal::Hidden);
    page.stage.now = page.stage.now + Duration::from_secs(4);
    page.stage.signal(AppSignal::Shown);
    assert!(page.render().get("pusher.key").is_some());

    page.stage.signal(AppSignal::Hidden);
    page.stage.call(Call::Leave);
    page.stage.run_for(Duration::from_secs(60));
    page.render();
    page.stage.enter();
    page.publish(MediaSet::MAIN);
    page.render();
    page.stage.run_alive_for(Duration::from_secs(2));
    // Who joined was in front.
    page.stage.signal(AppSignal::Shown);
    assert_eq!(page.render(), json!({}));
}

#[test]
fn an_answer_goes_to_who_asked_and_to_nobody_else() {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    let asked = stage.client.requests.last().unwrap().0;
    let answer = |id| Input::Response(id, Ok(HttpResponse { status: 200, body: BOOTSTRAP.into() }));
    for stranger in (1..4).map(|mark| RequestId(asked.0 | mark << 30)).chain([RequestId(asked.0 + 1)]) {
        stage.input(answer(stranger));
        assert!(stage.client.socket().is_none(), "{stranger:?}");
    }
    stage.input(answer(asked));
    assert!(stage.client.socket().is_some());
}

const BOOTSTRAP: &str = world::stage::BOOTSTRAP;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
