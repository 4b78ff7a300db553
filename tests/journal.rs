//! Logs: what they keep, what they hide, and that they replay. That every behaviour replays is shown
//! by `traces.rs`, which replays the log of each trace.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

use std::path::PathBuf;
use std::process::{Command, Output as Ended};
use std::time::Duration;

use nertc_miniapp::log::replay::{Side, Verdict, replay};
use nertc_miniapp::{
    Advice, AppSignal, Call, CallId, CloseInfo, Config, HttpFailure, HttpResponse, Input, Instant, Journal,
    Output, RequestId, Session, SocketId,
};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn no_secret_is_in_a_log_and_it_replays_all_the_same() {
    let mut client = Client::new(json!({
        "appkey": "ak", "accessToken": "SECRET-option", "appSecret": 424242,
        "neRtcServerAddresses": {"channelServer": "https://channel.example/a?key=SECRET-channel"},
    }));
    client.join(json!({
        "channelName": "room", "uid": 1, "token": "SECRET/join+token==", "roomServer": "https://rooms.example",
        "statisticsServer": "https://statistics.example/r?sign=SECRET-statistics",
    }));
    // As PHP writes it, and as Go does.
    client.respond(
        r#"{"code":200,"cid":5,"token":"SECRET\/ticket","ips":{"token": "SECRET-tasks","turnaddrs":[["e:1"]],
        "wechatapparray":["gw1.example/path?grant=SECRET-gateway\u0026b=SECRET-b","gw2.example"]}}"#,
    );
    client.open();
    client.text(
        r#"{"cmd":1,"seq":1,"body":{"code":200,"resume":"SECRET-resume","userlist":[
        {"uid":1,"url":"rtmp://m.example/live/a?grant=SECRET-push\u0026c=SECRET-c"},
        {"uid":2,"url":"rtmp://m.example/live/b?grant=SECRET-pull","audio_on":true}]}}"#,
    );
    client.call("publish", json!([""]));
    client.call("subscribe", json!([2, "audio"]));
    client.call(
        "addTasks",
        json!([{"rtmpTasks": [{"taskId": "t", "streamUrl": "rtmp://cdn.example/SECRET-key"}]}]),
    );
    client.respond(r#"{"code":1,"errmsg":"no such stream: token=SECRET-refused, password: SECRET-word"}"#);
    let report =
        json!({"player": {"url": "rtmp://m.example/live/b?grant=SECRET-pull", "Token": "SECRET-report"}});
    client.call("dataReporter", json!(["pull", "statechange", report]));
    client.text(
        r#"{"cmd":1010,"body":{"captions":[{"srcUid":2,"text":"SECRET words","transText":"SECRET"}]}}"#,
    );
    client.text(r#"{"cmd":14,"body":{"token":"SECRET-in-half-a-frame"#);
    client.input(Input::SocketClosed(
        client.socket,
        CloseInfo {
            code: 1006,
            reason: "connectSocket:fail wss://gw1.example/path?grant=SECRET-gateway (refused)".into(),
        },
    ));
    client.run_for(Duration::from_secs(60));
    client.fail("request:fail https://channel.example/a?key=SECRET-channel");
    client.run_for(Duration::from_secs(60));

    let log = client.log();
    assert!(client.raw.contains("SECRET") && client.raw.contains("424242"));
    for secret in ["SECRET", "424242"] {
        assert!(!log.contains(secret), "{}", log.lines().find(|line| line.contains(secret)).unwrap());
    }
    assert_replays(&log);
    // The session uses what it was given: the same secret has the same mark everywhere.
    let mark = log.split(r#"\"resume\":\"redacted-"#).nth(1).unwrap();
    assert_eq!(mark.as_bytes()[8], b'\\');
    let join = log.split(r#""token":""#).nth(1).unwrap().split('"').next().unwrap();
    assert!(log.contains(&format!("checksum={join}&")), "{join} is not in the form");
}

#[test]
fn each_stay_replays_without_those_before() {
    let mut client = Client::new(json!({"appkey": "ak", "reconnect": "function"}));
    client.call("setRole", json!(["audience"]));
    for uid in [Value::Null, json!(1)] {
        client.enter(json!({"channelName": "room", "uid": uid}));
        client.call("setRole", json!([]));
        client.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
        client.call("publish", json!(["audio"]));
        client.text(r#"{"cmd":14,"seq":3,"body":{"code":200}}"#);
        client.input(Input::Render);
        client.call("dataReporter", json!(["push", "statechange", {"code": -1307, "message": "gone"}]));
        client.input(Input::Render);
        client.drop();
        for advice in [Advice::Default, Advice::After(60)] {
            client.input(Input::Retry(0, advice));
        }
        client.run_for(Duration::from_millis(60));
        client.open();
        client.login();
        client.call("leave", json!([]));
        client.run_for(Duration::from_secs(1));
        client.input(Input::Render);
    }
    client.call("setLocalVoicePitch", json!([0.5]));
    client.enter(json!({"channelName": "room", "uid": 1}));
    client.call("publish", json!(["audio"]));
    client.input(Input::Render);
    // What the platform said last counts in the next stay, which therefore does not begin anew.
    client.input(Input::App(AppSignal::NetworkDown));
    client.drop();
    client.input(Input::Retry(0, Advice::GiveUp));
    client.input(Input::Render);
    client.enter(json!({"channelName": "room"}));

    let log = client.log();
    let begins: Vec<usize> = log.match_indices("[\"begin\"").map(|(at, _)| at).collect();
    assert_eq!(begins.len(), 3, "{log}");
    let header = log.lines().next().unwrap();
    for begin in begins {
        assert_replays(&format!("{header}\n{}", &log[begin..]));
    }
    for part in ["\"ask\",0", "\"pusher-3\"", "\"retry\",0,0,\"60\"", "disconnect\",{\"code\":\"403"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(!log.contains("gone"), "what components report is nobody else's business");
}

#[test]
fn a_full_log_loses_earlier_stays_first_and_then_the_beginning_of_this_one() {
    let mut client = Client::new(json!({"appkey": "ak"}));
    client.enter(json!({"channelName": "first", "uid": 1}));
    client.call("leave", json!([]));
    client.run_for(Duration::from_secs(1));
    client.enter(json!({"channelName": "second", "uid": 1}));
    while client.log().contains("first") {
        client.text(&json!({"cmd": 99, "filler": "x".repeat(1_000)}).to_string());
    }
    assert!(client.log().contains("second"));
    assert_replays(&client.log());

    for _ in 0..100 {
        client.text(&json!({"cmd": 99, "filler": "x".repeat(10_000)}).to_string());
        assert!(client.log().len() <= 300_000);
    }
    client.call("publish", json!(["audio"]));
    let replayed = replay(&client.log()).unwrap();
    assert!(matches!(replayed.verdict, Verdict::Headless(1..)), "{:?}", replayed.verdict);
    assert!(
        replayed.timeline.iter().any(|moment| moment.side == Side::In && moment.what.contains("publish"))
    );

    // The next stay has a beginning again.
    client.call("leave", json!([]));
    client.run_for(Duration::from_secs(1));
    client.enter(json!({"channelName": "third", "uid": 1}));
    assert!(client.log().lines().nth(1).unwrap().contains("99"), "there is still some of the second stay");
    assert_replays(&client.log());
    client.text(&"x".repeat(150_000));
    assert!(!client.log().contains("99"));
    assert_replays(&client.log());
}

#[test]
fn the_program_says_whether_a_log_replays() {
    let mut client = Client::new(json!({"appkey": "ak"}));
    client.enter(json!({"channelName": "room", "uid": 1}));
    let log = client.log();
    let same = run("same", &log, &[]);
    assert_eq!((same.status.code(), out(&same).lines().count()), (Some(0), 1), "{}", out(&same));

    let tampered = run("tampered", &log.replace("wss://gw1.example", "wss://gw1.example.org"), &[]);
    assert_eq!(tampered.status.code(), Some(1));
    let text = out(&tampered);
    let marked: Vec<_> =
        text.lines().filter(|line| line.contains("- open 2") || line.contains("+ open 2")).collect();
    assert_eq!(
        marked,
        ["           - open 2 wss://gw1.example.org", "           + open 2 wss://gw1.example",]
    );
    assert!(text.contains("> call 1 join [{"), "{text}");

    let missing: Vec<&str> = log.lines().filter(|line| !line.starts_with("[\"resolve\"")).collect();
    let missing = run("missing", &missing.join("\n"), &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(out(&missing).contains("+ resolve 1"), "{}", out(&missing));

    let headless: Vec<&str> = log.lines().skip(3).collect();
    let headless = format!("[\"nertc-log\",1,\"0.0.1\",2]\n{}", headless.join("\n"));
    let cut = run("cut", &headless, &[]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(out(&cut).contains("first 2 lines are missing"), "{}", out(&cut));
    assert!(out(&cut).contains("log of version 0.0.1"), "{}", out(&cut));

    let timeline = run("timeline", &headless, &["--timeline"]);
    assert_eq!(timeline.status.code(), Some(0));
    assert!(out(&timeline).contains("> opened 2"), "{}", out(&timeline));

    for (name, log) in [("empty", ""), ("other", "{}\n"), ("later", "[\"nertc-log\",2,\"9.0.0\",0]")] {
        assert_eq!(run(name, log, &[]).status.code(), Some(2), "{name}");
    }
}

#[test]
fn a_defect_in_the_log_that_is_gone_is_a_difference() {
    let mut client = Client::new(json!({"appkey": "ak"}));
    client.enter(json!({"channelName": "room", "uid": 1}));
    client.journal.goes_in(&Input::Timeout, "", client.now);
    client.journal.panicked();
    assert_eq!(replay(&client.log()).unwrap().verdict, Verdict::Different);
}

proptest! {
    // No file: a failure prints its input.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_the_log_replays(
        token in "[A-Za-z0-9/+=%&_.-]{0,30}",
        text in r#"(token|S|[?="'\\:,&{}%un0-9 \n]|你|redacted-0123abcd){0,40}"#,
    ) {
        let mut client = Client::new(json!({"appkey": "ak"}));
        client.join(json!({"channelName": "room", "uid": 1, "token": token}));
        client.fail(&text);
        client.respond(&text);
        client.enter(json!({"channelName": "room", "uid": 1, "token": token}));
        client.text(&text);
        client.call("publish", json!(["audio"]));
        client.text(&json!({"cmd": 14, "seq": 2, "body": {"code": 403, "errmsg": text}}).to_string());
        client.input(Input::SocketClosed(client.socket, CloseInfo { code: 4900, reason: text }));
        assert_replays(&client.log());
    }
}

/// A client in the shell's place.
struct Client {
    session: Session,
    journal: Journal,
    now: Instant,
    calls: u32,
    request: RequestId,
    socket: SocketId,
    /// All that went in and out.
    raw: String,
}

impl Client {
    fn new(options: Value) -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        let mut config = Config::parse(&options.to_string()).unwrap();
        config.seed = 7;
        let session = Session::new(config, now);
        Self {
            journal: Journal::new(options.to_string(), &session, now),
            session,
            now,
            calls: 0,
            request: RequestId(0),
            socket: SocketId(0),
            raw: options.to_string(),
        }
    }

    fn log(&self) -> String {
        self.journal.export()
    }

    fn call(&mut self, name: &str, arguments: Value) {
        self.calls += 1;
        let call = Call::parse(name, &arguments.to_string()).unwrap();
        self.take(Input::Call(CallId(self.calls), call), &arguments.to_string());
    }

    fn join(&mut self, parameter: Value) {
        self.call("join", json!([parameter]));
    }

    /// In a room.
    fn enter(&mut self, parameter: Value) {
        self.join(parameter);
        self.respond(
            r#"{"code":200,"cid":5,"token":"t","ips":{"wechatapparray":["gw1.example"],"token":"i"}}"#,
        );
        self.open();
        self.login();
        self.run_for(Duration::from_secs(1));
    }

    fn login(&mut self) {
        self.text(r#"{"cmd":1,"seq":1,"body":{"code":200,"userlist":[{"uid":1,"url":"rtmp://push"}]}}"#);
    }

    fn respond(&mut self, body: &str) {
        self.input(Input::Response(self.request, Ok(HttpResponse { status: 200, body: body.into() })));
    }

    fn fail(&mut self, message: &str) {
        self.input(Input::Response(self.request, Err(HttpFailure { message: message.into() })));
    }

    fn open(&mut self) {
        self.input(Input::SocketOpened(self.socket));
    }

    fn text(&mut self, text: &str) {
        self.input(Input::SocketText(self.socket, text.into()));
    }

    fn drop(&mut self) {
        self.input(Input::SocketClosed(self.socket, CloseInfo { code: 1006, reason: "lost".into() }));
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((due, _)) = self.session.poll_timeout().filter(|(due, _)| *due <= end) {
            self.now = due.max(self.now);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    fn input(&mut self, input: Input) {
        self.take(input, "");
    }

    fn take(&mut self, input: Input, arguments: &str) {
        self.raw += &format!("{input:?} {arguments}");
        self.journal.goes_in(&input, arguments, self.now);
        self.session.handle(input, self.now);
        while let Some(output) = self.session.poll_output() {
            let value = match &output {
                Output::Request(id, _) => {
                    self.request = *id;
                    Value::Null
                }
                Output::OpenSocket(id, _) => {
                    self.socket = *id;
                    Value::Null
                }
                Output::Settle(_, Ok(reply)) => json!(reply),
                Output::Settle(_, Err(error)) => json!(error),
                Output::Event(event) => json!(event),
                Output::AskRetry(context) => json!(context),
                Output::SendText(..) | Output::CloseSocket(..) | Output::Forget | Output::Log(..) => {
                    Value::Null
                }
            };
            self.journal.comes_out(&output, &value.to_string());
        }
        self.journal.drained(&self.session, self.now);
    }
}

fn assert_replays(log: &str) {
    let replayed = replay(log).unwrap();
    let marked = |side| matches!(side, Side::Logged | Side::Replayed);
    let differences: Vec<_> = replayed.timeline.iter().filter(|moment| marked(moment.side)).collect();
    assert!(matches!(replayed.verdict, Verdict::Same(1..)), "{:?} {differences:#?}", replayed.verdict);
}

/// Runs the program on a log.
fn run(name: &str, log: &str, options: &[&str]) -> Ended {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-{name}.jsonl"));
    std::fs::write(&file, log).unwrap();
    Command::new(env!("CARGO_BIN_EXE_replay")).arg(file).args(options).output().unwrap()
}

fn out(ended: &Ended) -> String {
    String::from_utf8(ended.stdout.clone()).unwrap()
}
