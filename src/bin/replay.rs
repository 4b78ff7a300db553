//! Replays what `client.exportLog()` gave: `npm run replay -- FILE [--timeline]`.
//!
//! Ends with 0 when this core does the same again, with 1 when it does not, and with 2 when that
//! cannot be told.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;

use nertc_miniapp::log::replay::{Moment, Replay, Side, Verdict, replay};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.len();
    arguments.retain(|argument| argument != "--timeline");
    let only_timeline = arguments.len() < count;
    let [file] = arguments.as_slice() else { return fail("usage: npm run replay -- FILE [--timeline]") };
    let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let replayed = match read.and_then(|log| replay(&log)) {
        Ok(replayed) => replayed,
        Err(error) => return fail(&format!("{file}: {error}")),
    };
    let (verdict, code) = match replayed.verdict {
        Verdict::Same(inputs) => (format!("{inputs} inputs had the same outputs as in the log"), 0),
        Verdict::Different => ("the replay differs: see the lines marked - (log) and + (replay)".into(), 1),
        Verdict::Headless(lines) => {
            let why = "the stay was longer than the log: its first";
            (format!("cannot be replayed, {why} {lines} lines are missing, and with them its beginning"), 2)
        }
    };
    let mut printed = String::new();
    if only_timeline || code != 0 {
        printed = timeline(&replayed, std::io::stdout().is_terminal());
    }
    if !only_timeline {
        printed += &format!("{verdict}\n");
    }
    if replayed.version != env!("CARGO_PKG_VERSION") {
        printed +=
            &format!("(log of version {}, replay by {})\n", replayed.version, env!("CARGO_PKG_VERSION"));
    }
    // Nobody may be reading any more.
    let _printed = std::io::stdout().write_all(printed.as_bytes());
    if only_timeline { ExitCode::SUCCESS } else { ExitCode::from(code) }
}

fn timeline(replayed: &Replay, coloured: bool) -> String {
    let mut text = String::new();
    for Moment { at, side, what } in &replayed.timeline {
        let (sign, colour, width) = match side {
            Side::Begin => ("=", "1", WIDTH),
            Side::In => (">", "36", WIDTH),
            Side::Out => ("<", "0", WIDTH),
            Side::Remark => (" ", "2", WIDTH),
            Side::Logged => ("-", "31", usize::MAX),
            Side::Replayed => ("+", "32", usize::MAX),
        };
        let at = at.map(|at| format!("{}.{:03}", at / 1000, at % 1000)).unwrap_or_default();
        let (start, end) = if coloured { (format!("\x1b[{colour}m"), "\x1b[0m") } else { Default::default() };
        let more = if what.chars().nth(width).is_some() { " …" } else { "" };
        let what: String = what.chars().take(width).map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{at:>10} {start}{sign} {what}{more}{end}");
    }
    text
}

fn fail(why: &str) -> ExitCode {
    let _told = writeln!(std::io::stderr(), "{why}");
    ExitCode::from(2)
}

/// Letters of a line; what differs is shown in full.
const WIDTH: usize = 200;
