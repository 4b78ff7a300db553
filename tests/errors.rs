//! The pages of errors are written from the table of errors: run `UPDATE=1 cargo test --test errors`
//! after a change.

#![cfg(not(target_arch = "wasm32"))]

use std::fmt::Write as _;
use std::fs;

use nertc_miniapp::{Cause, Code, DomainList, Error, ErrorKind};

#[test]
fn the_pages_of_errors_are_those_of_the_table() {
    for (name, head, [yes, no], number, text) in [
        ("docs/errors.md", HEAD, ["yes", "no"], "number", "string"),
        ("docs/errors.zh-CN.md", CHINESE_HEAD, ["是", "否"], "数字", "字符串"),
    ] {
        let mut page = head.to_owned();
        for (error, remedy, chinese) in table() {
            let (code, form) = match error.code() {
                Code::Number(code) => (code.to_string(), number),
                Code::Text(code) => (format!("\"{code}\""), text),
            };
            let retry = if error.is_retryable() { yes } else { no };
            let remedy = if head == HEAD { remedy } else { chinese };
            let (kind, reason) = (error.kind(), error.reason());
            writeln!(page, "| `{code}` | {form} | {kind:?} | {retry} | {reason} | {remedy} |").unwrap();
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(name, &page).unwrap();
        }
        assert_eq!(fs::read_to_string(name).unwrap_or_default(), page, "{name} is out of date: UPDATE=1");
    }
}

#[test]
fn every_error_is_in_the_table() {
    let source = fs::read_to_string("src/api/error.rs").unwrap();
    let declared =
        source.split("pub enum Error {").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
    let names: Vec<&str> = declared
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.split(['(', ' ', ',']).next().unwrap_or_default())
        .collect();
    let listed: Vec<String> = table().iter().map(|(error, ..)| format!("{error:?}")).collect();
    for name in names {
        assert!(listed.iter().any(|debug| debug.split(['(', ' ']).next() == Some(name)), "{name} is missing");
    }
}

#[test]
fn no_error_is_without_words() {
    for (error, ..) in table() {
        assert!(!error.reason().is_empty() && !error.desc().is_empty(), "{error:?}");
    }
}

