//! One session with its bookkeeping: what it did, and the rules that hold after every step.

use std::collections::{BTreeMap, BTreeSet};

use nertc_miniapp::{
    Call, CallId, Config, Error, Event, HttpRequest, Input, Instant, Media, Output, Reply, RequestId,
    RetryContext, Session, SocketId, Uid,
};

/// A session under observation.
pub(crate) struct Client {
    session: Session,
    /// Everything that was told to the application, in order.
    pub(crate) events: Vec<Event>,
    /// How many of them a scenario no longer asks about.
    pub(crate) forgotten: usize,
    /// Requests not yet answered.
    pub(crate) requests: Vec<(RequestId, HttpRequest)>,
    /// What the application was asked about reconnecting.
    pub(crate) asked: Vec<RetryContext>,
    /// Every frame sent, with its socket.
    pub(crate) sent: Vec<(SocketId, String)>,
    /// Close codes of the sockets that it did not close itself.
    pub(crate) lost: Vec<u16>,
    live: BTreeSet<SocketId>,
    closed: BTreeSet<SocketId>,
    pending: BTreeMap<CallId, &'static str>,
    settled: BTreeMap<CallId, Result<Reply, Error>>,
    last_call: u32,
}

/// What a step did that the surroundings must carry out.
pub(crate) enum Effect {
    Request(RequestId, String),
    Open(SocketId, String),
    Send(SocketId, String),
    Close(SocketId),
}

impl Client {
    pub(crate) fn new(config: Config, now: Instant) -> Self {
        Self {
            session: Session::new(config, now),
            events: Vec::new(),
            forgotten: 0,
            requests: Vec::new(),
            asked: Vec::new(),
            sent: Vec::new(),
            lost: Vec::new(),
            live: BTreeSet::new(),
            closed: BTreeSet::new(),
            pending: BTreeMap::new(),
            settled: BTreeMap::new(),
            last_call: 0,
        }
    }

    /// Makes a call, and returns what it did.
    pub(crate) fn call(&mut self, call: Call, now: Instant) -> (CallId, Vec<Effect>) {
        self.last_call += 1;
        let id = CallId(self.last_call);
        self.pending.insert(id, call.name());
        (id, self.handle(Input::Call(id, call), now))
    }

