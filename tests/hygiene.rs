//! Rules about the source itself, checked as data.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nertc_miniapp::Event;
use serde_json::Value;

/// A code of the protocol's table that the core never gives: no room of ours is encrypted.
const NEVER: &str = "\"418\"";
/// Events beyond the protocol's: what the page's components tell never meets the server.
const OURS: [&str; 3] = ["native-status", "network-quality", "view"];

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
        let inside = match folder {
            // Every file; what a folder is for, its `mod.rs` says.
            "src" => sources().into_iter().filter(|name| !name.ends_with("mod.rs")).collect(),
            _other => entries(folder),
        };
        for name in inside {
            // Set-up of the type checker, and tests, are not part of the map.
            if !["test", "tsconfig.json", "platform.d.ts"].contains(&name.as_str()) {
                assert!(named.contains(&name), "{heading} does not name {name}");
            }
        }
    }
}

#[test]
fn core_typings_and_protocol_name_the_same_events() {
    let mut table = names(&protocol()["events"], "name");
    table.extend(OURS.map(str::to_owned));
    let core: BTreeSet<String> = Event::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(core, table, "Event::NAMES");
    assert_eq!(property_names(block(&typings(), "interface Events {")), table, "index.d.ts");
    let glue = read("js-glue/names.js");
    let listed = glue.split("const NAMES = [").nth(1).and_then(|rest| rest.split("];").next()).unwrap();
    let listed: BTreeSet<String> = listed.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(listed, table, "names.js");
    for page in ["docs/events.md", "docs/events.zh-CN.md"] {
        let text = read(page);
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
        for name in &table {
            let cell = format!("`{name}`");
            let told =
                rows.iter().filter(|row| row.split('|').nth(1).is_some_and(|names| names.contains(&cell)));
            assert_eq!(told.count(), 1, "{page} must have a row for {name}");
        }
    }
}

#[test]
fn core_typings_and_protocol_have_the_same_error_codes() {
    let mut table: BTreeSet<String> =
        protocol()["errors"].as_array().unwrap().iter().map(|error| error["code"].to_string()).collect();
    // Ours: the original waits for ever where this says that there was no answer in time.
    table.insert("408".into());
    let union = typings()
        .split("type ErrorCode =")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .unwrap()
        .to_owned();
    let typed: BTreeSet<String> = union
        .split('|')
        .map(|code| code.trim().replace('\'', "\""))
        .filter(|code| !code.is_empty())
        .collect();
    assert_eq!(typed, table, "ErrorCode in index.d.ts");

    // Every literal, wherever it is made; a server's own number is no literal.
    let source: String = sources().iter().map(|name| code_of(&format!("src/{name}"))).collect();
    let numbers = source.split("Code::Number(").skip(1).map(literal);
    let texts = source.split("Code::Text(").skip(1).map(literal);
    let core: BTreeSet<String> = numbers.chain(texts).flatten().collect();
    assert!(core.len() >= 10, "no codes found: {core:?}");
    assert_eq!(core.difference(&table).next(), None, "the core has codes beyond the protocol's table");
    for code in &table {
        let named = if code.starts_with('"') { source.contains(code) } else { core.contains(code) };
        assert!(named || code == NEVER, "the core lacks the code {code}");
    }
}

#[test]
fn core_and_typings_blame_the_same() {
    let source = read("src/api/error.rs");
    let mut kinds: BTreeSet<String> = block(&source, "pub enum ErrorKind {")
        .lines()
        .map(|line| line.trim().trim_end_matches(',').to_owned())
        .filter(|line| !line.is_empty() && !is_comment(line))
        .collect();
    // The glue's: the wasm could not be loaded.
    kinds.insert("Platform".into());
    assert!(read("js-glue/loader.js").contains("kind: 'Platform'"));
    let union = typings()
        .split("type ErrorKind =")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .unwrap()
        .to_owned();
    let typed: BTreeSet<String> =
        union.split('|').map(|kind| kind.trim().trim_matches('\'').to_owned()).collect();
    assert_eq!(typed, kinds);
}

#[test]
fn glue_typings_and_protocol_have_the_same_constants() {
    let protocol = protocol();
    for (file, separator) in [("js-glue/constants.js", ','), ("js-glue/index.d.ts", ';')] {
        let source = read(file).replace("readonly ", "");
        let enums = block(&source, if separator == ',' { "const ENUMS = {" } else { "interface Enums {" });
        let mut count = 0;
        for (name, members) in protocol["enums"].as_object().unwrap() {
            let body = enums.split(&format!("{name}: {{")).nth(1).and_then(|rest| rest.split('}').next());
            let body = body.unwrap_or_else(|| panic!("{file} lacks {name}"));
            let found: BTreeSet<String> = body
                .split(separator)
                .map(|member| member.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|member| !member.is_empty())
                .collect();
            let expected = members.as_object().unwrap().iter();
            let expected: BTreeSet<String> = expected
                .map(|(member, value)| format!("{member}: {}", value.to_string().replace('"', "'")))
                .collect();
            assert_eq!(found, expected, "{name} in {file}");
            count += 1;
        }
        assert_eq!(enums.matches(": {").count(), count, "{file} has enumerations beyond the protocol's");
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
            let code = code_of(&format!("js-glue/{name}"));
            assert!(!code.contains(banned), "js-glue/{name} contains {banned:?}: {why}");
        }
    }
}