/// One of each, with what to do about it.
fn table() -> Vec<(Error, &'static str, &'static str)> {
    let desc = || "the server's text".to_owned();
    let host = || "call.example.com".to_owned();
    vec![
        (
            Error::InvalidArgument("channelName must be a non-empty string".into()),
            "correct the argument",
            "修正参数",
        ),
        (Error::NotInRoom("publish"), "call it between `join` and `leave`", "在 `join` 与 `leave` 之间调用"),
        (Error::AlreadyInRoom, "call `leave` first", "先调用 `leave`"),
        (
            Error::Withdrawn("publish"),
            "nothing: a later call decided otherwise",
            "无需处理：后来的调用取代了它",
        ),
        (Error::StreamEnded, "wait for the next `stream-added`", "等待下一次 `stream-added`"),
        (
            Error::UnknownMember("200".into()),
            "subscribe to members that are in the room",
            "只订阅房间内的成员",
        ),
        (
            Error::Audience("publish"),
            "call `setRole('broadcaster')` first",
            "先调用 `setRole('broadcaster')`",
        ),
        (
            Error::TooManySockets("WeChat allows five sockets at a time: leave a room first".into()),
            "leave another room, or close other sockets",
            "离开其他房间，或关闭其他 socket",
        ),
        (
            Error::TaskFailed { operation: "addTasks", code: "434", kind: ErrorKind::Refused, desc: desc() },
            "see `desc`; `updateTasks` has `\"436\"`, `deleteTasks` `\"435\"`; `kind` is another if the server could not be asked",
            "见 `desc`；`updateTasks` 为 `\"436\"`，`deleteTasks` 为 `\"435\"`；服务器无法访问时 `kind` 不同",
        ),
        (Error::TooManyCalls, "wait for earlier calls", "等待之前的调用完成"),
        (Error::Left, "nothing: the app left", "无需处理：应用已离开"),
        (
            Error::NotListed { host: host(), list: DomainList::Request },
            "edit the list of request domains (a port counts, a path does not, and only `https` can be listed), or switch the check off in DevTools; trying again changes nothing",
            "修改 request 合法域名列表（端口须一致，不含路径，仅支持 `https`），或在开发者工具中关闭校验；重试无效",
        ),
        (
            Error::NotListed { host: host(), list: DomainList::Socket },
            "edit the list of socket domains, or switch the check off in DevTools; trying again changes nothing",
            "修改 socket 合法域名列表，或在开发者工具中关闭校验；重试无效",
        ),
        (
            Error::BootstrapUnreachable { host: host(), desc: "request:fail".into() },
            "check the network, and that `channelServer` names this host, with the right scheme and port",
            "检查网络，并确认 `channelServer` 的域名、协议与端口正确",
        ),
        (Error::BootstrapTimeout(host()), "try again", "重试"),
        (
            Error::BootstrapRefused { host: host(), code: 414, desc: desc() },
            "403: no permission or no token; 414: wrong token or parameter, see `desc`; 417: wrong app key; 4003: room full",
            "403：无权限或缺少 token；414：token 或参数错误，见 `desc`；417：app key 错误；4003：房间已满",
        ),
        (
            Error::BootstrapUnusable { host: host(), met: "an HTML page (HTTP status 404)".into() },
            "check that `channelServer` is the whole URL of a channel server; the message says what came instead",
            "检查 `channelServer` 是否为 channel server 的完整 URL；消息说明了实际收到的内容",
        ),
        (Error::NoGateway(host()), "tell the server's operator", "联系服务器运维"),
        (
            Error::ConnectFailed { host: host(), cause: Cause::LoginTimeout },
            "check the network; try again",
            "检查网络后重试",
        ),
        (
            Error::LoginRefused { host: host(), code: 401, desc: desc() },
            "join again; then see `desc`",
            "重新加入；仍失败则见 `desc`",
        ),
        (
            Error::ReconnectFailed {
                host: host(),
                attempts: 9,
                cause: Cause::Closed(1006, "abnormal closure".into()),
            },
            "tell the user; join again when the network is back",
            "提示用户；网络恢复后重新加入",
        ),
        (Error::Kicked, "leave the page", "退出页面"),
        (Error::Refused, "leave the page", "退出页面"),
        (Error::Replaced, "leave the page; the call goes on elsewhere", "退出页面；通话在别处继续"),
        (Error::RoomClosed, "leave the page", "退出页面"),
        (Error::NoPushUrl, "tell the server's operator", "联系服务器运维"),
        (
            Error::CommandRefused { command: "publish", code: 403, desc: desc() },
            "see `desc`; the code is the gateway's",
            "见 `desc`；错误码来自网关",
        ),
        (Error::Timeout("publish"), "try again", "重试"),
        (Error::Broken, "restart the app; report the console's text", "重启应用，并反馈控制台内容"),
    ]
}

const HEAD: &str = "\
<!-- Written by tests/errors.rs from src/api/error.rs; do not edit. -->

# Errors

[中文](errors.zh-CN.md)

Every rejection is a fresh `Error` with `code`, `message`, `reason` (the same text), `desc` (what the server
said) and `kind`: `Misuse` (fix the program), `Refused` (ask for permission), `Network` (try again), `Server`
(tell its operator), `Platform` (the wasm module could not be loaded: code `-2`), `Bug` (ours: report it).

| code | type | kind | retry | message | what to do |
| --- | --- | --- | --- | --- | --- |
";

const CHINESE_HEAD: &str = "\
<!-- Written by tests/errors.rs from src/api/error.rs; do not edit. -->

# 错误

[English](errors.md)

每次拒绝都是新的 `Error` 对象，含 `code`、`message`、`reason`（同一文本）、`desc`（服务器的说明）与 `kind`：`Misuse`（修正程序）、
`Refused`（申请权限）、`Network`（重试）、`Server`（联系运维）、`Platform`（wasm 模块无法加载：`-2`）、`Bug`（SDK 自身的缺陷，请反馈）。

| code | 类型 | kind | 重试 | message | 对策 |
| --- | --- | --- | --- | --- | --- |
";
