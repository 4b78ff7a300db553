//! Which lines say the same as others before them, and how many of those are printed.
//!
//! Two lines are of one kind if they begin alike, numbers left out: whoever can cause a line can mostly cause
//! it again with other numbers in it. Knows no clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::line::{Importance, Line};

/// The kinds that were seen lately.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    kinds: HashMap<Vec<u8>, Kind>,
    /// Kinds that owe a line about others that were left out.
    owing: usize,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It is printed, perhaps with a word about others.
    Print(Vec<u8>),
    /// It will be part of such a word.
    Counted,
}

impl Repeats {
    /// Decides about a line.
    pub(super) fn pass(&mut self, line: Line, now: Instant) -> Passage {
        let Some(pace) = Pace::of(line.importance) else { return Passage::Print(line.text) };
        let mut shape = shape(&line.text);
        if self.kinds.len() >= MAX_KINDS && !self.kinds.contains_key(&shape) {
            self.kinds.retain(|_, kind| kind.left_out > 0 || kind.refill(now) < kind.pace.at_once);
            if self.kinds.len() >= MAX_KINDS {
                shape = Vec::new();
            }
        }
        let kind = self.kinds.entry(shape).or_insert_with(|| Kind::new(pace, now));
        if kind.refill(now) == 0 {
            self.owing += usize::from(kind.left_out == 0);
            kind.left_out += 1;
            kind.latest = line.text;
            return Passage::Counted;
        }
        kind.lines -= 1;
        let others = std::mem::take(&mut kind.left_out);
        self.owing -= usize::from(others > 0);
        Passage::Print(with_others(line.text, others))
    }

    /// Whether [`Repeats::settle`] will have something to say.
    pub(super) fn is_owing(&self) -> bool {
        self.owing > 0
    }

    /// The last line of each kind that was left out and may be printed.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if !self.is_owing() {
            return Vec::new();
        }
        let mut told = Vec::new();
        for kind in self.kinds.values_mut().filter(|kind| kind.left_out > 0) {
            if kind.refill(now) > 0 {
                kind.lines -= 1;
                let others = std::mem::take(&mut kind.left_out) - 1;
                told.push(with_others(std::mem::take(&mut kind.latest), others));
            }
        }
        self.owing -= told.len();
        told
    }
}

#[derive(Debug)]
struct Kind {
    pace: Pace,
    /// How many may be printed at the moment.
    lines: u32,
    filled: Instant,
    left_out: u64,
    latest: Vec<u8>,
}

impl Kind {
    fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, lines: pace.at_once, filled: now, left_out: 0, latest: Vec::new() }
    }

    fn refill(&mut self, now: Instant) -> u32 {
        let gained =
            now.saturating_duration_since(self.filled).as_millis() / self.pace.then_every.as_millis();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        if gained >= self.pace.at_once - self.lines {
            (self.lines, self.filled) = (self.pace.at_once, now);
        } else {
            self.lines += gained;
            self.filled += self.pace.then_every * gained;
        }
        self.lines
    }
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    at_once: u32,
    then_every: Duration,
}

impl Pace {
    const fn of(importance: Importance) -> Option<Self> {
        match importance {
            Importance::Always => None,
            // A room that fills; then 100 MB a day of each kind, at most.
            Importance::Transition => Some(Self { at_once: 500, then_every: Duration::from_millis(100) }),
            Importance::Surprise => Some(Self { at_once: 20, then_every: Duration::from_secs(1) }),
        }
    }
}

/// The beginning of a line, numbers left out; the times at its head are numbers, too.
fn shape(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_digit()).take(SHAPE).collect()
}

fn with_others(mut line: Vec<u8>, others: u64) -> Vec<u8> {
    if others > 0 {
        let end = line.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
        line.truncate(end);
        // A line of JSON remains one.
        let more = if line.starts_with(b"{") && line.pop_if(|last| *last == b'}').is_some() {
            format!(",\"more_like_this\":{others}}}\n")
        } else {
            format!(" (and {others} more like this)\n")
        };
        line.extend_from_slice(more.as_bytes());
    }
    line
}

/// Bytes of a line's beginning that tell its kind: time, level, module and about forty letters of the text.
const SHAPE: usize = 80;
/// Kinds at once; all further ones count as one.
const MAX_KINDS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_counted_and_told_and_hides_no_other() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        let mut printed = Vec::new();
        for number in 0..10_000_u64 {
            let now = start + Duration::from_millis(number);
            printed.extend(pass(&mut repeats, &surprise(number), now));
            printed.extend(texts(repeats.settle(now)));
        }
        assert_eq!(printed.len(), 20 + 9, "some at once, then one a second");
        assert_eq!(pass(&mut repeats, "WARN another matter 1\n", start).len(), 1);

        assert!(repeats.is_owing());
        printed.extend(texts(repeats.settle(start + Duration::from_secs(60))));
        assert!(!repeats.is_owing() && repeats.settle(start + Duration::from_secs(600)).is_empty());
        let more = |line: &String| line.split_once("(and ").map_or(0, |(_, rest)| number_in(rest));
        assert_eq!(printed.iter().map(|line| 1 + more(line)).sum::<u64>(), 10_000, "none is forgotten");
        assert!(printed.last().is_some_and(|line| line.starts_with("WARN connection 9999 sent ")));
    }

    #[test]
    fn what_a_stranger_writes_into_lines_makes_no_more_kinds_than_there_is_room_for() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let text = |number: u32| format!("WARN {}\n", letters(number));
        let printed: usize = (0..20_000).map(|number| pass(&mut repeats, &text(number), now).len()).sum();
        assert!(repeats.kinds.len() <= MAX_KINDS + 1);
        assert!(printed <= MAX_KINDS + 20, "{printed}");
        let later = now + Duration::from_secs(60);
        assert_eq!(texts(repeats.settle(later)).len(), 1, "the rest is one kind");
        assert_eq!(pass(&mut repeats, &text(99_999), later + Duration::from_secs(60)).len(), 1);
        assert_eq!(repeats.kinds.len(), 1, "those that are quiet are forgotten");
    }

    #[test]
    fn details_are_printed_as_they_come() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for _ in 0..10_000 {
            let line = Line { text: b"DEBUG a frame\n".to_vec(), importance: Importance::Always };
            assert_eq!(repeats.pass(line, now), Passage::Print(b"DEBUG a frame\n".to_vec()));
        }
    }

    fn pass(repeats: &mut Repeats, text: &str, now: Instant) -> Vec<String> {
        let line = Line { text: text.as_bytes().to_vec(), importance: Importance::Surprise };
        match repeats.pass(line, now) {
            Passage::Print(text) => texts(vec![text]),
            Passage::Counted => Vec::new(),
        }
    }

    fn texts(lines: Vec<Vec<u8>>) -> Vec<String> {
        lines.into_iter().map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
    }

    fn surprise(number: u64) -> String {
        format!("WARN connection {number} sent a bad packet\n")
    }

    fn letters(number: u32) -> String {
        number.to_string().bytes().map(|digit| char::from(digit + b'a' - b'0')).collect()
    }

    fn number_in(text: &str) -> u64 {
        text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}
