//! A journal read back: what happened, line by line, and whether this core does the same again.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::Value;

use crate::api::call::Call;
use crate::api::config::Config;
use crate::api::doors::{Advice, AppSignal, CloseInfo, HttpFailure, HttpResponse, Input, Memory, Output};
use crate::log::journal::{FORMAT, Journal};
use crate::session::Session;
use crate::time::Instant;
use crate::wire::model::{CallId, RequestId, Role, SocketId};

/// A log, and what came of replaying it.
#[derive(Debug)]
pub struct Replay {
    /// The version of the SDK that wrote the log.
    pub version: String,
    /// Everything that happened, in order.
    pub timeline: Vec<Moment>,
    /// How it compares.
    pub verdict: Verdict,
}

/// How a replay compares with its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// So many inputs had the outputs of the log.
    Same(usize),
    /// They had others.
    Different,
    /// So many lines are missing, and the beginning with them: there is nothing to replay.
    Headless(u64),
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the stay began; only of what happened to the session.
    pub at: Option<u64>,
    /// What sort of line it is.
    pub side: Side,
    /// What happened.
    pub what: String,
}

/// Which way something went, and whether log and replay agree on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A stay begins.
    Begin,
    /// Into the session.
    In,
    /// Out of the session.
    Out,
    /// A remark of the replayed session.
    Remark,
    /// The first difference: only the log has this.
    Logged,
    /// The first difference: only the replay has this.
    Replayed,
}

/// Reads a log and replays it.
///
/// # Errors
/// Why the text is no log that can be read.
pub fn replay(log: &str) -> Result<Replay, String> {
    let mut lines = log.lines().enumerate();
    let header = lines.next().map(|(_, line)| serde_json::from_str(line).unwrap_or(Value::Null));
    let header = header.filter(|header| header[0] == "nertc-log").ok_or("not a log of this SDK")?;
    if header[1] != FORMAT {
        return Err(format!("a log of form {}; this program reads form {FORMAT}", header[1]));
    }
    let mut player = Player { verdict: Verdict::Same(0), ..Player::default() };
    let dropped = header[3].as_u64().unwrap_or_default();
    if dropped > 0 {
        player.verdict = Verdict::Headless(dropped);
    }
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let line = Line::read(line).ok_or_else(|| format!("line {}: unreadable: {line}", number + 1))?;
        player.next(line).map_err(|error| format!("line {}: {error}", number + 1))?;
    }
    player.surplus();
    let version = header[2].as_str().unwrap_or_default().to_owned();
    Ok(Replay { version, timeline: player.timeline, verdict: player.verdict })
}

/// One line of a journal.
#[derive(Debug, Clone)]
struct Line {
    at: Option<u64>,
    kind: String,
    of: u32,
    code: u16,
    text: String,
    value: Value,
}

/// The session that does it all again, and what is compared.
#[derive(Debug)]
struct Player {
    stage: Option<Stage>,
    /// What the last input led to, as far as the log has not named it.
    outputs: VecDeque<Line>,
    timeline: Vec<Moment>,
    verdict: Verdict,
}

#[derive(Debug)]
struct Stage {
    session: Session,
    journal: Journal,
    since: Instant,
}

impl Default for Player {
    fn default() -> Self {
        Self { stage: None, outputs: VecDeque::new(), timeline: Vec::new(), verdict: Verdict::Same(0) }
    }
}

impl Player {
    fn next(&mut self, line: Line) -> Result<(), String> {
        if line.at.is_some() {
            self.surplus();
            self.note(Side::In, &line);
            return self.input(&line);
        }
        let side = if line.kind == "begin" { Side::Begin } else { Side::Out };
        match (self.outputs.pop_front(), &mut self.stage) {
            (Some(output), _) if output.is_like(&line) => self.note(side, &line),
            (Some(output), _) => {
                self.note(Side::Logged, &line);
                self.note(Side::Replayed, &output);
                self.differs();
            }
            (None, Some(_)) => {
                self.note(Side::Logged, &line);
                self.differs();
            }
            (None, None) => self.note(side, &line),
        }
        if side == Side::Begin {
            let since = Instant::from_millis(line.number(0)?);
            match &mut self.stage {
                Some(stage) => stage.since = since,
                None if matches!(self.verdict, Verdict::Same(_)) => {
                    self.stage = Some(Stage::set(&line, since)?)
                }
                None => {}
            }
        }
        Ok(())
    }

    /// What the log should have named before it went on.
    fn surplus(&mut self) {
        if let Some(output) = self.outputs.pop_front() {
            self.note(Side::Replayed, &output);
            self.differs();
        }
    }

    /// What follows a difference differs, too.
    fn differs(&mut self) {
        self.verdict = Verdict::Different;
        self.stage = None;
        self.outputs.clear();
    }

    fn input(&mut self, line: &Line) -> Result<(), String> {
        let input = line.input()?;
        let Some(stage) = &mut self.stage else { return Ok(()) };
        if let Verdict::Same(inputs) = &mut self.verdict {
            *inputs += 1;
        }
        let now = stage.since + Duration::from_millis(line.at.unwrap_or_default());
        let remarks = stage.play(input, now);
        let produced = stage.journal.take();
        self.outputs = produced.lines().filter_map(Line::read).collect();
        let remark = |what| Moment { at: None, side: Side::Remark, what };
        self.timeline.extend(remarks.into_iter().map(remark));
        Ok(())
    }

