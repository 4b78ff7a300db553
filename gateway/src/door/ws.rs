//! The sockets of the signalling: frames in, frames out, and how fast they are read.
//!
//! Every connection has a task of its own. One that sends too fast is read no faster than its budget lets it:
//! what is too much waits in the socket, and no command is lost.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use nertc_miniapp::wire::protocol::MAX_FRAME;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message, Utf8Bytes};
use tracing::{debug, info, warn};

use super::faults::{ConnectionFaults, Frames, OVERSIZED};
use super::shell::{Connected, HubHandle, Outgoing};
use crate::net::Stranger;
use crate::rooms::{ConnectionId, HubInput};

/// Takes a stranger's connection over from HTTP, with what it is to suffer, if anything.
pub(crate) fn upgrade(
    hub: HubHandle,
    request: Request,
    stranger: &Arc<Stranger>,
    faults: Option<ConnectionFaults>,
) -> Response {
    let answer = match create_response_with_body(&request, Body::empty) {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("no WebSocket: {error}")).into_response(),
    };
    // A login and its like; nothing else is read before it.
    stranger.allow(MAX_BEFORE_LOGIN);
    // The connection itself keeps the stranger's place.
    let stranger = Arc::downgrade(stranger);
    let serving = hub.clone();
    tokio::spawn(serving.track(async move {
        match hyper::upgrade::on(request).await {
            Ok(socket) => serve(hub, Socket::new(socket, faults).await, stranger).await,
            Err(error) => debug!("a connection broke before it became a WebSocket: {error}"),
        }
    }));
    answer
}

async fn serve(hub: HubHandle, mut socket: Socket, stranger: Weak<Stranger>) {
    let Ok(mut connected) = hub.connect(stranger) else { return };
    let (id, clock) = (connected.id, hub.clock());
    let close = loop {
        let now = clock.now();
        let ready = connected.budget.ready();
        tokio::select! {
            () = sleep_until(clock.when(ready)), if ready > now => {}
            frame = socket.next(), if ready <= now => {
                connected.budget.spend(clock.now());
                match frame {
                    Some(Ok(Message::Text(text))) if text.len() > MAX_PACKET => {
                        info!("{id} sent a packet of {} bytes", text.len());
                        break Some((CLOSE_TOO_BIG, "packet too big"));
                    }
                    Some(Ok(Message::Text(text))) => hub.hear(&mut connected, text.as_str().into()),
                    // Not part of the protocol; the hub counts it among the bad packets.
                    Some(Ok(Message::Binary(bytes))) => {
                        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PACKET)]);
                        hub.hear(&mut connected, text.into());
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_))) | None => break None,
                    Some(Err(error)) => {
                        let close = complain(id, &error);
                        // Its side may be closed, and ours still open.
                        let _gone = timeout(CLOSE_TIMEOUT, socket.finish(&mut connected)).await;
                        break Some(close);
                    }
                }
            }
            next = connected.next() => match next {
                Some(Outgoing::Text(text)) => {
                    let sent = timeout(WRITE_TIMEOUT, socket.say(&text)).await;
                    if sent.is_err() && !connected.is_dropped() {
                        warn!("{id} has accepted nothing for too long and is dropped");
                    }
                    if !matches!(sent, Ok(Ok(()))) {
                        break None;
                    }
                }
                Some(Outgoing::Close(code, reason)) => break Some((code, reason)),
                None if !hub.is_running() => break Some((CLOSE_RESTART, "service restart")),
                None => break Some((CLOSE_TRY_LATER, "reads too slowly")),
            },
        }
    };
    hub.input(HubInput::Closed(id));
    let farewell = async {
        if let Some((code, reason)) = close
            && socket.close(code, reason).await.is_err()
        {
            return;
        }
        // The peer's own close frame ends the stream; so does an error. What comes before is read no faster
        // than ever.
        loop {
            sleep_until(clock.when(connected.budget.ready())).await;
            let Some(Ok(_)) = socket.next().await else { return };
            connected.budget.spend(clock.now());
        }
    };
    let _unanswered = timeout(CLOSE_TIMEOUT, farewell).await;
}