    /// Hands something in, takes everything out, and checks the rules.
    pub(crate) fn handle(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        if let Input::SocketClosed(id, info) = &input {
            if self.live.remove(id) {
                self.lost.push(info.code);
            }
            self.closed.insert(*id);
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
                    assert!(!self.closed.contains(&id), "a socket id was used twice");
                    assert!(self.live.insert(id), "a socket id was used twice");
                    assert_eq!(self.live.len(), 1, "more than one live socket");
                    effects.push(Effect::Open(id, url.as_str().to_owned()));
                }
                Output::SendText(id, text) => {
                    assert!(self.live.contains(&id), "a frame for a dead socket: {text}");
                    self.sent.push((id, text.clone()));
                    effects.push(Effect::Send(id, text));
                }
                Output::CloseSocket(id, _) => {
                    // The platform may have told of the close before: closing twice is harmless,
                    // closing what was never opened is not.
                    assert!(self.live.remove(&id) || self.closed.contains(&id), "closed a stranger");
                    self.closed.insert(id);
                    effects.push(Effect::Close(id));
                }
                Output::Settle(id, result) => {
                    assert!(self.pending.remove(&id).is_some(), "{id:?} was settled twice");
                    self.settled.insert(id, result);
                }
                Output::Event(event) => self.tell(event),
                Output::AskRetry(context) => self.asked.push(context),
                Output::Log(..) => {}
            }
        }
        if let Some((due, timer)) = self.session.poll_timeout() {
            assert!(due > now || !timed, "{timer:?} was due, and still is after Timeout");
        } else {
            assert!(self.pending.is_empty(), "idle, and yet waiting: {:?}", self.pending);
            assert!(self.live.is_empty(), "idle, and yet a socket is open");
        }
        effects
    }

    /// When the session wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.session.poll_timeout().map(|(due, _)| due)
    }

    /// Whether the session is out of any room with nothing left to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.session.poll_timeout().is_none()
    }

    /// How many frames could not be used.
    pub(crate) fn dropped(&self) -> u64 {
        self.session.dropped()
    }

    /// The live socket.
    pub(crate) fn socket(&self) -> Option<SocketId> {
        self.live.first().copied()
    }

    /// What a call came to, if it is settled.
    pub(crate) fn result(&self, id: CallId) -> Option<&Result<Reply, Error>> {
        self.settled.get(&id)
    }

    /// The names of all events so far.
    pub(crate) fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(Event::name).collect()
    }

    /// Who is in the room, as the events tell it.
    pub(crate) fn members(&self) -> BTreeSet<Uid> {
        let mut members = BTreeSet::new();
        for event in self.stay() {
            if let Event::ClientJoin(who) = event {
                members.insert(who.uid);
            } else if let Event::ClientLeave(who) = event {
                members.remove(&who.uid);
            }
        }
        members
    }

    /// What is published, as the events tell it.
    pub(crate) fn streams(&self) -> BTreeSet<(Uid, Media)> {
        let mut streams = BTreeSet::new();
        for event in self.stay() {
            if let Event::StreamAdded(stream) = event {
                streams.insert((stream.who.uid, stream.media_type));
            } else if let Event::StreamRemoved(stream) = event {
                streams.remove(&(stream.who.uid, stream.media_type));
            }
        }
        streams
    }

    /// The events of the present stay in a room.
    fn stay(&self) -> &[Event] {
        self.events.rsplit(|event| matches!(event, Event::Disconnect { .. })).next().unwrap_or_default()
    }

    /// Brackets match: nothing is removed that was not added, nobody leaves who did not come,
    /// `reconnected` follows `willreconnect`, `disconnect` is the last word.
    fn tell(&mut self, event: Event) {
        match &event {
            Event::ClientJoin(who) => assert!(!self.members().contains(&who.uid), "{who:?} came twice"),
            Event::ClientLeave(who) => {
                assert!(self.members().contains(&who.uid), "{who:?} left without having come");
                assert!(self.streams().iter().all(|(uid, _)| *uid != who.uid), "{who:?} left streams behind");
            }
            Event::StreamAdded(stream) => {
                assert!(self.members().contains(&stream.who.uid), "{stream:?} of nobody");
            }
            Event::StreamRemoved(stream) => {
                let there = self.streams().contains(&(stream.who.uid, stream.media_type));
                assert!(there, "{stream:?} removed without being there");
            }
            Event::Reconnected => {
                let mut told = self.stay().iter().rev();
                let last = told.find(|e| matches!(e, Event::Reconnected | Event::WillReconnect { .. }));
                assert!(matches!(last, Some(Event::WillReconnect { .. })), "reconnected out of nowhere");
            }
            Event::Disconnect { .. } => {
                assert!(self.stay().contains(&Event::Open { code: 200 }), "the end of nothing");
            }
            Event::Error(_)
            | Event::Open { .. }
            | Event::SyncDone(_)
            | Event::WillReconnect { .. }
            | Event::Kicked(_)
            | Event::LiveRoomClose(_)
            | Event::SessionStart
            | Event::ClientUpdate(_)
            | Event::Mute(_)
            | Event::Unmute(_)
            | Event::RoleChanged(_)
            | Event::MediaStatus(_)
            | Event::AbilityNotSupport(_)
            | Event::RtmpTasksStatus(_)
            | Event::AsrCaptions(_)
            | Event::View(_)
            | Event::NativeStatus(_)
            | Event::SendCommandOverTime { .. } => {}
        }
        self.events.push(event);
    }
}
