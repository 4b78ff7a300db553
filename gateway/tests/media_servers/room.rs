//! A room of a gateway that has another media server: members, and what the operator does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::config::Settings;
use nertc_gateway::{Config, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::loopback::http;

/// Settings as an operator writes them, on free ports.
pub(crate) fn settings(flags: &[&str]) -> Config {
    let own = [
        "nertc-gateway",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token",
        ADMIN,
        "--silence-timeout",
        "600",
    ];
    let settings = Settings::try_parse_from(&[&own[..], flags].concat()).unwrap();
    settings.with_file().unwrap().resolve().unwrap()
}

pub(crate) struct Member {
    uid: u64,
    cid: u64,
    /// What it logs in with when it comes back.
    login: Value,
    /// Where it pushes.
    pub(crate) push: String,
    /// Where it plays the others.
    pub(crate) pull: BTreeMap<u64, String>,
    /// What was said of others on login.
    pub(crate) entries: Vec<Value>,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seen: Vec<Value>,
}

impl Member {
    pub(crate) async fn join(gateway: &Running, room: &str, uid: u64) -> Self {
        let sum = debug_checksum("ak", Uid(uid), 1);
        let form = format!("uid={uid}&appkey=ak&channelName={room}&secureType=2&curtime=1&checksum={sum}");
        let head =
            format!("POST /nrtc/getChannelInfos.action HTTP/1.1\r\nContent-Length: {}\r\n", form.len());
        let (_, asked) = http(gateway, &head, &form).await;
        let cid = asked["cid"].as_u64().expect("a room");
        Self::log_in(gateway, json!({"uid": uid, "cid": cid, "token": asked["token"], "role": 0})).await
    }

    /// Comes back to its stay, on another gateway perhaps.
    pub(crate) async fn resume(&self, gateway: &Running) -> Self {
        Self::log_in(gateway, self.login.clone()).await
    }

    async fn log_in(gateway: &Running, mut login: Value) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/", gateway.http_addr)).await.unwrap();
        let (push, pull, entries) = (String::new(), BTreeMap::new(), Vec::new());
        login["audioLocalPitch"] = json!("1.25");
        let (uid, cid) = (login["uid"].as_u64().unwrap(), login["cid"].as_u64().unwrap());
        let mut member = Self { uid, cid, login, push, pull, entries, socket, seen: Vec::new() };
        let ack = member.command(0, member.login.clone()).await;
        assert_eq!(ack["code"], 200, "{ack}");
        member.login["resume"] = ack["resume"].clone();
        for entry in ack["userlist"].as_array().unwrap() {
            let url = entry["url"].as_str().unwrap().to_owned();
            if entry["uid"] == uid {
                member.push = url;
            } else {
                member.pull.insert(entry["uid"].as_u64().unwrap(), url);
                member.entries.push(entry.clone());
            }
        }
        member
    }

    /// Says that it publishes pictures.
    pub(crate) async fn publish(&mut self) {
        let ack = self.command(10, json!({"mediaType": "video", "status": "open"})).await;
        assert_eq!(ack["code"], 200, "{ack}");
    }

    pub(crate) async fn command(&mut self, cmd: u64, mut body: Value) -> Value {
        let object = body.as_object_mut().unwrap();
        object.entry("uid").or_insert(self.uid.into());
        object.entry("cid").or_insert(self.cid.into());
        let packet = json!({"cmd": cmd, "body": body, "seq": 77}).to_string();
        self.socket.send(Message::text(packet)).await.unwrap();
        loop {
            let packet = self.packet().await;
            if packet["seq"] == 77 {
                return packet["body"].clone();
            }
            self.seen.push(packet);
        }
    }

    /// Waits for the next notice of this number.
    pub(crate) async fn notice(&mut self, cmd: u64) -> Value {
        if let Some(at) = self.seen.iter().position(|packet| packet["cmd"] == cmd) {
            return self.seen.remove(at)["body"].clone();
        }
        loop {
            let packet = self.packet().await;
            if packet["cmd"] == cmd {
                return packet["body"].clone();
            }
            self.seen.push(packet);
        }
    }

    async fn packet(&mut self) -> Value {
        loop {
            match timeout(WAIT, self.socket.next()).await.expect("nothing came") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(_)) => {}
                other => panic!("closed: {other:?}"),
            }
        }
    }
}

/// The operator removes a member.
pub(crate) async fn kick(gateway: &Running, room: &str, uid: u64) {
    let body = json!({"appkey": "ak", "uid": uid}).to_string();
    let head = format!(
        "POST /v1/rooms/{room}/kick HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Authorization: Bearer {ADMIN}\r\n",
        body.len()
    );
    assert_eq!(http(gateway, &head, &body).await.0, 204);
}

/// What a member pushes, as the operator sees it.
pub(crate) async fn pushes(gateway: &Running, uid: u64) -> Value {
    let head = format!("GET /v1/rooms HTTP/1.1\r\nAuthorization: Bearer {ADMIN}\r\n");
    let (_, rooms) = http(gateway, &head, "").await;
    let members = rooms["rooms"][0]["members"].as_array().unwrap();
    members.iter().find(|member| member["uid"] == uid).expect("the member")["pushes"].clone()
}

/// Requests so far that ended like this.
pub(crate) async fn counted(gateway: &Running, result: &str) -> u64 {
    let (_, text) = ask(gateway.admin_addr, "GET /metrics HTTP/1.0\r\n\r\n").await;
    let line = format!("nertc_media_requests_total{{result=\"{result}\"}} ");
    let found = text.lines().find_map(|metric| metric.strip_prefix(&line));
    found.map_or(0, |count| count.parse().unwrap())
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let reached = async {
        while !is_so().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(WAIT, reached).await.is_ok(), "{what}");
}

/// Status and the rest of an answer.
pub(crate) async fn ask(addr: SocketAddr, request: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    // Who is refused early may be cut off while it still writes.
    let _sent = socket.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _cut = timeout(WAIT, socket.read_to_end(&mut answer)).await.expect("no answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned())
}

/// A hook, as a server calls it.
pub(crate) async fn hook(addr: SocketAddr, path: &str, body: &str) -> (u16, String) {
    let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Close\r\n");
    ask(addr, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await
}

pub(crate) const ADMIN: &str = "operators only, please";
pub(crate) const WAIT: Duration = Duration::from_secs(20);
