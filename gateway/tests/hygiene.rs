//! Who may know whom in the gateway, checked on its source: imports go down only, siblings are strangers, and no
//! two files need each other. Tests may look wherever they like, and are not read.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // in helpers; inside a test both are allowed anyway

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From above to below, a floor in each line. Those of the same floor are siblings, and nobody may know what is
/// above.
const HOUSE: &[&[&str]] = &[
    &["main"],
    &["lib"],
    &["config", "door"],
    &["rooms", "media"],
    &["rights", "net"],
    &["clock", "log", "vital"],
];

/// What the gateway may take from the SDK's crate: what both sides speak, and time.
const SHARED: &[&str] = &["wire", "time"];

/// Children of this module may hold a part of its `impl`, and know it therefore. Nobody else knows a parent that
/// knows its child.
const SHARES_ITS_IMPL: (&str, &str) = ("rooms/hub", "impl Hub {");

/// Fewer files than that were not all of them.
const FEWEST_FILES: usize = 75;

#[test]
fn imports_go_down_only_and_in_no_circle() {
    let files = files();
    assert!(files.len() >= FEWEST_FILES, "only {} files were found", files.len());
    assert_eq!(complaints(&files), [""; 0]);
}

#[test]
fn whatever_is_forbidden_is_reported() {
    for (path, source, complaint) in [
        ("rooms/room.rs", "use crate::media::Packet;", "rooms/room.rs knows a sibling: media/mod.rs"),
        ("media/mod.rs", "use crate::rooms::hub::{self, Hub};", "media/mod.rs knows a sibling: rooms/hub.rs"),
        (
            "rights/mod.rs",
            "use crate::{\n    clock::Clock,\n    door::ws,\n};",
            "rights/mod.rs looks up: door/ws.rs",
        ),
        ("rights/mod.rs", "fn f() { crate::rooms::room::f() }", "rights/mod.rs looks up: rooms/room.rs"),
        (
            "rooms/hub.rs",
            "use super::super::door::ws::HubHandle as Way;",
            "rooms/hub.rs looks up: door/ws.rs",
        ),
        ("config.rs", "pub use crate::door as way;", "config.rs knows a sibling: door/mod.rs"),
        ("log.rs", "use crate::vital::Vital;", "log.rs knows a sibling: vital.rs"),
        ("rooms/mod.rs", "use crate::Gateway;", "rooms/mod.rs looks up: lib.rs"),
        ("door/mod.rs", "use nertc_miniapp::Config;", "door/mod.rs takes Config from the SDK"),
        (
            "door/mod.rs",
            "use nertc_miniapp::{wire::model::Uid, Event};\nuse nertc_miniapp::time::Instant;",
            "door/mod.rs takes Event from the SDK",
        ),
        (
            "door/mod.rs",
            "fn f(s: nertc_miniapp::session::Session) {}",
            "door/mod.rs takes session from the SDK",
        ),
        ("attic.rs", "", "attic.rs has no place in the house"),
    ] {
        let found = complaints(&house_with(&[(path, source)]));
        assert_eq!(found, [complaint], "{path}: {source}");
    }
}

#[test]
fn files_that_need_each_other_are_reported() {
    let (from, to) = (("door/ws.rs", "use super::shell::A;"), ("door/shell.rs", "use crate::door::ws::B;"));
    assert_eq!(
        complaints(&house_with(&[from, to])),
        ["a circle: door/shell.rs > door/ws.rs > door/shell.rs"]
    );
    // By the names of children, and in three steps.
    assert_eq!(
        complaints(&house_with(&[
            ("door/http.rs", "mod tasks;\nfn f() { tasks::router() }"),
            ("door/http/tasks.rs", "use super::super::ws;"),
            ("door/ws.rs", "use crate::door::http::Context;"),
        ])),
        ["a circle: door/http.rs > door/http/tasks.rs > door/ws.rs > door/http.rs"]
    );
}

#[test]
fn only_a_part_of_its_impl_may_know_its_parent() {
    let parent = ("rooms/hub.rs", "mod stay;\nuse self::stay::Rights;");
    let with = |child: &str| complaints(&house_with(&[parent, ("rooms/hub/stay.rs", child)]));
    assert_eq!(with("use super::Hub;"), ["a circle: rooms/hub.rs > rooms/hub/stay.rs > rooms/hub.rs"]);
    assert_eq!(with("use super::Hub;\nimpl Hub {}"), [""; 0]);
    let sibling = ("rooms/hub/bans.rs", "use super::stay;\nimpl Hub {}");
    assert_eq!(
        complaints(&house_with(&[
            parent,
            sibling,
            ("rooms/hub/stay.rs", "use super::{Hub, bans};\nimpl Hub {}"),
        ])),
        ["a circle: rooms/hub/stay.rs > rooms/hub/bans.rs > rooms/hub/stay.rs"]
    );
}

