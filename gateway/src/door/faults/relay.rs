//! What stands between a socket that is to suffer and whoever serves it.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use nertc_miniapp::wire::protocol::{Ack, ClientPacket, Command, Notice, ServerPacket};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::plan::{End, LONGEST, Login, SocketFaults};

/// What comes from a client.
pub(crate) type Frames = mpsc::Receiver<Result<Message, Error>>;

/// Frames both ways.
pub(crate) trait WebSocket:
    Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin + Send
{
}

impl<S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin + Send> WebSocket for S {}

/// The faults of one connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionFaults {
    faults: SocketFaults,
    /// Held as long as the socket is.
    _place: Arc<OwnedSemaphorePermit>,
}

impl ConnectionFaults {
    pub(super) fn new(faults: SocketFaults, place: OwnedSemaphorePermit) -> Self {
        Self { faults, _place: Arc::new(place) }
    }

    /// Puts itself between a socket and whoever serves it, who gets these two ends.
    pub(crate) fn between(self, socket: impl WebSocket + 'static) -> (mpsc::Sender<Message>, Frames) {
        let (to_client, outgoing) = mpsc::channel(1);
        let (to_hub, incoming) = mpsc::channel(1);
        tokio::spawn(self.relay(socket, outgoing, to_hub));
        (to_client, incoming)
    }

    async fn relay(
        self,
        mut socket: impl WebSocket,
        mut outgoing: mpsc::Receiver<Message>,
        to_hub: mpsc::Sender<Result<Message, Error>>,
    ) {
        let passing = self.faults.pass(&mut socket, &mut outgoing, &to_hub);
        let Some((after, end)) = &self.faults.end else { return passing.await };
        if timeout(*after, passing).await.is_ok() {
            return;
        }
        match end {
            End::Drop => {}
            End::Close(code) => {
                drop(to_hub);
                let farewell = async {
                    let frame =
                        CloseFrame { code: (*code).into(), reason: Utf8Bytes::from_static("as asked") };
                    socket.send(Message::Close(Some(frame))).await.ok()?;
                    while socket.next().await?.is_ok() {}
                    Some(())
                };
                let _unanswered = timeout(CLOSE_TIMEOUT, farewell).await;
            }
            End::Swallow => {
                // The hub finds out by itself, from silence. Until then the wire takes what it says.
                let silence = async {
                    while outgoing.recv().await.is_some() {}
                    pending::<()>().await;
                };
                let _silence = timeout(LONGEST, silence).await;
            }
        }
    }
}

impl SocketFaults {
    /// Passes frames on until the client or the hub ends it.
    async fn pass(
        &self,
        socket: &mut impl WebSocket,
        outgoing: &mut mpsc::Receiver<Message>,
        to_hub: &mpsc::Sender<Result<Message, Error>>,
    ) {
        let delay = self.delay.unwrap_or_default();
        let (mut sink, mut stream) = socket.split();
        // What is on its way to the client, and when it arrives.
        let mut line: VecDeque<(Instant, Message)> = VecDeque::new();
        let mut hub_is_there = true;
        while hub_is_there || !line.is_empty() {
            let due = line.front().map(|(at, _)| *at);
            // Nothing is read that the hub cannot take yet: waiting for it here would keep its own waiting.
            let read = async { (to_hub.reserve().await, stream.next().await) };
            let frames = tokio::select! {
                (place, frame) = read => {
                    let Some(frame) = frame else { return };
                    match (self.answer(&frame), place) {
                        (Some(answers), _) => answers,
                        (None, Ok(place)) => {
                            place.send(frame);
                            continue;
                        }
                        (None, Err(_gone)) => continue,
                    }
                }
                message = outgoing.recv(), if hub_is_there && line.len() < MAX_LINE => match message {
                    Some(message) => self.spoiled(message),
                    None => {
                        hub_is_there = false;
                        continue;
                    }
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let Some((_, message)) = line.pop_front() else { continue };
                    if sink.send(message).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            line.extend(frames.into_iter().map(|frame| (Instant::now() + delay, frame)));
        }
    }

    /// What to say to a frame of which the hub is to hear nothing.
    fn answer(&self, frame: &Result<Message, Error>) -> Option<Vec<Message>> {
        let fault = self.login.as_ref()?;
        let Ok(Message::Text(text)) = frame else { return None };
        let packet = ClientPacket::decode(text).ok()?;
        let Command::Login(login) = packet.command else { return None };
        Some(match fault {
            Login::Ignored => Vec::new(),
            // In the form that old clients understand (docs/protocol.md 3.2).
            Login::Refused(code) => {
                let ack = Ack { userlist: Some(Vec::new()), ..Ack::refused(*code, "refused as asked") };
                let notice = Notice::Refused(PERMISSION_EXPIRED);
                let texts = [
                    ServerPacket::encode_ack(LOGIN_ACK, packet.seq, &ack),
                    ServerPacket::encode_notice(&notice, login.cid),
                ];
                texts.map(Message::text).into()
            }
        })
    }

    /// What becomes of a frame to the client.
    fn spoiled(&self, frame: Message) -> Vec<Message> {
        let Message::Text(text) = &frame else { return vec![frame] };
        let cmd = serde_json::from_str(text).ok().map(|Head { cmd }| cmd);
        if (self.loses_heartbeats && cmd == Some(HEARTBEAT_ACK))
            || (self.loses_acks && cmd == Some(COMMAND_ACK))
        {
            return Vec::new();
        }
        let mut frames = Vec::new();
        if self.garbage {
            frames.extend(GARBAGE.map(Message::text));
            frames.push(Message::binary(&[0xff; 16][..]));
        }
        if self.duplicates {
            frames.push(frame.clone());
        }
        frames.push(frame);
        if self.oversized && cmd == Some(LOGIN_ACK) {
            frames.push(Message::text(format!(
                r#"{{"cmd":26,"body":{{}},"pad":"{}"}}"#,
                "x".repeat(OVERSIZED)
            )));
        }
        frames
    }
}

#[derive(Deserialize)]
struct Head {
    cmd: u32,
}

/// What a client must be able to hear, down to a number that no protocol has.
const GARBAGE: [&str; 7] =
    ["", "{", "null", "[[[[", r#"{"cmd":-1}"#, r#"{"cmd":26,"body":7}"#, r#"{"cmd":4242,"body":{}}"#];
/// More than a client takes.
pub(crate) const OVERSIZED: usize = 5 << 20;
/// Frames that may be on their way to a client; beyond it, the others wait.
const MAX_LINE: usize = 1024;
/// How long a peer may take to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A reason of cmd 25, and numbers of packets (docs/protocol.md 2.5).
const PERMISSION_EXPIRED: Option<i32> = Some(5);
const LOGIN_ACK: u32 = 1;
const HEARTBEAT_ACK: u32 = 3;
const COMMAND_ACK: u32 = 14;
