//! The shell around the hub: its sockets, its clock and its one timer. Decides nothing.
//!
//! One task owns the [`Hub`]; every connection has a task of its own, and they talk through bounded
//! channels only. A connection whose queue is full reads too slowly and is dropped: nobody else waits
//! for it. One that sends too fast is read no faster than its [`Budget`] lets it: what is too much waits
//! in the socket, and no command is lost.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::{Fuse, FusedFuture as _, FutureExt as _};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::protocol::MAX_FRAME;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::clock::Clock;
use crate::faults::{ConnectionFaults, OVERSIZED};
use crate::guests::GuestList;
use crate::hub::{Budget, ConnectionId, Hub, HubConfig, HubInput, HubOutput, Level, RoomStatus};
use crate::media::MediaEngine;
use crate::strangers::Stranger;
use crate::vital::Vital;

/// The way to the hub. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct HubHandle {
    requests: mpsc::Sender<Request>,
    minted: Arc<AtomicU64>,
    open: TaskTracker,
    clock: Clock,
    limits: Arc<HubConfig>,
    queue: usize,
}

impl HubHandle {
    /// Starts the hub's task, which keeps `guests` and tells `media` what has ended. `spare` is how many
    /// frames may wait for one connection, besides those that a full room may bring at once.
    pub(crate) fn start(
        vital: &Vital,
        hub: Hub,
        clock: Clock,
        spare: usize,
        guests: Arc<GuestList>,
        media: Arc<dyn MediaEngine>,
    ) -> Self {
        let (requests, incoming) = mpsc::channel(MAX_WAITING_REQUESTS);
        let limits = Arc::new(hub.config().clone());
        let queue = limits.told_at_once().saturating_add(spare).min(Semaphore::MAX_PERMITS);
        let shell =
            Shell { hub, clock, clock_ahead: 0, looked: clock.now(), lines: BTreeMap::new(), guests, media };
        drop(vital.spawn(HUB, shell.run(incoming)));
        Self { requests, minted: Arc::default(), open: TaskTracker::new(), clock, limits, queue }
    }

