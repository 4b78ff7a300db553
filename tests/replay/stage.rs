//! A session on a stage: a trace says what happens to it, and what it must do then.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use nertc_miniapp::{
    AppSignal, Call, CallId, CloseInfo, Config, HttpFailure, HttpResponse, Input, Instant, Journal, Output,
    RequestId, Session, SocketId,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::text::{
    Step, as_the_shell_reads_it, decoded, equal, fits, members_of, text_of, without_number, write,
};

/// A session, a clock, and two logs of what it does: towards the server and the application.
pub(crate) struct Stage {
    session: Session,
    journal: Journal,
    now: Instant,
    wire: VecDeque<Item>,
    app: VecDeque<Item>,
    ignored: BTreeSet<&'static str>,
    manual_heartbeats: bool,
    requests: VecDeque<RequestId>,
    sockets: Vec<SocketId>,
    closed: BTreeSet<SocketId>,
    calls: Vec<String>,
    pending: BTreeSet<String>,
    may_wait: BTreeSet<String>,
    /// Frames that the trace has named and not answered: command and number.
    unanswered: VecDeque<(u64, u64)>,
    me: Map<String, Value>,
}

impl Stage {
    pub(crate) fn new(head: &Map<String, Value>, ignored: BTreeSet<&'static str>) -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        let mut options = json!({"appkey": "ak"}).as_object().unwrap().clone();
        options.extend(head.get("client").and_then(Value::as_object).cloned().unwrap_or_default());
        let options = Value::Object(options);
        let session = Session::new(Config::parse(&options.to_string()).unwrap(), now);
        Self {
            journal: Journal::new(options.to_string(), &session, now),
            session,
            now,
            wire: VecDeque::new(),
            app: VecDeque::new(),
            ignored,
            manual_heartbeats: head.contains_key("heartbeats"),
            requests: VecDeque::new(),
            sockets: Vec::new(),
            closed: BTreeSet::new(),
            calls: Vec::new(),
            pending: BTreeSet::new(),
            may_wait: BTreeSet::new(),
            unanswered: VecDeque::new(),
            me: Map::new(),
        }
    }

    pub(crate) fn step(&mut self, step: &Step<'_>) -> Result<(), String> {
        let verb = step.verb();
        if self.expectation(verb, step)? {
            return Ok(());
        }
        // Before anything else happens, everything that happened must have been named.
        self.quiet()?;
        self.action(verb, step)
    }

