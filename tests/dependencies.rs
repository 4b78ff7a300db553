//! Other people's code in what we ship: where it comes from, under which licences, and what is there twice.
//!
//! Instead of `cargo deny`, which each set-up would have to build from source: cargo itself knows what it would ask.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What is shipped: the SDK and the gateway.
const SHIPPED: [&str; 2] = ["nertc-miniapp", "nertc-gateway"];

/// Whoever ships a program of ours has to name authors, and nothing more.
const LICENCES: [&str; 7] =
    ["Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Unicode-3.0", "Zlib"];

/// What comes in several versions, by who needs an older one. Who is mended goes from here.
const TWICE: [(&str, &[&str]); 4] = [
    ("axum, tungstenite", &["base64", "block-buffer", "cpufeatures", "crypto-common", "digest", "sha1"]),
    ("rml_rtmp", &["hmac", "sha2", "thiserror", "thiserror-impl"]),
    ("rml_rtmp, tungstenite", &["getrandom", "rand", "rand_chacha", "rand_core"]),
    ("derives", &["syn"]),
];

#[test]
fn all_code_comes_from_the_registry() {
    let output = cargo(&["metadata", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&output).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let source = package["source"].as_str().unwrap_or("ours");
        let is_known = ["ours", "registry+https://github.com/rust-lang/crates.io-index"].contains(&source);
        assert!(is_known, "{} comes from {source}", package["name"]);
    }
}

#[test]
fn every_licence_lets_us_ship() {
    for shipped in SHIPPED {
        let tree = cargo(&["tree", "-p", shipped, "-e", "normal", "--prefix", "none", "-f", "{p}|{l}"]);
        assert!(tree.lines().count() > 5);
        for line in tree.lines() {
            let (package, licence) = line.split_once('|').unwrap();
            assert!(is_free(licence.trim_end_matches(" (*)")), "{package}: {licence}");
        }
    }
}

#[test]
fn licences_are_read_as_they_are_meant() {
    for free in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_free(free), "{free}");
    }
    for other in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "MITRE"] {
        assert!(!is_free(other), "{other}");
    }
}

#[test]
fn nothing_is_shipped_twice_without_a_reason() {
    let known: BTreeSet<&str> = TWICE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut found = BTreeSet::new();
    for shipped in SHIPPED {
        let tree = cargo(&["tree", "-p", shipped, "-e", "normal", "--prefix", "none", "-f", "{p}"]);
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, rest) in tree.lines().filter_map(|line| line.split_once(" v")) {
            versions.entry(name).or_default().insert(rest.split(' ').next().unwrap_or(rest));
        }
        found.extend(
            versions.into_iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| name.to_owned()),
        );
    }
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

/// Whether an expression of licences can be met with those that are allowed.
fn is_free(expression: &str) -> bool {
    let parts = expression.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    parts.into_iter().all(|part| {
        part.split(" OR ")
            .flat_map(|choice| choice.split('/'))
            .any(|choice| LICENCES.contains(&choice.split(" WITH ").next().unwrap_or(choice)))
    })
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .arg("--locked")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