    /// Takes a stranger's connection over from HTTP, with what it is to suffer, if anything.
    pub(crate) fn upgrade(
        self,
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
                let open = self.open.clone();
                open.track_future(async {
                    match faults {
                        None => {
                            let (sink, stream) = socket.split();
                            self.serve(sink, stream, stranger).await;
                        }
                        Some(faults) => {
                            let (sink, stream) = faults.between(socket);
                            self.serve(sink, stream, stranger).await;
                        }
                    }
                })
            })
    }

    /// Tells the hub that something happened.
    pub(crate) async fn input(&self, input: HubInput) {
        self.request(Request::Input(input)).await;
    }

    async fn request(&self, request: Request) {
        // Without a hub the gateway is stopping, and every connection ends with its queue.
        let _stopping = self.requests.send(request).await;
    }

    /// Whether there is still a hub to talk to.
    pub(crate) fn is_running(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Asks the hub a question.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Hub) -> T + Send + 'static,
    ) -> Result<T, HubGone> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have gone.
        let ask = Request::Ask(Box::new(move |hub| drop(answer.send(question(hub)))));
        // What could not be sent comes back, and holds the answer's sender: dropped, so that nobody waits.
        self.requests.send(ask).await.map_err(|_unsent| HubGone)?;
        answered.await.map_err(|_| HubGone)
    }

    /// Tells the hub of all that at once.
    pub(crate) async fn inputs(&self, inputs: Vec<HubInput>) {
        let clock = self.clock;
        let handle = move |hub: &mut Hub| inputs.into_iter().for_each(|input| hub.handle(input, clock.now()));
        // Without a hub the gateway is stopping.
        let _stopping = self.ask(handle).await;
    }

    /// All rooms, for the operator.
    pub(crate) async fn rooms(&self) -> Result<Vec<RoomStatus>, HubGone> {
        self.ask(|hub| hub.rooms().collect()).await
    }

    /// Closes every connection for a restart, and waits until the last close frame is out.
    pub(crate) async fn shut_down(&self) {
        self.input(HubInput::Shutdown).await;
        self.open.close();
        self.open.wait().await;
    }

    async fn serve(
        self,
        mut sink: impl Sink<Message> + Unpin,
        mut stream: impl Stream<Item = Result<Message, axum::Error>> + Unpin,
        stranger: Weak<Stranger>,
    ) {
        let id = ConnectionId(self.minted.fetch_add(1, Ordering::Relaxed));
        let (queue, mut outgoing) = mpsc::channel(self.queue);
        let caused = Arc::new(AtomicU64::new(0));
        let line = Line { queue, caused: Arc::clone(&caused), stranger: Some(stranger) };
        if self.requests.send(Request::Opened(id, line)).await.is_err() {
            return;
        }
        let mut budget: Budget = self.limits.budget(self.clock.now());
        // A packet that the hub has no room for yet. Meanwhile what the hub says is taken, or the queue would fill.
        let mut passing = pin!(Fuse::terminated());
        let close = loop {
            let now = self.clock.now();
            if caused.load(Ordering::Relaxed) > 0 {
                budget.charge(caused.swap(0, Ordering::Relaxed) / TOLD_WITH_A_PACKET, now);
            }
            let ready = budget.ready();
            let is_free = passing.is_terminated();
            tokio::select! {
                () = passing.as_mut(), if !is_free => {}
                () = sleep_until(self.clock.when(ready)), if is_free && ready > now => {}
                frame = stream.next(), if is_free && ready <= now => {
                    budget.spend(self.clock.now());
                    match frame {
                        Some(Ok(Message::Text(text))) if text.len() > MAX_PACKET => {
                            info!("{id} sent a packet of {} bytes", text.len());
                            break Some((CLOSE_TOO_BIG, "packet too big"));
                        }
                        Some(Ok(Message::Text(text))) => {
                            let request = Request::Input(HubInput::Text(id, text.as_str().into()));
                            if let Err(TrySendError::Full(request)) = self.requests.try_send(request) {
                                passing.set(self.request(request).fuse());
                            }
                        }
                        // Not part of the protocol; the hub counts it among the bad packets.
                        Some(Ok(Message::Binary(bytes))) => {
                            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PACKET)]);
                            passing.set(self.request(Request::Input(HubInput::Text(id, text.into()))).fuse());
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => break None,
                        Some(Err(error)) => break Some(complain(id, error)),
                    }
                }
                next = outgoing.recv() => match next {
                    Some(Outgoing::Text(text)) => {
                        let sent = timeout(WRITE_TIMEOUT, sink.send(Message::Text(text.into()))).await;
                        if sent.is_err() && !outgoing.is_closed() {
                            warn!("{id} has accepted nothing for too long and is dropped");
                        }
                        if !matches!(sent, Ok(Ok(()))) {
                            break None;
                        }
                    }
                    Some(Outgoing::Close(code, reason)) => break Some((code, reason)),
                    None if !self.is_running() => break Some((CLOSE_RESTART, "service restart")),
                    None => break Some((CLOSE_TRY_LATER, "reads too slowly")),
                },
            }
        };
        self.input(HubInput::Closed(id)).await;
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
                sleep_until(self.clock.when(budget.ready())).await;
                let Some(Ok(_)) = stream.next().await else { return };
                budget.spend(self.clock.now());
            }
        };
        let _unanswered = timeout(CLOSE_TIMEOUT, farewell).await;
    }
}

/// There is no hub any more, and soon no process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HubGone;

impl IntoResponse for HubGone {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, "stopped").into_response()
    }
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

enum Request {
    Opened(ConnectionId, Line),
    Input(HubInput),
    Ask(Box<dyn FnOnce(&mut Hub) + Send>),
}

/// What the hub's task has of a connection.
struct Line {
    queue: mpsc::Sender<Outgoing>,
    /// Frames to others that its packets were the reason for, and that it has not been charged with.
    caused: Arc<AtomicU64>,
    /// Whoever has not logged in.
    stranger: Option<Weak<Stranger>>,
}

/// What waits for a connection.
enum Outgoing {
    Text(String),
    Close(u16, &'static str),
}

struct Shell {
    hub: Hub,
    clock: Clock,
    /// How far the machine's clock is ahead of ours, as the hub knows it.
    clock_ahead: i64,
    /// When the two were compared last.
    looked: Instant,
    lines: BTreeMap<ConnectionId, Line>,
    guests: Arc<GuestList>,
    media: Arc<dyn MediaEngine>,
}

impl Shell {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut timer = pin!(sleep_until(self.clock.when(self.clock.now())));
        let mut armed: Option<Instant> = None;
        loop {
            let due = self.hub.poll_timeout().map(|(at, _)| at);
            if let Some(at) = due.filter(|_| due != armed) {
                timer.as_mut().reset(self.clock.when(at));
            }
            armed = due;
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                () = timer.as_mut(), if armed.is_some() => {
                    self.handle(HubInput::Timeout);
                    armed = None;
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Opened(id, line) => {
                self.lines.insert(id, line);
                self.handle(HubInput::Opened(id));
            }
            Request::Input(input) => {
                if let HubInput::Closed(id) = &input {
                    self.lines.remove(id);
                }
                let from = if let HubInput::Text(id, _) = &input { Some(*id) } else { None };
                let told = self.handle(input);
                if told >= TOLD_WITH_A_PACKET
                    && let Some(line) = from.and_then(|id| self.lines.get(&id))
                {
                    line.caused.fetch_add(told, Ordering::Relaxed);
                }
                if let Some(id) = from {
                    self.know(id);
                }
            }
            Request::Ask(question) => {
                question(&mut self.hub);
                self.drain();
            }
        }
    }

