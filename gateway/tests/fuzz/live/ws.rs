//! The signalling over sockets: frames of WebSocket as well as what is in them.

use serde_json::Value;

use super::call::bootstrap;
use super::peer::Peer;
use super::{Scene, rules};
use crate::draw::Draw;
use crate::engine::{Target, fuzz};
use crate::frames::{self, Frame};
use crate::spoil;

#[test]
fn ws() {
    fuzz(rules("live-ws", 60), || Ws(Scene::new()));
}

struct Ws(Scene);

impl Target for Ws {
    fn live(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Self(scene) = self;
        let http = scene.process.http;
        let uid = 50 + draw.below(10) as u64;
        let room = draw.pick(&["fz0", "fz1", "fz2", "fz3"]);
        let (cid, ticket) = bootstrap(http, room, uid)?;
        let mut peer = Peer::connect(http)?;
        let mut hello = Vec::from(HELLO);
        if draw.chance(5) {
            spoil::bytes(draw, &mut hello, &[b"\r\n", b":", b"\0"]);
            peer.say(&hello);
            scene.part(draw, peer)?;
            return scene.check();
        }
        peer.say(&hello);
        peer.until(b"\r\n\r\n")?;

        let manner = draw.pick(&[0, 30, 60]);
        let (mut bytes, mut owed) = (Vec::new(), Vec::new());
        let login = frames::login(uid, cid, &ticket, draw.below(2), 1);
        let count = draw.below(12) as u32;
        let commands = (0..count).map(|index| frames::command(draw, uid, cid, index + 2, &[uid, 51, 52, 7]));
        let mut is_whole = true;
        for packet in std::iter::once(login).chain(commands.collect::<Vec<_>>()) {
            let frame = Frame::of(draw, packet, manner);
            is_whole &= frame.is_whole;
            owed.push(owed.len() as u64 + 1);
            // Binary, reserved and control frames are no part of the protocol, and come all the same.
            let kind = if manner > 0 && draw.chance(10) { draw.pick(&[2, 3, 7, 9, 10, 11, 15]) } else { 1 };
            is_whole &= kind == 1;
            let odd = if kind == 1 { None } else { Some(draw.below(130)) };
            let odd = odd.map(|length| draw.bytes(length));
            write(draw, &mut bytes, kind, odd.as_deref().unwrap_or(frame.text.as_bytes()));
        }
        if draw.chance(manner / 2) {
            is_whole = false;
            spoil::bytes(draw, &mut bytes, &[b"\x89\x80\0\0\0\0", b"\x81\xfe\xff\xff", b"\x88\x80\0\0\0\0"]);
        }
        peer.say(&bytes);
        if is_whole {
            // Answered before anything ends, or an early end would excuse everything.
            let mut answers = Answers::default();
            let begin = std::time::Instant::now();
            while !owed.is_empty() {
                let missing = || format!("no answer to {owed:?}");
                let some = peer.some(begin).map_err(|error| format!("{}: {error}", missing()))?;
                let seen = answers.read(&some)?;
                owed.retain(|seq| !seen.contains(seq));
            }
        }
        if draw.chance(50) {
            peer.say(b"\x88\x82\0\0\0\0\x03\xe8");
        }
        scene.part(draw, peer)?;
        scene.check()
    }
}

/// Writes a message as one frame, or as several with a ping between them.
fn write(draw: &mut Draw, out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let cut = if draw.chance(20) { draw.below(payload.len() + 1) } else { payload.len() };
    let (first, rest) = payload.split_at(cut);
    if rest.is_empty() {
        return frame(draw, out, 0x80 | kind, first);
    }
    frame(draw, out, kind, first);
    if draw.chance(50) {
        frame(draw, out, 0x89, b"ping");
    }
    frame(draw, out, 0x80, rest);
}

fn frame(draw: &mut Draw, out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    out.push(first);
    let length = payload.len() as u64;
    match length {
        0..126 => out.push(0x80 | length as u8),
        126..65_536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    let mask = draw.any().to_be_bytes();
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// The gateway's frames: never in parts, never masked.
#[derive(Default)]
struct Answers {
    rest: Vec<u8>,
}

impl Answers {
    /// The numbers that are answered.
    fn read(&mut self, bytes: &[u8]) -> Result<Vec<u64>, String> {
        self.rest.extend_from_slice(bytes);
        let mut seen = Vec::new();
        loop {
            let (kind, head, length) = match &self.rest[..] {
                [kind, length @ ..126, ..] => (*kind, 2, usize::from(*length)),
                [kind, 126, a, b, ..] => (*kind, 4, usize::from(u16::from_be_bytes([*a, *b]))),
                [kind, 127, _, _, _, _, a, b, c, d, ..] => {
                    (*kind, 10, u32::from_be_bytes([*a, *b, *c, *d]) as usize)
                }
                _ => return Ok(seen),
            };
            if self.rest.len() < head + length {
                return Ok(seen);
            }
            let frame: Vec<u8> = self.rest.drain(..head + length).collect();
            let payload = &frame[head..];
            match kind {
                0x81 => {
                    let packet: Value = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
                    seen.extend(packet["seq"].as_u64());
                }
                0x8a => {}
                0x88 => return Err(format!("closed with {}", String::from_utf8_lossy(payload))),
                other => return Err(format!("a frame of kind {other:#x}")),
            }
        }
    }
}

const HELLO: &[u8] = b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