#[test]
fn what_is_allowed_is_not_reported() {
    for (path, source) in [
        (
            "door/ws.rs",
            "use crate::rooms::Hub;\nuse crate::media::{APP, Packet};\nuse crate::rights::Secret;",
        ),
        (
            "rooms/hub.rs",
            "use super::room::Room;\nuse nertc_miniapp::{wire::model::{Cid, Uid}, time::Instant};",
        ),
        ("rooms/hub.rs", "/// Like [`crate::door::ws`].\n// use crate::door;\n/* use crate::door; */"),
        ("rooms/hub.rs", "const WHERE: &str = \"crate::door::ws\";"),
        ("rooms/hub.rs", "#[cfg(test)]\nmod tests {\n    use crate::door::ws;\n}\n"),
        ("rooms/hub.rs", "#[cfg(test)]\n#[allow(x)]\nmod tests;\n"),
        ("rooms/hub/tests.rs", "use crate::door::ws;"),
        ("rooms/hub/tests/stays.rs", "use crate::door::ws;"),
    ] {
        let found = complaints(&house_with(&[(path, source)]));
        assert_eq!(found, [""; 0], "{path}: {source}");
    }
}

/// A house of files that do not know each other, but for these.
fn house_with(some: &[(&str, &str)]) -> BTreeMap<String, String> {
    let names = "main lib config door/mod door/http door/http/tasks door/ws door/shell rooms/mod rooms/hub rooms/room \
                 rooms/hub/stay rooms/hub/bans media/mod rights/mod clock log vital";
    let empty = names.split_whitespace().map(|name| (format!("{name}.rs"), String::new()));
    let some = some.iter().map(|(path, source)| ((*path).to_owned(), (*source).to_owned()));
    empty.chain(some).collect()
}

/// What is wrong, of files by their paths below the source's folder.
fn complaints(files: &BTreeMap<String, String>) -> Vec<String> {
    let is_test = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    let codes: BTreeMap<&str, String> = files
        .iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, source)| (path.as_str(), code_of(source)))
        .collect();
    let modules: BTreeMap<Vec<&str>, &str> = codes.keys().map(|path| (module_of(path), *path)).collect();
    let mut complaints = BTreeSet::new();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (&path, code) in &codes {
        let Some((floor, room)) = place_of(path) else {
            complaints.insert(format!("{path} has no place in the house"));
            continue;
        };
        for target in paths_in(code, &module_of(path)) {
            let target: Vec<&str> = target.iter().map(String::as_str).collect();
            let inside = match target.split_first() {
                Some((&"nertc_miniapp", shared)) => {
                    let taken = shared.first().copied().unwrap_or_default();
                    if !SHARED.contains(&taken) {
                        complaints.insert(format!("{path} takes {taken} from the SDK"));
                    }
                    continue;
                }
                Some((&"crate" | &"nertc_gateway", inside)) => inside,
                Some(_) | None => continue,
            };
            let Some(known) = (0..=inside.len()).rev().find_map(|end| modules.get(&inside[..end])) else {
                continue;
            };
            match place_of(known) {
                _ if known == &path => continue,
                Some((below, other)) if below == floor && other != room => {
                    complaints.insert(format!("{path} knows a sibling: {known}"));
                }
                Some((below, _)) if below < floor => {
                    complaints.insert(format!("{path} looks up: {known}"));
                }
                Some(_) | None => drop(uses.entry(path).or_default().insert(known)),
            }
        }
    }
    let (parent, part) = SHARES_ITS_IMPL;
    for (path, known) in &mut uses {
        if path.starts_with(&format!("{parent}/")) && codes[path].contains(part) {
            known.remove(format!("{parent}.rs").as_str());
        }
    }
    let circle = circle_in(&uses).map(|circle| format!("a circle: {}", circle.join(" > ")));
    complaints.into_iter().chain(circle).collect()
}

/// Floor and room.
fn place_of(path: &str) -> Option<(usize, &str)> {
    let room = path.split('/').next()?.trim_end_matches(".rs");
    HOUSE.iter().position(|rooms| rooms.contains(&room)).map(|floor| (floor, room))
}

