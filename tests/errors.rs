//! The words for errors: `data/errors.json` is their only source. Every error of the SDK has words there, and
//! `docs/errors.md` and its Chinese twin are written from it: run `UPDATE=1 cargo test --test errors` after a change.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // in helpers; inside a test it is allowed anyway

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::LazyLock;

use nertc_gateway::rights::{BasicToken, KeyError, TokenError, Unit};
use nertc_gateway::rooms::LoginRefusal;
use nertc_miniapp::{Cause, Code, DomainList, Error, ErrorKind};
use serde_json::Value;

/// What no error of the core's is: what components tell, what the glue says without a core, and all else.
const OTHERS: [&str; 5] = ["camera", "microphone", "screen", "module-missing", "unknown"];

#[test]
fn every_error_has_words_and_all_words_an_error() {
    let mut told = BTreeSet::new();
    for error in samples() {
        let row = row_of(&error);
        assert!(!OTHERS.contains(&name_of(row)), "{error:?} has no words: {row}");
        told.insert(name_of(row).to_owned());
    }
    for row in rows() {
        assert!(
            told.contains(name_of(row)) || OTHERS.contains(&name_of(row)),
            "{row}: no error has these words"
        );
    }
}

#[test]
fn what_the_gateway_refuses_has_words_of_its_own_where_the_user_can_do_something() {
    for (refusal, name) in refusals() {
        assert_eq!(name_of(row_of(&refusal)), name, "{refusal}");
    }
}

#[test]
fn every_row_has_words_in_both_languages_and_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for row in rows() {
        let name = name_of(row).to_owned();
        assert!(name.chars().all(|letter| matches!(letter, 'a'..='z' | '-')) && !name.is_empty(), "{row}");
        assert!(names.insert(name), "{row}: the name is there twice");
        for [english, chinese] in [["en", "zh"], ["remedyEn", "remedyZh"], ["appEn", "appZh"]] {
            let [english, chinese] = [english, chinese].map(|field| text(row, field));
            assert!(english.is_ascii() && !english.ends_with('.'), "{row}");
            assert_eq!(english.is_empty(), chinese.is_empty(), "{row}");
            assert!(chinese.is_empty() || chinese.chars().any(|letter| letter > '\u{4e00}'), "{row}");
        }
        assert!(!text(row, "en").is_empty() && !text(row, "appEn").is_empty(), "{row}");
    }
}

#[test]
fn the_pages_of_errors_are_those_of_the_file() {
    for page in PAGES {
        let mut written = page.head.to_owned();
        for row in rows() {
            let remedy = text(row, page.app);
            let [yes, no] = page.retry;
            let mut line = |code: &str, kind: &str, retry: &str, reason: &str| {
                let name = name_of(row);
                writeln!(written, "| `{name}` | {code} | {kind} | {retry} | {reason} | {remedy} |").unwrap();
            };
            let mut lines = BTreeSet::new();
            for error in samples().iter().filter(|error| row_of(error) == row) {
                let (code, form) = match error.code() {
                    Code::Number(code) => (code.to_string(), page.forms[0]),
                    Code::Text(code) => (format!("\"{code}\""), page.forms[1]),
                };
                let retry = if error.is_retryable() { yes } else { no };
                let kind = format!("{:?}", error.kind());
                if lines.insert((code.clone(), kind.clone())) {
                    line(&format!("`{code}` {form}"), &kind, retry, &error.reason());
                }
            }
            match name_of(row) {
                "module-missing" => line(&format!("`-2` {}", page.forms[0]), "Platform", no, MODULE),
                _ if lines.is_empty() => line("–", "–", "–", "–"),
                _ => {}
            }
        }
        written.push_str(page.words);
        for row in rows() {
            let [words, remedy] = [page.user, page.remedy].map(|field| text(row, field));
            writeln!(written, "| `{}` | {words} | {remedy} |", name_of(row)).unwrap();
        }
        let name = page.name;
        if std::env::var_os("UPDATE").is_some() {
            fs::write(name, &written).unwrap();
        }
        assert_eq!(fs::read_to_string(name).unwrap_or_default(), written, "{name} is out of date: UPDATE=1");
    }
}

#[test]
fn every_error_is_among_the_samples() {
    let source = fs::read_to_string("src/api/error.rs").unwrap();
    let declared =
        source.split("pub enum Error {").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
    let names: Vec<&str> = declared
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.split(['(', ' ', ',']).next().unwrap_or_default())
        .collect();
    let listed: Vec<String> = samples().iter().map(|error| format!("{error:?}")).collect();
    for name in names {
        assert!(listed.iter().any(|debug| debug.split(['(', ' ']).next() == Some(name)), "{name} is missing");
    }
}