    fn note(&mut self, side: Side, line: &Line) {
        self.timeline.push(Moment { at: line.at, side, what: line.to_string() });
    }
}

impl Stage {
    fn set(begin: &Line, since: Instant) -> Result<Self, String> {
        let options = &begin.value[4];
        let options = options.to_string();
        let config = Config::parse(&options).map_err(|error| error.to_string())?;
        let role = if begin.text == Role::Audience.name() { Role::Audience } else { Role::Broadcaster };
        let last = |index: usize| begin.value[index].as_u64().and_then(|last| last.try_into().ok());
        let (minted, keys) = last(2).zip(last(3)).ok_or("no last id")?;
        let memory = Memory { seed: begin.number(1)?, minted, keys, role };
        let session = Session::recall(config, memory, since);
        let mut journal = Journal::new(options, &session, since);
        let _begin = journal.take();
        Ok(Self { session, journal, since })
    }

    /// Hands the input in and takes everything out; returns the session's own remarks.
    fn play(&mut self, input: Input, now: Instant) -> Vec<String> {
        let mut remarks = Vec::new();
        let session = &mut self.session;
        if catch_unwind(AssertUnwindSafe(|| session.handle(input, now))).is_err() {
            self.journal.panicked();
            return remarks;
        }
        while let Some(output) = self.session.poll_output() {
            if let Output::Log(_, text) = &output {
                remarks.push(text.clone());
            }
            self.journal.comes_out(&output, &output.value());
        }
        self.journal.drained(&self.session, now);
        remarks
    }
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let Value::Array(items) = serde_json::from_str(line).ok()? else { return None };
        let mut items = items.into_iter().peekable();
        let at = items.next_if(Value::is_number);
        let at = at.map_or(Some(None), |at| at.as_u64().map(Some))?;
        let [kind, of, code, text, value]: [Value; 5] = items.collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            at,
            kind: kind.as_str()?.to_owned(),
            of: of.as_u64()?.try_into().ok()?,
            code: code.as_u64()?.try_into().ok()?,
            text: text.as_str()?.to_owned(),
            value,
        })
    }

    fn input(&self) -> Result<Input, String> {
        let Self { of, code, text, .. } = self;
        Ok(match self.kind.as_str() {
            "call" => {
                let arguments = self.value.to_string();
                Input::Call(CallId(*of), Call::parse(text, &arguments).map_err(|error| error.to_string())?)
            }
            "response" => {
                Input::Response(RequestId(*of), Ok(HttpResponse { status: *code, body: text.clone() }))
            }
            "failed" => Input::Response(RequestId(*of), Err(HttpFailure { message: text.clone() })),
            "opened" => Input::SocketOpened(SocketId(*of)),
            "text" => Input::SocketText(SocketId(*of), text.clone()),
            "closed" => Input::SocketClosed(SocketId(*of), CloseInfo { code: *code, reason: text.clone() }),
            "signal" => Input::App(AppSignal::named(text).ok_or("unknown signal")?),
            "render" => Input::Render,
            "retry" => Input::Retry(
                *of,
                match text.as_str() {
                    "never" => Advice::GiveUp,
                    wait => wait.parse().map_or(Advice::Default, Advice::After),
                },
            ),
            "timeout" => Input::Timeout,
            unknown => return Err(format!("unknown input {unknown}")),
        })
    }

    /// A number that JSON's own would not keep.
    fn number(&self, index: usize) -> Result<u64, String> {
        let text = self.value[index].as_str().and_then(|text| text.parse().ok());
        text.ok_or_else(|| format!("no number at {index}"))
    }

    fn is_like(&self, other: &Self) -> bool {
        (&self.kind, self.of, self.code) == (&other.kind, other.of, other.code)
            && is_like(&Value::from(self.text.as_str()), &Value::from(other.text.as_str()))
            && is_like(&self.value, &other.value)
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        for number in [self.of, self.code.into()].into_iter().filter(|number| *number > 0) {
            write!(f, " {number}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        if self.value.is_null() { Ok(()) } else { write!(f, " {}", self.value) }
    }
}

/// Equal to an application. JavaScript has one sort of number and leaves out what is undefined; and
/// what a parser complains of depends on the secrets before it.
fn is_like(some: &Value, other: &Value) -> bool {
    match (some, other) {
        (Value::Object(some), Value::Object(other)) => {
            let at =
                |object: &serde_json::Map<String, Value>, key| object.get(key).cloned().unwrap_or_default();
            some.keys().chain(other.keys()).all(|key| is_like(&at(some, key), &at(other, key)))
        }
        (Value::Array(some), Value::Array(other)) => {
            some.len() == other.len() && some.iter().zip(other).all(|(some, other)| is_like(some, other))
        }
        (Value::Number(some), Value::Number(other)) => some.as_f64() == other.as_f64(),
        (Value::String(some), Value::String(other)) => without_parser(some) == without_parser(other),
        (some, other) => some == other,
    }
}

/// A text up to where it quotes the JSON parser.
fn without_parser(text: &str) -> &str {
    text.split("not JSON: ").next().unwrap_or_default()
}
