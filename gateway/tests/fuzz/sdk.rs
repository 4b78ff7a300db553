//! A session under an application, a network and servers that say anything: each call is settled once and in
//! time, nothing is done to a socket that is gone, and no input makes it work without end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nertc_miniapp::{
    Advice, AppSignal, Call, CallId, CloseInfo, Config, HttpFailure, HttpResponse, Input, Instant, Output,
    RequestId, Session, SocketId,
};
use serde_json::{Value, json};

use crate::draw::Draw;
use crate::engine::{Rules, fuzz};
use crate::frames::{self, Frame};
use crate::spoil;

#[test]
fn sdk() {
    let rules =
        Rules { name: "sdk", cases: 300, longest: Duration::from_secs(20), memory: 48 << 20, shrinks: true };
    fuzz(rules, || live);
}

fn live(draw: &mut Draw) -> Result<(), String> {
    let mut options = json!({ "appkey": "ak" });
    if draw.chance(30) {
        options["statisticsServer"] = json!("https://reports.example/in");
        options["reconnect"] = match draw.below(4) {
            0 => Value::Null,
            1 => json!("function"),
            2 => json!({ "maxAttempts": 2, "heartbeatInterval": 500, "baseDelay": 1, "maxDelay": 1 }),
            _ => json!({ "maxDuration": 0, "firstDelay": 0 }),
        };
    }
    if draw.chance(10) {
        spoil::json(draw, &mut options);
    }
    let Ok(config) = Config::parse(&options.to_string()) else { return Ok(()) };
    let mut stage = Stage::new(config);
    // Most of what there is to break is behind a login.
    if draw.chance(85) {
        stage.enter(draw)?;
    }
    for _ in 0..draw.below(150) {
        stage.step(draw)?;
    }
    stage.comes_to_rest()
}

/// A session, and what its shell may rely on.
struct Stage {
    session: Session,
    now: Instant,
    calls: BTreeSet<CallId>,
    made: u32,
    requests: BTreeMap<RequestId, String>,
    /// Whether it has been said that the socket is open.
    sockets: BTreeMap<SocketId, bool>,
    opened: BTreeSet<SocketId>,
    /// Commands that were sent and may be answered: number and command.
    sent: Vec<(u64, u64)>,
}

