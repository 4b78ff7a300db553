//! What can be asked for, and the text that asks for it.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;

/// What one bootstrap or one connection is to suffer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) bootstrap: Option<Bootstrap>,
    pub(super) bootstrap_delay: Option<Duration>,
    pub(super) upgrade: Option<Upgrade>,
    pub(super) socket: SocketFaults,
    /// For how many; for all when absent.
    pub(super) times: Option<u32>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bootstrap {
    Status(StatusCode),
    Unusable,
    NoGateways,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Upgrade {
    Refused(StatusCode),
    Stalled,
}

/// What a WebSocket is to suffer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SocketFaults {
    pub(super) end: Option<(Duration, End)>,
    pub(super) delay: Option<Duration>,
    pub(super) login: Option<Login>,
    pub(super) loses_heartbeats: bool,
    pub(super) loses_acks: bool,
    pub(super) duplicates: bool,
    pub(super) garbage: bool,
    pub(super) oversized: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Drop,
    Close(u16),
    Swallow,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Login {
    Ignored,
    Refused(i32),
}

/// Reads plans that follow one another.
pub(super) fn read(text: &str) -> Result<Vec<Plan>, Unreadable> {
    // Whatever passes here needs no escaping in a URL.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-:,;".contains(&byte);
    if text.len() > MAX_TEXT || !text.bytes().all(is_plain) {
        return Err(Unreadable(text.chars().take(MAX_TEXT).collect()));
    }
    let plans: Vec<Plan> = text.split(';').map(Plan::read).collect::<Result<_, _>>()?;
    match plans.iter().rev().skip(1).any(|plan| plan.times.is_none()) {
        true => Err(Unreadable(text.to_owned())),
        false => Ok(plans),
    }
}

impl Plan {
    fn read(text: &str) -> Result<Self, Unreadable> {
        let mut plan = Self::default();
        for part in text.split(',') {
            let words: Vec<&str> = part.split(':').collect();
            plan.take(&words).ok_or_else(|| Unreadable(part.to_owned()))?;
        }
        Ok(plan)
    }

    /// Takes one fault in; `None` when it makes no sense.
    fn take(&mut self, words: &[&str]) -> Option<()> {
        let socket = &mut self.socket;
        match *words {
            ["bootstrap-status", code] => fill(&mut self.bootstrap, Bootstrap::Status(status(code)?)),
            ["bootstrap-delay", ms] => fill(&mut self.bootstrap_delay, millis(ms)?),
            ["bootstrap-unusable"] => fill(&mut self.bootstrap, Bootstrap::Unusable),
            ["bootstrap-no-gateways"] => fill(&mut self.bootstrap, Bootstrap::NoGateways),
            ["refuse-upgrade", code] => fill(&mut self.upgrade, Upgrade::Refused(status(code)?)),
            ["stall-upgrade"] => fill(&mut self.upgrade, Upgrade::Stalled),
            ["drop-after", ms] => fill(&mut socket.end, (millis(ms)?, End::Drop)),
            ["close-after", ms, code] => fill(&mut socket.end, (millis(ms)?, End::Close(close_code(code)?))),
            ["swallow-after", ms] => fill(&mut socket.end, (millis(ms)?, End::Swallow)),
            ["delay", ms] => fill(&mut socket.delay, millis(ms)?),
            ["no-login-answer"] => fill(&mut socket.login, Login::Ignored),
            ["refuse-login", code] => fill(&mut socket.login, Login::Refused(refusal(code)?)),
            ["no-heartbeats"] => set(&mut socket.loses_heartbeats),
            ["no-acks"] => set(&mut socket.loses_acks),
            ["duplicate"] => set(&mut socket.duplicates),
            ["garbage"] => set(&mut socket.garbage),
            ["oversized"] => set(&mut socket.oversized),
            ["times", count] => fill(&mut self.times, count.parse().ok()?),
            ["id", _] => Some(()),
            _ => None,
        }
    }
}

/// Nothing may be said twice.
fn fill<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn set(flag: &mut bool) -> Option<()> {
    (!std::mem::replace(flag, true)).then_some(())
}

fn millis(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis).filter(|time| *time <= LONGEST)
}

