//! What went into a session and what came out of it, as text that may be shown around and replayed
//! (`replay.rs`). Kept by the shell, beside the session.
//!
//! One JSON array per line: what sort of thing happened; to which call, request or socket; a code; a
//! text; a value for or from the application. An input has its time before that, in milliseconds since
//! the stay began. A stay begins with `"begin"` and everything that it depends on. Log lines are left
//! out, since the session writes them again.
//!
//! Most logs are never asked for, so all is kept as it came, secrets included, and becomes text without
//! secrets when somebody asks.

use crate::api::call::Call;
use crate::api::doors::{Advice, HttpRequest, Input, Memory, Output};
use crate::session::Session;
use crate::time::Instant;
use crate::wire::bootstrap::md5_hex;
use crate::wire::json::written;

/// The last stays of one session, the present one included, within 192 KiB.
#[derive(Debug)]
pub struct Journal {
    options: String,
    /// Records, one after the other.
    records: Vec<u8>,
    /// Where the present stay begins, among the records and in time.
    begin: usize,
    since: Instant,
    resting: bool,
    /// How many records the present stay has lost.
    dropped: usize,
}

/// What sort of thing happened. The names stand in logs.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Begin,
    Call,
    Response,
    Failed,
    Opened,
    Text,
    Closed,
    Signal,
    Render,
    Retry,
    Timeout,
    Request,
    Open,
    Send,
    Close,
    Ask,
    Resolve,
    Reject,
    Event,
    Panic,
}

impl Journal {
    /// The journal of a session that was made just now from these options, written as JSON.
    #[must_use]
    pub fn new(options: String, session: &Session, now: Instant) -> Self {
        let mut journal = Self {
            options,
            records: Vec::with_capacity(CAPACITY),
            begin: 0,
            since: now,
            resting: false,
            dropped: 0,
        };
        journal.drained(session, now);
        journal
    }

    /// Notes what goes into the session; of a call also its arguments, written as a JSON array.
    pub fn goes_in(&mut self, input: &Input, arguments: &str, now: Instant) {
        let wait;
        let gist;
        let mut arguments = arguments;
        let (kind, of, code, text) = match input {
            Input::Call(id, call) => {
                if let Call::Report(report) = call {
                    gist = report.gist();
                    arguments = &gist;
                }
                (Kind::Call, id.0, 0, call.name())
            }
            Input::Response(id, Ok(response)) => (Kind::Response, id.0, response.status, &*response.body),
            Input::Response(id, Err(failure)) => (Kind::Failed, id.0, 0, &*failure.message),
            Input::SocketOpened(id) => (Kind::Opened, id.0, 0, ""),
            Input::SocketText(id, text) => (Kind::Text, id.0, 0, &**text),
            Input::SocketClosed(id, info) => (Kind::Closed, id.0, info.code, &*info.reason),
            Input::App(signal) => (Kind::Signal, 0, 0, signal.name()),
            Input::Render => (Kind::Render, 0, 0, ""),
            Input::Retry(count, Advice::After(millis)) => {
                wait = millis.to_string();
                (Kind::Retry, *count, 0, &*wait)
            }
            Input::Retry(count, Advice::GiveUp) => (Kind::Retry, *count, 0, "never"),
            Input::Retry(count, Advice::Default) => (Kind::Retry, *count, 0, ""),
            Input::Timeout => (Kind::Timeout, 0, 0, ""),
        };
        self.note(kind, Some(now), of, code, text, arguments);
    }

    /// Notes what comes out of the session. `value` is what the application is given, as JSON.
    pub fn comes_out(&mut self, output: &Output, value: &str) {
        let (kind, of, code, text) = match output {
            Output::Request(id, HttpRequest { url, body, .. }) => {
                // What components report is not kept.
                let body = if body.starts_with(REPORT) { "" } else { body };
                let text = [url.as_str(), body].join(" ");
                return self.note(Kind::Request, None, id.0, 0, &text, "");
            }
            Output::OpenSocket(id, url) => (Kind::Open, id.0, 0, url.as_str()),
            Output::SendText(id, text) => (Kind::Send, id.0, 0, &**text),
            Output::CloseSocket(id, info) => (Kind::Close, id.0, info.code, &*info.reason),
            Output::AskRetry(context) => (Kind::Ask, context.retry_count, 0, ""),
            Output::Settle(id, Ok(_)) => (Kind::Resolve, id.0, 0, ""),
            Output::Settle(id, Err(_)) => (Kind::Reject, id.0, 0, ""),
            Output::Event(event) => (Kind::Event, 0, 0, event.name()),
            Output::Forget | Output::Log(..) => return,
        };
        self.note(kind, None, of, code, text, value);
    }

