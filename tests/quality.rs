//! Quality: sequences of reports as components send them, with what is told of them
//! (`tests/quality/*.jsonl`), and what holds for any report.
//!
//! The first line of a file is its story, the leg and what should flow; each further line is a report
//! with its time and, if something is told after it, what; or a change of what should flow.
//! `UPDATE=1 cargo test --test quality` writes what is told: read the difference.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // a trace that cannot be read must fail loudly

use std::fs;

use nertc_miniapp::wire::json::Document;
use nertc_miniapp::{Flows, Instant, Leg, Qualities, Quality, Reason, Stream, Uid};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn every_story_is_told_as_written() {
    let mut files: Vec<_> = fs::read_dir("tests/quality").unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let told = play(&text);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(file, told).unwrap();
        } else {
            for (number, (told, written)) in told.lines().zip(text.lines()).enumerate() {
                assert_eq!(told, written, "{}:{}", file.display(), number + 1);
            }
        }
    }
    assert!(files.len() >= 8, "only {} stories", files.len());
}

#[test]
fn a_native_level_alone_is_the_level_that_is_told() {
    for level in 1..=6 {
        let mut qualities = Qualities::default();
        let info = json!({"netQualityLevel": level});
        assert_eq!(report(&mut qualities, Leg::Up, &info, BOTH, millis(0)), None, "one report is no news");
        let told = report(&mut qualities, Leg::Up, &info, BOTH, millis(2000)).unwrap();
        let reason = if level == 1 { Reason::None } else { Reason::Native };
        assert_eq!((told.level, told.reason), (level, reason));
    }
    for unknown in [json!(0), json!(7), json!(-1), json!(null), json!("x"), json!([])] {
        assert_eq!(score_of(Leg::Up, &json!({"netQualityLevel": unknown}), BOTH), None);
    }
}