/// Frames from and to a client.
enum Socket {
    /// What it says is read by tungstenite, which also answers pings. What we say is written past that: it would
    /// keep the room of the longest frame, the answer to a login, for as long as the connection lasts.
    Plain(Box<WebSocketStream<TokioIo<Upgraded>>>),
    Faulty(mpsc::Sender<Message>, Frames),
}

impl Socket {
    async fn new(upgraded: Upgraded, faults: Option<ConnectionFaults>) -> Self {
        let settings = WebSocketConfig::default()
            .max_message_size(Some(2 * MAX_PACKET))
            .max_frame_size(Some(2 * MAX_PACKET))
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_FRAME + OVERSIZED);
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(settings)).await;
        match faults {
            None => Self::Plain(Box::new(socket)),
            Some(faults) => {
                let (sink, stream) = faults.between(socket);
                Self::Faulty(sink, stream)
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Message, WebSocketError>> {
        match self {
            Self::Plain(socket) => socket.next().await,
            Self::Faulty(_, frames) => frames.recv().await,
        }
    }

    async fn say(&mut self, text: &str) -> Result<(), WebSocketError> {
        match self {
            Self::Plain(socket) => {
                // A pong may be half out. When the peer has closed its side, nothing is.
                match socket.flush().await {
                    Ok(()) | Err(WebSocketError::AlreadyClosed) => {}
                    Err(error) => return Err(error),
                }
                let socket = socket.get_mut();
                socket.write_all(&frame(text)).await?;
                Ok(socket.flush().await?)
            }
            Self::Faulty(sink, _) => sink.send(Message::text(text)).await.map_err(|_gone| gone()),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), WebSocketError> {
        let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) };
        match self {
            Self::Plain(socket) => socket.send(Message::Close(Some(frame))).await,
            Self::Faulty(sink, _) => sink.send(Message::Close(Some(frame))).await.map_err(|_gone| gone()),
        }
    }

    /// Sends what has been answered already.
    async fn finish(&mut self, connected: &mut Connected) -> Result<(), WebSocketError> {
        while let Some(Outgoing::Text(text)) = connected.next_now() {
            self.say(&text).await?;
        }
        Ok(())
    }
}

fn gone() -> WebSocketError {
    io::Error::from(io::ErrorKind::BrokenPipe).into()
}

/// A text as a frame of its own (RFC 6455, 5.2).
fn frame(text: &str) -> Vec<u8> {
    let mut frame = Vec::with_capacity(text.len() + LONGEST_HEAD);
    frame.push(WHOLE_TEXT);
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ ..126), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(127);
            frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// What to say to a peer whose frame could not be read. A connection that merely broke is no news.
fn complain(id: ConnectionId, error: &WebSocketError) -> (u16, &'static str) {
    if let WebSocketError::Capacity(error) = error {
        info!("{id} sent a packet that is much too big: {error}");
        return (CLOSE_TOO_BIG, "packet too big");
    }
    debug!("{id} broke: {error:?}");
    (CLOSE_PROTOCOL_ERROR, "unreadable frame")
}

/// Bytes of one packet; a login has about 600.
const MAX_PACKET: usize = 64 * 1024;
/// Bytes of a connection before its login, frames around them included.
const MAX_BEFORE_LOGIN: usize = 16 * 1024;
/// As much as a login has; every connection holds so much.
const READ_BUFFER: usize = 1024;
const WHOLE_TEXT: u8 = 0x81;
const LONGEST_HEAD: usize = 10;
/// How long a peer may take to accept one frame.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may take to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const CLOSE_PROTOCOL_ERROR: u16 = 1002;
const CLOSE_TOO_BIG: u16 = 1009;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_TRY_LATER: u16 = 1013;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_how_long_it_is() {
        for (length, head) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let text = "x".repeat(length);
            assert_eq!(frame(&text), [head, text.as_bytes()].concat(), "{length}");
        }
    }
}