/// What else is banned, and why, says `clippy.toml`; these crates exist for phones only, where nothing looks.
#[test]
fn only_the_shell_knows_javascript() {
    for name in sources().into_iter().filter(|name| !name.starts_with("wasm")) {
        let code = code_of(&format!("src/{name}"));
        for library in ["wasm_bindgen::", "js_sys::", "gloo_timers::"] {
            assert!(!code.contains(library), "src/{name} names {library}");
        }
    }
}

#[test]
fn imports_go_down_only_and_never_in_a_circle() {
    let files: Vec<(String, String)> =
        sources().into_iter().map(|path| (path.clone(), production(&read(&format!("src/{path}"))))).collect();
    assert_eq!(house::complaints(&files), Vec::<String>::new());
}

/// The checker itself: each of these is wrong in one way.
#[test]
fn an_import_that_goes_up_sideways_or_round_is_found() {
    let good = [
        ("lib.rs", "pub mod wire; use crate::session::Session;"),
        ("session/mod.rs", "use crate::link::Link;"),
        ("session/heard.rs", "use super::Session; use crate::room::wants::Wants;"),
        ("link/mod.rs", "use crate::wire::model::Uid;"),
        ("room/wants.rs", "use crate::wire::model::{Role, Uid};"),
        ("room/members.rs", ""),
        ("wire/model.rs", ""),
        ("wire/entry.rs", "use super::model::Uid;"),
        ("wire/entry/flags.rs", "use crate::wire::entry::UserEntry;"),
        ("time.rs", ""),
    ];
    for (path, line, says) in [
        ("wire/model.rs", "use crate::link::Link;", "wire may not know link"),
        ("room/members.rs", "fn f() { crate::link::dial() }", "room may not know link"),
        ("link/mod.rs", "use crate::{room::wants::Wants, time};", "link may not know room"),
        ("wire/entry.rs", "use super::super::session::Session;", "wire may not know session"),
        ("wire/model.rs", "use super::entry::UserEntry;", "a circle"),
        ("wire/entry.rs", "mod flags; use self::flags::Flags;", "a circle"),
        ("attic/old.rs", "", "attic is no room of the house"),
    ] {
        let mut files: Vec<(String, String)> =
            good.iter().map(|(path, code)| (path.to_string(), code.to_string())).collect();
        assert_eq!(house::complaints(&files), Vec::<String>::new());
        match files.iter_mut().find(|(known, _)| known == path) {
            Some((_, code)) => code.push_str(line),
            None => files.push((path.into(), line.into())),
        }
        let found = house::complaints(&files);
        assert!(found.iter().any(|complaint| complaint.contains(says)), "{path}: {line}: {found:?}");
    }
}

/// The house as data: which room may know which.
mod house {
    use std::collections::{BTreeMap, BTreeSet};

    /// From the top down; who stands in one row are strangers to each other. A room is a folder of `src/`, or a
    /// file there.
    const FLOORS: [&[&str]; 7] = [
        &["lib", "bin", "wasm"],
        &["log"],
        &["session"],
        &["link", "room", "page"],
        &["api"],
        &["wire"],
        &["time", "table"],
    ];
    /// Children that hold a part of their parent's machine, and so know it.
    const PARTS: [&str; 2] = ["link/signals.rs", "session/heard.rs"];

    /// What is wrong with these files: paths below `src/`, and their code.
    pub(super) fn complaints(files: &[(String, String)]) -> Vec<String> {
        let paths: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let mut complaints = Vec::new();
        let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (path, code) in files {
            let room = room_of(path);
            let Some(floor) = floor_of(room) else {
                complaints.push(format!("src/{path}: {room} is no room of the house"));
                continue;
            };
            for name in targets(path, code) {
                let Some(target) = resolve(&name, &paths) else {
                    if floor > 0 {
                        complaints.push(format!("src/{path}: {} is no file", name.join("::")));
                    }
                    continue;
                };
                let other = room_of(&target);
                if room != other && floor_of(other).is_none_or(|below| below <= floor) && floor > 0 {
                    complaints.push(format!("src/{path}: {room} may not know {other}"));
                }
                if target != *path && !PARTS.contains(&path.as_str()) {
                    known.entry(path).or_default().insert(target);
                }
            }
        }
        // What knows nobody that is left stands below everything; what cannot be taken off so is a circle.
        loop {
            let open: BTreeSet<&str> = known.keys().copied().collect();
            known.retain(|_, targets| targets.iter().any(|target| open.contains(target.as_str())));
            if known.len() == open.len() {
                break;
            }
        }
        if !known.is_empty() {
            complaints.push(format!("a circle, or above one: {:?}", known.keys().collect::<Vec<_>>()));
        }
        complaints
    }

