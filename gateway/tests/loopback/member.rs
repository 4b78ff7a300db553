//! A member of a room: the packets of the protocol, and nothing else.

use std::collections::BTreeMap;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::Running;
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::loopback::http;

pub(crate) async fn bootstrap(gateway: &Running, uid: u64, key: &str) -> Value {
    let sum = debug_checksum("ak", Uid(uid), 1);
    let form = format!(
        "uid={uid}&appkey=ak&channelName=room&secureType=2&curtime=1&checksum={sum}&permKeySecret={key}"
    );
    let head = format!("POST /nrtc/getChannelInfos.action HTTP/1.1\r\nContent-Length: {}\r\n", form.len());
    http(gateway, &head, &form).await.1
}

pub(crate) struct Member {
    uid: u64,
    cid: Value,
    seq: u64,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Where it pushes.
    pub(crate) url: String,
    /// Where it pulls the others.
    pub(crate) others: BTreeMap<u64, String>,
}

impl Member {
    /// Joins `room` of `ak`, with a permission key where one is asked for.
    pub(crate) async fn join(gateway: &Running, uid: u64, key: &str) -> Self {
        let answer = bootstrap(gateway, uid, key).await;
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

    pub(crate) async fn command(&mut self, cmd: u32, body: Value) -> u64 {
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
