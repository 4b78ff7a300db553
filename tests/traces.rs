//! The scenarios of `tests/traces/`, played to a session without JavaScript in between. The form of
//! a trace is described in `tests/traces/README.md`; `npm run conformance` plays the same files
//! through the shipped package.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // a trace that cannot be read must fail loudly

mod replay;

use nertc_miniapp::log::replay::Verdict;
use replay::stage::Stage;
use replay::text::Step;
use serde_json::{Map, Value};

#[test]
fn every_trace_goes_as_written() {
    let mut files: Vec<_> =
        std::fs::read_dir("tests/traces").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut differing = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        if let Err(difference) = play(&text) {
            differing.push(format!("{}: {difference}", file.file_stem().unwrap().to_string_lossy()));
        }
    }
    assert!(differing.is_empty(), "{} of {} differ:\n{}", differing.len(), files.len(), differing.join("\n"));
    assert!(files.len() >= 120, "only {} traces", files.len());
}

/// Plays one trace; an error is the first difference.
fn play(text: &str) -> Result<(), String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let head: Map<String, Value> = serde_json::from_str(lines.next().unwrap().1).unwrap();
    let steps: Vec<(usize, Step<'_>)> = lines.map(|(number, line)| (number + 1, Step::read(line))).collect();
    if head.contains_key("layer") {
        return Ok(());
    }
    let named = |event: &str| steps.iter().any(|(_, step)| step.text("event") == event);
    let ignored = NOISE.into_iter().filter(|event| !named(event)).collect();
    let mut stage = Stage::new(&head, ignored);
    for (number, step) in &steps {
        stage.step(step).map_err(|difference| format!("line {number}: {difference}"))?;
    }
    stage.finish().map_err(|difference| format!("at the end: {difference}"))?;
    match nertc_miniapp::log::replay::replay(&stage.log())?.verdict {
        Verdict::Same(_) => Ok(()),
        // A frame that is larger than a log.
        Verdict::Headless(_) if text.contains("filler") => Ok(()),
        verdict @ (Verdict::Different | Verdict::Headless(_)) => {
            Err(format!("{verdict:?} when replayed:\n{}", stage.log()))
        }
    }
}

/// Events that come whenever something else does; they count in traces that name them.
const NOISE: [&str; 2] = ["open", "sessionStart"];
