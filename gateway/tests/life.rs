//! What the process lives through, and what it does not: a log that cannot be written, signals, dead parts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::fs::File;
use std::io::{Read as _, Write as _, pipe};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::{Config, Gateway};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nobody() {
    let (dead, gone) = pipe().unwrap();
    drop(dead);
    let (_unread, full) = full_pipe();
    for (what, stderr) in [
        ("a full disk", File::options().write(true).open("/dev/full").unwrap().into()),
        ("a reader that has died", gone.into()),
        ("a reader that does not read", Stdio::from(full)),
    ] {
        let mut gateway = Process::start(&[], stderr).await;
        for uid in 1..=200 {
            let joined = timeout(PATIENCE, gateway.join("room", uid)).await;
            let mut socket = joined.unwrap_or_else(|_| panic!("{what}: {uid} waits"));
            say(&mut socket, json!({"cmd": 4, "body": {"uid": uid, "cid": 0}, "seq": 2})).await;
            assert_eq!(close_code(&mut socket).await, Some(1000), "{what}");
        }
        let (status, health) = gateway.http("GET", "/healthz", "").await;
        assert_eq!(status, 200, "{what}");
        assert!(health["log"]["lost"].as_u64() > Some(0) || what.contains("not read"), "{what}: {health}");
        gateway.signal("-TERM");
        assert!(gateway.ends_within(Duration::from_secs(5)).await.success(), "{what}");
    }
}

#[tokio::test]
async fn who_reads_the_log_late_is_told_how_much_of_it_is_missing() {
    let (mut unread, full) = full_pipe();
    let mut gateway = Process::start(&["--log", "trace"], full.into()).await;
    let lost = async {
        while gateway.http("GET", "/healthz", "").await.1["log"]["lost"] == 0 {
            gateway.http("POST", "/nrtc/getChannelInfos.action", &"x".repeat(1000)).await;
        }
    };
    timeout(Duration::from_secs(60), lost).await.expect("nothing is lost, and nothing written");

    let reading = tokio::task::spawn_blocking(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 65536]);
        while !text.windows(8).any(|text| text == b"were los") {
            let read = unread.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the log ends without a word");
            text.extend_from_slice(&buffer[..read]);
        }
    });
    // The word comes with the next lines that can be written.
    let talking = async {
        loop {
            gateway.http("GET", "/healthz", "").await;
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        read = timeout(Duration::from_secs(60), reading) => read.expect("not told").unwrap(),
        () = talking => {}
    }
    gateway.signal("-KILL");
    gateway.ends_within(PATIENCE).await;
}

#[tokio::test]
async fn what_strangers_repeat_is_counted_and_not_printed() {
    const STRANGERS: u64 = 300;
    let mut gateway = Process::start(&[], Stdio::piped()).await;
    for _ in 0..STRANGERS {
        let (mut socket, _) = connect_async(format!("ws://{}/", gateway.http)).await.unwrap();
        socket.send(Message::text("rubbish")).await.unwrap();
        socket.close(None).await.unwrap();
        while socket.next().await.is_some() {}
    }
    gateway.signal("-TERM");
    let log = gateway.log().await;
    assert!(gateway.ends_within(PATIENCE).await.success());
    let told: Vec<_> = log.lines().filter(|line| line.contains("sent a bad packet")).collect();
    let more = |line: &str| -> u64 {
        let more = line.rsplit_once("(and ").and_then(|(_, rest)| rest.strip_suffix(" more like this)"));
        more.map_or(0, |more| more.parse().unwrap())
    };
    assert_eq!(told.iter().map(|line| 1 + more(line)).sum::<u64>(), STRANGERS, "{log}");
    assert!(told.len() < 100, "{}", told.len());
}