#[test]
fn a_score_at_a_limit_does_not_flutter() {
    let mut qualities = Qualities::default();
    let mut told = Vec::new();
    for turn in 0..100 {
        // A score of 86 and one of 83: excellent ends at 85.
        let info = json!({"netJitter": if turn / 3 % 2 == 0 { 180 } else { 210 }});
        told.extend(report(&mut qualities, Leg::Up, &info, BOTH, millis(turn * 2000)));
    }
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn the_info_is_found_in_whatever_apps_pass_on() {
    let info = json!({"videoFPS": 3, "netSpeed": "400"});
    let bare = score_of(Leg::Up, &info, BOTH);
    assert!(bare.is_some_and(|(score, reason)| score < 60 && reason == Reason::Fps));
    let detail = json!({"info": info});
    assert_eq!(score_of(Leg::Up, &detail, BOTH), bare);
    assert_eq!(score_of(Leg::Up, &json!({"type": "netstatus", "detail": detail}), BOTH), bare);
}

#[test]
fn a_report_of_nothing_leaves_the_quality_as_it_is() {
    let mut qualities = Qualities::default();
    let _told = report(&mut qualities, Leg::Up, &json!({"netQualityLevel": 1}), BOTH, millis(0));
    let before = qualities.quality(Leg::Up);
    for (turn, nothing) in [json!(null), json!({}), json!([]), json!({"info": 7})].iter().enumerate() {
        let now = millis(2000 * (turn as u64 + 1));
        assert_eq!(report(&mut qualities, Leg::Up, nothing, BOTH, now), None);
        assert_eq!(qualities.quality(Leg::Up), before);
    }
}

#[test]
fn one_leg_more_takes_the_place_of_the_most_silent() {
    let mut qualities = Qualities::default();
    let leg = |uid: usize| Leg::Down(Uid(uid as u64), Stream::Main);
    let info = json!({"netSpeed": 500});
    for turn in 0..=Qualities::MOST {
        let now = millis(turn as u64 * 10_000);
        let _told = report(&mut qualities, leg(turn), &info, BOTH, now);
        let _told = report(&mut qualities, leg(0), &info, BOTH, now + std::time::Duration::from_secs(5));
    }
    let known = |uid| qualities.quality(leg(uid)).is_some();
    assert!(known(0) && !known(1) && (2..=Qualities::MOST).all(known));
    qualities.retain(|kept| kept == leg(0));
    assert!(qualities.quality(leg(0)).is_some() && qualities.quality(leg(2)).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_gets_worse_raises_the_score(
        values in prop::array::uniform8(prop::option::of(0u32..7000)),
        small in prop::array::uniform8(any::<bool>()),
        field in 0usize..8,
        step in 1u32..2000,
        up: bool, audio: bool, video: bool,
    ) {
        // Half of them where the limits are.
        let limit = |index: usize| match FIELDS[index] { ("netQualityLevel", _) => 7, _ => 260 };
        let mut values = values;
        for (index, value) in values.iter_mut().enumerate() {
            let shrunk = small[index] || index == 7;
            *value = value.map(|value| if shrunk { value % limit(index) } else { value });
        }
        let Some(value) = values[field] else { return Ok(()) };
        let (name, more_is_worse) = FIELDS[field];
        let worse = if more_is_worse { value + step } else { value.saturating_sub(step) };
        // Zero is no level, and there are six.
        prop_assume!(name != "netQualityLevel" || (value > 0 && worse <= 6));

        let leg = if up { Leg::Up } else { Leg::Down(Uid(7), Stream::Main) };
        let score = |values: &[Option<u32>; 8]| {
            let fields = FIELDS.iter().zip(values).filter_map(|((name, _), value)| Some(((*name).to_owned(), json!((*value)?))));
            score_of(leg, &Value::Object(fields.collect()), Flows { audio, video })
        };
        let before = score(&values);
        values[field] = Some(worse);
        let after = score(&values);
        prop_assert_eq!(before.is_some(), after.is_some());
        prop_assert!(after.map(|(score, _)| score) <= before.map(|(score, _)| score), "{:?} {:?}", before, after);
    }

    #[test]
    fn whatever_comes_is_told_two_seconds_apart_and_only_when_the_level_changes(
        reports in prop::collection::vec((0u64..2500, arbitrary_info(), 0u8..3, any::<bool>()), 0..60),
    ) {
        let mut qualities = Qualities::default();
        let mut last = [None::<(Instant, Quality)>; 3];
        let mut now = millis(0);
        for (pause, info, which, video) in reports {
            now = now + std::time::Duration::from_millis(pause);
            let leg = [Leg::Up, Leg::Down(Uid(1), Stream::Main), Leg::Down(Uid(1), Stream::ScreenShare)][usize::from(which)];
            let Some(told) = report(&mut qualities, leg, &info, Flows { audio: true, video }, now) else { continue };
            prop_assert!((1..=6).contains(&told.level) && told.score <= 100);
            prop_assert_eq!(qualities.quality(leg), Some(told));
            if let Some((at, before)) = last[usize::from(which)].replace((now, told)) {
                prop_assert!(now.since(at).as_secs() >= 2);
                prop_assert_ne!(told.level, before.level);
            }
        }
    }
}

/// The fields of a report, and whether more is worse.
const FIELDS: [(&str, bool); 8] = [
    ("videoFPS", false),
    ("videoBitrate", false),
    ("audioBitrate", false),
    ("netSpeed", false),
    ("netJitter", true),
    ("videoCache", true),
    ("audioCache", true),
    ("netQualityLevel", true),
];
const BOTH: Flows = Flows { audio: true, video: true };

fn arbitrary_info() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        (0i64..400).prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        "[-0-9.e ]{0,12}".prop_map(|text| json!(text)),
        Just(json!(null)),
        Just(json!([{}])),
    ];
    prop::collection::vec((prop::sample::select(FIELDS.to_vec()), value), 0..8).prop_map(|fields| {
        Value::Object(fields.into_iter().map(|((name, _), value)| (name.to_owned(), value)).collect())
    })
}

/// The trace as it would be written.
fn play(text: &str) -> String {
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let head = lines.next().unwrap();
    let leg = match head["leg"].as_str().unwrap() {
        "up" => Leg::Up,
        "down" => Leg::Down(Uid(200), Stream::Main),
        other => panic!("no leg {other}"),
    };
    let mut flows = flows_of(&head);
    let mut qualities = Qualities::default();
    let mut written = format!("{head}\n");
    for mut line in lines {
        let now = millis(line["at"].as_u64().unwrap());
        if line["flows"].is_array() {
            flows = flows_of(&line);
        } else {
            line.as_object_mut().unwrap().remove("told");
            if let Some(told) = report(&mut qualities, leg, &line["info"], flows, now) {
                line["told"] =
                    json!({"level": told.level, "score": told.score, "reason": told.reason.name()});
            }
        }
        written += &format!("{line}\n");
    }
    written
}

fn report(
    qualities: &mut Qualities,
    leg: Leg,
    report: &Value,
    flows: Flows,
    now: Instant,
) -> Option<Quality> {
    let report = report.to_string();
    qualities.report(leg, Document::read(&report).unwrap().root(), flows, now)
}

fn score_of(leg: Leg, report: &Value, flows: Flows) -> Option<(u8, Reason)> {
    let report = report.to_string();
    Qualities::score(leg, Document::read(&report).unwrap().root(), flows)
}

fn flows_of(line: &Value) -> Flows {
    let has = |media: &str| line["flows"].as_array().unwrap().iter().any(|flow| flow == media);
    Flows { audio: has("audio"), video: has("video") }
}

fn millis(millis: u64) -> Instant {
    Instant::from_millis(millis)
}
