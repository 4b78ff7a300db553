//! A whole gateway beside those who would have it for themselves alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::rooms::HubConfig;
use nertc_gateway::{Config, Gateway, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::test]
async fn a_player_that_is_gone_gives_its_place_back_at_once_whatever_it_left_unread() {
    let gateway = start().await;
    let alice = Member::join(&gateway, 1).await;
    let bob = Member::join(&gateway, 2).await;
    let path = bob.flv_path(&alice);
    for publishes in [false, true] {
        let publisher = if publishes { Some(Rtmp::publish(&gateway, alice.push_key()).await) } else { None };
        for (left, rest) in [("nothing", ""), ("a byte", "X"), ("a request", "GET /healthz HTTP/1.1\r\n\r\n")]
        {
            for reset in [true, false] {
                let mut players = Vec::new();
                for _ in 0..3 {
                    let mut player = TcpStream::connect(gateway.http_addr).await.unwrap();
                    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n{rest}");
                    player.write_all(request.as_bytes()).await.unwrap();
                    players.push(player);
                }
                until(&gateway, 3).await;
                // Those that only end are kept open, so that it is the end alone that is noticed.
                let mut kept = Vec::new();
                for mut player in players {
                    if reset {
                        player.set_zero_linger().unwrap();
                    } else {
                        player.shutdown().await.unwrap();
                        kept.push(player);
                    }
                }
                let gone = Instant::now();
                until(&gateway, 0).await;
                let waited = gone.elapsed();
                assert!(waited < Duration::from_secs(2), "{left}, reset {reset}: {waited:?}");
            }
        }
        drop(publisher);
    }
}

#[tokio::test]
async fn players_of_flv_take_no_place_from_bootstraps() {
    let gateway = start().await;
    let (alice, bob) = (Member::join(&gateway, 1).await, Member::join(&gateway, 2).await);
    let mut player = TcpStream::connect(gateway.http_addr).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", bob.flv_path(&alice));
    player.write_all(request.as_bytes()).await.unwrap();
    let mut head = vec![0; 1024];
    let read = timeout(PATIENCE, player.read(&mut head)).await.unwrap().unwrap();
    let head = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
    // What follows on such a connection is not read: the connection is the media engine's.
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close"), "{head}");
    until(&gateway, 1).await;
}

#[tokio::test]
async fn frames_without_a_byte_are_read_no_faster_than_others() {
    let hub = HubConfig { login_timeout: Duration::from_secs(4), ..HubConfig::default() };
    let gateway = start_with(Config { hub, ..Config::default() }).await;
    let answer = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (what, first, frame) in [
        ("pings", &b""[..], &b"\x89\x80\0\0\0\0"[..]),
        ("pieces of a text", b"\x01\x80\0\0\0\0", b"\0\x80\0\0\0\0"),
        ("texts", b"", b"\x81\x80\0\0\0\0"),
    ] {
        let mut socket = TcpStream::connect(gateway.http_addr).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: test\r\n{answer}{key}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        socket.write_all(first).await.unwrap();
        let (mut reading, mut writing) = socket.into_split();
        let draining = tokio::spawn(async move {
            let mut sink = vec![0; 65536];
            while matches!(reading.read(&mut sink).await, Ok(1..)) {}
        });
        let flood = frame.repeat(10_000);
        let mut written = 0;
        // Until it is closed, as it does not log in.
        while written < MOST && writing.write_all(&flood).await.is_ok() {
            written += flood.len();
        }
        assert!(written < MOST, "{what}: all of {written} bytes are taken");
        draining.abort();
    }
}

