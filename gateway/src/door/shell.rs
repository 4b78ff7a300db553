//! The shell around the hub: its clock, its one timer, and the way to it. Decides nothing.
//!
//! Whoever has something for the [`Hub`] holds it for as long as that takes, one at a time, and what comes of it goes
//! to bounded queues. A connection whose queue is full reads too slowly and is dropped: nobody waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant as StdInstant};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nertc_miniapp::time::Instant;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, Semaphore, mpsc};
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
    shared: Arc<Shared>,
    minted: Arc<AtomicU64>,
    open: TaskTracker,
    clock: Clock,
    drained: CancellationToken,
}

impl HubHandle {
    /// Starts the hub, whose shell keeps `roster` and tells `media` what has ended. `spare` is how many
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
        let (clock_ahead, looked, armed) = (0, clock.now(), None);
        let (lines, asking) = (BTreeMap::new(), None);
        let drained = CancellationToken::new();
        let shell = Shell {
            hub,
            clock,
            clock_ahead,
            looked,
            armed,
            spare,
            lines,
            asking,
            roster,
            media,
            metrics,
            drained: drained.clone(),
        };
        let shared = Arc::new(Shared {
            shell: Mutex::new(Some(shell)),
            waiting: AtomicUsize::new(0),
            alarm: Notify::new(),
        });
        drop(vital.spawn(HUB, Arc::clone(&shared).keep_time(clock)));
        Self { shared, minted: Arc::default(), open: TaskTracker::new(), clock, drained }
    }

    /// Has the hub keep to other limits, and what is opened from now on be read by them.
    pub(crate) fn reconfigure(&self, limits: HubConfig, spare: usize) -> Result<(), HubGone> {
        self.shared.with(|shell| {
            shell.spare = spare;
            shell.hub.reconfigure(limits);
        })
    }

    /// Tells the hub that something happened. Without a hub the gateway is stopping, and every connection ends with
    /// its queue.
    pub(crate) fn input(&self, input: HubInput) {
        let _stopping = self.shared.with(|shell| shell.take(input));
    }

    /// Tells the hub what a connection says, which pays for what that causes.
    pub(super) fn hear(&self, connected: &mut Connected, text: String) {
        let (id, read) = (connected.id, StdInstant::now());
        let told = self.shared.with(|shell| {
            // Whatever is put into a queue is so in here: what comes of this is the next to be said.
            if connected.outgoing.is_empty() {
                shell.asking = Some((id, std::mem::take(&mut connected.answers)));
            }
            let told = shell.handle(HubInput::Text(id, text));
            if let Some((_, answers)) = shell.asking.take() {
                connected.answers = answers;
            }
            shell.know(id);
            shell.metrics.command(read.elapsed());
            told
        });
        connected.charge(told.unwrap_or_default(), self.clock.now());
    }

    /// Whether there is still a hub to talk to.
    pub(crate) fn is_running(&self) -> bool {
        self.shared.with(|_| ()).is_ok()
    }

    /// Asks the hub a question.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&mut Hub) -> T) -> Result<T, HubGone> {
        self.shared.with(|shell| {
            let answer = question(&mut shell.hub);
            shell.drain();
            answer
        })
    }

    /// Tells the hub of all that at once.
    pub(crate) fn inputs(&self, inputs: Vec<HubInput>) {
        let _stopping = self.shared.with(|shell| inputs.into_iter().for_each(|input| shell.take(input)));
    }

    /// How many wait for the hub: at most one of each thread.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Returns when no room is left, after [`HubInput::Drain`].
    pub(crate) async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// Closes every connection for a restart, and waits until the last close frame is out.
    pub(crate) async fn shut_down(&self) {
        self.input(HubInput::Shutdown);
        self.open.close();
        self.open.wait().await;
    }

    /// Makes a connection known to the hub. There is nobody to know it once the gateway stops.
    pub(crate) fn connect(&self, stranger: Weak<Stranger>) -> Result<Connected, HubGone> {
        let id = ConnectionId(self.minted.fetch_add(1, Ordering::Relaxed));
        self.shared.with(|shell| {
            let limits = shell.hub.config();
            let budget = limits.budget(shell.clock.now());
            let places = limits.told_at_once().saturating_add(shell.spare).min(Semaphore::MAX_PERMITS);
            let (queue, outgoing) = mpsc::channel(places);
            shell.lines.insert(id, Line { queue, stranger: Some(stranger) });
            shell.take(HubInput::Opened(id));
            Connected { id, answers: VecDeque::new(), outgoing, budget }
        })
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
    /// What came of its own packets. A task that puts something into its own queue would be woken for it, and with it
    /// another thread.
    answers: VecDeque<Outgoing>,
    outgoing: mpsc::Receiver<Outgoing>,
    /// How fast it is read.
    pub(super) budget: Budget,
}

