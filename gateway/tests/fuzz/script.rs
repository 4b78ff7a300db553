//! What an RTMP client says after the handshake: well-formed, odd, or spoilt.

use nertc_gateway::media::broker::{Packet, Track};

use crate::chunks::{Message, NULL, Writer, aggregate, any_value, number, object, text};
use crate::draw::Draw;
use crate::spoil;

/// What a client says, and what a server must have understood of it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    /// The media, if nothing is wrong with the bytes.
    pub(crate) media: Option<Vec<Packet>>,
}

/// How well a client means it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// All of it as the specification has it.
    Whole,
    /// Legal chunks, but messages and values of any kind.
    Odd,
    /// Bytes that got lost, or were made up.
    Spoilt,
}

impl Manner {
    pub(crate) fn of(draw: &mut Draw) -> Self {
        draw.pick(&[Self::Whole, Self::Odd, Self::Spoilt, Self::Spoilt])
    }
}

/// A publisher's whole session.
pub(crate) fn publisher(draw: &mut Draw, manner: Manner, name: &str) -> Script {
    let mut writer = Writer::default();
    greet(draw, manner, &mut writer);
    writer.command(1, "publish", 5.0, &[NULL.to_vec(), text(name), text("live")]);
    let mut media = Vec::new();
    for _ in 0..draw.below(60) {
        piece(draw, manner, &mut writer, &mut media);
    }
    finish(draw, manner, writer, media)
}

/// A player's whole session.
pub(crate) fn player(draw: &mut Draw, manner: Manner, name: &str) -> Script {
    let mut writer = Writer::default();
    greet(draw, manner, &mut writer);
    writer.command(1, "play", 5.0, &[NULL.to_vec(), text(name)]);
    for _ in 0..draw.below(10) {
        match draw.below(3) {
            0 => writer.command(1, "pause", 0.0, &[NULL.to_vec(), vec![1, 1], number(0.0)]),
            1 => writer.plainly(3, 0, 0, &draw.edge().to_be_bytes()),
            _ => control(draw, &mut writer),
        }
    }
    finish(draw, manner, writer, Vec::new())
}

/// What a publisher says once it is accepted, media from the headers on.
pub(crate) fn media(draw: &mut Draw, manner: Manner) -> Script {
    let mut writer = Writer::default();
    let mut media = Vec::new();
    for _ in 0..draw.below(60) {
        piece(draw, manner, &mut writer, &mut media);
    }
    finish(draw, manner, writer, media)
}

fn greet(draw: &mut Draw, manner: Manner, writer: &mut Writer) {
    let mut fields = vec![("app", text("live")), ("tcUrl", text("rtmp://127.0.0.1/live"))];
    if draw.chance(30) {
        fields.push(("objectEncoding", number(3.0)));
        fields.push(("fourCcList", vec![10, 0, 0, 0, 0]));
        fields.push(("capsEx", number(7.0)));
    }
    if manner != Manner::Whole && draw.chance(30) {
        fields.push(("app", any_value(draw, 3)));
    }
    writer.command(0, "connect", 1.0, &[object(&fields)]);
    if draw.chance(30) {
        writer.resize(draw.pick(&[4096, 60_000, 128, 1, 0x7fff_ffff]));
    }
    for name in ["releaseStream", "FCPublish"] {
        if draw.chance(50) {
            writer.command(0, name, 2.0, &[NULL.to_vec(), text("x")]);
        }
    }
    writer.command(0, "createStream", 4.0, &[NULL.to_vec()]);
}

fn finish(draw: &mut Draw, manner: Manner, writer: Writer, media: Vec<Packet>) -> Script {
    let mut bytes = writer.bytes;
    match manner {
        Manner::Whole => Script { bytes, media: Some(media) },
        Manner::Odd => Script { bytes, media: None },
        Manner::Spoilt => {
            const INSERTS: [&[u8]; 8] = [
                b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\0\x01",
                b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\x7f\xff\xff\xff",
                b"\x02\0\0\0\0\0\x04\x02\0\0\0\0\0\0\0\x06",
                b"\x02\0\0\0\0\0\x04\x05\0\0\0\0\0\0\0\x01",
                b"\x06\xff\xff\xff\0\0\x05\x09\x01\0\0\0\xff\xff\xff\xff\x17\x01\0\0\0",
                b"\xc4",
                b"\x86",
                b"\x3f\xff\xff\xff",
            ];
            spoil::bytes(draw, &mut bytes, &INSERTS);
            Script { bytes, media: None }
        }
    }
}

/// Something that a publisher sends.
fn piece(draw: &mut Draw, manner: Manner, writer: &mut Writer, media: &mut Vec<Packet>) {
    match draw.below(12) {
        0 => writer.resize(draw.pick(&[128, 1, 2, 127, 129, 4096, 60_000, 1 << 20])),
        1 => control(draw, writer),
        2 => {
            let (first, second) = (frame(draw), frame(draw));
            let is_second_first = writer.interleaved(draw, &first, &second);
            let (first, second) = (packet(&first), packet(&second));
            media.extend(if is_second_first { [second, first] } else { [first, second] });
        }
        3 => {
            let frames: Vec<Message> = (0..draw.below(5)).map(|_| frame(draw)).collect();
            writer.message(draw, &aggregate(&frames));
            media.extend(frames.iter().map(packet));
        }
        4 => {
            let metadata = metadata(draw);
            let name: &[u8] = if draw.chance(50) { b"\x02\0\x0d@setDataFrame" } else { b"" };
            let body = [name, &metadata].concat();
            let message = Message { kind: 18, stream: 1, time: draw.edge(), body };
            writer.message(draw, &message);
            let (track, timestamp) = (Track::Metadata, message.time);
            media.push(Packet { track, timestamp, body: metadata.into() });
        }
        5..=7 if manner != Manner::Whole => odd(draw, writer),
        _ => {
            let frame = frame(draw);
            writer.message(draw, &frame);
            media.push(packet(&frame));
        }
    }
}

