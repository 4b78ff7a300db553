//! Each fault does what it says, over real sockets; without the flag there is none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use nertc_gateway::rooms::HubConfig;
use nertc_gateway::{Config, Gateway, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::test]
async fn without_the_flag_the_query_means_nothing() {
    let gateway = Gateway::start(Config { allow_faults: false, ..config() }).await.unwrap();
    for text in ["drop-after:0,garbage,bootstrap-status:500,refuse-upgrade:503", "rubbish"] {
        let (status, answer) = bootstrap(&gateway, text, 1).await;
        assert_eq!((status, &answer["code"]), (200, &json!(200)));
        assert_eq!(answer["ips"]["wechatapparray"], json!([gateway.http_addr.to_string()]));
        let mut client = Client::join(&gateway, text, 1).await;
        assert_eq!(client.command(10, json!({"mediaType": "audio", "status": "open"})).await, 200);
    }
}

#[tokio::test]
async fn a_text_that_makes_no_sense_is_answered_with_the_list() {
    let gateway = start().await;
    let (status, answer) = bootstrap(&gateway, "drop-after:never", 1).await;
    assert_eq!((status, &answer["code"]), (400, &json!(414)));
    let list = answer["desc"].as_str().unwrap();
    assert!(list.contains("\"drop-after:never\"") && list.contains("  swallow-after:MS: "), "{list}");
    assert_eq!(refused(&gateway, "help").await, 400);
    assert_eq!(refused(&gateway, &"garbage,".repeat(100)).await, 400);
    let (status, _) = http(&gateway, "GET /healthz?faults=rubbish HTTP/1.1\r\n", "").await;
    assert_eq!(status, 200, "there is nothing to spoil");
}

#[tokio::test]
async fn the_bootstrap_hands_the_text_on_and_the_socket_suffers_until_it_is_used_up() {
    let public_address = "unreachable.example.com/ws?node=1".to_owned();
    let named = Gateway::start(Config { public_address, ..config() }).await.unwrap();
    let answer = bootstrap(&named, "garbage", 1).await.1;
    assert_eq!(answer["ips"]["wechatapparray"], json!(["unreachable.example.com/ws?node=1&faults=garbage"]));

    let gateway = start().await;
    let text = "drop-after:0,times:2;close-after:0:4001,times:1";
    let mut codes = Vec::new();
    for _ in 0..3 {
        let answer = bootstrap(&gateway, text, 1).await.1;
        let address = answer["ips"]["wechatapparray"][0].as_str().unwrap().to_owned();
        assert_eq!(address, format!("{}/?faults={text}", gateway.http_addr));
        let (socket, _) = connect_async(format!("ws://{address}")).await.unwrap();
        codes.push(Client { socket, uid: 1, cid: 0, seq: 0 }.closed().await);
    }
    assert_eq!(codes, [1006, 1006, 4001]);
    let mut client = Client::join(&gateway, text, 1).await;
    assert_eq!(client.command(2, json!({})).await, 200);
}