impl Connected {
    /// What is to be said next; nothing once the hub has let go of it.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        match self.next_answer() {
            Some(answer) => Some(answer),
            None => self.outgoing.recv().await,
        }
    }

    /// The same, unless there is nothing yet.
    pub(super) fn next_now(&mut self) -> Option<Outgoing> {
        self.next_answer().or_else(|| self.outgoing.try_recv().ok())
    }

    fn next_answer(&mut self) -> Option<Outgoing> {
        let answer = self.answers.pop_front();
        if self.answers.is_empty() {
            // A login has hundreds in a large room.
            self.answers.shrink_to(FEW_ANSWERS);
        }
        answer
    }

    /// Whether the hub has let go of it.
    pub(super) fn is_dropped(&self) -> bool {
        self.outgoing.is_closed()
    }

    /// Has it pay for the frames to others that its packet was the reason for.
    fn charge(&mut self, told: u64, now: Instant) {
        if told >= TOLD_WITH_A_PACKET {
            self.budget.charge(told / TOLD_WITH_A_PACKET, now);
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

/// The hub's shell, and who waits for it. Whoever has something for the hub does the hub's work for it: that takes
/// microseconds, and a task of its own would have to be woken for every packet, and wake the connection for every
/// answer.
struct Shared {
    /// Nothing, once the hub has panicked.
    shell: Mutex<Option<Shell>>,
    waiting: AtomicUsize,
    /// The hub's next deadline has come nearer, or there is no hub any more.
    alarm: Notify,
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut Shell) -> T) -> Result<T, HubGone> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // A panic does not get as far as the lock.
        let mut held = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let shell = held.as_mut().ok_or(HubGone)?;
        let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(shell))) else {
            // What is left of it may be half of something.
            *held = None;
            drop(held);
            self.alarm.notify_one();
            return Err(HubGone);
        };
        if shell.wakes_earlier() {
            drop(held);
            self.alarm.notify_one();
        }
        Ok(result)
    }

    /// Wakes the hub at its deadlines, until there is no hub any more.
    async fn keep_time(self: Arc<Self>, clock: Clock) {
        let mut timer = pin!(sleep_until(clock.when(clock.now())));
        while let Ok(due) = self.with(Shell::arm) {
            if let Some(at) = due {
                timer.as_mut().reset(clock.when(at));
            }
            tokio::select! {
                () = timer.as_mut(), if due.is_some() => {
                    let _gone = self.with(|shell| shell.take(HubInput::Timeout));
                }
                () = self.alarm.notified() => {}
            }
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

/// What the hub's shell has of a connection.
struct Line {
    queue: mpsc::Sender<Outgoing>,
    /// Whoever has not logged in.
    stranger: Option<Weak<Stranger>>,
}

/// What waits for a connection.
pub(super) enum Outgoing {
    Text(Arc<str>),
    Close(u16, &'static str),
}

struct Shell {
    hub: Hub,
    clock: Clock,
    /// How far the machine's clock is ahead of ours, as the hub knows it.
    clock_ahead: i64,
    /// When the two were compared last.
    looked: Instant,
    /// When the hub will be woken.
    armed: Option<Instant>,
    /// Frames that may wait for a connection, besides those that a full room may bring at once.
    spare: usize,
    lines: BTreeMap<ConnectionId, Line>,
    /// Whoever asks at the moment, and the answers to it; unless others wait for it to be said.
    asking: Option<(ConnectionId, VecDeque<Outgoing>)>,
    roster: Arc<Roster>,
    media: Arc<dyn MediaEngine>,
    metrics: Metrics,
    drained: CancellationToken,
}

impl Shell {
    fn take(&mut self, input: HubInput) {
        if let HubInput::Closed(id) = &input {
            self.lines.remove(id);
        }
        self.handle(input);
    }

    /// When the hub is to be woken.
    fn arm(&mut self) -> Option<Instant> {
        self.armed = self.hub.poll_timeout().map(|(at, _)| at);
        self.armed
    }

    /// Whether that is before it will be.
    fn wakes_earlier(&self) -> bool {
        let due = self.hub.poll_timeout().map(|(at, _)| at);
        due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed))
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
                    if let Some((_, answers)) = self.asking.as_mut().filter(|(asking, _)| *asking == id) {
                        answers.push_back(Outgoing::Text(text));
                        continue;
                    }
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
                    if let Some((_, answers)) = self.asking.as_mut().filter(|(asking, _)| *asking == id) {
                        answers.push_back(Outgoing::Close(code, reason));
                        continue;
                    }
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

/// The task that wakes the hub; without it, or the hub, the gateway is none.
const HUB: &str = "hub";
/// By how many milliseconds the machine's clock must have moved against ours to be worth telling: more than
/// it is adjusted by all the time, and little against any credential's life.
const CLOCK_SET: u64 = 1000;
/// Answers for which a connection keeps room.
const FEW_ANSWERS: usize = 4;
/// How often that is looked at, while anything happens.
const LOOKED_AT: Duration = Duration::from_millis(100);
/// Frames to others that a packet may be the reason for; more of them count as a packet more. A large room costs
/// whoever talks to all of it, and not the other rooms.
const TOLD_WITH_A_PACKET: u64 = 16;
