//! Settings that change while the gateway runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::test]
async fn a_hangup_takes_the_file_over_and_drops_nobody() {
    let mut gateway = Gateway::start("[apps.one]\n[apps.two]\n").await;
    let mut alice = gateway.join("one", 1).await.unwrap();
    let mut bob = gateway.join("two", 2).await.unwrap();
    assert_eq!(gateway.join("three", 3).await.unwrap_err(), 417);
    assert_eq!(gateway.get("/v1/rooms").await, 404, "there is no operator");

    gateway.write(
        "max-members = 1\nadmin-token = '0123456789abcdef'\nlog = 'debug'\n[apps.one]\n[apps.three]\n",
    );
    gateway.signal("-HUP");
    for line in [
        "admin-token: (not set) becomes \"(set)\"",
        "max-members: 200 becomes 1",
        "log: \"info\" becomes \"debug\"",
        "apps.three: it is there",
        "apps.two: nobody can join with it any more",
    ] {
        gateway.hears(line).await;
    }
    assert!(is_there(&mut alice, 1).await && is_there(&mut bob, 2).await);
    assert_eq!(gateway.join("one", 4).await.unwrap_err(), 4003, "the room is full now");
    assert_eq!(gateway.join("two", 2).await.unwrap_err(), 417);
    let mut carol = gateway.join("three", 3).await.unwrap();
    assert_eq!(gateway.get("/v1/rooms").await, 200);
    gateway.hears("a join is refused: room-full (4003), room \"room\"").await;
    TcpStream::connect(&gateway.http).await.unwrap().write_all(b"rubbish\r\n\r\n").await.unwrap();
    gateway.hears("an HTTP connection broke").await;

    gateway.write("[apps.one]\n[apps.three]\n");
    gateway.signal("-HUP");
    gateway.hears("admin-token: \"(set)\" becomes (not set)").await;
    gateway.hears("max-members: 1 becomes 200").await;
    assert_eq!(gateway.get("/v1/rooms").await, 404);
    gateway.join("one", 4).await.unwrap();
    assert!(is_there(&mut alice, 1).await && is_there(&mut bob, 2).await && is_there(&mut carol, 3).await);
}