#[tokio::test]
async fn signalling_goes_on_beside_publishers_that_send_as_fast_as_they_can() {
    let gateway = start().await;
    let mut crowd = Vec::new();
    for uid in 10..30 {
        crowd.push(Member::join(&gateway, uid).await);
    }
    let mut floods = Vec::new();
    for attacker in &crowd[..4] {
        let publisher = Rtmp::publish(&gateway, attacker.push_key()).await;
        for viewer in &crowd[4..] {
            let player = Rtmp::play(&gateway, viewer.play_key(attacker)).await;
            let (mut reading, writing) = player.socket.into_split();
            floods.push(tokio::spawn(async move {
                let _writing = writing;
                let mut sink = vec![0; 65536];
                while matches!(reading.read(&mut sink).await, Ok(1..)) {}
            }));
        }
        let (_reading, mut writing) = publisher.socket.into_split();
        floods.push(tokio::spawn(async move {
            let _reading = _reading;
            let sounds = b"\x04\0\0\0\0\0\x02\x08\x01\0\0\0\xaf\x01".repeat(5000);
            while writing.write_all(&sounds).await.is_ok() {}
        }));
    }
    let mut alice = Member::join(&gateway, 1).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..40 {
        let asked = Instant::now();
        alice.heartbeat().await;
        let _bootstrap = bootstrap(&gateway, 1).await;
        slowest = slowest.max(asked.elapsed());
    }
    // Of a second or more before; the peers here are the same machine's, and as busy.
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    floods.iter().for_each(tokio::task::JoinHandle::abort);
}

struct Member {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    uid: u64,
    cid: u64,
    /// The URL of every member's stream, its own the first.
    urls: Vec<(u64, String)>,
}

impl Member {
    async fn join(gateway: &Running, uid: u64) -> Self {
        let answer = bootstrap(gateway, uid).await;
        let (socket, _) = connect_async(format!("ws://{}/", gateway.http_addr)).await.unwrap();
        let cid = answer["cid"].as_u64().unwrap();
        let mut member = Self { socket, uid, cid, urls: Vec::new() };
        let login = json!({"token": answer["token"], "scene": 1, "usertype": 3, "webrtc": 1, "role": 0});
        let ack = member.ask(0, login).await;
        assert_eq!(ack["body"]["code"], 200, "{ack}");
        for user in ack["body"]["userlist"].as_array().unwrap() {
            let url = user["url"].as_str().unwrap_or_default().to_owned();
            member.urls.push((user["uid"].as_u64().unwrap(), url));
        }
        member
    }

    async fn heartbeat(&mut self) {
        self.ask(2, json!({})).await;
    }

    /// Sends a command and gives what answers it.
    async fn ask(&mut self, cmd: u32, mut body: Value) -> Value {
        (body["uid"], body["cid"]) = (self.uid.into(), self.cid.into());
        let packet = json!({"cmd": cmd, "body": body, "seq": 1}).to_string();
        self.socket.send(Message::text(packet)).await.unwrap();
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await.expect("an answer").unwrap().unwrap();
            if let Message::Text(text) = next {
                let packet: Value = serde_json::from_str(&text).unwrap();
                if packet["seq"] == 1 {
                    return packet;
                }
            }
        }
    }

    fn push_key(&self) -> String {
        key(&self.urls[0].1)
    }

    /// What another one publishes that was there before.
    fn play_key(&self, other: &Member) -> String {
        let known = self.urls.iter().find(|(uid, _)| *uid == other.uid);
        key(&known.unwrap().1)
    }

    fn flv_path(&self, other: &Member) -> String {
        format!("/live/{}", self.play_key(other).replacen('?', ".flv?", 1))
    }
}

fn key(url: &str) -> String {
    url.rsplit('/').next().unwrap().to_owned()
}

struct Rtmp {
    socket: TcpStream,
    session: ClientSession,
}

impl Rtmp {
    async fn publish(gateway: &Running, key: String) -> Self {
        let mut client = Self::connect(gateway).await;
        let request = client.session.request_publishing(key, PublishRequestType::Live).unwrap();
        client.write(request).await;
        client.until(&ClientSessionEvent::PublishRequestAccepted).await;
        client
    }