fn status(text: &str) -> Option<StatusCode> {
    text.parse().ok().filter(|status: &StatusCode| (200..600).contains(&status.as_u16()))
}

/// A code that may stand in a close frame.
fn close_code(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999))
}

fn refusal(text: &str) -> Option<i32> {
    text.parse().ok().filter(|code| *code != 200)
}

/// Why a text was refused: the part that makes no sense. Shows all that would.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "faults: {:?} is unknown, out of bounds or in the wrong place.", self.0)?;
        writeln!(
            f,
            "Faults of one connection are joined by commas, those of the following ones by semicolons;"
        )?;
        writeln!(f, "MS is at most {}.", LONGEST.as_millis())?;
        KINDS.iter().try_for_each(|(form, effect, motive)| writeln!(f, "  {form}: {effect} ({motive})"))
    }
}

/// What can be asked for, what it does, and why somebody would want it.
const KINDS: [(&str, &str, &str); 19] = [
    ("bootstrap-status:STATUS", "the bootstrap answers this HTTP status", "a proxy without its server"),
    ("bootstrap-delay:MS", "the bootstrap answers late", "a slow mobile network"),
    ("bootstrap-unusable", "the bootstrap answers no JSON", "a captive portal"),
    ("bootstrap-no-gateways", "the bootstrap names no gateway", "all gateways are down"),
    ("refuse-upgrade:STATUS", "the socket is refused", "a proxy whose gateway is gone"),
    ("stall-upgrade", "the socket never opens", "a gateway that hangs"),
    ("drop-after:MS", "TCP ends without a close frame", "a killed gateway, a proxy's limit"),
    ("close-after:MS:CODE", "the socket is closed", "a gateway that is stopped, or has had enough"),
    ("swallow-after:MS", "nothing is read or written, and all stays open", "a half-open connection"),
    ("delay:MS", "every frame to the client is late", "a slow mobile network"),
    ("no-login-answer", "the login is never answered", "a gateway that hangs"),
    ("refuse-login:CODE", "the login is refused", "a ticket that expired in an outage"),
    ("no-heartbeats", "no heartbeat is answered, the rest is", "a gateway that is half alive"),
    ("no-acks", "commands are carried out, their answers (cmd 14) lost", "an answer lost on the way"),
    ("duplicate", "every packet comes twice", "a proxy that sends again"),
    ("garbage", "unreadable frames before every packet", "a newer gateway, a broken proxy"),
    ("oversized", "a frame of 5 MiB after the answer to the login", "memory that must stay bounded"),
    ("times:N", "only the first N with exactly this text suffer", "recovery"),
    ("id:TEXT", "no effect; makes another text, which is counted by itself", "several clients"),
];

/// How long a fault may wait or last.
pub(super) const LONGEST: Duration = Duration::from_secs(600);
/// Bytes of a text.
const MAX_TEXT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_the_list_can_be_read_and_once_only() {
        for (form, ..) in KINDS {
            let text = form.replace("MS", "600000").replace("STATUS", "503").replace("CODE", "4001");
            let text = text.replace('N', "3").replace("TEXT", "a-1");
            assert!(read(&text).is_ok(), "{text}");
            if !text.starts_with("id") {
                assert_eq!(read(&format!("{text},{text}")), Err(Unreadable(text)));
            }
        }
    }

    #[test]
    fn the_document_has_the_same_list() {
        let document = include_str!("../../../../docs/protocol.md");
        for (form, effect, motive) in KINDS {
            let row = format!("| `{form}` | {effect} | {motive} |");
            assert!(document.contains(&row), "{row}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_list() {
        for text in [
            "",
            ",",
            "drop",
            "drop-after",
            "drop-after:",
            "drop-after:-1",
            "drop-after:600001",
            "drop-after:1:2",
            "drop-after:1,swallow-after:1",
            "close-after:1",
            "close-after:1:1005",
            "close-after:1:65536",
            "refuse-upgrade:101",
            "refuse-upgrade:600",
            "refuse-login:200",
            "times:4294967296",
            "garbage;",
            "garbage;oversized",
            "id:a b",
            "id:a&b",
            &"garbage,".repeat(100),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("swallow-after:MS"), "{text}: {error}");
        }
    }
}
