//! What those can do to the gateway who have proved no right: real sockets, and where memory or files matter
//! a process of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nertc_gateway::{Config, Gateway, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

#[test]
fn messages_that_strangers_do_not_finish_hold_only_their_own_bytes() {
    let gateway = Process::start(&[]);
    let open: Vec<_> = (0..150)
        .map(|_| {
            let mut socket = shake_hands(gateway.rtmp);
            socket.write_all(&message(1, &60_000_u32.to_be_bytes(), 128)).unwrap();
            for id in 8..36 {
                let ignored = message(8, &[b'z'; 16_000], 60_000).repeat(5);
                let (short, long) = (1_u32.to_be_bytes(), 60_000_u32.to_be_bytes());
                let unfinished = [id, 0, 0, 0, 0, 0, 2, 9, 1, 0, 0, 0, b'x'];
                let all = [ignored, message(1, &short, 60_000), unfinished.to_vec(), message(1, &long, 1)];
                socket.write_all(&all.concat()).unwrap();
            }
            // The answer says that all of it was read.
            socket.write_all(&message(4, &[0, 6, 1, 2, 3, 4], 60_000)).unwrap();
            socket.read_exact(&mut [0; 1]).expect("an answer to the ping");
            socket
        })
        .collect();
    assert!(gateway.peak_mib() <= MOST_MIB, "{} MiB for {} strangers", gateway.peak_mib(), open.len());
}

