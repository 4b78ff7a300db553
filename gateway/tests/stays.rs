//! What a stay in a room outlives, over real sockets: the time of its ticket and grants, and the gateway.

#![allow(clippy::unwrap_used, missing_docs)]

mod loopback;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::rights::{BasicToken, Secret};
use nertc_gateway::rooms::HubConfig;
use nertc_gateway::{App, Apps, Config, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use self::loopback::{config, http, now_ms, pull, push, refuses, start, wait_for};

#[tokio::test]
async fn a_call_goes_on_after_its_ticket_and_its_grants_have_expired_and_nothing_after_leaving() {
    let gateway = start(Config { ticket_ttl: Duration::from_secs(1), ..config() }).await;
    let mut alice = Client::join(&gateway, 1).await;
    let bob = Client::join(&gateway, 2).await;
    wait_until(bob.joined_ms + 1001).await;

    let mut pusher = push(&alice.url(1));
    wait_for(&gateway, "publishers", 1).await;
    let mut player = pull(&bob.url(1));
    wait_for(&gateway, "players", 1).await;
    let (status, _) = get(&gateway, &bob.flv(1)).await;
    assert_eq!(status, 200, "HTTP-FLV too");
    assert_eq!(alice.task(&gateway, "t").await, 200, "what else the ticket opens");
    assert!(pusher.try_wait().unwrap().is_none() && player.try_wait().unwrap().is_none());

    // A lost connection, and the vendor's SDK, which has nothing but the old ticket.
    let again = alice.again(&gateway).await;
    assert_eq!(again.ack["body"]["code"], 200, "{}", again.ack);
    assert_eq!(again.url(1), alice.url(1));

    alice = again;
    assert_eq!(alice.command(4).await, 200);
    pusher.wait().await.unwrap();
    player.wait().await.unwrap();
    assert!(refuses(push(&alice.url(1))).await);
    let late = alice.again(&gateway).await;
    assert_eq!(late.ack["body"]["code"], 401, "who has left comes back with a new ticket only");
    assert_eq!(alice.task(&gateway, "u").await, 401);
    let anew = Client::join(&gateway, 1).await;
    assert!(refuses(push(&alice.url(1))).await, "the URL of a stay that is over");
    let _pusher = push(&anew.url(1));
    wait_for(&gateway, "publishers", 1).await;
}

#[tokio::test]
async fn after_a_restart_media_wait_for_their_member_and_no_longer_than_others_do() {
    let config = || {
        let secret = Some(Secret::from_text("the same for both").unwrap());
        let hub = HubConfig { settling: Duration::from_secs(8), ..HubConfig::default() };
        Config { secret, hub, ticket_ttl: Duration::from_secs(1), ..self::config() }
    };
    let first = start(config()).await;
    let (alice, bob, carol) =
        (Client::join(&first, 1).await, Client::join(&first, 2).await, Client::join(&first, 3).await);
    wait_until(carol.joined_ms + 1001).await;
    let old_addr = first.rtmp_addr.to_string();
    first.shutdown().await;

    let second = start(config()).await;
    let moved = |url: String| url.replace(&old_addr, &second.rtmp_addr.to_string());
    let mut pusher = push(&moved(alice.url(1)));
    let mut player = pull(&moved(bob.url(1)));
    let mut stranger = push(&moved(carol.url(3)));
    let flv = bob.flv(1);
    let by_flv = get(&second, &flv);
    let forged = moved(alice.url(1)).replace("grant=", "grant=A");
    assert!(refuses(push(&forged)).await, "at once");
    assert!(refuses(push(&moved(bob.url(1)))).await, "a URL for playing, at once");
    let early = [pusher.try_wait(), player.try_wait(), stranger.try_wait()];
    assert!(early.iter().all(|gone| gone.as_ref().unwrap().is_none()), "{early:?}");

    // Their tickets have expired; what they were given to come back with has not.
    let alice = alice.resume(&second).await;
    assert_eq!(alice.ack["body"]["code"], 200, "{}", alice.ack);
    wait_for(&second, "publishers", 1).await;
    let bob = bob.resume(&second).await;
    assert!(bob.ack["body"]["settling"].as_u64().is_some_and(|left| left > 0), "{}", bob.ack);
    wait_for(&second, "players", 1).await;
    assert_eq!(by_flv.await.0, 200);
    assert_eq!(moved(bob.url(1)), bob.url(1), "the same URLs");
    assert!(refuses(stranger).await, "carol has not come back");
    assert!(pusher.try_wait().unwrap().is_none() && player.try_wait().unwrap().is_none());
    assert!(refuses(push(&moved(carol.url(3)))).await, "nobody is waited for any more");
}

#[tokio::test]
async fn a_ticket_works_no_longer_than_its_token_and_a_call_does() {
    const TTL: u64 = 5;
    let app = App { secret: Some(SECRET.into()), secure: true, ..App::default() };
    let apps = Apps::Listed(BTreeMap::from([("ak".to_owned(), app)]));
    let gateway = start(Config { apps, ..config() }).await;
    let token = |uid, now| BasicToken::sign("ak", SECRET, "room", uid, TTL, now);
    let form = |uid, token: &str| {
        let query = [("uid", &*u64::to_string(&uid)), ("appkey", "ak"), ("channelName", "room")];
        let proof = [("secureType", "1"), ("checksum", token)];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(query).extend_pairs(proof).finish()
    };
    let now = now_ms();
    let asked = bootstrap(&gateway, &form(1, &token(1, now))).await;
    let (cid, ticket) = (asked["cid"].as_u64().unwrap(), asked["token"].as_str().unwrap().to_owned());
    let alice = Client::log_in(&gateway, 1, cid, &ticket, "").await;
    assert_eq!(alice.ack["body"]["code"], 200, "{}", alice.ack);
    let unused = bootstrap(&gateway, &form(2, &token(2, now))).await["token"].as_str().unwrap().to_owned();

    wait_until(now + TTL * 1000 + 1).await;
    let bob = Client::log_in(&gateway, 2, cid, &unused, "").await;
    assert_eq!(bob.ack["body"]["code"], 401, "{}", bob.ack);
    assert_eq!(bootstrap(&gateway, &form(2, &token(2, now))).await["code"], 414);
    assert_eq!(alice.again(&gateway).await.ack["body"]["code"], 200, "who is in stays in");
}

#[tokio::test]
async fn who_is_banned_stays_out_with_all_that_it_holds_until_it_is_let_in_again() {
    let admin_token = Some(SECRET.to_owned());
    let gateway = start(Config { admin_token, ..config() }).await;
    let mut alice = Client::join(&gateway, 1).await;
    let bob = Client::join(&gateway, 2).await;
    let kick = async |uid: u64, ban: Value| {
        let header = format!("Authorization: Bearer {SECRET}\r\nContent-Type: application/json");
        let body = json!({"appkey": "ak", "uid": uid, "ban": ban}).to_string();
        post(&gateway, "/v1/rooms/room/kick", &header, &body).await
    };
    for ban in [json!(31_536_001), json!("forever"), json!("")] {
        let (status, told) = kick(1, ban).await;
        assert_eq!((status, told["field"].as_str()), (400, Some("ban")), "{told}");
    }
    assert_eq!(alice.command(2).await, 200, "nothing has happened yet");

    for ban in [json!("ticket"), json!(3600)] {
        assert_eq!(kick(1, ban).await.0, 204);
        for back in [alice.again(&gateway).await, alice.resume(&gateway).await] {
            assert_eq!(back.ack["body"]["code"], 403, "{}", back.ack);
        }
        assert_eq!(bootstrap(&gateway, &debug_form(1)).await["code"], 403);
        assert!(refuses(push(&alice.url(1))).await);
    }
    assert_eq!(bob.again(&gateway).await.ack["body"]["code"], 200, "nobody else");
    assert_eq!(kick(1, json!(0)).await.0, 204);
    alice = Client::join(&gateway, 1).await;
    assert_eq!(kick(1, Value::Null).await.0, 204, "a mere removal");
    assert_eq!(alice.again(&gateway).await.ack["body"]["code"], 200);
}

/// A member, as the vendor's SDK is one.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    uid: u64,
    cid: u64,
    token: String,
    seq: u64,
    ack: Value,
    joined_ms: u64,
}

