//! What was measured, as tables of Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::media::{MediaFigures, Way};
use crate::signalling::{Phase, SignallingFigures};

/// A row for each figure, a column for each server, and one for what the last of them costs more than the first.
pub fn signalling(all: &[SignallingFigures]) -> String {
    let cpu = |phase: &Phase| phase.cpu.as_secs_f64() * 1e6;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let mut table = Table::new(all.iter().map(|one| one.server.to_owned()));
    table.row("memory of a member, KiB", all.iter().map(|one| Some(one.memory as f64 / 1024.0)));
    for (what, phase) in PHASES {
        let phases: Vec<Option<&Phase>> = all.iter().map(|one| phase(one)).collect();
        table.row(&format!("{what}: CPU, µs"), phases.iter().map(|one| one.map(cpu)));
        for (name, part) in [("median", 500), ("99 %", 990)] {
            let times = phases.iter().map(|one| one.map(|one| milliseconds(one.times.permille(part))));
            table.row(&format!("{what}: {name}, ms"), times);
        }
        table.counts(what, phases.iter().map(|one| one.map(|one| (one.times.count(), one.due))));
    }
    table.text
}

/// The same for media.
pub fn media(all: &[MediaFigures]) -> String {
    let way = |way| match way {
        Way::Rtmp => "RTMP",
        Way::Flv => "HTTP-FLV",
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let mut table = Table::new(all.iter().map(|one| format!("{}, {}", one.server, way(one.way))));
    table.row("memory of a player, KiB", all.iter().map(|one| Some(one.memory as f64 / 1024.0)));
    table.row("CPU of a player in a second, µs", all.iter().map(|one| Some(one.cpu.as_secs_f64() * 1e6)));
    for (name, part) in [("median", 500), ("99 %", 990)] {
        table.row(
            &format!("packet: {name}, ms"),
            all.iter().map(|one| Some(milliseconds(one.latency.permille(part)))),
        );
    }
    for (name, part) in [("median", 500), ("longest", 1000)] {
        let times = all.iter().map(|one| Some(milliseconds(one.first_key.permille(part))));
        table.row(&format!("late player's key frame: {name}, ms"), times);
    }
    table.counts("packet", all.iter().map(|one| Some((one.latency.count(), one.due))));
    table.text
}

/// What should not be, in words.
pub fn complaints(signalling: &[SignallingFigures], media: &[MediaFigures]) -> Vec<String> {
    let mut found = Vec::new();
    for one in signalling {
        for (what, phase) in PHASES {
            let Some(phase) = phase(one) else { continue };
            if phase.times.count() != phase.due {
                let missing = phase.due.abs_diff(phase.times.count());
                found.push(format!(
                    "{}: {what}: {missing} of {} are missing or too many",
                    one.server, phase.due
                ));
            }
        }
        if one.faults > 0 {
            found.push(format!(
                "{}: {} refusals, unreadable frames or ended connections",
                one.server, one.faults
            ));
        }
    }
    for one in media {
        if one.latency.count() != one.due || one.due == 0 {
            let missing = one.due.abs_diff(one.latency.count());
            found.push(format!("{}: {missing} of {} packets are missing or too many", one.server, one.due));
        }
    }
    found
}

type PhaseOf = fn(&SignallingFigures) -> Option<&Phase>;

const PHASES: [(&str, PhaseOf); 5] = [
    ("join", |one| Some(&one.join)),
    ("heartbeat", |one| Some(&one.heartbeats)),
    ("mute", |one| one.mutes.as_ref()),
    ("publish at once", |one| one.storms.as_ref()),
    ("leave and come back", |one| one.churn.as_ref()),
];

struct Table {
    text: String,
}

impl Table {
    /// Each server after the first has a column of ratios beside it.
    fn new(servers: impl Iterator<Item = String>) -> Self {
        let mut text = String::from("| |");
        let mut columns = 0;
        for (index, server) in servers.enumerate() {
            let _ = write!(text, " {server} |");
            columns += 1;
            if index > 0 {
                text.push_str(" ratio |");
                columns += 1;
            }
        }
        let _ = write!(text, "\n|{}\n", " --- |".repeat(columns + 1));
        Self { text }
    }

    fn row(&mut self, name: &str, values: impl Iterator<Item = Option<f64>>) {
        let values: Vec<Option<f64>> = values.collect();
        if values.iter().all(Option::is_none) {
            return;
        }
        let first = values.first().copied().flatten();
        let cells = values.iter().enumerate().flat_map(|(index, value)| {
            let ratio =
                value.zip(first).filter(|(_, first)| *first > 0.0).map(|(value, first)| value / first);
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
            [Some(value.map_or(String::new(), figure)), (index > 0).then_some(ratio)].into_iter().flatten()
        });
        self.line(name, cells);
    }

    /// How many came, of how many.
    fn counts(&mut self, name: &str, values: impl Iterator<Item = Option<(u64, u64)>>) {
        let values: Vec<_> = values.collect();
        if values.iter().all(Option::is_none) {
            return;
        }
        let cells = values.iter().enumerate().flat_map(|(index, value)| {
            let count = value.map_or(String::new(), |(came, due)| format!("{came} of {due}"));
            [Some(count), (index > 0).then(String::new)].into_iter().flatten()
        });
        self.line(&format!("{name}: came"), cells);
    }

    fn line(&mut self, name: &str, cells: impl Iterator<Item = String>) {
        let _ = write!(self.text, "| {name} |");
        for cell in cells {
            let _ = write!(self.text, " {cell} |");
        }
        self.text.push('\n');
    }
}

/// With three digits that count.
fn figure(value: f64) -> String {
    let places = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Times;

    #[test]
    fn figures_of_others_stand_beside_ours_with_what_they_are_of_them() {
        let rows =
            signalling(&[server("gateway", 20, true), server("Node", 50, true), server("echo", 10, false)]);
        let row =
            |name: &str| rows.lines().find(|line| line.contains(name)).map(str::to_owned).unwrap_or_default();
        assert!(rows.starts_with("| | gateway | Node | ratio | echo | ratio |\n| --- |"), "{rows}");
        assert_eq!(row("heartbeat: CPU"), "| heartbeat: CPU, µs | 20.0 | 50.0 | 2.50 | 10.0 | 0.50 |");
        assert_eq!(row("mute: CPU"), "| mute: CPU, µs | 20.0 | 50.0 | 2.50 |  |  |");
        assert_eq!(row("mute: came"), "| mute: came | 2 of 2 | 2 of 2 |  |  |  |");
        assert_eq!(row("publish"), "", "nobody did");
    }

    #[test]
    fn whatever_is_missing_is_told_of() {
        let mut all = [server("gateway", 20, true), server("Node", 50, true)];
        assert_eq!(complaints(&all, &[]), [""; 0]);
        all[0].heartbeats.due = 3;
        all[1].faults = 2;
        let said = complaints(&all, &[]);
        assert!(
            said[0].starts_with("gateway: heartbeat: 1 of 3 ") && said[1].starts_with("Node: 2 refusals")
        );
        let media = MediaFigures {
            server: "gateway",
            way: Way::Rtmp,
            players: 1,
            memory: 0,
            cpu: Duration::ZERO,
            latency: Times::default(),
            due: 0,
            first_key: Times::default(),
        };
        assert_eq!(complaints(&[], &[media]).len(), 1, "nothing at all came");
    }

    fn server(name: &'static str, micros: u64, has_rooms: bool) -> SignallingFigures {
        let (cpu, times) = (Duration::from_micros(micros), Times::of(vec![100, 200]));
        let phase = Phase { done: 2, cpu, due: 2, times };
        let mutes = has_rooms.then(|| phase.clone());
        let (join, heartbeats) = (phase.clone(), phase);
        SignallingFigures {
            server: name,
            memory: 0,
            join,
            heartbeats,
            mutes,
            storms: None,
            churn: None,
            faults: 0,
        }
    }
}
