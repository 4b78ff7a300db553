//! How reports of components reach a statistics server.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_miniapp::{Call, Config, HttpFailure, HttpResponse, Input};
use serde_json::{Value, json};
use world::stage::Stage;

#[test]
fn a_single_report_goes_out_in_the_form_of_the_original_after_five_seconds() {
    let mut stage = reporting();
    report(&mut stage, "push", "bindstatechange", json!({"code": 1002}), Value::Null);
    stage.run_for(Duration::from_millis(4999));
    assert_eq!(batches(&stage).len(), 0);
    stage.run_for(Duration::from_millis(1));
    let [body] = &batches(&stage)[..] else { panic!() };
    let function = &body["event"]["function"];
    assert_eq!((&function["oper"], &function["name"]), (&json!("push"), &json!("bindstatechange")));
    assert_eq!(function["value"], r#"{"code":1002}"#);
    assert_eq!(body["common"]["app_key"], "ak");
}

#[test]
fn of_each_component_only_the_latest_statistics_go_out() {
    let mut stage = reporting();
    for second in 0..4 {
        report(&mut stage, "push", "bindnetstatus", json!({"videoFPS": second}), Value::Null);
        report(&mut stage, "pull", "bindnetstatus", json!({"videoFPS": second}), json!(7));
        report(&mut stage, "pull", "bindnetstatus", json!({"videoFPS": second}), json!("8"));
        report(&mut stage, "pull", "bindstatechange", json!({"code": 2105}), json!(7));
        stage.run_for(Duration::from_secs(1));
    }
    stage.run_for(Duration::from_secs(1));
    let [body] = &batches(&stage)[..] else { panic!() };
    let events = body["events"].as_array().unwrap();
    let statistics: Vec<_> = events
        .iter()
        .map(|event| &event["function"])
        .filter(|function| function["name"] == "bindnetstatus")
        .map(|function| function["value"].as_str().unwrap())
        .collect();
    let expected =
        [r#"{"videoFPS":3}"#, r#"{"pull_uid":7,"videoFPS":3}"#, r#"{"pull_uid":"8","videoFPS":3}"#];
    assert_eq!(statistics, expected);
    assert_eq!(events.len(), 3 + 4, "what happened is not coalesced");
}

#[test]
fn a_batch_that_fails_is_sent_again_later_and_later_and_nothing_grows() {
    let mut stage = reporting();
    let mut waits = Vec::new();
    for _ in 0..6 {
        let (sent, begin) = (batches(&stage).len(), stage.now);
        for _ in 0..300 {
            report(&mut stage, "push", "bindstatechange", json!({"code": 1}), Value::Null);
        }
        while batches(&stage).len() == sent {
            stage.run_for(Duration::from_secs(1));
        }
        waits.push(stage.now.since(begin).as_secs());
        assert_eq!(batches(&stage).last().unwrap()["events"].as_array().unwrap().len(), 200);
        let id = stage.client.requests.last().unwrap().0;
        let failure = HttpFailure { message: "no".into() };
        let refused = HttpResponse { status: 503, body: String::new() };
        stage.input(Input::Response(id, if waits.len() % 2 == 0 { Err(failure) } else { Ok(refused) }));
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
}

#[test]
fn one_batch_is_under_way_at_a_time_and_leaving_sends_the_rest() {
    let mut stage = reporting();
    report(&mut stage, "push", "a", json!({}), Value::Null);
    stage.run_for(Duration::from_secs(5));
    report(&mut stage, "push", "b", json!({}), Value::Null);
    stage.run_for(Duration::from_secs(20));
    assert_eq!(batches(&stage).len(), 1);
    stage.call(Call::Leave);
    stage.run_for(Duration::from_secs(1));
    assert_eq!(batches(&stage)[1]["event"]["function"]["name"], "b");
    assert!(stage.client.is_idle());
}

#[test]
fn a_monstrous_report_is_cut() {
    let mut stage = reporting();
    report(&mut stage, "push", "binderror", json!({"errMsg": "嗯".repeat(100_000)}), Value::Null);
    stage.run_for(Duration::from_secs(5));
    let body = &batches(&stage)[0];
    assert!((4000..=4096).contains(&body["event"]["function"]["value"].as_str().unwrap().len()));
}

#[test]
fn logins_and_reports_say_in_which_host_unless_it_is_wechats() {
    for (model, told) in [(json!("qq"), json!("qq")), (Value::Null, Value::Null)] {
        let options = json!({"appkey": "ak", "statisticsServer": "https://stat.example/", "model": model});
        let mut stage = entered(&options);
        let login: Value = serde_json::from_str(&stage.client.sent[0].1).unwrap();
        assert_eq!((&login["cmd"], &login["body"]["model"]), (&json!(0), &told));
        report(&mut stage, "push", "bindstatechange", json!({"code": 1002}), Value::Null);
        stage.run_for(Duration::from_secs(5));
        assert_eq!(batches(&stage)[0]["common"]["model"], told);
    }
}

/// In a room, with a statistics server. Requests other than reports have been answered.
fn reporting() -> Stage {
    entered(&json!({"appkey": "ak", "statisticsServer": "https://stat.example/"}))
}

fn entered(options: &Value) -> Stage {
    let config = Config {
        heartbeat_interval: Duration::from_secs(3600),
        ..Config::parse(&options.to_string()).unwrap()
    };
    let mut stage = Stage::with(config);
    stage.enter();
    stage
}

fn report(stage: &mut Stage, direction: &str, name: &str, data: Value, uid: Value) {
    let arguments = json!([direction, name, data, uid]).to_string();
    stage.call(Call::parse("dataReporter", &arguments).unwrap());
}

/// The bodies of all reports so far.
fn batches(stage: &Stage) -> Vec<Value> {
    let reports = stage.client.requests.iter().filter(|(_, request)| request.url.as_str().contains("stat."));
    reports.map(|(_, request)| serde_json::from_str(&request.body).unwrap()).collect()
}