/// A picture or sound in the older form, of any size and time.
fn frame(draw: &mut Draw) -> Message {
    let size = draw.pick(&[0, 1, 100, 120, 128, 300, 1000]);
    let size = if draw.chance(2) { 70_000 } else { size };
    let (kind, head): (u8, &[u8]) = draw.pick(&[
        (8, &b"\xaf\x01"[..]),
        (8, b"\xaf\0\x12\x10"),
        (9, b"\x27\x01\0\0\0"),
        (9, b"\x17\x01\0\0\0"),
        (9, b"\x17\0\0\0\0\x01\x42\xc0\x1e\xff\xe1\0\x04\x67\x42\xc0\x1e\x01\0\x02\x68\xce"),
        (9, b"\x22"),
        (8, b"\x2f"),
    ]);
    let body = [head, &vec![b'm'; size]].concat();
    let time = if draw.chance(50) { draw.edge() } else { draw.below(100_000) as u32 };
    Message { kind, stream: 1, time, body }
}

fn packet(frame: &Message) -> Packet {
    let track = if frame.kind == 8 { Track::Audio } else { Track::Video };
    Packet { track, timestamp: frame.time, body: frame.body.clone().into() }
}

/// `onMetaData` with something behind the name.
fn metadata(draw: &mut Draw) -> Vec<u8> {
    let fields = [("width", number(640.0)), ("audiocodecid", number(10.0)), ("x", text("y"))];
    let object = object(&fields[..=draw.below(3)]);
    let values = if draw.chance(50) { [&[8, 0, 0, 0, 1][..], &object[1..]].concat() } else { object };
    [b"\x02\0\x0aonMetaData", &values[..]].concat()
}

/// A control message that changes nothing of what follows.
fn control(draw: &mut Draw, writer: &mut Writer) {
    let number = draw.edge().to_be_bytes();
    match draw.below(6) {
        0 => writer.plainly(3, 0, 0, &number),
        1 => writer.plainly(5, 0, 0, &number),
        2 => writer.plainly(6, 0, 0, &[&number[..], &[2]].concat()),
        3 => writer.plainly(4, 0, 0, &[&[0, 6][..], &number].concat()),
        4 => {
            let event = draw.below(40) as u8;
            writer.plainly(4, 0, 0, &[&[0, event][..], &number, &number].concat());
        }
        // Nothing is half-read here, so nothing is lost.
        _ => writer.plainly(2, 0, 0, &number),
    }
}

/// A message that is no usual one.
fn odd(draw: &mut Draw, writer: &mut Writer) {
    let kind = draw.pick(&[9, 8, 18, 15, 20, 17, 22, 1, 2, 4, 5, 16, 19, 0, 255]);
    let body = match (kind, draw.below(4)) {
        (_, 0) => {
            let length = draw.pick(&[0, 1, 2, 3, 5, 11, 15, 60]);
            draw.bytes(length)
        }
        (8 | 9, _) => enhanced(draw, kind),
        // Ends anywhere.
        (4, _) => {
            let whole = [&[0, draw.pick(&[6, 7, 3, 0])][..], &draw.edge().to_be_bytes()].concat();
            whole[..draw.below(7)].to_vec()
        }
        (15..=20, 1) => {
            let name = draw.pick(&["publish", "play", "connect", "createStream", "FCUnpublish", "seek"]);
            [text(name), number(7.0), any_value(draw, 3), any_value(draw, 3)].concat()
        }
        (15..=20, 2) => [&b"\x02\0\x0aonMetaData"[..], &any_value(draw, 4)].concat(),
        (15 | 17, _) => [&[0][..], &any_value(draw, 3), &any_value(draw, 3)].concat(),
        (18 | 20, _) => [any_value(draw, 3), any_value(draw, 3)].concat(),
        (22, _) => {
            let frames = [frame(draw), frame(draw)];
            let mut inner = aggregate(&frames).body;
            spoil::bytes(draw, &mut inner, &[b"\x16", b"\xff\xff\xff"]);
            inner
        }
        _ => draw.edge().to_be_bytes().to_vec(),
    };
    let (stream, time) = (draw.pick(&[1, 0, 5, u32::MAX]), draw.edge());
    writer.message(draw, &Message { kind, stream, time, body });
}

/// A packet of Enhanced RTMP, with prefixes and wrappers of version 2.
fn enhanced(draw: &mut Draw, kind: u8) -> Vec<u8> {
    let codec = draw.pick(&[b"avc1", b"hvc1", b"av01", b"mp4a", b"Opus", b".mp3", b"\0\0\0\0"]);
    let first: u8 = if kind == 9 { 0x80 | draw.pick(&[0x10, 0x20, 0x50]) } else { 0x90 };
    let mut body = vec![first | draw.below(16) as u8];
    for _ in 0..draw.below(3) {
        let length = draw.pick(&[0, 1, 3, 254, 255]);
        body.push(length);
        let length = usize::from(length) + draw.below(2);
        body.extend(draw.bytes(length));
        body.push(draw.below(256) as u8);
    }
    if draw.chance(30) {
        body.push(draw.below(256) as u8);
    }
    body.extend_from_slice(codec);
    let length = draw.pick(&[0, 1, 3, 4, 50]);
    body.extend(draw.bytes(length));
    body
}