/// The module that a file is.
fn module_of(path: &str) -> Vec<&str> {
    match path.trim_end_matches(".rs").trim_end_matches("/mod") {
        "lib" => Vec::new(),
        module => module.split('/').collect(),
    }
}

/// The first circle, beginning and ending with the same file.
fn circle_in<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Vec<&'a str>> {
    fn walk<'a>(
        at: &'a str,
        uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(start) = way.iter().position(|passed| *passed == at) {
            return Some(way[start..].iter().copied().chain([at]).collect());
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let found = uses.get(at).into_iter().flatten().find_map(|next| walk(next, uses, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|start| walk(start, uses, &mut Vec::new(), &mut done))
}

/// A source without comments, texts and its own tests, which stand last.
fn code_of(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if letter == 'r' && rest[1..].trim_start_matches('#').starts_with('"') {
            let hashes = rest[1..].find('"').unwrap_or_default();
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if letter == '"' {
            let mut is_escaped = false;
            let end = rest[1..].find(|letter| {
                let ends = letter == '"' && !is_escaped;
                is_escaped = letter == '\\' && !is_escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("'\"'") || rest.starts_with("'/'") {
            3
        } else {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skipped..];
    }
    let tests = code.match_indices("#[cfg(test)]").find(|(at, attribute)| {
        let mut after = code[at + attribute.len()..].trim_start();
        while after.starts_with("#[") {
            after = after[after.find(']').map_or(after.len(), |end| end + 1)..].trim_start();
        }
        let name = after.strip_prefix("mod ").map(|after| after.trim_start_matches(is_name));
        name.is_some_and(|after| after.trim_start().starts_with('{'))
    });
    let end = tests.map_or(code.len(), |(at, _)| at);
    code.truncate(end);
    code
}

/// Every path in the code, from the root of its crate: what is imported, and what is named where it is used.
fn paths_in(code: &str, module: &[&str]) -> Vec<Vec<String>> {
    let words = words(code);
    let children: BTreeSet<&str> =
        words.windows(3).filter(|three| three[0] == "mod" && three[2] == ";").map(|three| three[1]).collect();
    let here: Vec<&str> = std::iter::once("crate").chain(module.iter().copied()).collect();
    let child = |name| here.iter().copied().chain([name]).collect::<Vec<&str>>();
    let mut found = Vec::new();
    for at in 0..words.len() {
        if at > 0 && words[at - 1] == "::" || words.get(at + 1) != Some(&"::") {
            continue;
        }
        let base = match words[at] {
            "crate" => vec!["crate"],
            "nertc_gateway" | "nertc_miniapp" => vec![words[at]],
            "self" => here.clone(),
            "super" => here[..here.len() - 1].to_vec(),
            name if children.contains(name) => child(name),
            _ => continue,
        };
        collect(&words, &mut (at + 1), base, &mut found);
    }
    // A child that is imported by its bare name.
    let bare = words.windows(3).filter(|three| three[0] == "use" && children.contains(three[1]));
    found.extend(bare.map(|three| child(three[1])));
    found.into_iter().map(|path| path.into_iter().map(str::to_owned).collect()).collect()
}

/// Reads on from a `::`, through the branches of an import.
fn collect<'a>(words: &[&'a str], at: &mut usize, mut path: Vec<&'a str>, found: &mut Vec<Vec<&'a str>>) {
    while words.get(*at) == Some(&"::") {
        *at += 1;
        match words.get(*at) {
            Some(&"{") => {
                *at += 1;
                while let Some(&word) = words.get(*at).filter(|word| **word != "}") {
                    *at += 1;
                    let mut branch = path.clone();
                    match word {
                        "," => continue,
                        "self" | "*" => {}
                        name => branch.push(name),
                    }
                    collect(words, at, branch, found);
                    if words.get(*at) == Some(&"as") {
                        *at += 2;
                    }
                }
                *at += 1;
                return;
            }
            Some(&"super") => drop(path.pop()),
            Some(&word) if word.starts_with(|first: char| first.is_alphabetic() || first == '_') => {
                path.push(word);
            }
            Some(_) | None => break,
        }
        *at += 1;
    }
    found.push(path);
}

/// Names, double colons, and every other letter by itself.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            ':' if rest.starts_with("::") => 2,
            letter if is_name(letter) => rest.find(|letter| !is_name(letter)).unwrap_or(rest.len()),
            letter => letter.len_utf8(),
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// All files of the gateway, however deep.
fn files() -> BTreeMap<String, String> {
    fn walk(folder: &Path, below: &str, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                walk(&path, &format!("{name}/"), files);
            } else if name.ends_with(".rs") {
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    files
}