    async fn play(gateway: &Running, key: String) -> Self {
        let mut client = Self::connect(gateway).await;
        let request = client.session.request_playback(key).unwrap();
        client.write(request).await;
        client.until(&ClientSessionEvent::PlaybackRequestAccepted).await;
        client
    }

    async fn connect(gateway: &Running) -> Self {
        let mut socket = TcpStream::connect(gateway.rtmp_addr).await.unwrap();
        let mut handshake = Handshake::new(PeerType::Client);
        socket.write_all(&handshake.generate_outbound_p0_and_p1().unwrap()).await.unwrap();
        loop {
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, socket.read(&mut buffer)).await.unwrap().unwrap();
            match handshake.process_bytes(&buffer[..read]).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => {
                    socket.write_all(&response_bytes).await.unwrap();
                }
                HandshakeProcessResult::Completed { response_bytes, .. } => {
                    socket.write_all(&response_bytes).await.unwrap();
                    break;
                }
            }
        }
        let (session, results) = ClientSession::new(ClientSessionConfig::new()).unwrap();
        let mut client = Self { socket, session };
        for result in results {
            client.write(result).await;
        }
        let request = client.session.request_connection("live".to_owned()).unwrap();
        client.write(request).await;
        client.until(&ClientSessionEvent::ConnectionRequestAccepted).await;
        client
    }

    async fn until(&mut self, wanted: &ClientSessionEvent) {
        loop {
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, self.socket.read(&mut buffer)).await.unwrap().unwrap();
            assert_ne!(read, 0, "closed before {wanted:?}");
            let mut has_come = false;
            for result in self.session.handle_input(&buffer[..read]).unwrap() {
                match result {
                    ClientSessionResult::RaisedEvent(event) => has_come |= event == *wanted,
                    ClientSessionResult::UnhandleableMessageReceived(_) => {}
                    response @ ClientSessionResult::OutboundResponse(_) => self.write(response).await,
                }
            }
            if has_come {
                return;
            }
        }
    }

    async fn write(&mut self, result: ClientSessionResult) {
        if let ClientSessionResult::OutboundResponse(packet) = result {
            self.socket.write_all(&packet.bytes).await.unwrap();
        }
    }
}

async fn start() -> Running {
    start_with(Config::default()).await
}

async fn start_with(config: Config) -> Running {
    let any = "127.0.0.1:0".parse().unwrap();
    Gateway::start(Config { listen: any, rtmp_listen: any, ..config }).await.unwrap()
}

async fn bootstrap(gateway: &Running, uid: u64) -> Value {
    let (now, uid) = ("1700000000000", uid.to_string());
    let checksum = debug_checksum("ak", Uid(uid.parse().unwrap()), now.parse().unwrap());
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("uid", &*uid), ("appkey", "ak"), ("channelName", "room"), ("secureType", "2")])
        .extend_pairs([("osType", "4"), ("mode", "2"), ("netType", "0"), ("version", "4.6.11.0")])
        .extend_pairs([("curtime", now), ("checksum", &checksum), ("nrtcg2", "1"), ("t1", now)])
        .finish();
    let head = format!(
        "POST /nrtc/getChannelInfos.action HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n",
        form.len()
    );
    http(gateway, &head, &form).await
}

/// Waits until there are so many players.
async fn until(gateway: &Running, players: u64) {
    let reached = async {
        while http(gateway, "GET /healthz HTTP/1.1\r\n", "").await["media"]["players"] != players {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, reached).await.expect("so many players");
}

async fn http(gateway: &Running, head: &str, body: &str) -> Value {
    let mut socket = TcpStream::connect(gateway.http_addr).await.unwrap();
    let request = format!("{head}Host: test\r\nConnection: close\r\n\r\n{body}");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _read = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("an answer");
    let answer = String::from_utf8(answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Far more than anything here takes, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);
/// What may come at once and in four seconds, and what two systems' buffers hold. Unhindered it takes a second.
const MOST: usize = 20 << 20;
