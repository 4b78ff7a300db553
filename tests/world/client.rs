//! One session with its bookkeeping: what it did, and the rules that hold after every step.

use std::collections::BTreeMap;
use std::time::Duration;

use nertc_miniapp::{
    Call, CallId, Config, Error, Event, HttpRequest, Info, Input, Instant, Level, Output, Page, Reply,
    RequestId, RetryContext, Session, SocketId, Timer,
};

use super::view::View;

/// A session under observation.
pub(crate) struct Client {
    session: Session,
    config: Config,
    /// Everything that was told to the application, in order.
    pub(crate) events: Vec<Event>,
    /// How many of them a scenario no longer asks about.
    pub(crate) forgotten: usize,
    /// What the events come to.
    pub(crate) view: View,
    /// Requests not yet answered.
    pub(crate) requests: Vec<(RequestId, HttpRequest)>,
    /// What the application was asked about reconnecting.
    pub(crate) asked: Vec<RetryContext>,
    /// Every frame sent, with its socket.
    pub(crate) sent: Vec<(SocketId, String)>,
    /// Every call, in order.
    pub(crate) calls: Vec<(CallId, Call)>,
    /// Close codes of the sockets that it did not close itself.
    pub(crate) lost: Vec<u16>,
    /// What the developer was told without debugging.
    pub(crate) notices: Vec<String>,
    /// Surprises that were dealt with.
    pub(crate) warnings: Vec<String>,
    opened: Vec<SocketId>,
    live: Option<SocketId>,
    pending: Vec<Pending>,
    settled: BTreeMap<CallId, Result<Reply, Error>>,
    timer: Option<(Instant, Timer)>,
}

/// A call that is not settled yet.
#[derive(Debug)]
struct Pending {
    id: CallId,
    name: &'static str,
    deadline: Instant,
}

/// What a step did that the surroundings must carry out, or may want to know.
pub(crate) enum Effect {
    Request(RequestId, String),
    Open(SocketId, String),
    Send(SocketId, String),
    Close(SocketId),
    AskRetry(u32),
    /// This call was settled.
    Settled(CallId),
    /// The event with this index was told.
    Told(usize),
}

impl Client {
    pub(crate) fn new(config: Config, now: Instant) -> Self {
        Self {
            session: Session::new(config.clone(), now),
            config,
            events: Vec::new(),
            forgotten: 0,
            view: View::default(),
            requests: Vec::new(),
            asked: Vec::new(),
            sent: Vec::new(),
            calls: Vec::new(),
            lost: Vec::new(),
            notices: Vec::new(),
            warnings: Vec::new(),
            opened: Vec::new(),
            live: None,
            pending: Vec::new(),
            settled: BTreeMap::new(),
            timer: None,
        }
    }

    /// Makes a call, and returns what it did.
    pub(crate) fn call(&mut self, call: Call, now: Instant) -> (CallId, Vec<Effect>) {
        let id = CallId(u32::try_from(self.calls.len() + 1).expect("no scenario is that long"));
        let within = if matches!(call, Call::Join(_)) {
            LONGEST_JOIN
        } else if call == Call::Leave {
            self.config.leave_timeout
        } else if self.pending.iter().any(|pending| pending.name == "join") {
            LONGEST_JOIN + self.config.call_timeout
        } else {
            self.config.call_timeout
        };
        self.pending.push(Pending { id, name: call.name(), deadline: now + within });
        self.calls.push((id, call.clone()));
        (id, self.handle(Input::Call(id, call), now))
    }

