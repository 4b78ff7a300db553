//! The codes of live-pusher and live-player: `data/native-codes.json` is their only source.
//! `docs/native-codes.md` is written from it: run `UPDATE=1 cargo test --test native_codes` after a
//! change.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // in helpers; inside a test it is allowed anyway

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use nertc_miniapp::{Component, Device, Severity};
use serde_json::Value;

const PAGE: &str = "docs/native-codes.md";
const COMPONENTS: [Component; 2] = [Component::Pusher, Component::Player];

#[test]
fn the_core_and_the_file_say_the_same_of_every_code() {
    let data = read("data/native-codes.json");
    for component in COMPONENTS {
        let rows = data[component.name()].as_array().unwrap();
        let mut listed = BTreeSet::new();
        for row in rows {
            let code = code_of(row);
            let meaning = component.meaning(code).unwrap_or_else(|| panic!("the core lacks {row}"));
            assert_eq!(row["severity"], meaning.severity.name(), "{row}");
            assert_eq!(row["advice"], meaning.advice.name(), "{row}");
            assert_eq!(row["device"].as_str(), meaning.device.map(Device::name), "{row}");
            // What is said of one's own camera or microphone must reach the user.
            assert!(meaning.device.is_none() || meaning.severity >= Severity::Error, "{row}");
            assert!(listed.insert(code), "{row} is there twice");
        }
        for code in (-20_000..=20_000).chain([i32::MIN, -100_018, i32::MAX]) {
            assert_eq!(component.meaning(code).is_some(), listed.contains(&code), "{component:?} {code}");
        }
    }
}

#[test]
fn every_documented_code_is_there_and_every_other_says_where_it_is_from() {
    let (data, documented) = (read("data/native-codes.json"), read("tests/fixtures/native-codes.json"));
    for component in COMPONENTS.map(Component::name) {
        let rows = data[component].as_array().unwrap();
        let documented: BTreeSet<i32> =
            documented[component].as_array().unwrap().iter().map(number).collect();
        let listed: BTreeSet<i32> = rows.iter().filter(|row| row["from"] != "seen").map(code_of).collect();
        assert_eq!(listed, documented, "{component}");
        for seen in rows.iter().filter(|row| row["from"] == "seen") {
            assert!(!documented.contains(&code_of(seen)), "{seen} is documented");
        }
    }
}

#[test]
fn every_code_has_a_name_and_words_in_both_languages() {
    for component in COMPONENTS.map(Component::name) {
        for row in read("data/native-codes.json")[component].as_array().unwrap() {
            let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
            let is_kebab = |name: &str| name.chars().all(|letter| matches!(letter, 'a'..='z' | '-'));
            assert!(!text("name").is_empty() && is_kebab(&text("name")), "{row}");
            assert!(!text("en").is_empty() && text("en").is_ascii(), "{row}");
            assert!(text("zh").chars().any(|letter| letter > '\u{4e00}'), "{row}");
            assert!(!text("en").contains('|') && !text("zh").contains('|'), "{row}");
        }
    }
}

#[test]
fn the_page_of_native_codes_is_that_of_the_file() {
    let data = read("data/native-codes.json");
    let mut page = HEAD.to_owned();
    for component in COMPONENTS.map(Component::name) {
        write!(page, "\n## live-{component}\n\n{COLUMNS}").unwrap();
        for row in data[component].as_array().unwrap() {
            let [name, severity, advice, en, zh] =
                ["name", "severity", "advice", "en", "zh"].map(|field| row[field].as_str().unwrap());
            let mark = match row["from"].as_str() {
                None => "",
                Some("typings") => " ¹",
                Some("old-table") => " ²",
                Some("seen") => " ³",
                Some(unknown) => panic!("{unknown}"),
            };
            let (code, device) = (code_of(row), row["device"].as_str().unwrap_or_default());
            writeln!(page, "| `{code}`{mark} | `{name}` | {severity} | {advice} | {device} | {en} | {zh} |")
                .unwrap();
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(PAGE).unwrap_or_default(), page, "{PAGE} is out of date: UPDATE=1");
}

fn read(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn code_of(row: &Value) -> i32 {
    number(&row["code"])
}

fn number(value: &Value) -> i32 {
    value.as_i64().unwrap().try_into().unwrap()
}

const HEAD: &str = "\
<!-- Written by tests/native_codes.rs from data/native-codes.json; do not edit. -->

# Native codes / 原生组件状态码

What live-pusher and live-player tell by `bindstatechange` and `binderror`. The two use the same numbers for
different things. `YunXinMiniappSDK.nativeCodes.describe('pusher', -1307)` gives a row of this page. The set
is open: clients send codes that no table has.

live-pusher 与 live-player 通过 `bindstatechange`、`binderror` 上报的状态码。同一数字在两个组件中含义可能不同。
`YunXinMiniappSDK.nativeCodes.describe('pusher', -1307)` 返回本页中的一行。客户端可能上报表中没有的状态码。

| severity | means | 含义 |
| --- | --- | --- |
| info | the course of things | 正常过程 |
| warning | worse than it could be; the component copes | 有劣化，组件自行处理 |
| error | something failed; the component goes on without it, or tries again | 某项失败，组件降级运行或自动重试 |
| fatal | the component has stopped, and does not recover by itself | 组件已停止，不会自行恢复 |

| advice | means | 含义 |
| --- | --- | --- |
| none | nothing is to be done, or nothing can be | 无需处理或无法处理 |
| restart-pusher, restart-player | rebuild the component | 重建组件 |
| check-permission | ask the user for the permission | 引导用户授权 |
| check-network | tell the user that the network is bad | 提示用户检查网络 |
| resubscribe | subscribe again, to have a new URL | 重新订阅以获取新地址 |

`device` is what of the phone cannot be used then: others neither see nor hear it, whatever the page says.

`device` 表示此时手机的哪个设备不可用：无论页面如何显示，其他人都看不到或听不到。

¹ in the platform's typings only · 仅见于平台类型声明 — ² in tables until 2025, sent by older clients · 仅见于
2025 年及以前的表，旧客户端仍会上报 — ³ in no table, but sent · 未列入文档，但实际会上报
";

const COLUMNS: &str = "\
| code | name | severity | advice | device | meaning | 含义 |
| --- | --- | --- | --- | --- | --- | --- |
";