#[test]
fn no_error_is_without_words() {
    for error in samples() {
        assert!(!error.reason().is_empty() && !error.desc().is_empty(), "{error:?}");
    }
}

/// The first row that an error fits, as `js-glue/errors.js` finds it.
fn row_of(error: &Error) -> &'static Value {
    let code = match error.code() {
        Code::Number(code) => code.to_string(),
        Code::Text(code) => format!("\"{code}\""),
    };
    let reason = error.reason();
    let fits = |row: &Value| {
        let (codes, says) = (text(row, "code"), text(row, "says"));
        text(row, "device").is_empty()
            && (codes.is_empty() || codes.split('/').any(|one| one == code))
            && (says.is_empty() || says.split('/').any(|words| reason.contains(words)))
    };
    rows().iter().find(|row| fits(row)).unwrap()
}

fn rows() -> &'static [Value] {
    static FILE: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(&fs::read_to_string("data/errors.json").unwrap()).unwrap());
    FILE["errors"].as_array().unwrap()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).map_or("", |value| value.as_str().unwrap())
}

fn name_of(row: &Value) -> &str {
    text(row, "name")
}

/// What the gateway says no with, and what users are told then.
fn refusals() -> Vec<(Error, &'static str)> {
    let at_the_door = |code, desc: String| Error::BootstrapRefused { host: host(), code, desc };
    let tokens = [
        TokenError::Missing,
        TokenError::Malformed,
        TokenError::WrongUnit(Unit::Seconds),
        TokenError::Forged,
        TokenError::NotYetValid,
        TokenError::BadLifetime,
        TokenError::OtherLifetime(BasicToken::MAX_TTL_SECS),
        TokenError::AmbiguousChannel,
    ];
    let keys = [
        KeyError::Missing,
        KeyError::Malformed,
        KeyError::Forged,
        KeyError::NotYetValid,
        KeyError::BadLifetime,
    ];
    let mut all: Vec<(Error, &str)> =
        tokens.map(|error| (at_the_door(414, error.to_string()), "not-admitted")).into();
    all.extend(keys.map(|error| (at_the_door(414, error.to_string()), "not-admitted")));
    all.push((at_the_door(414, TokenError::Expired.to_string()), "expired"));
    all.push((at_the_door(414, KeyError::Expired.to_string()), "expired"));
    all.push((at_the_door(417, "unknown appkey".into()), "unknown-app"));
    for (refusal, name) in [
        (LoginRefusal::Ticket(TokenError::Expired), "expired"),
        (LoginRefusal::OtherTicket, "not-admitted"),
        (LoginRefusal::NoSuchMode, "not-admitted"),
        (LoginRefusal::RoomFull, "room-full"),
        (LoginRefusal::TooManyRooms, "no-room-left"),
        (LoginRefusal::RoomClosing, "room-closed"),
        (LoginRefusal::NotPermitted("join"), "not-permitted"),
        (LoginRefusal::Banned, "banned"),
        (LoginRefusal::Replaced, "replaced"),
    ] {
        let (code, desc) = (refusal.code(), refusal.to_string());
        all.push((at_the_door(code, desc.clone()), name));
        all.push((Error::LoginRefused { host: host(), code, desc }, name));
    }
    let desc = "the permission key does not allow to send this".to_owned();
    all.push((Error::CommandRefused { command: "publish", code: 403, desc }, "not-permitted"));
    all
}

/// One of each, and what the gateway says.
fn samples() -> Vec<Error> {
    let desc = || "the server's text".to_owned();
    let task =
        |operation, code| Error::TaskFailed { operation, code, kind: ErrorKind::Refused, desc: desc() };
    let mut all = vec![
        Error::InvalidArgument("channelName must be a non-empty string".into()),
        Error::NotInRoom("publish"),
        Error::AlreadyInRoom,
        Error::Withdrawn("publish"),
        Error::StreamEnded,
        Error::UnknownMember("200".into()),
        Error::Audience("publish"),
        Error::TooManySockets("WeChat allows five sockets at a time: leave a room first".into()),
        task("addTasks", "434"),
        task("deleteTasks", "435"),
        task("updateTasks", "436"),
        Error::TooManyCalls,
        Error::Left,
        Error::NotListed { host: host(), list: DomainList::Request },
        Error::NotListed { host: host(), list: DomainList::Socket },
        Error::BootstrapUnreachable { host: host(), desc: "request:fail".into() },
        Error::BootstrapTimeout(host()),
        Error::BootstrapRefused { host: host(), code: 403, desc: desc() },
        Error::BootstrapRefused { host: host(), code: 414, desc: desc() },
        Error::BootstrapUnusable { host: host(), met: "an HTML page (HTTP status 404)".into() },
        Error::NoGateway(host()),
        Error::ConnectFailed { host: host(), cause: Cause::LoginTimeout },
        Error::LoginRefused { host: host(), code: 401, desc: desc() },
        Error::ReconnectFailed {
            host: host(),
            attempts: 9,
            cause: Cause::Closed(1006, "abnormal closure".into()),
        },
        Error::Kicked,
        Error::Refused,
        Error::Replaced,
        Error::RoomClosed,
        Error::NoPushUrl,
        Error::CommandRefused { command: "publish", code: 403, desc: desc() },
        Error::Timeout("publish"),
        Error::Broken,
    ];
    all.extend(refusals().into_iter().map(|(error, _)| error));
    all
}

