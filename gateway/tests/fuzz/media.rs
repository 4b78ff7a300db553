//! The broker under publishers and players that do as they like: what a player is given it can read, its
//! time does not go back, and what is held for it is bounded.

use std::time::Duration;

use bytes::Bytes;
use nertc_gateway::dry::{DryConnection, flv_file};
use nertc_gateway::media::broker::{Broker, BrokerLimits, Packet, Slot, Track};

use crate::draw::Draw;
use crate::engine::{Rules, fuzz};
use crate::flv::Reader;
use crate::script::{self, Manner};

#[test]
fn media() {
    let rules = Rules {
        name: "media",
        cases: 200,
        longest: Duration::from_secs(20),
        memory: 24 << 20,
        shrinks: true,
    };
    fuzz(rules, || live);
}

fn live(draw: &mut Draw) -> Result<(), String> {
    let mut bench = Bench::new(draw);
    for _ in 0..draw.below(150) {
        bench.step(draw)?;
    }
    bench.all_leave()
}

struct Bench {
    broker: Broker,
    now: u64,
    publishers: Vec<Slot>,
    players: Vec<Player>,
}

struct Player {
    slot: Slot,
    reader: Reader,
    /// Nothing is known of a player that has been dropped until it looks.
    has_begun: bool,
}

impl Bench {
    fn new(draw: &mut Draw) -> Self {
        let limits = BrokerLimits {
            streams: 3,
            players: 8,
            players_per_stream: 4,
            players_per_holder: 2,
            waiting_players: 4,
            cached_packets: draw.pick(&[20, 1, 2]),
            cached_bytes: 4096,
            queued_packets: 40,
            queued_bytes: 8192,
            stalled_ms: 10_000,
        };
        let (publishers, players) = (Vec::new(), Vec::new());
        Self { broker: Broker::new(limits), now: draw.pick(&[0, 1 << 40]), publishers, players }
    }

    fn step(&mut self, draw: &mut Draw) -> Result<(), String> {
        let stream = draw.pick(&STREAMS);
        match draw.below(16) {
            0 => {
                let holder = draw.pick(&[1, 2]);
                self.publishers.extend(self.broker.publish(stream, holder));
            }
            1 => {
                let holder = draw.pick(&[1, 2, 3]);
                if let Ok(slot) = self.broker.play(stream, holder, self.now) {
                    self.players.push(Player { slot, reader: Reader::default(), has_begun: false });
                }
            }
            10 if draw.chance(20) => {
                // As it comes over the wire, with all that becomes of it there.
                let mut connection = DryConnection::default();
                let manner = Manner::of(draw);
                let script = script::publisher(draw, manner, "s?grant=g");
                let packets: Vec<Packet> =
                    connection.receive(&script.bytes).unwrap_or_default().into_iter().collect();
                self.push(draw, &packets);
            }
            2..=10 => {
                let packet = packet(draw);
                self.push(draw, &[packet]);
            }
            11 | 12 => self.take(draw)?,
            13 => self.now += draw.pick(&[0, 1, 40, 1000, 1501, 9999, 10_000, 20_001, 86_400_000]),
            14 if !self.publishers.is_empty() => {
                let slot = self.publishers.swap_remove(draw.below(self.publishers.len()));
                self.broker.leave(&slot);
            }
            14 if !self.players.is_empty() => {
                let player = self.players.swap_remove(draw.below(self.players.len()));
                self.broker.leave(&player.slot);
            }
            _ => {
                let (holder, stays) = (draw.pick(&[1, 2, 3]), draw.chance(50));
                self.broker.review(holder, |_, _| stays);
            }
        }
        let counted = self.broker.statistics();
        if counted.streams > 3 || counted.players > 8 || counted.publishers > 3 {
            return Err(format!("over its limits: {counted:?}"));
        }
        Ok(())
    }

    fn push(&mut self, draw: &mut Draw, packets: &[Packet]) {
        if self.publishers.is_empty() {
            return;
        }
        let slot = &self.publishers[draw.below(self.publishers.len())];
        for slice in packets.chunks(slot.slice()) {
            let _ended = self.broker.push(slot, slice, self.now);
        }
        self.broker.wake(slot, self.now);
    }

    fn take(&mut self, draw: &mut Draw) -> Result<(), String> {
        let budget = draw.pick(&[65_536, 1, 4096]);
        let mut gone = Vec::new();
        for (at, player) in self.players.iter_mut().enumerate() {
            let mut packets = Vec::new();
            let taken = self.broker.take(&player.slot, budget, || self.now, |packet| packets.push(packet));
            if taken.is_err() {
                gone.push(at);
                continue;
            }
            let bytes: usize = packets.iter().map(|packet| packet.body.len()).sum();
            let last = packets.last().map_or(0, |packet| packet.body.len());
            if bytes - last > budget {
                return Err(format!("{bytes} bytes at once, of {budget} that were asked for"));
            }
            if packets.is_empty() {
                continue;
            }
            let file = flv_file(&packets);
            let from = if player.has_begun { FILE_HEADER } else { 0 };
            let tags = player.reader.read(&file[from..])?;
            player.has_begun = true;
            let is_same = tags.len() == packets.len()
                && tags
                    .iter()
                    .zip(&packets)
                    .all(|(tag, packet)| (tag.time, &tag.body[..]) == (packet.timestamp, &packet.body[..]));
            if !is_same {
                return Err(format!("{} packets became {} tags", packets.len(), tags.len()));
            }
        }
        for at in gone.into_iter().rev() {
            let player = self.players.swap_remove(at);
            self.broker.leave(&player.slot);
        }
        Ok(())
    }

    fn all_leave(&mut self) -> Result<(), String> {
        for player in std::mem::take(&mut self.players) {
            self.broker.leave(&player.slot);
        }
        for slot in std::mem::take(&mut self.publishers) {
            self.broker.leave(&slot);
        }
        let left = self.broker.statistics();
        match (left.streams, left.publishers, left.players) {
            (0, 0, 0) => Ok(()),
            _ => Err(format!("something is left: {left:?}")),
        }
    }
}

fn packet(draw: &mut Draw) -> Packet {
    let (track, head): (Track, &[u8]) = draw.pick(&[
        (Track::Video, &b"\x27\x01\0\0\0"[..]),
        (Track::Audio, b"\xaf\x01"),
        (Track::Video, b"\x17\x01\0\0\0"),
        (Track::Audio, b"\xaf\0\x12\x10"),
        (Track::Video, b"\x17\0\0\0\0"),
        (Track::Metadata, b"\x02\0\x0aonMetaData\x08\0\0\0\x01\0\x05width\0\x40\0\0\0\0\0\0\0\0\0\x09"),
        (Track::Video, b""),
        (Track::Audio, b""),
        (Track::Metadata, b""),
        (Track::Video, b"\x90hvc1"),
        (Track::Video, b"\x91hvc1"),
        (Track::Audio, b"\x90Opus"),
        (Track::Audio, b"\x91Opus"),
        (Track::Video, b"\x57"),
    ]);
    let length = draw.pick(&[0, 1, 3, 100, 4096]);
    let body = [head, &draw.bytes(length)].concat();
    let timestamp = if draw.chance(60) { draw.below(2000) as u32 } else { draw.edge() };
    Packet { track, timestamp, body: Bytes::from(body) }
}

const STREAMS: [&str; 4] = ["a", "b", "c", "d"];
const FILE_HEADER: usize = 13;