impl Stage {
    fn new(config: Config) -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        Self {
            session: Session::new(config, now),
            now,
            calls: BTreeSet::new(),
            made: 0,
            requests: BTreeMap::new(),
            sockets: BTreeMap::new(),
            opened: BTreeSet::new(),
            sent: Vec::new(),
        }
    }

    fn step(&mut self, draw: &mut Draw) -> Result<(), String> {
        match draw.below(16) {
            0 => self.call(draw, &["join", "join", "leave", "setRole", "addTasks"]),
            1 | 2 => self.call(draw, &CALLS),
            3 => self.call(draw, &["dataReporter"]),
            4 | 5 => self.respond(draw),
            6 | 7 => {
                let Some((id, _)) = draw_one(draw, &self.sockets) else { return Ok(()) };
                match self.sockets.get_mut(&id) {
                    Some(is_open) if !*is_open => *is_open = true,
                    // Told twice by a platform.
                    Some(_) if draw.chance(90) => return Ok(()),
                    Some(_) | None => {}
                }
                self.input(Input::SocketOpened(id))
            }
            8..=12 => self.hear(draw),
            13 => {
                let Some((id, _)) = draw_one(draw, &self.sockets) else { return Ok(()) };
                self.sockets.remove(&id);
                let code = draw.pick(&[1006, 1000, 1008, 1012, 1013, 4001, 0, 65_535]);
                let reason =
                    if draw.chance(50) { "url not in domain list".into() } else { spoil::odd_text(draw) };
                self.input(Input::SocketClosed(id, CloseInfo { code, reason }))
            }
            14 => {
                let signals =
                    [AppSignal::Shown, AppSignal::Hidden, AppSignal::NetworkUp, AppSignal::NetworkDown];
                let advice = [Advice::Default, Advice::After(0), Advice::After(u32::MAX), Advice::GiveUp];
                match draw.below(3) {
                    0 => self.input(Input::App(draw.pick(&signals))),
                    1 => self.input(Input::Render),
                    _ => {
                        let count = draw.pick(&[0, 1, 2, u32::MAX]);
                        self.input(Input::Retry(count, draw.pick(&advice)))
                    }
                }
            }
            _ => self.wait(draw.pick(&[50, 1, 1000, 4000, 15_000, 120_000])),
        }
    }

    fn enter(&mut self, draw: &mut Draw) -> Result<(), String> {
        let join = Call::parse("join", r#"[{"channelName":"room","uid":1}]"#);
        self.made += 1;
        self.calls.insert(CallId(self.made));
        self.input(Input::Call(CallId(self.made), join.map_err(|error| error.to_string())?))?;
        for id in std::mem::take(&mut self.requests).into_keys() {
            let response = HttpResponse { status: 200, body: bootstrap().to_string() };
            self.input(Input::Response(id, Ok(response)))?;
        }
        for (id, is_open) in self.sockets.clone() {
            self.sockets.insert(id, true);
            if !is_open {
                self.input(Input::SocketOpened(id))?;
            }
            if let Some((cmd, seq)) = self.sent.pop() {
                let ack = acknowledgement(draw, cmd, seq, 200);
                self.input(Input::SocketText(id, ack.to_string()))?;
            }
        }
        self.wait(500)
    }

    fn call(&mut self, draw: &mut Draw, names: &[&'static str]) -> Result<(), String> {
        let name = draw.pick(names);
        let mut arguments = arguments(draw, name);
        if draw.chance(20) {
            spoil::json(draw, &mut arguments);
        }
        let Ok(call) = Call::parse(name, &arguments.to_string()) else { return Ok(()) };
        self.made += 1;
        let id = CallId(self.made);
        self.calls.insert(id);
        self.input(Input::Call(id, call))
    }

    fn respond(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Some((id, url)) = draw_one(draw, &self.requests) else { return Ok(()) };
        self.requests.remove(&id);
        if draw.chance(10) {
            let message = draw.pick(&["request:fail timeout", "request:fail url not in domain list", ""]);
            return self.input(Input::Response(id, Err(HttpFailure { message: message.into() })));
        }
        let good = if url.contains("getChannelInfos") { bootstrap() } else { json!({ "code": 200 }) };
        let body = match draw.below(10) {
            8 => "<html>502 Bad Gateway</html>".into(),
            9 => String::new(),
            _ => Frame::of(draw, good, 25).text,
        };
        let status = draw.pick(&[200, 200, 200, 404, 502, 0]);
        self.input(Input::Response(id, Ok(HttpResponse { status, body })))
    }

    /// Something comes on a socket, mostly on one that is open.
    fn hear(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Some((id, _)) = draw_one(draw, &self.sockets) else { return Ok(()) };
        let packet = match (draw.below(4), self.sent.is_empty()) {
            (0 | 1, false) => {
                let (cmd, seq) = self.sent.swap_remove(draw.below(self.sent.len()));
                let code = draw.pick(&[200, 200, 200, 200, 403, 404, 414, 500]);
                acknowledgement(draw, cmd, seq, code)
            }
            _ => frames::notice(draw, CID, &[1, 2, 7, 8, u64::MAX]),
        };
        let frame = Frame::of(draw, packet, 30);
        self.input(Input::SocketText(id, frame.text))
    }

    /// Time goes on, and the timer rings when it is due.
    fn wait(&mut self, millis: u64) -> Result<(), String> {
        let end = self.now + Duration::from_millis(millis);
        let mut at_once = 0;
        while let Some((due, timer)) = self.session.poll_timeout().filter(|(due, _)| *due <= end) {
            at_once = if due <= self.now { at_once + 1 } else { 0 };
            if at_once > 100 {
                return Err(format!("the timer {timer:?} rings for ever"));
            }
            self.now = due.max(self.now);
            self.input(Input::Timeout)?;
        }
        self.now = end;
        Ok(())
    }

    /// Nothing answers any more, and the application leaves.
    fn comes_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..60 {
            for id in std::mem::take(&mut self.requests).into_keys() {
                self.input(Input::Response(id, Err(HttpFailure { message: "request:fail".into() })))?;
            }
            for id in std::mem::take(&mut self.sockets).into_keys() {
                self.input(Input::SocketClosed(id, CloseInfo { code: 1006, reason: String::new() }))?;
            }
            self.wait(10_000)?;
        }
        if !self.calls.is_empty() {
            return Err(format!("never settled: {:?}", self.calls));
        }
        self.made += 1;
        self.calls.insert(CallId(self.made));
        self.input(Input::Call(CallId(self.made), Call::Leave))?;
        self.wait(60_000)?;
        match (self.calls.is_empty(), self.sockets.is_empty()) {
            (true, true) => Ok(()),
            (calls, sockets) => Err(format!("after a leave: settled {calls}, no sockets {sockets}")),
        }
    }

    fn input(&mut self, input: Input) -> Result<(), String> {
        self.session.handle(input, self.now);
        let mut steps = 0;
        while let Some(output) = self.session.poll_output() {
            steps += 1;
            if steps > MOST_OUTPUTS {
                return Err(format!("more than {MOST_OUTPUTS} outputs"));
            }
            match output {
                Output::Request(id, request) => {
                    if self.requests.insert(id, request.url.as_str().to_owned()).is_some() {
                        return Err(format!("{id:?} is used twice"));
                    }
                }
                Output::OpenSocket(id, _) => {
                    if !self.sockets.is_empty() || !self.opened.insert(id) {
                        return Err("a second socket".into());
                    }
                    self.sockets.insert(id, false);
                }
                Output::SendText(id, text) => {
                    if self.sockets.get(&id) != Some(&true) {
                        return Err(format!("{text} is sent on {id:?}, which is not open"));
                    }
                    let packet: Value =
                        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
                    let number = |key: &str| packet[key].as_u64();
                    self.sent.extend(number("cmd").zip(number("seq")));
                }
                Output::CloseSocket(id, _) => {
                    // The platform may have told of the close before.
                    if !self.opened.contains(&id) {
                        return Err(format!("{id:?} is closed and was never opened"));
                    }
                    self.sockets.remove(&id);
                    self.sent.clear();
                }
                Output::Settle(id, _) => {
                    if !self.calls.remove(&id) {
                        return Err(format!("{id:?} is settled twice"));
                    }
                }
                Output::Event(event) => {
                    serde_json::to_string(&event).map_err(|error| format!("{event:?}: {error}"))?;
                }
                Output::AskRetry(_) | Output::Forget | Output::Log(..) => {}
            }
        }
        Ok(())
    }
}