fn host() -> String {
    "call.example.com".to_owned()
}

/// What the glue says when there is no core (`js-glue/loader.js`).
const MODULE: &str = "the wasm module could not be loaded: …";

/// A page in one language, and which fields of the rows are in it.
struct Page {
    name: &'static str,
    head: &'static str,
    words: &'static str,
    retry: [&'static str; 2],
    forms: [&'static str; 2],
    app: &'static str,
    user: &'static str,
    remedy: &'static str,
}

const PAGES: [Page; 2] = [
    Page {
        name: "docs/errors.md",
        head: HEAD,
        words: WORDS,
        retry: ["yes", "no"],
        forms: ["number", "string"],
        app: "appEn",
        user: "en",
        remedy: "remedyEn",
    },
    Page {
        name: "docs/errors.zh-CN.md",
        head: CHINESE_HEAD,
        words: CHINESE_WORDS,
        retry: ["是", "否"],
        forms: ["数字", "字符串"],
        app: "appZh",
        user: "zh",
        remedy: "remedyZh",
    },
];

const HEAD: &str = "\
<!-- Written by tests/errors.rs from data/errors.json; do not edit. -->

# Errors

[中文](errors.zh-CN.md)

Every rejection is a fresh `Error` with `code`, `message`, `reason` (the same text), `desc` (what the server
said) and `kind`: `Misuse` (fix the program), `Refused` (ask for permission), `Network` (try again), `Server`
(tell its operator), `Platform` (the wasm module could not be loaded: code `-2`), `Bug` (ours: report it).

Messages are English and for developers. Words for the user are in a file of the package that is loaded when they are
asked for first:

```js
client.join({ channelName: 'room', uid: 100 }).catch((error) => {
  const { name, text, remedy } = YunXinMiniappSDK.describeError(error);
  console.error(name, error.code, error.message);
  wx.showModal({ title: text, content: remedy, showCancel: false });
});
```

`describeError(error, { language: 'en' })` takes `zh…` for Chinese and anything else for English; without a language,
that of the host's settings counts. It takes what promises reject with, what the events `error`, `disconnect` and
`native-status` tell, and what `failure` and `leave` of `rtc-room` have as `detail`; never throws; and answers
`unknown` to all else. Names stay what they are; texts may get better.

## For whoever writes the app

| name | code | kind | retry | message | what to do |
| --- | --- | --- | --- | --- | --- |
";

const WORDS: &str = "
## For whoever uses it

| name | text | remedy |
| --- | --- | --- |
";

const CHINESE_HEAD: &str = "\
<!-- Written by tests/errors.rs from data/errors.json; do not edit. -->

# 错误

[English](errors.md)

每次拒绝都是新的 `Error` 对象，含 `code`、`message`、`reason`（同一文本）、`desc`（服务器的说明）与 `kind`：`Misuse`（修正程序）、
`Refused`（申请权限）、`Network`（重试）、`Server`（联系运维）、`Platform`（wasm 模块无法加载：`-2`）、`Bug`（SDK 自身的缺陷，请反馈）。

`message` 为英文，供开发者阅读。给用户看的文字在包内的单独文件中，首次使用时才加载：

```js
client.join({ channelName: 'room', uid: 100 }).catch((error) => {
  const { name, text, remedy } = YunXinMiniappSDK.describeError(error);
  console.error(name, error.code, error.message);
  wx.showModal({ title: text, content: remedy, showCancel: false });
});
```

`describeError(error, { language: 'en' })`：以 `zh` 开头为中文，其他为英文；不传则取宿主设置的语言。参数可以是 Promise 拒绝的错误，
事件 `error`、`disconnect`、`native-status` 的内容，以及 `rtc-room` 的 `failure`、`leave` 事件的 `detail`；从不抛出异常，
其他内容一律返回 `unknown`。`name` 不会改变，文字可能改进。

## 给开发者

| name | code | kind | 重试 | message | 对策 |
| --- | --- | --- | --- | --- | --- |
";

const CHINESE_WORDS: &str = "
## 给用户

| name | 文字 | 建议 |
| --- | --- | --- |
";