    /// Notes that a defect of ours ended the session in the middle of the last input.
    pub fn panicked(&mut self) {
        self.note(Kind::Panic, None, 0, 0, "", "");
    }

    /// Every output has been taken: if nothing is under way any more, the stay is over.
    pub fn drained(&mut self, session: &Session, now: Instant) {
        let memory = session.memory();
        let rested = std::mem::replace(&mut self.resting, memory.is_some());
        if let (false, Some(Memory { seed, minted, keys, role })) = (rested, memory) {
            (self.begin, self.since, self.dropped) = (self.records.len(), now, 0);
            let begin = format!("[\"{}\",\"{seed}\",{minted},{keys},{}]", now.as_millis(), self.options);
            self.note(Kind::Begin, None, 0, 0, role.name(), &begin);
        }
    }

    /// All that is known, without secrets.
    #[must_use]
    pub fn export(&self) -> String {
        let (version, dropped) = (env!("CARGO_PKG_VERSION"), self.dropped);
        let mut log = format!("[\"nertc-log\",{FORMAT},\"{version}\",{dropped}]\n");
        self.tell(&mut log);
        log
    }

    /// Takes what was noted since the last time.
    pub(crate) fn take(&mut self) -> String {
        let mut log = String::new();
        self.tell(&mut log);
        self.records.clear();
        log
    }

    /// Adds the line of each record, without secrets.
    fn tell(&self, log: &mut String) {
        let mut rest = &self.records[..];
        while let Some(record) = Record::first(rest) {
            rest = rest.get(record.length..).unwrap_or_default();
            *log += &redact(&record.line());
        }
    }

    fn note(&mut self, kind: Kind, now: Option<Instant>, of: u32, code: u16, text: &str, json: &str) {
        let length = HEAD + text.len() + json.len();
        while self.records.len() + length > CAPACITY {
            if self.records.is_empty() {
                self.dropped += 1;
                return;
            }
            // Earlier stays go first; then the older half, and with it the beginning, of this one.
            let mut cut = self.begin;
            if cut == 0 {
                let half = self.records.len() / 2;
                while let Some(head) = self.records.get(cut..).filter(|_| cut < half).and_then(Head::first) {
                    cut += head.length();
                    self.dropped += 1;
                }
            }
            self.records.drain(..cut);
            self.begin = 0;
        }
        let at = now.map_or(NEVER, |now| now.as_millis().saturating_sub(self.since.as_millis()));
        let what = kind as u64 | u64::from(code) << 16 | u64::from(of) << 32;
        let lengths = text.len() as u64 | (json.len() as u64) << 32;
        let head = [at, what, lengths].map(u64::to_le_bytes);
        self.records.extend_from_slice(head.as_flattened());
        self.records.extend_from_slice(text.as_bytes());
        self.records.extend_from_slice(json.as_bytes());
    }
}

/// Of a record, what stands before its text and its value.
struct Head {
    at: u64,
    what: u64,
    lengths: u64,
}

impl Head {
    /// That of the first of these records.
    fn first(records: &[u8]) -> Option<Self> {
        let (words, _) = records.first_chunk::<HEAD>()?.as_chunks();
        let [at, what, lengths] = [words[0], words[1], words[2]].map(u64::from_le_bytes);
        Some(Self { at, what, lengths })
    }

    const fn length(&self) -> usize {
        HEAD + self.lengths as u32 as usize + (self.lengths >> 32) as usize
    }
}

/// One thing that happened, read back.
struct Record<'a> {
    kind: &'static str,
    at: u64,
    of: u32,
    code: u16,
    text: &'a str,
    json: &'a str,
    length: usize,
}