fn arguments(draw: &mut Draw, name: &str) -> Value {
    let media = draw.pick(&["audio", "video", "", "screenShare", "slaveAudio"]);
    let uid = json!(draw.pick(&["2", "7", "18446744073709551615", "1"]));
    match name {
        "join" => json!([{ "channelName": "room", "uid": 1, "token": "" }]),
        "publish" | "unpublish" => json!([media]),
        "subscribe" | "unsubscribe" => json!([uid, media]),
        "mute" | "unmute" => json!([media, if draw.chance(30) { uid } else { Value::Null }]),
        "setRole" => json!([draw.pick(&["audience", "broadcaster"])]),
        "setAudioEffectPreset" | "setVoiceBeautifierPreset" | "switchMode" => json!([draw.below(4)]),
        "setLocalVoicePitch" => json!([1.5]),
        "setLocalVoiceEqualization" => json!([draw.below(10), 3]),
        "startAsrCaptions" => json!(["CN", "en"]),
        "aiManualInterrupt" => json!([uid]),
        "addTasks" => json!([{ "rtmpTasks": [{ "taskId": "t", "streamUrl": "rtmp://a/b", "record": false,
            "layout": { "canvas": { "width": 1, "height": 1 }, "users": [{ "uid": 1, "x": 0 }] } }] }]),
        "dataReporter" => {
            let told = draw.pick(&[
                "live-pusher-statechange",
                "live-player-statechange",
                "live-pusher-netstatus",
                "live-player-netstatus",
                "live-pusher-error",
                "x",
            ]);
            let code = draw.pick(&[1001, 1002, 2001, 2003, 2004, -2301, -1307, -1311, 3005, 0]);
            let data = json!({ "code": code, "message": "m", "info": { "videoFPS": 10, "netQualityLevel": 3 },
                "detail": { "code": code } });
            json!([draw.pick(&["push", "pull"]), told, data, uid])
        }
        _ => json!([]),
    }
}

fn bootstrap() -> Value {
    json!({ "code": 200, "cid": CID, "token": "t", "ips": { "wechatapparray": ["gw1.example", "gw2.example"],
        "turnaddrs": [["192.0.2.9:1"]], "token": "i" }, "time": { "t1": 1, "t2": 2, "t3": 3 } })
}

fn acknowledgement(draw: &mut Draw, cmd: u64, seq: u64, code: u32) -> Value {
    let number = draw.pick(&[ack_of(cmd), ack_of(cmd), ack_of(cmd), 14]);
    let mut body = json!({ "code": code });
    if cmd == 0 {
        let users = [1, 2, 7].map(|uid| frames::user(draw, uid));
        body["userlist"] = json!(users);
        body["resume"] = json!("stay");
    }
    json!({ "cmd": number, "seq": seq, "body": body })
}

fn ack_of(cmd: u64) -> u64 {
    match cmd {
        0 => 1,
        2 => 3,
        4 => 9,
        5 => 6,
        7 => 8,
        _ => 14,
    }
}

fn draw_one<K: Copy + Ord, V: Clone>(draw: &mut Draw, from: &BTreeMap<K, V>) -> Option<(K, V)> {
    let at = draw.below(from.len().max(1));
    from.iter().nth(at).map(|(key, value)| (*key, value.clone()))
}

const CID: u64 = 123_456_789_012_345;
const CALLS: [&str; 18] = [
    "publish",
    "unpublish",
    "subscribe",
    "unsubscribe",
    "mute",
    "unmute",
    "setRole",
    "setAudioEffectPreset",
    "setVoiceBeautifierPreset",
    "setLocalVoicePitch",
    "setLocalVoiceEqualization",
    "switchMode",
    "getUploadUserList",
    "startAsrCaptions",
    "stopAsrCaptions",
    "aiManualInterrupt",
    "addTasks",
    "leave",
];
/// Of one input: an answer to a login may name a full room.
const MOST_OUTPUTS: usize = 10_000;