impl Client {
    async fn join(gateway: &Running, uid: u64) -> Self {
        let answer = bootstrap(gateway, &debug_form(uid)).await;
        let (cid, token) = (answer["cid"].as_u64().unwrap(), answer["token"].as_str().unwrap());
        let client = Self::log_in(gateway, uid, cid, token, "").await;
        assert_eq!(client.ack["body"]["code"], 200, "{}", client.ack);
        client
    }

    /// Comes back with the ticket of the stay.
    async fn again(&self, gateway: &Running) -> Self {
        Self::log_in(gateway, self.uid, self.cid, &self.token, "").await
    }

    /// Comes back with what it was given for that, as our SDK does.
    async fn resume(&self, gateway: &Running) -> Self {
        let resume = self.ack["body"]["resume"].as_str().unwrap();
        Self::log_in(gateway, self.uid, self.cid, &self.token, resume).await
    }

    async fn log_in(gateway: &Running, uid: u64, cid: u64, token: &str, resume: &str) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/", gateway.http_addr)).await.unwrap();
        let (token, ack, joined_ms) = (token.to_owned(), Value::Null, now_ms());
        let mut client = Self { socket, uid, cid, token, seq: 0, ack, joined_ms };
        let login = json!({"uid": uid, "cid": cid, "token": client.token, "role": 0, "resume": resume,
            "audioChangeMode": 0, "audioLocalPitch": "1.25"});
        client.ack = client.ask(0, login).await;
        client
    }

    async fn command(&mut self, cmd: u32) -> i64 {
        let body = json!({"uid": self.uid, "cid": self.cid});
        self.ask(cmd, body).await["body"]["code"].as_i64().unwrap()
    }

    async fn ask(&mut self, cmd: u32, body: Value) -> Value {
        self.seq += 1;
        let packet = json!({"cmd": cmd, "body": body, "seq": self.seq});
        self.socket.send(Message::text(packet.to_string())).await.unwrap();
        loop {
            let next = timeout(Duration::from_secs(10), self.socket.next()).await.expect("no answer");
            let Some(Ok(Message::Text(text))) = next else { continue };
            let packet: Value = serde_json::from_str(&text).unwrap();
            if packet["seq"] == self.seq {
                return packet;
            }
        }
    }

    /// The code of the task server's answer.
    async fn task(&self, gateway: &Running, id: &str) -> i64 {
        let path = format!("/v2/sdk/rooms/{}/tasks", self.cid);
        let body = json!({"taskId": id, "streamUrl": "rtmp://cdn.example.com/live/key"}).to_string();
        let (_, answer) = post(gateway, &path, &format!("Token: {}", self.token), &body).await;
        answer["code"].as_i64().unwrap()
    }

    /// Where a member's main stream is, for this one.
    fn url(&self, of: u64) -> String {
        let users = self.ack["body"]["userlist"].as_array().unwrap();
        users.iter().find(|user| user["uid"] == of).unwrap()["url"].as_str().unwrap().to_owned()
    }

    fn flv(&self, of: u64) -> String {
        let url = self.url(of);
        let (path, query) = url.split_once('?').unwrap();
        format!("/live/{}.flv?{query}", path.rsplit('/').next().unwrap())
    }
}

fn debug_form(uid: u64) -> String {
    let checksum = debug_checksum("ak", Uid(uid), 1);
    format!(
        "uid={uid}&appkey=ak&channelName=room&secureType=2&curtime=1&checksum={checksum}&version=4.6.11.0"
    )
}

async fn bootstrap(gateway: &Running, form: &str) -> Value {
    let kind = "Content-Type: application/x-www-form-urlencoded";
    post(gateway, "/nrtc/getChannelInfos.action", kind, form).await.1
}

/// Until the machine's clock says so: a credential must expire.
async fn wait_until(time_ms: u64) {
    sleep(Duration::from_millis(time_ms.saturating_sub(now_ms()))).await;
}

async fn get(gateway: &Running, path: &str) -> (u16, Value) {
    http(gateway, &format!("GET {path} HTTP/1.1\r\n"), "").await
}

async fn post(gateway: &Running, path: &str, header: &str, body: &str) -> (u16, Value) {
    let head = format!("POST {path} HTTP/1.1\r\n{header}\r\nContent-Length: {}\r\n", body.len());
    http(gateway, &head, body).await
}

const SECRET: &str = "a secret of somebody's server";
