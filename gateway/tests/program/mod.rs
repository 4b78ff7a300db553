//! The gateway as a process: started, listened to, asked and joined over whatever connection a test has.

#![allow(dead_code, reason = "each test needs another part of it")]

pub(crate) mod certificate;

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A gateway process on free ports, and its log.
pub(crate) struct Program {
    pub(crate) child: Child,
    ready: Value,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::run(command(flags)).await
    }

    pub(crate) async fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        timeout(PATIENCE, stdout.read_line(&mut line)).await.expect("it does not start").unwrap();
        if line.is_empty() {
            panic!("it does not start: {:?}", log.next_line().await);
        }
        let ready = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
        Self { child, ready, log }
    }

    /// Where one of its doors is: `http`, `rtmp`, `rtmps`, `admin`.
    pub(crate) fn addr(&self, door: &str) -> String {
        self.ready[door].as_str().unwrap().to_owned()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for a line of the log.
    pub(crate) async fn hears(&mut self, text: &str) -> String {
        let heard = async {
            loop {
                let line = self.log.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("it has ended without {text}"));
                if line.contains(text) {
                    return line;
                }
            }
        };
        timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("{text} is not said"))
    }

    pub(crate) async fn ends(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap()
    }
}

/// The program with these flags, on free ports unless they say otherwise.
pub(crate) fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nertc-gateway"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NERTC_")) {
        command.env_remove(name);
    }
    for flag in ["--listen", "--rtmp-listen", "--admin-listen"] {
        if !flags.contains(&flag) {
            command.args([flag, "127.0.0.1:0"]);
        }
    }
    command.args(flags);
    command
}

/// One request, and its status, head and body. A stream's is not waited for.
pub(crate) async fn ask<S: Socket>(mut socket: S, head: &str, body: &str) -> (u16, String, String) {
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while !answer.windows(4).any(|text| text == b"FLV\x01") {
        let read = timeout(PATIENCE, socket.read(&mut buffer)).await.expect("no answer");
        let Ok(length @ 1..) = read else { break };
        answer.extend_from_slice(&buffer[..length]);
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (status, head.to_owned(), body.to_owned())
}

/// Asks for a place in a room: what the channel server answers.
pub(crate) async fn bootstrap<S: Socket>(socket: S, path: &str, room: &str, uid: u64) -> Value {
    let sum = debug_checksum("ak", Uid(uid), 1);
    let form = format!("uid={uid}&appkey=ak&channelName={room}&secureType=2&curtime=1&checksum={sum}");
    let head = format!("POST {path}/nrtc/getChannelInfos.action HTTP/1.1\r\nHost: localhost");
    let (status, _, body) = ask(socket, &head, &form).await;
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}"))
}

/// A member's connection.
pub(crate) struct Member<S> {
    pub(crate) socket: WebSocketStream<S>,
    /// What its login was answered.
    pub(crate) ack: Value,
    /// What the connection was closed with, if it was.
    pub(crate) close_code: Option<u16>,
}

impl<S: Socket> Member<S> {
    /// Logs in with what the bootstrap has answered, and what an earlier login has given for coming back.
    pub(crate) async fn log_in(socket: S, url: &str, uid: u64, answer: &Value, resume: &Value) -> Self {
        let (socket, _) = client_async(url, socket).await.unwrap();
        let mut member = Self { socket, ack: Value::Null, close_code: None };
        let body = json!({
            "uid": uid, "cid": answer["cid"], "token": answer["token"], "role": 0,
            "resume": resume.as_str().unwrap_or_default(),
        });
        member.say(json!({"cmd": 0, "body": body, "seq": 1})).await;
        member.ack = member.hear(|packet| packet["seq"] == 1).await.expect("no answer to the login");
        member
    }

    pub(crate) async fn say(&mut self, packet: Value) {
        self.socket.send(Message::text(packet.to_string())).await.unwrap();
    }

    /// The next packet of which that is true, if the connection lasts until then.
    pub(crate) async fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("nothing is said")? {
                Ok(Message::Text(text)) => {
                    let packet = serde_json::from_str(&text).unwrap();
                    if is_it(&packet) {
                        return Some(packet);
                    }
                }
                Ok(Message::Close(frame)) => self.close_code = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Whether a heartbeat is answered.
    pub(crate) async fn is_there(&mut self) -> bool {
        self.say(json!({"cmd": 2, "body": {"uid": 1, "cid": 0}, "seq": 99})).await;
        self.hear(|packet| packet["seq"] == 99).await.is_some()
    }

    /// Where it pushes.
    pub(crate) fn push_url(&self) -> &str {
        self.ack["body"]["userlist"][0]["url"].as_str().unwrap()
    }
}

pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// More than anything takes on a busy machine, and less than for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