#[tokio::test]
async fn the_bootstrap_fails_in_the_way_that_was_asked_for() {
    let gateway = start().await;
    assert_eq!(bootstrap(&gateway, "bootstrap-status:503,times:1", 1).await, (503, Value::Null));
    assert_eq!(bootstrap(&gateway, "bootstrap-status:503,times:1", 1).await.1["code"], 200);
    assert_eq!(bootstrap(&gateway, "bootstrap-unusable", 1).await, (200, Value::Null));
    let (_, answer) = bootstrap(&gateway, "bootstrap-no-gateways", 1).await;
    assert_eq!((&answer["code"], &answer["ips"]["wechatapparray"]), (&json!(200), &json!([])));
    let asked = Instant::now();
    assert_eq!(bootstrap(&gateway, "bootstrap-delay:300", 1).await.1["code"], 200);
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_socket_is_refused_or_never_opens() {
    let gateway = start().await;
    assert_eq!(refused(&gateway, "refuse-upgrade:502,times:1").await, 502);
    let _served = Client::join(&gateway, "refuse-upgrade:502,times:1", 1).await;

    let url = format!("ws://{}/?faults=stall-upgrade,times:1", gateway.http_addr);
    let mut stalled = Box::pin(connect_async(&url));
    assert!(timeout(Duration::from_millis(300), &mut stalled).await.is_err());
    let (_served, _) = connect_async(&url).await.unwrap();
    assert!(stalled.now_or_never().is_none());
}

#[tokio::test]
async fn a_dropped_or_closed_connection_served_its_time() {
    let gateway = start().await;
    for (text, code) in [("drop-after:1000", 1006), ("close-after:1000:1012", 1012)] {
        let opened = Instant::now();
        let mut client = Client::join(&gateway, text, 1).await;
        assert_eq!(client.command(2, json!({})).await, 200);
        assert_eq!(client.closed().await, code);
        assert!(opened.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_swallowed_connection_is_silent_both_ways_and_stays_open() {
    let hub = HubConfig {
        silence: Duration::from_millis(1500),
        grace: Duration::from_millis(100),
        ..HubConfig::default()
    };
    let gateway = Gateway::start(Config { hub, ..config() }).await.unwrap();
    let mut bob = Client::join(&gateway, "id:bob", 2).await;
    let mut alice = Client::join(&gateway, "swallow-after:1000", 1).await;
    let gone = async {
        // Both talk all the time; only one of them is heard.
        loop {
            alice.send(2, json!({})).await;
            bob.send(2, json!({})).await;
            if bob.packet().await.unwrap()["cmd"] == 21 {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, gone).await.expect("she is still heard");
    while let Some(packet) = alice.packet().now_or_never() {
        assert_eq!(packet.expect("she was told")["cmd"], 3);
    }
}

#[tokio::test]
async fn every_frame_to_the_client_is_late() {
    let gateway = start().await;
    let mut client = Client::join(&gateway, "delay:200", 1).await;
    let sent = Instant::now();
    for _ in 0..20 {
        client.send(2, json!({})).await;
    }
    for seq in 2..22 {
        let answer = client.packet().await.unwrap();
        assert_eq!(answer["seq"], seq, "in order");
        assert!(sent.elapsed() >= Duration::from_millis(200));
    }
}

#[tokio::test]
async fn a_login_is_not_answered_or_refused_and_nobody_enters() {
    let hub = HubConfig { login_timeout: Duration::from_secs(1), ..HubConfig::default() };
    let gateway = Gateway::start(Config { hub, ..config() }).await.unwrap();
    let mut client = Client::logging_in(&gateway, "no-login-answer", 1).await;
    assert_eq!(client.packet().await, Err(1008), "the gateway has heard of no login");

    let mut client = Client::logging_in(&gateway, "refuse-login:401,times:1", 1).await;
    let ack = client.packet().await.unwrap();
    assert_eq!((&ack["cmd"], &ack["seq"]), (&json!(1), &json!(1)));
    assert_eq!((&ack["body"]["code"], &ack["body"]["userlist"]), (&json!(401), &json!([])));
    assert_eq!(client.packet().await.unwrap()["cmd"], 25);
    assert_eq!(http(&gateway, "GET /healthz HTTP/1.1\r\n", "").await.1["rooms"], 0);
    let _served = Client::join(&gateway, "refuse-login:401,times:1", 1).await;
}

#[tokio::test]
async fn answers_get_lost_and_the_rest_arrives() {
    let gateway = start().await;
    let mut deaf = Client::join(&gateway, "no-heartbeats", 1).await;
    deaf.send(2, json!({})).await;
    let seq = deaf.send(10, json!({"mediaType": "audio", "status": "open"})).await;
    assert_eq!(deaf.packet().await.unwrap()["seq"], seq, "the heartbeat's answer would have been first");

    let mut bob = Client::join(&gateway, "no-acks", 2).await;
    assert_eq!(deaf.packet().await.unwrap()["cmd"], 20);
    bob.send(10, json!({"mediaType": "video", "status": "open"})).await;
    assert_eq!(deaf.packet().await.unwrap()["cmd"], 26, "the command was carried out");
    let seq = bob.send(2, json!({})).await;
    assert_eq!(bob.packet().await.unwrap()["seq"], seq);
}

#[tokio::test]
async fn packets_come_twice_among_garbage_and_after_a_huge_one() {
    let gateway = start().await;
    let mut client = Client::join(&gateway, "duplicate", 1).await;
    assert_eq!(client.packet().await.unwrap()["seq"], 1, "the login's answer");
    let seq = client.send(2, json!({})).await;
    for _ in 0..2 {
        assert_eq!(client.packet().await.unwrap()["seq"], seq);
    }

    let mut client = Client::logging_in(&gateway, "garbage", 2).await;
    let mut unreadable = 0;
    while !matches!(client.frame().await, Message::Text(text) if text.starts_with(r#"{"cmd":1,"#)) {
        unreadable += 1;
    }
    assert!(unreadable > 3, "{unreadable}");

    let mut client = Client::join(&gateway, "oversized", 3).await;
    assert!(client.frame().await.len() > 4 << 20);
    assert_eq!(client.command(2, json!({})).await, 200);
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    uid: u64,
    cid: u64,
    seq: u64,
}

impl Client {
    /// Has logged in on a socket with these faults.
    async fn join(gateway: &Running, faults: &str, uid: u64) -> Self {
        let mut client = Self::logging_in(gateway, faults, uid).await;
        let ack = client.packet().await.unwrap();
        assert_eq!((&ack["cmd"], &ack["body"]["code"]), (&json!(1), &json!(200)), "{ack}");
        client
    }

    async fn logging_in(gateway: &Running, faults: &str, uid: u64) -> Self {
        let answer = bootstrap(gateway, "id:none", uid).await.1;
        let url = format!("ws://{}/?faults={faults}", gateway.http_addr);
        let (socket, _) = timeout(HANG, connect_async(url)).await.expect("it does not open").unwrap();
        let cid = answer["cid"].as_u64().unwrap_or_default();
        let mut client = Self { socket, uid, cid, seq: 0 };
        client.send(0, login_body(answer["token"].as_str().unwrap())).await;
        client
    }

    /// Sends a command and gives its number.
    async fn send(&mut self, cmd: u32, mut body: Value) -> u64 {
        self.seq += 1;
        body["uid"] = self.uid.into();
        body["cid"] = self.cid.into();
        let packet = json!({"cmd": cmd, "body": body, "seq": self.seq});
        // A closed socket shows in what is read next.
        let _sent = self.socket.send(Message::text(packet.to_string())).await;
        self.seq
    }

    /// Sends a command and gives the code of its answer, which comes next.
    async fn command(&mut self, cmd: u32, body: Value) -> i64 {
        let seq = self.send(cmd, body).await;
        let answer = self.packet().await.unwrap();
        assert_eq!(answer["seq"], seq);
        answer["body"]["code"].as_i64().unwrap()
    }

    /// The next packet, or the code of the close frame.
    async fn packet(&mut self) -> Result<Value, u16> {
        match self.frame().await {
            Message::Text(text) => Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(Some(frame)) => Err(frame.code.into()),
            Message::Close(None) => Err(1006),
            other @ (Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {
                unreachable!("{other:?}")
            }
        }
    }

    async fn frame(&mut self) -> Message {
        let next = timeout(HANG, self.socket.next()).await.expect("nothing came");
        next.and_then(Result::ok).unwrap_or(Message::Close(None))
    }

    async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.packet().await {
                return code;
            }
        }
    }
}

/// The status that a socket with these faults is refused with.
async fn refused(gateway: &Running, faults: &str) -> u16 {
    let error = connect_async(format!("ws://{}/?faults={faults}", gateway.http_addr)).await.unwrap_err();
    let Error::Http(answer) = error else { unreachable!("{error}") };
    answer.status().as_u16()
}

async fn start() -> Running {
    Gateway::start(config()).await.unwrap()
}

fn config() -> Config {
    let any = "127.0.0.1:0".parse().unwrap();
    Config { listen: any, rtmp_listen: any, allow_faults: true, ..Config::default() }
}

fn login_body(token: &str) -> Value {
    json!({"token": token, "scene": 1, "usertype": 3, "liveEnable": 0, "webrtc": 1, "recordAudio": 0,
        "recordVideo": 0, "rtmpRecord": 0, "recordType": "0", "role": 0, "isHostSpeaker": 0,
        "edgeAddr": "192.0.2.1:80", "newprotocol": 2, "audioChangeMode": 0, "audioLocalPitch": "1.25",
        "audioChangeType": 0, "audioBeautyType": 0})
}

async fn bootstrap(gateway: &Running, faults: &str, uid: u64) -> (u16, Value) {
    let checksum = debug_checksum("ak", Uid(uid), 1_700_000_000_000);
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("uid", &*uid.to_string()), ("appkey", "ak"), ("channelName", "room")])
        .extend_pairs([("secureType", "2"), ("curtime", "1700000000000"), ("checksum", &*checksum)])
        .finish();
    let path = format!("/nrtc/getChannelInfos.action?faults={faults}");
    http(gateway, &format!("POST {path} HTTP/1.1\r\nContent-Length: {}\r\n", form.len()), &form).await
}

async fn http(gateway: &Running, head: &str, body: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(gateway.http_addr).await.unwrap();
    let request = format!("{head}Host: test\r\nConnection: close\r\n\r\n{body}");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(HANG, socket.read_to_string(&mut answer)).await.expect("no answer").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// Nothing takes this long; it only ends a test that hangs.
const HANG: Duration = Duration::from_secs(30);