#[test]
fn reports_of_anybody_take_no_more_memory_than_they_are_long() {
    let gateway = Process::start(&[]);
    let event = json!({"function": {"cid": "1", "uid": "1", "oper": "push", "name": "x-netstatus",
        "value": r#"{"videoFPS":1}"#}});
    let head = json!({"events": vec![event; 256]}).to_string();
    let body = format!("{},\"x\":[{}0]}}", head.strip_suffix('}').unwrap(), "0,".repeat(450_000));
    let codes = all_at_once(100, || post(gateway.http, "/statistics", &body));
    // They are read one after the other, and who waits for too long is told so.
    assert!(codes.iter().all(|code| [200, 408, 503].contains(code)), "{codes:?}");
    assert!(codes.iter().filter(|code| **code == 200).count() > 0, "{codes:?}");
    assert!(gateway.peak_mib() <= MOST_MIB, "{} MiB", gateway.peak_mib());
    assert_eq!(post(gateway.http, BOOTSTRAP, &form(1)), 200);
}

#[test]
fn bodies_that_never_end_keep_nobody_out() {
    let gateway = Process::start(&[]);
    let open: Vec<_> = (0..200)
        .map(|_| {
            let mut socket = connect_to(gateway.http);
            let head = "POST /statistics HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n";
            socket.write_all(head.as_bytes()).unwrap();
            // It is refused when the memory is used up, and may be closed before all is written.
            let _sent = socket.write_all(&vec![b'x'; 1_000_000]);
            socket
        })
        .collect();
    let small = "x".repeat(60_000);
    assert_eq!(post(gateway.http, "/statistics", &small), 200, "whoever has the most goes first");
    assert_eq!(post(gateway.http, BOOTSTRAP, &form(1)), 200);
    assert!(gateway.peak_mib() <= MOST_MIB, "{} MiB for {} bodies", gateway.peak_mib(), open.len());
}

#[test]
fn forms_with_fields_that_nobody_reads_are_not_kept() {
    let gateway = Process::start(&[]);
    let padding: String = (0..8900).map(|number| format!("&{number:05x}=")).collect();
    let body = form(1) + &padding;
    assert!((60_000..65_536).contains(&body.len()));
    let codes = all_at_once(300, || post(gateway.http, BOOTSTRAP, &body));
    assert!(codes.iter().all(|code| [200, 503].contains(code)), "{codes:?}");
    assert!(gateway.peak_mib() <= MOST_MIB, "{} MiB", gateway.peak_mib());
}

#[test]
fn few_open_files_are_shared_out_so_that_one_door_does_not_close_the_other() {
    let gateway = Process::start_with_files(64);
    let _member = log_in(&gateway.http, 1);
    for flood in [gateway.rtmp, gateway.http] {
        let _idle: Vec<_> = (0..80).map(|_| connect_to(flood)).collect();
        let begun = Instant::now();
        for uid in 2..5 {
            assert_eq!(post(gateway.http, BOOTSTRAP, &form(uid)), 200);
        }
        shake_hands(gateway.rtmp);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn for_one_stranger_more_the_one_goes_that_was_silent_for_longest() {
    let gateway = start(8).await;
    let addr = gateway.http_addr;
    blocking(move || {
        let (mut member, _) = log_in(&addr, 1);
        let mut idle: Vec<_> = (0..8).map(|_| connect_to(addr)).collect();
        assert_eq!(post(addr, BOOTSTRAP, &form(2)), 200, "a newcomer is let in");
        assert_eq!(idle[0].read(&mut [0; 1]).unwrap_or(0), 0, "the oldest is gone");
        idle[7].set_nonblocking(true).unwrap();
        assert!(idle[7].read(&mut [0; 1]).is_err(), "the newest is not");

        // Sockets without a login are strangers, too; members are not.
        let mut sockets: Vec<_> = (0..20).map(|_| connect(format!("ws://{addr}/")).unwrap().0).collect();
        let begun = Instant::now();
        while sockets[0].read().is_ok() {}
        assert!(begun.elapsed() < Duration::from_secs(5), "the oldest is gone before its login is due");
        member.send(Message::text(r#"{"cmd":2,"body":{"uid":1,"cid":0},"seq":9}"#)).unwrap();
        assert_eq!(answer(&mut member, 9)["cmd"], 3);
        assert_eq!(post(addr, BOOTSTRAP, &form(3)), 200);
    })
    .await;
}

#[tokio::test]
async fn strangers_of_rtmp_make_room_for_one_another_and_not_for_members() {
    let gateway = start(8).await;
    let (http, rtmp) = (gateway.http_addr, gateway.rtmp_addr);
    blocking(move || {
        let (_member, push_url) = log_in(&http, 1);
        let name = push_url.rsplit_once('/').unwrap().1;
        let mut publisher = shake_hands(rtmp);
        publisher.write_all(&publish(name)).unwrap();
        assert!(said(&mut publisher, "NetStream.Publish.Start"));
        let mut idle: Vec<_> = (0..30).map(|_| shake_hands(rtmp)).collect();
        assert_eq!(idle[0].read(&mut [0; 1]).unwrap_or(0), 0, "the oldest is gone");
        publisher.write_all(&message(4, &[0, 6, 1, 2, 3, 4], 128)).unwrap();
        publisher.read_exact(&mut [0; 18]).expect("the publisher is still there");
    })
    .await;
}

#[tokio::test]
async fn who_says_nothing_for_three_seconds_has_nothing_to_say() {
    let gateway = start(100).await;
    let doors = [gateway.http_addr, gateway.rtmp_addr];
    blocking(move || {
        let mut silent = doors.map(connect_to);
        let begun = Instant::now();
        for socket in &mut silent {
            assert_eq!(socket.read(&mut [0; 1]).unwrap_or(0), 0);
        }
        let took = begun.elapsed();
        assert!((Duration::from_millis(2500)..Duration::from_secs(8)).contains(&took), "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn before_its_login_a_connection_is_heard_for_16_kib_only() {
    let gateway = start(100).await;
    let addr = gateway.http_addr;
    blocking(move || {
        let padded = |size: usize| Message::text(format!(r#"{{"cmd":2,"pad":"{}"}}"#, "x".repeat(size)));
        let begun = Instant::now();
        let (mut socket, _) = connect(format!("ws://{addr}/")).unwrap();
        socket.send(padded(10_000)).unwrap();
        let _sent = socket.send(padded(10_000));
        while socket.read().is_ok() {}
        // A message in parts that never end is no way around it.
        let mut raw = connect_to(addr);
        raw.write_all(UPGRADE.as_bytes()).unwrap();
        assert!(said(&mut raw, "\r\n\r\n"));
        let part = [&[0x01, 0xfe, 0x20, 0x00, 0, 0, 0, 0][..], &[b'x'; 0x2000]].concat();
        let _sent =
            raw.write_all(&part).and_then(|()| raw.write_all(&part)).and_then(|()| raw.write_all(&part));
        let _ended = raw.read_to_end(&mut Vec::new());
        assert!(begun.elapsed() < Duration::from_secs(5), "closed before the login was due");

        let (mut member, _) = log_in(&addr, 1);
        let beat =
            format!(r#"{{"cmd":2,"body":{{"uid":1,"cid":0}},"seq":9,"pad":"{}"}}"#, "x".repeat(60_000));
        member.send(Message::text(beat)).unwrap();
        assert_eq!(answer(&mut member, 9)["cmd"], 3, "a member may say more");
    })
    .await;
}

#[tokio::test]
async fn a_login_that_makes_no_sense_is_answered_as_one() {
    let gateway = start(100).await;
    let addr = gateway.http_addr;
    blocking(move || {
        for (body, words) in [
            (json!({}), "uid is missing"),
            (json!({"uid": "x", "cid": 1}), "uid is missing"),
            (json!({"uid": -1, "cid": 1}), "uid is missing"),
            (json!({"uid": 1}), "cid is missing"),
            (json!({"uid": 1, "cid": {"a": 1}}), "cid is missing"),
            (json!([1]), "no object"),
            (json!("login"), "no object"),
            (json!({"uid": 1, "cid": 1, "mode": 4}), "mode must be"),
            (json!({"uid": 1, "cid": 1, "mode": u32::MAX}), "mode must be"),
        ] {
            let (mut socket, _) = connect(format!("ws://{addr}/")).unwrap();
            let login = json!({"cmd": 0, "body": body, "seq": 7});
            socket.send(Message::text(login.to_string())).unwrap();
            let ack = answer(&mut socket, 7);
            assert_eq!((&ack["cmd"], &ack["body"]["code"]), (&json!(1), &json!(400)), "{login}");
            assert_eq!(ack["body"]["userlist"], json!([]), "{login}");
            assert!(ack["body"]["errmsg"].as_str().unwrap().contains(words), "{ack}");
            let Ok(Message::Text(notice)) = socket.read() else { panic!("no notice for {login}") };
            assert!(notice.starts_with(r#"{"cmd":25,"#), "{notice}");
        }
    })
    .await;
}

/// A gateway in a process of its own, which ends with it.
struct Process {
    child: Child,
    http: SocketAddr,
    rtmp: SocketAddr,
}

impl Process {
    fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nertc-gateway"));
        command.args(flags);
        Self::ready(command)
    }

    fn start_with_files(files: u32) -> Self {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_nertc-gateway")]);
        Self::ready(command)
    }

    fn ready(mut command: Command) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0", "--exit-on-stdin-close"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NERTC_")) {
            command.env_remove(name);
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
        let addr = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        Self { http: addr("http"), rtmp: addr("rtmp"), child }
    }

    /// The most memory it ever had.
    fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

async fn start(max_strangers: usize) -> Running {
    let any = "127.0.0.1:0".parse().unwrap();
    Gateway::start(Config { listen: any, rtmp_listen: any, max_strangers, ..Config::default() })
        .await
        .unwrap()
}

/// Runs what waits for sockets beside the gateway, which has this thread.
async fn blocking(test: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(test).await.unwrap();
}

fn all_at_once(count: usize, ask: impl Fn() -> u16 + Sync) -> Vec<u16> {
    thread::scope(|scope| {
        let asking: Vec<_> = (0..count).map(|_| scope.spawn(&ask)).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    })
}

fn connect_to(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The code of the answer's body, or else its status; 503 also when the connection was closed early.
fn post(addr: SocketAddr, path: &str, body: &str) -> u16 {
    let (status, body) = posted(addr, path, body);
    body["code"].as_u64().map_or(status, |code| code.try_into().unwrap())
}

fn posted(addr: SocketAddr, path: &str, body: &str) -> (u16, Value) {
    let mut socket = connect_to(addr);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _sent = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(body.as_bytes()));
    let mut answer = Vec::new();
    let _read = socket.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(503);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn form(uid: u64) -> String {
    let checksum = debug_checksum("ak", Uid(uid), 1_700_000_000_000);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("uid", &*uid.to_string()), ("appkey", "ak"), ("channelName", "room")])
        .extend_pairs([("secureType", "2"), ("curtime", "1700000000000"), ("checksum", &checksum)])
        .finish()
}

type Socket = WebSocket<tokio_tungstenite::tungstenite::stream::MaybeTlsStream<TcpStream>>;

/// A member, and where it publishes.
fn log_in(addr: &SocketAddr, uid: u64) -> (Socket, String) {
    let (_, answer_to) = posted(*addr, BOOTSTRAP, &form(uid));
    let (mut socket, _) = connect(format!("ws://{addr}/")).unwrap();
    let body = json!({"uid": uid, "cid": answer_to["cid"], "token": answer_to["token"], "mode": 3});
    socket.send(Message::text(json!({"cmd": 0, "body": body, "seq": 1}).to_string())).unwrap();
    let ack = answer(&mut socket, 1);
    assert_eq!(ack["body"]["code"], 200, "{ack}");
    (socket, ack["body"]["userlist"][0]["url"].as_str().unwrap().to_owned())
}

fn answer(socket: &mut Socket, seq: u64) -> Value {
    loop {
        let Message::Text(text) = socket.read().unwrap() else { continue };
        let packet: Value = serde_json::from_str(&text).unwrap();
        if packet["seq"] == seq {
            return packet;
        }
    }
}

fn shake_hands(addr: SocketAddr) -> TcpStream {
    let mut socket = connect_to(addr);
    socket.write_all(&[&[3][..], &[0; 1536]].concat()).unwrap();
    let mut theirs = vec![0; 1 + 2 * 1536];
    socket.read_exact(&mut theirs).unwrap();
    socket.write_all(&theirs[1..1537]).unwrap();
    socket
}

/// An RTMP message on a chunk stream of its kind, in chunks of that size.
fn message(kind: u8, body: &[u8], chunk: usize) -> Vec<u8> {
    let id = if kind == 8 { 7 } else { 2 };
    let mut out = vec![id, 0, 0, 0];
    out.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, 1, 0, 0, 0]);
    for (index, part) in body.chunks(chunk).enumerate() {
        if index > 0 {
            out.push(0xc0 | id);
        }
        out.extend_from_slice(part);
    }
    out
}

fn publish(name: &str) -> Vec<u8> {
    let text = |text: &str| [&[2][..], &(text.len() as u16).to_be_bytes(), text.as_bytes()].concat();
    let number = |number: f64| [&[0][..], &number.to_be_bytes()].concat();
    let app = [&[3, 0, 3][..], b"app", &text("live"), &[0, 0, 9]].concat();
    let connect = [text("connect"), number(1.0), app].concat();
    let publish = [text("publish"), number(2.0), vec![5], text(name), text("live")].concat();
    [message(20, &connect, 128), message(20, &publish, 128)].concat()
}

fn said(socket: &mut TcpStream, words: &str) -> bool {
    let mut all = Vec::new();
    let mut byte = [0; 1];
    while !all.ends_with(words.as_bytes()) {
        if socket.read(&mut byte).unwrap_or(0) == 0 {
            return false;
        }
        all.extend_from_slice(&byte);
    }
    true
}

const BOOTSTRAP: &str = "/nrtc/getChannelInfos.action";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(20);
/// What the gateway may ever have, whoever comes.
const MOST_MIB: u64 = 150;
