//! The shell around the hub: its clock, its one timer, and the way to it. Decides nothing.
//!
//! One task owns the [`Hub`], and everybody talks to it through bounded channels only. A connection whose queue
//! is full reads too slowly and is dropped: nobody else waits for it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant as StdInstant};

use arc_swap::ArcSwap;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nertc_miniapp::time::Instant;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::metrics::Metrics;
use crate::clock::Clock;
use crate::media::MediaEngine;
use crate::net::Stranger;
use crate::rights::Roster;
use crate::rooms::{Budget, ConnectionId, Hub, HubConfig, HubInput, HubOutput, Level};
use crate::vital::Vital;

/// The way to the hub. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct HubHandle {
    requests: mpsc::Sender<Request>,
    minted: Arc<AtomicU64>,
    open: TaskTracker,
    clock: Clock,
    reading: Arc<ArcSwap<Reading>>,
    drained: CancellationToken,
}

/// How connections are read and written that are opened from now on.
#[derive(Debug)]
struct Reading {
    limits: HubConfig,
    queue: usize,
}

impl Reading {
    fn of(limits: HubConfig, spare: usize) -> Arc<Self> {
        let queue = limits.told_at_once().saturating_add(spare).min(Semaphore::MAX_PERMITS);
        Arc::new(Self { limits, queue })
    }
}

impl HubHandle {
    /// Starts the hub's task, which keeps `roster` and tells `media` what has ended. `spare` is how many
    /// frames may wait for one connection, besides those that a full room may bring at once.
    pub(crate) fn start(
        vital: &Vital,
        hub: Hub,
        clock: Clock,
        spare: usize,
        roster: Arc<Roster>,
        media: Arc<dyn MediaEngine>,
        metrics: Metrics,
    ) -> Self {
        let (requests, incoming) = mpsc::channel(MAX_WAITING_REQUESTS);
        let reading = Arc::new(ArcSwap::new(Reading::of(hub.config().clone(), spare)));
        let (clock_ahead, looked) = (0, clock.now());
        let lines = BTreeMap::new();
        let drained = CancellationToken::new();
        let shell = Shell {
            hub,
            clock,
            clock_ahead,
            looked,
            lines,
            roster,
            media,
            metrics,
            drained: drained.clone(),
        };
        drop(vital.spawn(HUB, shell.run(incoming)));
        Self { requests, minted: Arc::default(), open: TaskTracker::new(), clock, reading, drained }
    }

    /// Has the hub keep to other limits, and what is opened from now on be read by them.
    pub(crate) async fn reconfigure(&self, limits: HubConfig, spare: usize) -> Result<(), HubGone> {
        self.reading.store(Reading::of(limits.clone(), spare));
        self.ask(|hub| hub.reconfigure(limits)).await
    }

    /// Tells the hub that something happened.
    pub(crate) async fn input(&self, input: HubInput) {
        self.request(Request::Input(input, StdInstant::now())).await;
    }

    /// The same, unless the hub has no room for it at once: then what is to be sent comes back.
    pub(crate) fn input_now(&self, input: HubInput) -> Option<impl Future<Output = ()> + use<'_>> {
        match self.requests.try_send(Request::Input(input, StdInstant::now())) {
            Err(TrySendError::Full(request)) => Some(self.request(request)),
            // Without a hub the gateway is stopping.
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
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

    /// Inputs that wait for the hub.
    pub(crate) fn waiting(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }

    /// Returns when no room is left, after [`HubInput::Drain`].
    pub(crate) async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// Closes every connection for a restart, and waits until the last close frame is out.
    pub(crate) async fn shut_down(&self) {
        self.input(HubInput::Shutdown).await;
        self.open.close();
        self.open.wait().await;
    }

    /// Makes a connection known to the hub. There is nobody to know it once the gateway stops.
    pub(crate) async fn connect(&self, stranger: Weak<Stranger>) -> Option<Connected> {
        let id = ConnectionId(self.minted.fetch_add(1, Ordering::Relaxed));
        let reading = self.reading.load();
        let (queue, outgoing) = mpsc::channel(reading.queue);
        let budget = reading.limits.budget(self.clock.now());
        drop(reading);
        let caused = Arc::new(AtomicU64::new(0));
        let line = Line { queue, caused: Arc::clone(&caused), stranger: Some(stranger) };
        self.requests.send(Request::Opened(id, line)).await.ok()?;
        Some(Connected { id, outgoing, caused, budget })
    }

    /// The clock by which the hub is told the time.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Runs a connection's task, which [`HubHandle::shut_down`] waits for.
    pub(crate) fn track<F: Future>(&self, task: F) -> impl Future<Output = F::Output> + use<F> {
        self.open.track_future(task)
    }
}

/// What a connection has of the hub.
pub(crate) struct Connected {
    pub(super) id: ConnectionId,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    /// Frames to others that its packets were the reason for, and that it has not been charged with.
    caused: Arc<AtomicU64>,
    /// How fast it is read.
    pub(super) budget: Budget,
}

impl Connected {
    /// Has it pay for what its packets caused.
    pub(super) fn charge(&mut self, now: Instant) {
        if self.caused.load(Ordering::Relaxed) > 0 {
            self.budget.charge(self.caused.swap(0, Ordering::Relaxed) / TOLD_WITH_A_PACKET, now);
        }
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

enum Request {
    Opened(ConnectionId, Line),
    /// And when it was read.
    Input(HubInput, StdInstant),
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
pub(super) enum Outgoing {
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
    roster: Arc<Roster>,
    media: Arc<dyn MediaEngine>,
    metrics: Metrics,
    drained: CancellationToken,
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
            Request::Input(input, read) => {
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
                    self.metrics.command(read.elapsed());
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
                            self.metrics.slow_connection();
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
                HubOutput::Admit(cid, uid, role, stay, privileges) => {
                    self.roster.admit(cid, uid, role, stay, privileges);
                    self.media.review(uid.0);
                }
                HubOutput::Carry(cid, uid, only) => self.roster.carry(cid, uid, only),
                HubOutput::Expel(cid, uid) => {
                    self.roster.expel(cid, uid);
                    self.media.review(uid.0);
                }
                HubOutput::EndStream(name) => self.media.end_stream(&name),
                HubOutput::Drained => self.drained.cancel(),
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
