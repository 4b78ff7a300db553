//! A session, and hands to play a gateway with that misbehaves in ways ours never does: every answer
//! is written by hand, at a virtual time.

use std::time::Duration;

use nertc_miniapp::{
    AppSignal, Call, CallId, CloseInfo, Config, Error, HttpFailure, HttpResponse, Input, Instant, JoinParams,
    Reply, SocketId, Uid,
};

use super::client::{Client, Effect};

pub(crate) const BOOTSTRAP: &str = r#"{"code":200,"cid":123456789012345,"token":"t","ips":{"wechatapparray":["gw1.example","gw2.example"],"turnaddrs":[["192.0.2.9:1"]],"token":"i"},"time":{"t1":1,"t2":2,"t3":3}}"#;

/// A user list with nobody but us.
pub(crate) const OWN: &str = r#"[{"uid":1,"url":"rtmp://push","role":0}]"#;

/// A session, a clock, and hands to play the gateway with.
pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) now: Instant,
    /// Where the last socket was opened to.
    pub(crate) opened: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Config::new("ak"))
    }

    pub(crate) fn with(config: Config) -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        Self { client: Client::new(config, now), now, opened: String::new() }
    }

    /// In a room, on a connection that counts as stable.
    pub(crate) fn joined() -> Self {
        let mut stage = Self::new();
        stage.enter();
        stage
    }

    /// Joins, and waits until the connection counts as stable.
    pub(crate) fn enter(&mut self) {
        self.join(JoinParams::new("room", Uid(1)));
        self.bootstrap();
        self.open();
        self.login(OWN);
        self.run_for(Duration::from_millis(500));
    }

    pub(crate) fn call(&mut self, call: Call) -> CallId {
        let (id, effects) = self.client.call(call, self.now);
        self.note(effects);
        id
    }

    pub(crate) fn join(&mut self, params: JoinParams) -> CallId {
        self.call(Call::Join(Box::new(params)))
    }

    pub(crate) fn input(&mut self, input: Input) {
        let effects = self.client.handle(input, self.now);
        self.note(effects);
    }

    pub(crate) fn signal(&mut self, signal: AppSignal) {
        self.input(Input::App(signal));
    }

    pub(crate) fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Open(_, url) = effect {
                self.opened = url;
            }
        }
    }

    pub(crate) fn request_is_open(&self) -> bool {
        self.client.socket().is_none()
            && self.client.deadline().is_some_and(|due| due > self.now + Duration::from_millis(8001))
    }

    pub(crate) fn respond(&mut self, body: &str) {
        let id = self.client.requests.last().unwrap().0;
        let response = HttpResponse { status: 200, body: body.into() };
        self.input(Input::Response(id, Ok(response)));
    }

    pub(crate) fn fail_request(&mut self, message: &str) {
        let id = self.client.requests.last().unwrap().0;
        self.input(Input::Response(id, Err(HttpFailure { message: message.into() })));
    }

    pub(crate) fn bootstrap(&mut self) {
        self.respond(BOOTSTRAP);
    }

    pub(crate) fn socket(&self) -> SocketId {
        self.client.socket().expect("the test is at a point where a socket is open")
    }

    pub(crate) fn open(&mut self) {
        self.input(Input::SocketOpened(self.socket()));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.input(Input::SocketText(self.socket(), text.into()));
    }

    pub(crate) fn login(&mut self, userlist: &str) {
        self.text(&format!(r#"{{"cmd":1,"seq":1,"body":{{"code":200,"userlist":{userlist}}}}}"#));
    }

    pub(crate) fn acknowledge(&mut self, seq: u32) {
        self.text(&format!(r#"{{"cmd":14,"seq":{seq},"body":{{"code":200}}}}"#));
    }

    pub(crate) fn close(&mut self, code: u16) {
        self.input(Input::SocketClosed(self.socket(), gone(code)));
    }

    pub(crate) fn close_with(&mut self, code: u16, reason: &str) {
        let info = CloseInfo { code, reason: reason.into() };
        self.input(Input::SocketClosed(self.socket(), info));
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.client.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    /// As `run_for`, with a gateway that answers heartbeats.
    pub(crate) fn run_alive_for(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.run_for(Duration::from_secs(1));
            self.text(r#"{"cmd":3,"body":{"code":200}}"#);
        }
    }

    /// Connects again and logs in, after the connection was lost.
    pub(crate) fn back(&mut self) {
        self.run_until_socket();
        self.open();
        self.login(OWN);
    }

    /// How many frames with this part were sent on the present socket.
    pub(crate) fn frames(&self, part: &str) -> usize {
        let socket = self.socket();
        self.client.sent.iter().filter(|(id, text)| *id == socket && text.contains(part)).count()
    }

    pub(crate) fn run_until_socket(&mut self) {
        for _ in 0..200 {
            if self.client.socket().is_some() {
                return;
            }
            if self.request_is_open() {
                self.bootstrap();
            } else {
                self.run_for(Duration::from_millis(50));
            }
        }
        panic!("no socket was opened within ten seconds");
    }

    pub(crate) fn error(&self, id: CallId) -> Error {
        match self.client.result(id) {
            Some(Err(error)) => error.clone(),
            other => panic!("expected an error, found {other:?}"),
        }
    }

    pub(crate) fn joins_as_if_nothing_had_been(&mut self) {
        let join = self.join(JoinParams::new("again", Uid(9)));
        self.bootstrap();
        self.open();
        self.login("[]");
        assert!(matches!(self.client.result(join), Some(Ok(Reply::Joined { .. }))));
    }
}

pub(crate) fn gone(code: u16) -> CloseInfo {
    CloseInfo { code, reason: "gone".into() }
}