impl<'a> Record<'a> {
    /// The first of these records.
    fn first(records: &'a [u8]) -> Option<Self> {
        let head = Head::first(records)?;
        let text = HEAD + head.lengths as u32 as usize;
        let part =
            |range| records.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        Some(Self {
            kind: KINDS.get(usize::from(head.what as u16)).copied().unwrap_or_default(),
            at: head.at,
            of: (head.what >> 32) as u32,
            code: (head.what >> 16) as u16,
            text: part(HEAD..text),
            json: part(text..head.length()),
            length: head.length(),
        })
    }

    fn line(&self) -> String {
        let Self { kind, at, of, code, text, json, .. } = self;
        let at = if *at == NEVER { String::new() } else { format!("{at},") };
        let json = if json.is_empty() { "null" } else { json };
        format!("[{at}\"{kind}\",{of},{code},{},{json}]\n", written(*text))
    }
}

/// A text without its secrets: the queries of addresses, and what stands under the name of a secret,
/// in JSON (texts within texts included), in forms and in prose.
///
/// Equal secrets become equal marks, and a mark stays as it is. So a session that is given redacted
/// inputs has the outputs that were given, redacted.
pub(crate) fn redact(text: &str) -> String {
    let bytes = text.as_bytes();
    // Not by index, whose message brings tables of Unicode.
    let part = |range| text.get(range).unwrap_or_default();
    let mut redacted = String::with_capacity(text.len());
    let (mut done, mut at) = (0, 0);
    // Where the last name is, if nothing but quotation marks came after it.
    let (mut name, mut name_end) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            if name_end + 1 != at {
                name = at - 1;
            }
            name_end = at;
            continue;
        }
        if matches!(byte, b'"' | b'\\' | b' ') {
            continue;
        }
        // Escaped once more with each text that it is in.
        let quote = bytes[name_end..at - 1].trim_ascii_end();
        let is_secret = names_a_secret(&bytes[name..name_end]);
        let quoted = name_end..name_end + quote.len();
        (name, name_end) = (at, at);
        let mut around = "";
        let end = match byte {
            b'?' => end_of_word(bytes, at, b' ', PUNCTUATION),
            b'=' if is_secret => end_of_word(bytes, at, b'&', b"\\"),
            b':' if is_secret => {
                at += bytes[at..].iter().take_while(|byte| **byte == b' ').count();
                if !quote.is_empty() && bytes[at..].starts_with(quote) {
                    at += quote.len();
                    end_of_quote(bytes, at, quote.len())
                } else if quote.is_empty() || bytes[at..].first().is_some_and(u8::is_ascii_digit) {
                    around = part(quoted);
                    end_of_word(bytes, at, b',', PUNCTUATION)
                } else {
                    continue;
                }
            }
            _ => continue,
        };
        redacted.extend([part(done..at), around, &mark(part(at..end), byte == b'='), around]);
        (at, done) = (end, end);
    }
    redacted + part(done..text.len())
}

/// Where a text ends that began with a quotation mark of this length, backslashes included.
fn end_of_quote(bytes: &[u8], start: usize, length: usize) -> usize {
    let mut escapes = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'\\' => escapes += 1,
            b'"' if escapes < length => return at - escapes,
            _ => escapes = 0,
        }
    }
    bytes.len()
}

/// Where a word ends: before `last`, a quotation mark or white space, also escaped. `after` may follow
/// a word and does not count.
fn end_of_word(bytes: &[u8], start: usize, last: u8, after: &[u8]) -> usize {
    let ends = |at: &usize| match bytes[*at] {
        b'n' | b'r' | b't' => bytes[*at - 1] == b'\\',
        byte => byte == last || byte == b'"' || byte.is_ascii_whitespace(),
    };
    let mut end = (start..bytes.len()).find(ends).unwrap_or(bytes.len());
    while end > start && after.contains(&bytes[end - 1]) {
        end -= 1;
    }
    end
}