#[tokio::test]
async fn who_is_refused_is_told_of_with_the_reason_and_without_a_secret_and_every_line_can_be_json() {
    for as_json in [false, true] {
        let flags = ["--app", "ak=0123456789abcdef", "--log-json", if as_json { "true" } else { "false" }];
        let mut gateway = Process::start(&flags, Stdio::piped()).await;
        let form = "uid=1&appkey=ak&channelName=the%20room&secureType=1&curtime=1&checksum=hush-hush";
        for _ in 0..100 {
            let (_, answer) = gateway.http("POST", "/nrtc/getChannelInfos.action", form).await;
            assert_eq!(answer["code"], 414);
        }
        let (mut socket, _) = connect_async(format!("ws://{}/", gateway.http)).await.unwrap();
        let body = json!({"uid": 1, "cid": 7, "token": "hush-hush", "role": 0});
        say(&mut socket, json!({"cmd": 0, "body": body, "seq": 1})).await;
        assert!(matches!(socket.next().await, Some(Ok(Message::Text(_)))));
        assert_eq!(gateway.http("GET", "/live/1-1.flv?grant=hush-hush", "").await.0, 403);
        gateway.signal("-TERM");
        let log = gateway.log().await;
        assert!(gateway.ends_within(PATIENCE).await.success());
        assert!(!log.contains("hush"), "{log}");
        let messages: Vec<String> = if as_json {
            let lines =
                log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")));
            let lines: Vec<Value> = lines.collect();
            let more = |line: &Value| line["more_like_this"].as_u64().unwrap_or(0);
            let refused = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("a join is"));
            assert_eq!(refused.map(|line| 1 + more(line)).sum::<u64>(), 100, "{log}");
            assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
            lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
        } else {
            log.lines().map(str::to_owned).collect()
        };
        for told in [
            "a join is refused: token-malformed (414), room \"the room\"",
            "a login is refused: token-malformed, room 7, 1",
            "media are refused: grant-malformed, stream \"1-1\"",
        ] {
            let count = messages.iter().filter(|message| message.contains(told)).count();
            assert!((1..40).contains(&count), "{told}: {count} times in {log}");
        }
    }
}

#[tokio::test]
async fn a_part_that_ends_takes_the_process_with_it_and_says_so() {
    for part in ["hub", "http", "rtmp", "admin"] {
        let mut gateway = Process::start(&["--allow-faults"], Stdio::piped()).await;
        let mut socket = gateway.join("room", 1).await;
        let path = format!("/v1/faults/end/{part}");
        let ending = timeout(PATIENCE, gateway.http("POST", &path, "")).await;
        assert!(matches!(ending, Ok((0 | 204 | 503, _))), "{part}: {ending:?}");
        let status = gateway.ends_within(Duration::from_secs(1)).await;
        assert!(!status.success() && status.code().is_some(), "{part}: {status}");
        let log = gateway.log().await;
        assert!(log.contains(&format!("its {part} part has failed")), "{log}");
        assert!(part != "hub" || log.contains("panicked at"), "{log}");
        let ended = timeout(PATIENCE, close_code(&mut socket)).await;
        assert!(matches!(ended, Ok(None | Some(1012))), "{part}: {ended:?}");
    }
}

#[tokio::test]
async fn a_part_that_ends_takes_the_process_with_it_whatever_the_log_does() {
    let (_unread, full) = full_pipe();
    let mut gateway = Process::start(&["--allow-faults", "--log", "trace"], full.into()).await;
    timeout(PATIENCE, gateway.http("POST", "/v1/faults/end/hub", "")).await.unwrap();
    assert!(!gateway.ends_within(Duration::from_secs(1)).await.success());
}

