//! Rules about the source itself, checked as data.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nertc_miniapp::Event;

#[test]
fn the_code_map_names_every_file_and_only_files_that_exist() {
    let page = read("ARCHITECTURE.md");
    for (folder, heading) in [("src", "### SDK"), ("js-glue", "### Glue"), ("gateway/src", "### Gateway")] {
        let section = page.split(heading).nth(1).and_then(|rest| rest.split("\n### ").next());
        let rows = section.expect(heading).lines().filter_map(|line| line.strip_prefix("| `"));
        let named: BTreeSet<String> = rows
            .flat_map(|row| {
                row.split('|').next().unwrap_or_default().split('`').map(str::to_owned).collect::<Vec<_>>()
            })
            .filter(|name| name.ends_with('/') || name.contains('.'))
            .map(|name| name.trim_end_matches('/').to_owned())
            .collect();
        for name in &named {
            assert!(Path::new(folder).join(name).exists(), "{heading} names {name}, which does not exist");
        }
        for name in entries(folder) {
            // Set-up of the type checker, and tests, are not part of the map.
            if !["test", "tsconfig.json", "platform.d.ts", "bin"].contains(&name.as_str()) {
                assert!(named.contains(&name), "{heading} does not name {name}");
            }
        }
    }
}

#[test]
fn the_typings_name_the_events_of_the_core() {
    let typings = read("js-glue/index.d.ts");
    for name in Event::NAMES {
        let quoted = format!("'{name}'");
        let plain = format!("  {name}:");
        assert!(typings.contains(&quoted) || typings.contains(&plain), "index.d.ts lacks the event {name}");
    }
}

#[test]
fn the_glue_does_none_of_the_cores_work() {
    for (banned, except, why) in [
        ("setTimeout", "loader.js", "deadlines are the core's"),
        ("setInterval", "", "deadlines are the core's"),
        ("Date", "", "time is the core's"),
        ("JSON.parse", "", "it spoils big uids"),
        ("?.", "", "some devices reject it"),
        ("??", "", "some devices reject it"),
        ("async ", "", "some devices reject it"),
        ("await ", "", "some devices reject it"),
    ] {
        for name in entries("js-glue").into_iter().filter(|name| name.ends_with(".js") && name != except) {
            let source = read(&format!("js-glue/{name}"));
            let code: String = source.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n");
            assert!(!code.contains(banned), "js-glue/{name} contains {banned:?}: {why}");
        }
    }
}

#[test]
fn only_the_shell_knows_javascript_and_only_the_session_knows_its_siblings() {
    for name in entries("src") {
        let source = read(&format!("src/{name}"));
        let code: String = source.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n");
        if name != "wasm.rs" {
            for library in ["wasm_bindgen::", "js_sys::", "gloo_timers::"] {
                assert!(!code.contains(library), "src/{name} names {library}");
            }
        }
        for banned in ["std::time::Instant", "SystemTime", "HashMap", "HashSet", "thread::", "async fn"] {
            assert!(!code.contains(banned), "src/{name} contains {banned}");
        }
    }
    for (file, sibling) in [
        ("link.rs", "room"),
        ("link.rs", "calls"),
        ("room.rs", "link"),
        ("room.rs", "calls"),
        ("calls.rs", "link"),
    ] {
        assert!(
            !read(&format!("src/{file}")).contains(&format!("crate::{sibling}::")),
            "{file} knows {sibling}"
        );
    }
}

#[test]
fn both_readmes_have_the_same_shape() {
    let shape = |text: &str| -> Vec<String> {
        let mut inside = false;
        text.lines()
            .filter_map(|line| {
                if line.starts_with("```") {
                    inside = !inside;
                }
                let level = line.split(' ').next().unwrap_or_default();
                let is_heading = !inside && level.starts_with('#');
                (is_heading || line.starts_with("```") || line.starts_with("| `")).then(|| level.to_owned())
            })
            .collect()
    };
    assert_eq!(shape(&read("README.md")), shape(&read("README.zh-CN.md")));
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('*') || line.starts_with("/*")
}