    /// Hands something in, takes everything out, and checks the rules.
    pub(crate) fn handle(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        if let Input::SocketClosed(id, info) = &input
            && self.live.take_if(|live| live == id).is_some()
        {
            self.lost.push(info.code);
        }
        let late = self.timer.map_or(Duration::ZERO, |(due, _)| now.since(due));
        if late >= self.config.suspended_after {
            // It was frozen, and nobody could have answered in that time.
            for pending in &mut self.pending {
                pending.deadline = pending.deadline + late;
            }
        }
        let timed = input == Input::Timeout;
        self.session.handle(input, now);
        let mut effects = Vec::new();
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Request(id, request) => {
                    self.requests.push((id, request.clone()));
                    effects.push(Effect::Request(id, request.body));
                }
                Output::OpenSocket(id, url) => {
                    assert!(!self.opened.contains(&id), "a socket id was used twice");
                    assert_eq!(self.live, None, "more than one live socket");
                    self.opened.push(id);
                    self.live = Some(id);
                    effects.push(Effect::Open(id, url.as_str().to_owned()));
                }
                Output::SendText(id, text) => {
                    assert_eq!(self.live, Some(id), "a frame for a dead socket: {text}");
                    self.sent.push((id, text.clone()));
                    effects.push(Effect::Send(id, text));
                }
                Output::CloseSocket(id, _) => {
                    // The platform may have told of the close before: closing twice is harmless,
                    // closing what was never opened is not.
                    assert!(self.opened.contains(&id), "closed a stranger");
                    self.live.take_if(|live| *live == id);
                    effects.push(Effect::Close(id));
                }
                Output::Settle(id, result) => {
                    let found = self.pending.iter().position(|pending| pending.id == id);
                    self.pending.remove(found.unwrap_or_else(|| panic!("{id:?} was settled twice")));
                    self.view.settled(&self.calls[id.0 as usize - 1].1, &result);
                    self.settled.insert(id, result);
                    effects.push(Effect::Settled(id));
                }
                Output::Event(event) => {
                    self.view.tell(&event);
                    effects.push(Effect::Told(self.events.len()));
                    self.events.push(event);
                }
                Output::AskRetry(context) => {
                    effects.push(Effect::AskRetry(context.retry_count));
                    self.asked.push(context);
                }
                Output::Forget => {}
                Output::Log(Level::Notice, text) => self.notices.push(text),
                Output::Log(Level::Warn, text) => self.warnings.push(text),
                Output::Log(Level::Error | Level::Info | Level::Debug, _) => {}
            }
        }
        self.timer = self.session.poll_timeout();
        if let Some((due, timer)) = self.timer {
            assert!(due > now || !timed, "{timer:?} was due, and still is after Timeout");
        } else {
            assert!(self.pending.is_empty(), "idle, and yet waiting: {:?}", self.pending);
            assert_eq!(self.live, None, "idle, and yet a socket is open");
        }
        if timed {
            let late = self.pending.iter().find(|pending| pending.deadline <= now);
            assert!(late.is_none(), "not settled in time: {late:?}");
        }
        effects
    }

    /// When the session wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timer.map(|(due, _)| due)
    }

    /// Why the session wants to be woken.
    pub(crate) fn timer(&self) -> Option<Timer> {
        self.timer.map(|(_, timer)| timer)
    }

    /// Whether the session is out of any room with nothing left to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.timer.is_none()
    }

    /// What the application may look at.
    pub(crate) fn info(&self) -> Info {
        self.session.info()
    }

    /// What the page was last told to render.
    pub(crate) fn page(&self) -> &Page {
        self.session.page()
    }

    /// How many calls wait.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The session as text.
    pub(crate) fn anatomy(&self) -> String {
        format!("{:?}", self.session)
    }

    /// How many frames could not be used.
    pub(crate) fn dropped(&self) -> u64 {
        self.session.dropped()
    }

    /// The live socket.
    pub(crate) fn socket(&self) -> Option<SocketId> {
        self.live
    }

    /// What a call came to, if it is settled.
    pub(crate) fn result(&self, id: CallId) -> Option<&Result<Reply, Error>> {
        self.settled.get(&id)
    }

    /// A call that was made.
    pub(crate) fn made(&self, id: CallId) -> &Call {
        &self.calls[id.0 as usize - 1].1
    }

    /// The names of all events so far.
    pub(crate) fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(Event::name).collect()
    }
}

/// Two bootstraps of ten seconds, twice five for a login, two more bootstraps, a login, and the pauses.
const LONGEST_JOIN: Duration = Duration::from_secs(60);