    /// A login makes a stranger a member.
    fn know(&mut self, id: ConnectionId) {
        if let Some(line) = self.lines.get_mut(&id)
            && line.stranger.is_some()
            && self.hub.is_member(id)
            && let Some(stranger) = line.stranger.take().and_then(|stranger| stranger.upgrade())
        {
            stranger.prove();
        }
    }

    /// Says how many were told something because of it.
    fn handle(&mut self, input: HubInput) -> u64 {
        let now = self.clock.now();
        if now.since(self.looked) >= LOOKED_AT {
            self.looked = now;
            let ahead = self.clock.machine_ahead();
            if ahead.abs_diff(self.clock_ahead) >= CLOCK_SET {
                self.clock_ahead = ahead;
                self.hub.handle(HubInput::ClockSet(ahead), now);
            }
        }
        self.hub.handle(input, now);
        self.drain()
    }

    fn drain(&mut self) -> u64 {
        let mut told = 0;
        while let Some(output) = self.hub.poll_output() {
            match output {
                HubOutput::Send(id, text) => {
                    let Some(line) = self.lines.get(&id) else { continue };
                    told += 1;
                    match line.queue.try_send(Outgoing::Text(text)) {
                        Ok(()) => {}
                        Err(TrySendError::Full(_)) => {
                            warn!("{id} reads too slowly and is dropped");
                            self.lines.remove(&id);
                            self.hub.handle(HubInput::Closed(id), self.clock.now());
                        }
                        // Its task has ended, and will say so.
                        Err(TrySendError::Closed(_)) => drop(self.lines.remove(&id)),
                    }
                }
                HubOutput::Close(id, code, reason) => {
                    let Some(line) = self.lines.remove(&id) else { continue };
                    // A full queue ends without a close frame of its own.
                    drop(line.queue.try_send(Outgoing::Close(code, reason)));
                }
                HubOutput::Interrupt { cid, from, target } => match target {
                    Some(target) => info!("room {cid}: {from} interrupts {target}"),
                    None => info!("room {cid}: {from} interrupts whoever speaks"),
                },
                HubOutput::Admit(cid, uid, role, stay) => {
                    self.guests.admit(cid, uid, role, stay);
                    self.media.review(uid.0);
                }
                HubOutput::Expel(cid, uid) => {
                    self.guests.expel(cid, uid);
                    self.media.review(uid.0);
                }
                HubOutput::EndStream(name) => self.media.end_stream(&name),
                HubOutput::Log(Level::Info, line) => info!("{line}"),
                HubOutput::Log(Level::Warn, line) => warn!("{line}"),
                HubOutput::Log(Level::Debug, line) => debug!("{line}"),
            }
        }
        told
    }
}

/// The hub's task.
const HUB: &str = "hub";
/// Bytes of one packet; a login has about 600.
pub(crate) const MAX_PACKET: usize = 64 * 1024;
/// Bytes of a connection before its login, frames around them included.
const MAX_BEFORE_LOGIN: usize = 16 * 1024;
/// Inputs of all connections that wait for the hub; beyond it, they wait in their sockets.
const MAX_WAITING_REQUESTS: usize = 1024;
/// By how many milliseconds the machine's clock must have moved against ours to be worth telling: more than
/// it is adjusted by all the time, and little against any credential's life.
const CLOCK_SET: u64 = 1000;
/// How often that is looked at, while anything happens.
const LOOKED_AT: Duration = Duration::from_millis(100);
/// Frames to others that a packet may be the reason for; more of them count as a packet more. A large room costs
/// whoever talks to all of it, and not the other rooms.
const TOLD_WITH_A_PACKET: u64 = 16;
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