#[tokio::test]
async fn nobody_waits_for_a_dead_hub() {
    let any = "127.0.0.1:0".parse().unwrap();
    let admin_token = Some("0123456789abcdef".to_owned());
    let config =
        Config { listen: any, rtmp_listen: any, allow_faults: true, admin_token, ..Config::default() };
    let gateway = Gateway::start(config).await.unwrap();
    let (addr, operator) = (gateway.http_addr.to_string(), gateway.admin_addr.to_string());
    let mut socket = join(&addr, "room", 1).await;
    let asked = http(&addr, "POST", "/v1/faults/end/hub", "").await;
    assert_eq!(asked.0, 503);
    assert_eq!(timeout(PATIENCE, gateway.failed()).await, Ok("hub"));
    assert_eq!(timeout(PATIENCE, close_code(&mut socket)).await, Ok(Some(1012)));

    let form = debug_form("room", 2);
    let caption = r#"{"srcUid":1,"text":"t"}"#;
    for (method, path, body) in [
        ("GET", "/healthz", ""),
        ("POST", "/nrtc/getChannelInfos.action", form.as_str()),
        ("GET", "/v1/rooms", ""),
        ("POST", "/v1/rooms/room/kick", r#"{"appkey":"ak","uid":1}"#),
        ("POST", "/v1/rooms/room/dissolve", r#"{"appkey":"ak"}"#),
        ("POST", "/v1/rooms/room/captions?appkey=ak", caption),
        ("GET", "/v1/rooms/room/interrupts?appkey=ak", ""),
    ] {
        let addr = if path.starts_with("/v1/") { &operator } else { &addr };
        let answer = timeout(Duration::from_secs(1), http(addr, method, path, body)).await;
        assert_eq!(answer.expect(path).0, 503, "{path}");
    }
}

#[tokio::test]
async fn every_signal_to_stop_lets_clients_reconnect_and_nohup_is_respected() {
    for signal in ["-HUP", "-TERM", "-INT"] {
        let mut gateway = Process::start(&[], Stdio::null()).await;
        let mut socket = gateway.join("room", 1).await;
        gateway.signal(signal);
        assert_eq!(timeout(PATIENCE, close_code(&mut socket)).await, Ok(Some(1012)), "{signal}");
        assert!(gateway.ends_within(Duration::from_secs(5)).await.success(), "{signal}");
    }
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_nertc-gateway")]);
    let mut gateway = Process::of(command, &[], Stdio::piped()).await;
    gateway.signal("-HUP");
    gateway.signal("-TERM");
    let log = gateway.log().await;
    assert!(gateway.ends_within(PATIENCE).await.success());
    assert!(log.contains("terminated") && !log.contains("hung up"), "{log}");
}

#[tokio::test]
async fn nobody_has_to_hear_that_it_is_ready() {
    let (dead, gone) = pipe().unwrap();
    drop(dead);
    let (_unread, full) = full_pipe();
    for stdout in [Stdio::from(gone), full.into()] {
        let mut child = command(Command::new(env!("CARGO_BIN_EXE_nertc-gateway")), &["--log", "debug"])
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let addr = loop {
            let line = timeout(PATIENCE, log.next_line()).await.unwrap().unwrap().expect("it ends");
            if let Some((_, addr)) = line.split_once("http_addr=") {
                break addr.to_owned();
            }
        };
        timeout(PATIENCE, join(&addr, "room", 1)).await.expect("it serves nobody");
        let pid = child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(timeout(Duration::from_secs(5), child.wait()).await.unwrap().unwrap().success());
    }
}

/// A gateway as a process.
struct Process {
    child: Child,
    http: String,
}

impl Process {
    async fn start(flags: &[&str], stderr: Stdio) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_nertc-gateway")), flags, stderr).await
    }

    async fn of(program: Command, flags: &[&str], stderr: Stdio) -> Self {
        let mut child = command(program, flags).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        timeout(PATIENCE, stdout.read_line(&mut line)).await.expect("it does not start").unwrap();
        let ready: Value = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
        Self { child, http: ready["http"].as_str().unwrap().to_owned() }
    }

    async fn join(&self, room: &str, uid: u64) -> Socket {
        join(&self.http, room, uid).await
    }

    async fn http(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        http(&self.http, method, path, body).await
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    async fn ends_within(&mut self, longest: Duration) -> ExitStatus {
        let begun = Instant::now();
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap();
        assert!(begun.elapsed() <= longest, "it ends after {:?}", begun.elapsed());
        ended
    }

    /// What it has logged, once it has ended.
    async fn log(&mut self) -> String {
        let (mut stderr, mut log) = (self.child.stderr.take().unwrap(), String::new());
        timeout(PATIENCE, stderr.read_to_string(&mut log)).await.expect("it does not end").unwrap();
        log
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn command(mut program: Command, flags: &[&str]) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NERTC_")) {
        program.env_remove(name);
    }
    program.args(["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0"]).args(flags).kill_on_drop(true);
    program
}

/// A pipe that takes no more, and whoever could read it.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    let mut filling = writer.try_clone().unwrap();
    // Waits with what does not fit, until somebody reads or nobody can any more.
    std::thread::spawn(move || drop(filling.write_all(&[b'\n'; 1 << 18])));
    (reader, writer)
}

async fn join(addr: &str, room: &str, uid: u64) -> Socket {
    let (_, answer) = http(addr, "POST", "/nrtc/getChannelInfos.action", &debug_form(room, uid)).await;
    let (mut socket, _) = connect_async(format!("ws://{addr}/")).await.unwrap();
    let body = json!({"uid": uid, "cid": answer["cid"], "token": answer["token"], "role": 0});
    say(&mut socket, json!({"cmd": 0, "body": body, "seq": 1})).await;
    let Some(Ok(Message::Text(ack))) = socket.next().await else { panic!("no answer to the login") };
    let ack: Value = serde_json::from_str(&ack).unwrap();
    assert_eq!(ack["body"]["code"], 200, "{ack}");
    socket
}

async fn say(socket: &mut Socket, packet: Value) {
    socket.send(Message::text(packet.to_string())).await.unwrap();
}

/// The code that the connection is closed with, if it says any.
async fn close_code(socket: &mut Socket) -> Option<u16> {
    loop {
        match socket.next().await? {
            Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

fn debug_form(room: &str, uid: u64) -> String {
    let sum = debug_checksum("ak", Uid(uid), 1);
    format!("uid={uid}&appkey=ak&channelName={room}&secureType=2&curtime=1&checksum={sum}")
}

/// The status, 0 if the connection ends without one, and the body if it is JSON.
async fn http(addr: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: {kind}\r\nAuthorization: \
         Bearer 0123456789abcdef\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _broken = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// More than anything takes on a busy machine, and less than for ever.
const PATIENCE: Duration = Duration::from_secs(20);