#[tokio::test]
async fn a_file_that_is_written_anew_is_taken_over_by_itself() {
    let mut gateway = Gateway::start("[apps.one]\n").await;
    let mut alice = gateway.join("one", 1).await.unwrap();
    gateway.write("[apps.one]\n[apps.two]\n");
    gateway.hears("apps.two: it is there").await;
    gateway.hears("apps.two: whoever knows this key may open rooms, without a token").await;
    gateway.join("two", 2).await.unwrap();

    // As editors and mounted settings do.
    let other = gateway.file.with_extension("new");
    std::fs::write(&other, "max-rooms = 2\n[apps.one]\n[apps.two]\n").unwrap();
    std::fs::rename(&other, &gateway.file).unwrap();
    gateway.hears("max-rooms: 5000 becomes 2").await;
    assert!(is_there(&mut alice, 1).await);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing() {
    let mut gateway = Gateway::start("[apps.one]\n").await;
    for (text, why) in [
        ("max-members = 1\nmax-rooms = 0\n", "max-rooms: it must be from 1 to 1000000, not 0"),
        ("max-members = 1\nmax-romos = 1\n", "line 2: unknown field `max-romos`"),
        ("max-members = 1\nlog = '==='\n", "log: "),
        ("max-members = 1\n[apps.one", "line 2"),
        ("max-members = 1\n", "apps: none is left, and everybody could open rooms"),
        ("", "apps: none is left"),
    ] {
        gateway.write(text);
        gateway.signal("-HUP");
        gateway.hears("the settings stay as they are").await;
        assert!(gateway.last.contains(why), "{why}: {}", gateway.last);
    }
    let _alice = gateway.join("one", 1).await.unwrap();
    gateway.join("one", 2).await.unwrap();
    assert_eq!(gateway.join("two", 3).await.unwrap_err(), 417);
}

#[tokio::test]
async fn what_only_a_start_can_change_is_said_until_it_is_as_it_was() {
    let mut gateway = Gateway::start("dev = true\n[apps.one]\n").await;
    for _ in 0..2 {
        gateway.write("listen = '127.0.0.1:1'\nsecret = '0123456789abcdef'\n[apps.one]\n");
        gateway.signal("-HUP");
        gateway.hears("secret: it stays (not set) until a restart, which makes it \"(set)\"").await;
        gateway.hears("dev: it stays true until a restart, which makes it false").await;
    }
    gateway.write("dev = true\n[apps.one]\n");
    gateway.signal("-HUP");
    gateway.hears("the settings are the same").await;
    gateway.join("one", 1).await.unwrap();
}

/// A gateway process, its file, and its log.
struct Gateway {
    child: Child,
    file: PathBuf,
    http: String,
    admin: String,
    log: Lines<BufReader<ChildStderr>>,
    /// The last line that was looked for.
    last: String,
}

impl Gateway {
    async fn start(settings: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("nertc-reload-{}-{}.toml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nertc-gateway"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NERTC_")) {
            command.env_remove(name);
        }
        command.args(["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0", "--config"]).arg(&file);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        timeout(PATIENCE, stdout.read_line(&mut line)).await.expect("it does not start").unwrap();
        let ready: Value = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let [http, admin] = ["http", "admin"].map(|door| ready[door].as_str().unwrap().to_owned());
        Self { child, file, http, admin, log, last: String::new() }
    }

    fn write(&self, settings: &str) {
        std::fs::write(&self.file, settings).unwrap();
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for a line of the log.
    async fn hears(&mut self, text: &str) {
        let heard = async {
            loop {
                let line = self.log.next_line().await.unwrap().expect("it has ended");
                if line.contains(text) {
                    return line;
                }
            }
        };
        self.last = timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("{text} is not said"));
    }

    /// Joins a room of the application's; or the code of the refusal.
    async fn join(&self, app: &str, uid: u64) -> Result<Socket, u64> {
        let sum = debug_checksum(app, Uid(uid), 1);
        let form = format!("uid={uid}&appkey={app}&channelName=room&secureType=2&curtime=1&checksum={sum}");
        let (_, answer) = self.http("POST", "/nrtc/getChannelInfos.action", &form).await;
        let code = answer["code"].as_u64().unwrap();
        if code != 200 {
            return Err(code);
        }
        let (mut socket, _) = connect_async(format!("ws://{}/", self.http)).await.unwrap();
        let body = json!({"uid": uid, "cid": answer["cid"], "token": answer["token"], "role": 0});
        say(&mut socket, json!({"cmd": 0, "body": body, "seq": 1})).await;
        let Some(Ok(Message::Text(ack))) = socket.next().await else { panic!("no answer to the login") };
        let ack: Value = serde_json::from_str(&ack).unwrap();
        if ack["body"]["code"] == 200 { Ok(socket) } else { Err(ack["body"]["code"].as_u64().unwrap()) }
    }

    /// As the operator.
    async fn get(&self, path: &str) -> u16 {
        http(&self.admin, "GET", path, "").await.0
    }

    async fn http(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        http(&self.http, method, path, body).await
    }
}

async fn http(addr: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer \
             0123456789abcdef\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.file));
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn say(socket: &mut Socket, packet: Value) {
    socket.send(Message::text(packet.to_string())).await.unwrap();
}

/// Whether a heartbeat is answered.
async fn is_there(socket: &mut Socket, uid: u64) -> bool {
    say(socket, json!({"cmd": 2, "body": {"uid": uid, "cid": 0}, "seq": 99})).await;
    while let Ok(Some(Ok(message))) = timeout(PATIENCE, socket.next()).await {
        if let Message::Text(text) = message
            && serde_json::from_str::<Value>(&text).unwrap()["seq"] == 99
        {
            return true;
        }
    }
    false
}

/// More than anything takes on a busy machine, and less than for ever.
const PATIENCE: Duration = Duration::from_secs(20);
