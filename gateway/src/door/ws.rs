//! The sockets of the signalling: frames in, frames out, and how fast they are read.
//!
//! Every connection has a task of its own. One that sends too fast is read no faster than its budget lets it:
//! what is too much waits in the socket, and no command is lost.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocketUpgrade};
use axum::response::Response;
use futures_util::future::{Fuse, FusedFuture as _, FutureExt};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use nertc_miniapp::wire::protocol::MAX_FRAME;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tracing::{debug, info, warn};

use super::faults::{ConnectionFaults, OVERSIZED};
use super::shell::{HubHandle, Outgoing};
use crate::net::Stranger;
use crate::rooms::{ConnectionId, HubInput};

/// Takes a stranger's connection over from HTTP, with what it is to suffer, if anything.
pub(crate) fn upgrade(
    hub: HubHandle,
    request: WebSocketUpgrade,
    stranger: &Arc<Stranger>,
    faults: Option<ConnectionFaults>,
) -> Response {
    // A login and its like; nothing else is read before it.
    stranger.allow(MAX_BEFORE_LOGIN);
    // The connection itself keeps the stranger's place.
    let stranger = Arc::downgrade(stranger);
    request
        .max_message_size(2 * MAX_PACKET)
        .max_frame_size(2 * MAX_PACKET)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER + faults.as_ref().map_or(0, |_| OVERSIZED))
        .on_upgrade(move |socket| {
            let serving = hub.clone();
            serving.track(async {
                match faults {
                    None => {
                        let (sink, stream) = socket.split();
                        serve(hub, sink, stream, stranger).await;
                    }
                    Some(faults) => {
                        let (sink, stream) = faults.between(socket);
                        serve(hub, sink, stream, stranger).await;
                    }
                }
            })
        })
}

async fn serve(
    hub: HubHandle,
    mut sink: impl Sink<Message> + Unpin,
    mut stream: impl Stream<Item = Result<Message, axum::Error>> + Unpin,
    stranger: Weak<Stranger>,
) {
    let Some(mut connected) = hub.connect(stranger).await else { return };
    let (id, clock) = (connected.id, hub.clock());
    // A packet that the hub has no room for yet. Meanwhile what the hub says is taken, or the queue would fill.
    let mut passing = pin!(Fuse::terminated());
    let close = loop {
        let now = clock.now();
        connected.charge(now);
        let ready = connected.budget.ready();
        let is_free = passing.is_terminated();
        tokio::select! {
            () = passing.as_mut(), if !is_free => {}
            () = sleep_until(clock.when(ready)), if is_free && ready > now => {}
            frame = stream.next(), if is_free && ready <= now => {
                connected.budget.spend(clock.now());
                match frame {
                    Some(Ok(Message::Text(text))) if text.len() > MAX_PACKET => {
                        info!("{id} sent a packet of {} bytes", text.len());
                        break Some((CLOSE_TOO_BIG, "packet too big"));
                    }
                    Some(Ok(Message::Text(text))) => {
                        let full = hub.input_now(HubInput::Text(id, text.as_str().into()));
                        passing.set(full.map_or_else(Fuse::terminated, FutureExt::fuse));
                    }
                    // Not part of the protocol; the hub counts it among the bad packets.
                    Some(Ok(Message::Binary(bytes))) => {
                        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PACKET)]);
                        let full = hub.input_now(HubInput::Text(id, text.into()));
                        passing.set(full.map_or_else(Fuse::terminated, FutureExt::fuse));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) | None => break None,
                    Some(Err(error)) => break Some(complain(id, error)),
                }
            }
            next = connected.outgoing.recv() => match next {
                Some(Outgoing::Text(text)) => {
                    let sent = timeout(WRITE_TIMEOUT, sink.send(Message::Text(text.into()))).await;
                    if sent.is_err() && !connected.outgoing.is_closed() {
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
    hub.input(HubInput::Closed(id)).await;
    let farewell = async {
        if let Some((code, reason)) = close {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            if sink.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
        }
        // The peer's own close frame ends the stream; so does an error. What comes before is read no faster
        // than ever.
        loop {
            sleep_until(clock.when(connected.budget.ready())).await;
            let Some(Ok(_)) = stream.next().await else { return };
            connected.budget.spend(clock.now());
        }
    };
    let _unanswered = timeout(CLOSE_TIMEOUT, farewell).await;
}

/// What to say to a peer whose frame could not be read. A connection that merely broke is no news.
fn complain(id: ConnectionId, error: axum::Error) -> (u16, &'static str) {
    let cause = error.into_inner().downcast::<WebSocketError>();
    if let Ok(WebSocketError::Capacity(error)) = cause.as_deref() {
        info!("{id} sent a packet that is much too big: {error}");
        return (CLOSE_TOO_BIG, "packet too big");
    }
    debug!("{id} broke: {cause:?}");
    (CLOSE_PROTOCOL_ERROR, "unreadable frame")
}

/// Bytes of one packet; a login has about 600.
const MAX_PACKET: usize = 64 * 1024;
/// Bytes of a connection before its login, frames around them included.
const MAX_BEFORE_LOGIN: usize = 16 * 1024;
const READ_BUFFER: usize = 4 * 1024;
/// A frame that does not fit is never sent; the longest is the answer to a login.
const MAX_WRITE_BUFFER: usize = MAX_FRAME;
/// How long a peer may take to accept one frame.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may take to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const CLOSE_PROTOCOL_ERROR: u16 = 1002;
const CLOSE_TOO_BIG: u16 = 1009;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_TRY_LATER: u16 = 1013;