/// What stands for a secret. An absent one stays absent, which the protocol cares about.
fn mark(secret: &str, is_form: bool) -> String {
    if secret.is_empty() || (secret.starts_with(MARK) && secret.len() == MARK.len() + 8) {
        return secret.to_owned();
    }
    // However it is escaped, it is the same secret.
    let mut plain = String::new();
    let mut bytes = secret.bytes();
    let mut last = 0;
    while let Some(byte) = bytes.next() {
        let digits = match byte {
            b'u' if last == b'\\' => 4,
            b'%' if is_form => 2,
            _ => 0,
        };
        last = byte;
        if digits > 0 {
            let digits = bytes.by_ref().take(digits);
            let number = digits.map(|digit| char::from(digit).to_digit(16).unwrap_or(0));
            plain.push(char::from(number.fold(0, |sum, digit| sum * 16 + digit) as u8));
        } else if byte != b'\\' {
            plain.push(char::from(byte));
        }
    }
    format!("{MARK}{:.8}", md5_hex(&plain))
}

fn names_a_secret(name: &[u8]) -> bool {
    SECRETS.iter().any(|secret| {
        let begin = name.len().checked_sub(secret.len());
        begin.is_some_and(|begin| name[begin..].eq_ignore_ascii_case(secret.as_bytes()))
    })
}

/// Changes when older programs cannot read a log any more.
pub(crate) const FORMAT: u32 = 1;
/// About an hour of a quiet call, most of it heartbeats, and minutes of one with many players that
/// report; little beside what a call's media take. Allocated once: memory that a module has taken, it
/// never gives back.
const CAPACITY: usize = 192 << 10;
/// How long a [`Head`] is: when; kind, code and number; the lengths of text and value.
const HEAD: usize = 24;
/// The time of what comes out.
const NEVER: u64 = u64::MAX;
/// By `Kind`.
const KINDS: [&str; Kind::Panic as usize + 1] = [
    "begin", "call", "response", "failed", "opened", "text", "closed", "signal", "render", "retry",
    "timeout", "request", "open", "send", "close", "ask", "resolve", "reject", "event", "panic",
];
/// How the body of a batch of reports begins.
const REPORT: &str = "{\"common\":";
const MARK: &str = "redacted-";
/// Ends of names. A stream's address ends in its key; what people say is nobody else's business.
const SECRETS: [&str; 7] = ["token", "secret", "checksum", "resume", "password", "streamurl", "text"];
const PUNCTUATION: &[u8] = b")]}>.,;:'\\";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for (text, redacted) in [
            (r#"{"token":"S","a":1}"#, r#"{"token":"redacted-5dbc98dc","a":1}"#),
            (r#"{"rtcToken" : 12, "a":1}"#, r#"{"rtcToken" : "redacted-c20ad4d7", "a":1}"#),
            (r#""{\"token\":12}""#, r#""{\"token\":\"redacted-c20ad4d7\"}""#),
            (
                r#""{\"a\":\"{\\\"Token\\\":\\\"S\\\"}\"}""#,
                r#""{\"a\":\"{\\\"Token\\\":\\\"redacted-5dbc98dc\\\"}\"}""#,
            ),
            (
                r#"{"token":"","resume":null,"secret":{"password":"S"}}"#,
                r#"{"token":"","resume":null,"secret":{"password":"redacted-5dbc98dc"}}"#,
            ),
            ("a=1&checksum=S&b=2", "a=1&checksum=redacted-5dbc98dc&b=2"),
            ("connect wss://h/p?a=b: refused", "connect wss://h/p?redacted-7acaac15: refused"),
            ("(wss://h/p?a=b)", "(wss://h/p?redacted-7acaac15)"),
            (r#""h/p?a=b\n""#, r#""h/p?redacted-7acaac15\n""#),
            ("the token: S, expired", "the token: redacted-5dbc98dc, expired"),
            (r#"{"token":"half of i"#, r#"{"token":"redacted-b278cfe3"#),
            ("ready? yes: tokens=1", "ready? yes: tokens=1"),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }

    #[test]
    fn a_secret_has_one_mark_however_it_is_written() {
        let marks =
            [r#""token":"a/b+c&d""#, r#""token":"a\/b+c\u0026d""#, r#""{\"token\":\"a\\/b+c\\u0026d\"}""#]
                .map(|text| redact(text).split(MARK).nth(1).map(|mark| mark[..8].to_owned()));
        assert_eq!([&marks[0], &marks[0]], [&marks[1], &marks[2]]);
        let form = redact("checksum=a%2Fb%2Bc%26d");
        assert!(marks[0].as_ref().is_some_and(|mark| form.ends_with(mark)), "{form}");
    }
}
