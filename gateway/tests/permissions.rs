//! Permission keys from the bootstrap to the media, over real sockets, with ffmpeg as phones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod loopback;

use std::collections::BTreeMap;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::rights::{PermissionKey, Privileges};
use nertc_gateway::{App, Apps, Config, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use self::loopback::{config, http, now_ms, pull, push, push_clip, refuses, start, wait_for};

const SECRET: &str = "0123456789abcdef";
const JOIN: u8 = 32 | 16;

#[tokio::test]
async fn nobody_comes_in_without_a_key_of_its_own() {
    let gateway = start(gateway()).await;
    let (now, all) = (now_ms(), Privileges::ALL);
    let key = |secret, room, uid, privileges, now| {
        PermissionKey::sign("ak", secret, room, uid, privileges, 60, now)
    };
    for (what, key, code) in [
        ("none", String::new(), 403),
        ("rubbish", "rubbish".to_owned(), 414),
        ("forged", key("another secret...", "room", 1, all, now), 414),
        ("expired", key(SECRET, "room", 1, all, now - 61_000), 414),
        ("of another user", key(SECRET, "room", 2, all, now), 414),
        ("of another room", key(SECRET, "other", 1, all, now), 414),
        ("to do anything but join", key(SECRET, "room", 1, Privileges(31), now), 403),
        ("to join and not to create", key(SECRET, "room", 1, Privileges(47), now), 403),
        ("good", key(SECRET, "room", 1, all, now), 200),
    ] {
        let answer = bootstrap(&gateway, 1, &key).await;
        assert_eq!(answer["code"], code, "{what}: {answer}");
        assert_eq!(answer["token"].as_str().is_some_and(|token| !token.is_empty()), code == 200, "{what}");
    }
}

#[tokio::test]
async fn a_member_publishes_and_plays_what_its_key_allows_and_nothing_else() {
    let gateway = start(gateway()).await;
    let mut anchor = Member::join(&gateway, 9, 63).await;
    assert_eq!(anchor.command(10, json!({"mediaType": "video", "status": "open"})).await, 200);
    let _pusher = push(&anchor.url);
    wait_for(&gateway, "publishers", 1).await;

    let mut mute = Member::join(&gateway, 1, JOIN | 4 | 8).await;
    assert_eq!(mute.command(10, json!({"mediaType": "video", "status": "open"})).await, 403);
    assert_eq!(mute.command(10, json!({"mediaType": "audio", "status": "open"})).await, 403);
    assert!(refuses(push(&mute.url)).await);
    assert_eq!(mute.command(16, json!({"srcUid": 9, "mediaType": "video", "sub": true})).await, 200);
    let _player = pull(&mute.others[&9]);
    wait_for(&gateway, "players", 1).await;

    let mut deaf = Member::join(&gateway, 2, JOIN | 1 | 2).await;
    assert_eq!(deaf.command(16, json!({"srcUid": 9, "mediaType": "video", "sub": true})).await, 403);
    assert_eq!(deaf.command(16, json!({"srcUid": 9, "mediaType": "audio", "sub": true})).await, 403);
    assert!(refuses(pull(&deaf.others[&9])).await);
    assert_eq!(deaf.command(10, json!({"mediaType": "video", "status": "open"})).await, 200);
    let _second = push(&deaf.url);
    wait_for(&gateway, "publishers", 2).await;
}

#[tokio::test]
async fn pictures_of_who_may_send_sound_only_go_nowhere() {
    let gateway = start(gateway()).await;
    let speaker = Member::join(&gateway, 1, JOIN | 1).await;
    // The camera alone: not a byte of it may count as media.
    push_clip(&speaker.url).await;
    wait_for(&gateway, "publishers", 0).await;
    // What describes the stream may pass: some hundred bytes of a clip of twenty pictures.
    assert!(bytes_in(&gateway).await < 1000);

    let sender = Member::join(&gateway, 2, JOIN | 2).await;
    push_clip(&sender.url).await;
    wait_for(&gateway, "publishers", 0).await;
    assert!(bytes_in(&gateway).await > 1000, "who may send pictures does");
}

async fn bytes_in(gateway: &Running) -> u64 {
    let (_, health) = http(gateway, "GET /healthz HTTP/1.1\r\n", "").await;
    health["media"]["bytes_in"].as_u64().unwrap()
}

fn gateway() -> Config {
    let app = App { permission_secret: Some(SECRET.to_owned()), ..App::default() };
    Config { apps: Apps::Listed(BTreeMap::from([("ak".to_owned(), app)])), ..config() }
}

async fn bootstrap(gateway: &Running, uid: u64, key: &str) -> Value {
    let sum = debug_checksum("ak", Uid(uid), 1);
    let form = format!(
        "uid={uid}&appkey=ak&channelName=room&secureType=2&curtime=1&checksum={sum}&permKeySecret={key}"
    );
    let head = format!("POST /nrtc/getChannelInfos.action HTTP/1.1\r\nContent-Length: {}\r\n", form.len());
    http(gateway, &head, &form).await.1
}

struct Member {
    uid: u64,
    cid: Value,
    seq: u64,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Where it pushes.
    url: String,
    /// Where it pulls the others.
    others: BTreeMap<u64, String>,
}

impl Member {
    async fn join(gateway: &Running, uid: u64, bits: u8) -> Self {
        let key = PermissionKey::sign("ak", SECRET, "room", uid, Privileges(bits), 60, now_ms());
        let answer = bootstrap(gateway, uid, &key).await;
        let (socket, _) = connect_async(format!("ws://{}/", gateway.http_addr)).await.unwrap();
        let cid = answer["cid"].clone();
        let mut member = Self { uid, cid, seq: 0, socket, url: String::new(), others: BTreeMap::new() };
        let ack = member.ask(0, json!({"token": answer["token"], "role": 0})).await;
        assert_eq!(ack["code"], 200, "{ack}");
        for user in ack["userlist"].as_array().unwrap() {
            let url = user["url"].as_str().unwrap().to_owned();
            match user["uid"].as_u64().unwrap() {
                own if own == uid => member.url = url,
                other => drop(member.others.insert(other, url)),
            }
        }
        member
    }

    async fn command(&mut self, cmd: u32, body: Value) -> u64 {
        self.ask(cmd, body).await["code"].as_u64().unwrap()
    }

    async fn ask(&mut self, cmd: u32, mut body: Value) -> Value {
        self.seq += 1;
        (body["uid"], body["cid"]) = (self.uid.into(), self.cid.clone());
        let packet = json!({"cmd": cmd, "body": body, "seq": self.seq});
        self.socket.send(Message::text(packet.to_string())).await.unwrap();
        loop {
            let Some(Ok(Message::Text(text))) = self.socket.next().await else { continue };
            let packet: Value = serde_json::from_str(&text).unwrap();
            if packet["seq"] == self.seq {
                return packet["body"].clone();
            }
        }
    }
}