    pub(crate) fn finish(&self) -> Result<(), String> {
        self.quiet()?;
        let left: Vec<&String> = self.pending.difference(&self.may_wait).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("still pending: {left:?}")) }
    }

    /// What the client would export.
    pub(crate) fn log(&self) -> String {
        self.journal.export()
    }

    /// Lines that make something happen.
    fn action(&mut self, verb: &str, step: &Step<'_>) -> Result<(), String> {
        match verb {
            "call" => self.call(step.text("call"), step.name(), &step.args()),
            "together" => {
                let calls: Vec<&RawValue> = serde_json::from_str(step.raw[verb].get()).unwrap();
                for call in calls {
                    let call = Step::read(call.get());
                    self.call(call.text("call"), call.name(), &call.args());
                }
            }
            "respond" => {
                let answer = step.get(verb).unwrap();
                let status = answer.get("status").and_then(Value::as_u64).unwrap_or(200) as u16;
                let body = answer.get("body").map_or_else(|| BOOTSTRAP.to_owned(), text_of);
                let request = self.requests.pop_front().ok_or("expected a request to answer")?;
                self.input(Input::Response(request, Ok(HttpResponse { status, body })));
            }
            "unreachable" => {
                let request = self.requests.pop_front().ok_or("expected a request to fail")?;
                self.input(Input::Response(request, Err(HttpFailure { message: step.text(verb) })));
            }
            "open" => self.input(Input::SocketOpened(self.socket(step)?)),
            "refuse" => self.close(self.socket(step)?, 1006, step.text(verb)),
            "receives" => {
                let filler = "x".repeat(step.number("filler").unwrap_or(0) as usize);
                let text = write(step.raw[verb]).replace("$filler", &filler);
                for _ in 0..step.number("times").unwrap_or(1) {
                    self.input(Input::SocketText(self.socket(step)?, text.clone()));
                }
            }
            "answers" => self.answer(&step.get(verb).unwrap())?,
            "drop" => self.close(self.socket(step)?, step.number(verb).unwrap() as u16, "gone".into()),
            "advance" => {
                let end = self.now + Duration::from_millis(step.number(verb).unwrap());
                self.run_until(end, |_| false);
            }
            "waits" => {
                let end = self.now + Duration::from_millis(step.number(verb).unwrap());
                self.run_until(end, |stage| !stage.wire.is_empty());
            }
            "signal" => self.input(Input::App(match step.text(verb).as_str() {
                "shown" => AppSignal::Shown,
                "hidden" => AppSignal::Hidden,
                "networkUp" => AppSignal::NetworkUp,
                "networkDown" => AppSignal::NetworkDown,
                unknown => panic!("there is no signal {unknown}"),
            })),
            "joined" => return self.joined(&step.get(verb).unwrap()),
            "reconnects" => return self.reconnects(&step.get(verb).unwrap()),
            unknown => panic!("there is no step {unknown}"),
        }
        Ok(())
    }

    /// Lines that say what has happened; false for all others.
    fn expectation(&mut self, verb: &str, step: &Step<'_>) -> Result<bool, String> {
        match verb {
            "request" => {
                let item = self.take_wire("request")?;
                request_fits(&step.get(verb).unwrap(), &item)?;
            }
            "opens" => {
                let item = self.opened()?;
                if step.get(verb) != Some(Value::Bool(true)) {
                    equal("url", &step.text(verb), &item.name)?;
                }
            }
            "sends" => {
                let wanted = write(step.raw[verb]);
                let item = self.take_wire("sends").map_err(|error| format!("{error}; expected {wanted}"))?;
                self.note(&item.name);
                let numbered = step.raw[verb].get().starts_with('"') || wanted.contains(r#"},"seq":"#);
                let sent = if numbered { item.name.clone() } else { without_number(&item.name) };
                equal("frame", &wanted, &sent)?;
                equal("socket", &Some(self.socket(step)?), &item.socket)?;
            }
            "frame" => self.any_frame(step.number(verb).unwrap())?,
            "closes" => {
                let item = self.take_wire("closes")?;
                equal("close code", &step.get(verb).unwrap(), &item.value)?;
                equal("socket", &Some(self.socket(step)?), &item.socket)?;
            }
            "resolves" => {
                let item = self.take_app("resolves", &step.text(verb))?;
                fits(&step.get("value").unwrap_or(item.value.clone()), &item.value, verb)?;
            }
            "rejects" => {
                let item = self.take_app("rejects", &step.text(verb))?;
                for key in ["code", "kind", "desc", "reason"] {
                    if let Some(wanted) = step.get(key) {
                        fits(&wanted, &item.value[key], key)?;
                    }
                }
            }
            "pending" => {
                let name = step.text(verb);
                if !self.pending.contains(&name) {
                    return Err(format!("expected {name} to be pending"));
                }
                self.may_wait.insert(name);
            }
            "event" => {
                let item = self.take_app("event", &step.text(verb))?;
                fits(&step.get("data").unwrap_or(item.value.clone()), &item.value, &item.name)?;
            }
            _action => return Ok(false),
        }
        Ok(true)
    }

    fn call(&mut self, method: String, name: String, args: &[Value]) {
        self.calls.push(name.clone());
        self.pending.insert(name.clone());
        let arguments = Value::from(args).to_string();
        match Call::parse(&method, &arguments) {
            Ok(call) => {
                let id = CallId(u32::try_from(self.calls.len()).unwrap() - 1);
                self.take(Input::Call(id, call), &arguments);
            }
            Err(error) => {
                self.pending.remove(&name);
                let value = serde_json::to_value(error).unwrap();
                self.app.push_back(Item { kind: "rejects", name, value, socket: None });
            }
        }
    }

    fn joined(&mut self, options: &Value) -> Result<(), String> {
        let uid = as_the_shell_reads_it(options.get("uid").cloned().unwrap_or(json!(1)));
        let mut params = json!({"channelName": "room", "uid": uid}).as_object().unwrap().clone();
        params.extend(members_of(options, "join"));
        self.call("join".into(), "join".into(), &[Value::Object(params)]);
        self.take_wire("request")?;
        let request = self.requests.pop_front().unwrap();
        self.input(Input::Response(request, Ok(HttpResponse { status: 200, body: BOOTSTRAP.into() })));
        self.opened()?;
        let digits = uid.as_str().map_or_else(|| uid.to_string(), str::to_owned);
        self.me = json!({"uid": digits.parse::<u64>().unwrap(), "url": "rtmp://push", "role": 0})
            .as_object()
            .unwrap()
            .clone();
        self.log_in(options)?;
        self.take_app("resolves", "join")?;
        self.run_until(self.now + STABLE, |_| false);
        Ok(())
    }

    fn reconnects(&mut self, options: &Value) -> Result<(), String> {
        let code = options.get("code").and_then(Value::as_u64).unwrap_or(1006) as u16;
        self.close(*self.sockets.last().unwrap(), code, "gone".into());
        self.take_app("event", "willreconnect")?;
        self.run_until(self.now + PATIENCE, |stage| !stage.wire.is_empty());
        self.opened()?;
        self.log_in(options)
    }

    fn log_in(&mut self, options: &Value) -> Result<(), String> {
        self.input(Input::SocketOpened(*self.sockets.last().unwrap()));
        self.any_frame(0)?;
        let mut users = options.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
        if options.get("me") != Some(&Value::Null) {
            let mut me = self.me.clone();
            me.extend(members_of(options, "me"));
            users.insert(0, Value::Object(me));
        }
        self.answer(&json!({"code": 200, "userlist": users}))
    }

    /// Names a frame whatever it says, except for its command.
    fn any_frame(&mut self, cmd: u64) -> Result<(), String> {
        let item = self.take_wire("sends")?;
        self.note(&item.name);
        if item.name.starts_with(&format!(r#"{{"cmd":{cmd},"#)) {
            Ok(())
        } else {
            Err(format!("expected a frame with cmd {cmd}, got {}", item.name))
        }
    }

    fn note(&mut self, frame: &str) {
        let packet: Value = serde_json::from_str(frame).unwrap();
        self.unanswered.push_back((packet["cmd"].as_u64().unwrap(), packet["seq"].as_u64().unwrap()));
    }

    fn answer(&mut self, body: &Value) -> Result<(), String> {
        let (cmd, seq) = self.unanswered.pop_front().ok_or("no named frame waits for an answer")?;
        let ack = match cmd {
            0 => 1,
            2 => 3,
            4 => 9,
            5 => 6,
            7 => 8,
            _ => 14,
        };
        let body = if *body == json!(200) { json!({"code": 200}) } else { body.clone() };
        let text = json!({"cmd": ack, "seq": seq, "body": body}).to_string();
        self.input(Input::SocketText(*self.sockets.last().ok_or("no socket")?, text));
        Ok(())
    }

    /// A new socket: what was sent on the one before will never be answered.
    fn opened(&mut self) -> Result<Item, String> {
        self.unanswered.clear();
        self.take_wire("opens")
    }

    fn socket(&self, step: &Step<'_>) -> Result<SocketId, String> {
        let found = match step.number("on") {
            Some(number) => self.sockets.get(number as usize - 1),
            None => self.sockets.last(),
        };
        found.copied().ok_or_else(|| "expected a socket, got none".into())
    }

    fn close(&mut self, id: SocketId, code: u16, reason: String) {
        self.closed.insert(id);
        self.input(Input::SocketClosed(id, CloseInfo { code, reason }));
    }

    fn run_until(&mut self, end: Instant, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let Some((due, _)) = self.session.poll_timeout().filter(|(due, _)| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = due.max(self.now);
            self.input(Input::Timeout);
        }
    }

    fn input(&mut self, input: Input) {
        self.take(input, "");
    }

    fn take(&mut self, input: Input, arguments: &str) {
        self.journal.goes_in(&input, arguments, self.now);
        self.session.handle(input, self.now);
        let mut events = Vec::new();
        let mut heartbeats = Vec::new();
        while let Some(output) = self.session.poll_output() {
            let value = match &output {
                Output::Settle(_, Ok(reply)) => json!(reply),
                Output::Settle(_, Err(error)) => json!(error),
                Output::Event(event) => json!(event),
                Output::AskRetry(context) => json!(context),
                Output::Request(..)
                | Output::OpenSocket(..)
                | Output::SendText(..)
                | Output::CloseSocket(..)
                | Output::Forget
                | Output::Log(..) => Value::Null,
            };
            self.journal.comes_out(&output, &value.to_string());
            match output {
                Output::Request(id, request) => {
                    self.requests.push_back(id);
                    let headers: Map<String, Value> = request
                        .headers
                        .iter()
                        .map(|(key, value)| (key.to_lowercase(), json!(value)))
                        .collect();
                    let value = json!({"body": request.body, "headers": headers});
                    self.log_wire("request", request.url.0, value, None);
                }
                Output::OpenSocket(id, url) => {
                    self.sockets.push(id);
                    self.log_wire("opens", url.0, Value::Null, Some(id));
                }
                Output::SendText(id, text) if text.starts_with(r#"{"cmd":2,"#) && !self.manual_heartbeats => {
                    heartbeats.push((id, text));
                }
                Output::SendText(id, text) => self.log_wire("sends", text, Value::Null, Some(id)),
                Output::CloseSocket(id, info) => {
                    if self.closed.insert(id) {
                        self.log_wire("closes", String::new(), json!(info.code), Some(id));
                    }
                }
                Output::Settle(id, result) => {
                    let name = self.calls[id.0 as usize].clone();
                    assert!(self.pending.remove(&name), "{name} was settled twice");
                    let kind = if result.is_ok() { "resolves" } else { "rejects" };
                    self.app.push_back(Item { kind, name, value, socket: None });
                }
                Output::Event(event) if self.ignored.contains(event.name()) => {}
                Output::Event(event) => {
                    events.push(Item { kind: "event", name: event.name().into(), value, socket: None });
                }
                Output::AskRetry(_) | Output::Forget | Output::Log(..) => {}
            }
        }
        self.journal.drained(&self.session, self.now);
        // The shell delivers events from a timer, after the promises.
        self.app.extend(events);
        for (id, text) in heartbeats {
            let seq = serde_json::from_str::<Value>(&text).unwrap()["seq"].clone();
            let ack = json!({"cmd": 3, "seq": seq, "body": {"code": 200}});
            self.input(Input::SocketText(id, ack.to_string()));
        }
    }

    fn log_wire(&mut self, kind: &'static str, name: String, value: Value, socket: Option<SocketId>) {
        self.wire.push_back(Item { kind, name, value, socket });
    }

    fn take_wire(&mut self, kind: &str) -> Result<Item, String> {
        let item = self.wire.pop_front().ok_or_else(|| format!("expected {kind}, got nothing"))?;
        if item.kind == kind { Ok(item) } else { Err(format!("expected {kind}, got {}", item.described())) }
    }

    /// Of calls that were settled by the same thing, any may be named first; events keep their place.
    fn take_app(&mut self, kind: &str, name: &str) -> Result<Item, String> {
        let settled =
            self.app.iter().take_while(|item| item.kind != "event").position(|item| item.name == name);
        if let Some(item) = settled.filter(|_| kind != "event").and_then(|found| self.app.remove(found)) {
            self.app.push_front(item);
        }
        let item = self.app.pop_front().ok_or_else(|| format!("expected {kind} {name}, got nothing"))?;
        if item.kind == kind && item.name == name {
            Ok(item)
        } else {
            Err(format!("expected {kind} {name}, got {}", item.described()))
        }
    }

    fn quiet(&self) -> Result<(), String> {
        self.app
            .iter()
            .chain(&self.wire)
            .next()
            .map_or(Ok(()), |item| Err(format!("expected nothing more, got {}", item.described())))
    }
}

/// Something the session did.
struct Item {
    kind: &'static str,
    /// The name of a call or an event, the text of a frame, a URL.
    name: String,
    value: Value,
    socket: Option<SocketId>,
}

impl Item {
    fn described(&self) -> String {
        format!("{} {} {}", self.kind, self.name, self.value)
    }
}

fn request_fits(wanted: &Value, item: &Item) -> Result<(), String> {
    let body = item.value["body"].as_str().unwrap();
    for (key, value) in wanted.as_object().unwrap() {
        match key.as_str() {
            "url" => fits(value, &json!(item.name), key)?,
            "headers" => fits(value, &item.value["headers"], key)?,
            "body" => fits(value, &json!(body), key)?,
            "form" => {
                let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
                let form: Map<String, Value> =
                    pairs.map(|(key, value)| (decoded(key), json!(decoded(value)))).collect();
                fits(value, &Value::Object(form), key)?;
            }
            // The order of the keys is checked where the file is text: by the runner in JavaScript.
            "json" => equal(key, value, &serde_json::from_str(body).unwrap())?,
            // Every request of ours is a POST.
            "method" => equal(key, value, &json!("POST"))?,
            unknown => panic!("there is no {unknown} of a request"),
        }
    }
    Ok(())
}

/// Longer than any SDK waits before it connects again.
const PATIENCE: Duration = Duration::from_secs(15);
/// A connection that breaks before this counts as one that was never there.
const STABLE: Duration = Duration::from_secs(1);
/// What the channel server answers unless a trace says otherwise.
const BOOTSTRAP: &str = r#"{"code":200,"cid":5,"token":"t","ips":{"wechatapparray":["gw1.example","gw2.example"],"turnaddrs":[["192.0.2.9:1"]],"token":"i"},"time":{"t1":1,"t2":2,"t3":3}}"#;