    /// The modules that code names, as paths from the crate's root.
    fn targets(path: &str, code: &str) -> Vec<Vec<String>> {
        let own: Vec<String> = module_of(path);
        // Whoever has a child knows it.
        let children =
            code.split(';').filter_map(|line| line.trim().rsplit_once("mod ").map(|(_, name)| name));
        let is_name = |name: &&str| name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        let child = |name: &str| [own.clone(), vec![name.to_owned()]].concat();
        let mut found: Vec<Vec<String>> = children.filter(is_name).map(child).collect();
        for (at, word) in code.match_indices("crate::").chain(code.match_indices("super::")) {
            if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
            {
                continue;
            }
            let mut rest = &code[at..];
            let mut base = if word == "crate::" { Vec::new() } else { own.clone() };
            if let Some(after) = rest.strip_prefix("crate::") {
                rest = after;
            }
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            found.extend(expand(rest).into_iter().map(|tail| [base.clone(), tail].concat()));
        }
        found
    }

    /// `a::{b::C, d}` as `a::b::C` and `a::d`.
    fn expand(text: &str) -> Vec<Vec<String>> {
        let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'));
        let (head, tail) = text.split_at(end.unwrap_or(text.len()));
        let head: Vec<String> = head.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let Some(inner) = tail.strip_prefix('{') else { return vec![head] };
        let mut depth = 0;
        let mut parts = vec![String::new()];
        for letter in inner.chars() {
            match letter {
                '}' if depth == 0 => break,
                ',' if depth == 0 => parts.push(String::new()),
                _other => {
                    depth += i32::from(letter == '{') - i32::from(letter == '}');
                    if let Some(part) = parts.last_mut() {
                        part.push(letter);
                    }
                }
            }
        }
        parts.iter().flat_map(|part| expand(part.trim())).map(|part| [head.clone(), part].concat()).collect()
    }

    /// The file of the longest beginning of a path that is a module.
    fn resolve(name: &[String], paths: &BTreeSet<&str>) -> Option<String> {
        (1..=name.len()).rev().find_map(|length| {
            let module = name[..length].join("/");
            [format!("{module}.rs"), format!("{module}/mod.rs")]
                .into_iter()
                .find(|path| paths.contains(path.as_str()))
        })
    }

    fn module_of(path: &str) -> Vec<String> {
        let module = path.trim_end_matches(".rs");
        let module = module.strip_suffix("/mod").unwrap_or(module);
        module.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
    }

    fn room_of(path: &str) -> &str {
        path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
    }

    fn floor_of(room: &str) -> Option<usize> {
        FLOORS.iter().position(|rooms| rooms.contains(&room))
    }
}

#[test]
fn pages_in_two_languages_have_the_same_shape() {
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
    for page in ["README", "docs/events", "docs/gateway"] {
        let (english, chinese) = (read(&format!("{page}.md")), read(&format!("{page}.zh-CN.md")));
        assert_eq!(shape(&english), shape(&chinese), "{page}");
    }
}

fn protocol() -> Value {
    serde_json::from_str(&read("tests/fixtures/protocol.json")).unwrap()
}

fn typings() -> String {
    read("js-glue/index.d.ts")
}

fn names(list: &Value, key: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

/// The text from after `opening` to the brace that closes it.
fn block<'a>(source: &'a str, opening: &str) -> &'a str {
    let body = source.split(opening).nth(1).unwrap_or_else(|| panic!("there is no {opening:?}"));
    let mut depth = 1;
    let end = body.find(|letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        depth == 0
    });
    &body[..end.unwrap()]
}

/// The names before the colons, not those of nested objects, nor of comments.
fn property_names(body: &str) -> BTreeSet<String> {
    let own = body
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     ") && !is_comment(line));
    own.filter_map(|line| line.split(": ").next())
        .map(|name| name.trim().trim_matches('\'').to_owned())
        .collect()
}

/// The number or quoted text that an argument list starts with, if it does.
fn literal(arguments: &str) -> Option<String> {
    let literal = arguments.split(')').next()?.trim();
    let is_literal = literal.starts_with('"') || literal.parse::<i32>().is_ok();
    is_literal.then(|| literal.to_owned())
}

/// Code without its tests.
fn production(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")
}

/// A source file without its comments.
fn code_of(path: &str) -> String {
    read(path).lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The SDK's source files, those in folders too, as paths below `src/`.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for name in entries(&format!("src/{folder}")) {
            let path = format!("{folder}{name}");
            match Path::new("src").join(&path).is_dir() {
                true => folders.push(path + "/"),
                false => found.push(path),
            }
        }
    }
    found.retain(|path| path.ends_with(".rs"));
    assert!(found.len() >= 40, "only {} files were found", found.len());
    found
}

fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('*') || line.starts_with("/*")
}
