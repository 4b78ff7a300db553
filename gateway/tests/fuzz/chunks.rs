//! RTMP as a client writes it: values, commands, messages and their chunks, in every legal form.

use std::collections::BTreeMap;

use crate::draw::Draw;

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) time: u32,
    pub(crate) body: Vec<u8>,
}

/// What a client has written so far, and what it may leave out of the next header.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    size: usize,
    /// By chunk stream: time, length, kind and message stream.
    known: BTreeMap<u32, (u32, usize, u8, u32)>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { bytes: Vec::new(), size: 128, known: BTreeMap::new() }
    }
}

impl Writer {
    /// Writes a message with a whole header.
    pub(crate) fn plainly(&mut self, kind: u8, stream: u32, time: u32, body: &[u8]) {
        let message = Message { kind, stream, time, body: body.to_vec() };
        let chunks = self.chunks(own_stream(kind), 0, &message);
        self.bytes.extend(chunks.concat());
    }

    /// Writes a command.
    pub(crate) fn command(&mut self, stream: u32, name: &str, transaction: f64, rest: &[Vec<u8>]) {
        let body = [text(name), number(transaction), rest.concat()].concat();
        self.plainly(20, stream, 0, &body);
    }

    /// Names another size for what follows.
    pub(crate) fn resize(&mut self, size: u32) {
        self.plainly(1, 0, 0, &size.to_be_bytes());
        self.size = (size as usize & 0x7fff_ffff).max(1);
    }

    /// Writes a message on some chunk stream, with as short a header as is drawn.
    pub(crate) fn message(&mut self, draw: &mut Draw, message: &Message) {
        let chunks = self.drawn_chunks(draw, draw_stream, message);
        self.bytes.extend(chunks.concat());
    }

    /// Writes two messages, a chunk of one after a chunk of the other, and says whether the second one ends
    /// first.
    pub(crate) fn interleaved(&mut self, draw: &mut Draw, first: &Message, second: &Message) -> bool {
        let mut first = self.drawn_chunks(draw, |_| 4, first).into_iter().peekable();
        let mut second = self.drawn_chunks(draw, |_| 70, second).into_iter().peekable();
        let mut is_second_first = false;
        while first.peek().is_some() || second.peek().is_some() {
            let from = if draw.chance(50) || first.peek().is_none() { &mut second } else { &mut first };
            self.bytes.extend(from.next().unwrap_or_default());
            is_second_first |= second.peek().is_none() && first.peek().is_some();
        }
        is_second_first
    }

    fn drawn_chunks(
        &mut self,
        draw: &mut Draw,
        stream: impl Fn(&mut Draw) -> u32,
        message: &Message,
    ) -> Vec<Vec<u8>> {
        let id = stream(draw);
        let shortest = match self.known.get(&id) {
            None => 0,
            Some((_, _, _, stream)) if *stream != message.stream => 0,
            Some((_, length, kind, _)) if (*length, *kind) != (message.body.len(), message.kind) => 1,
            Some(_) => 2,
        };
        let format = draw.below(shortest + 1) as u8;
        self.chunks(id, format, message)
    }

    fn chunks(&mut self, id: u32, format: u8, message: &Message) -> Vec<Vec<u8>> {
        let Message { kind, stream, time, body } = message;
        let before = self.known.insert(id, (*time, body.len(), *kind, *stream));
        let field = match (format, before) {
            (0, _) | (_, None) => *time,
            (_, Some((before, ..))) => time.wrapping_sub(before),
        };
        let extended = if field >= EXTENDED { field.to_be_bytes().to_vec() } else { vec![] };
        let mut head = basic(format, id);
        head.extend_from_slice(&field.min(EXTENDED).to_be_bytes()[1..]);
        if format < 2 {
            head.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
            head.push(*kind);
        }
        if format < 1 {
            head.extend_from_slice(&stream.to_le_bytes());
        }
        head.extend_from_slice(&extended);
        let mut pieces = body.chunks(self.size);
        let mut chunks = vec![[&head[..], pieces.next().unwrap_or_default()].concat()];
        let follows = [basic(3, id), extended].concat();
        chunks.extend(pieces.map(|piece| [&follows[..], piece].concat()));
        chunks
    }
}

fn basic(format: u8, id: u32) -> Vec<u8> {
    match id {
        ..64 => vec![format << 6 | id as u8],
        64..320 => vec![format << 6, (id - 64) as u8],
        _ => [&[format << 6 | 1][..], &((id - 64) as u16).to_le_bytes()].concat(),
    }
}

fn draw_stream(draw: &mut Draw) -> u32 {
    draw.pick(&[4, 3, 5, 6, 7, 20, 63, 64, 319, 320, 65_599])
}

fn own_stream(kind: u8) -> u32 {
    match kind {
        1..=6 => 2,
        8 => 4,
        9 => 6,
        _ => 3,
    }
}

/// Puts messages into one that holds others; the first has the time of the whole.
pub(crate) fn aggregate(messages: &[Message]) -> Message {
    let first = messages.first().map_or(0, |message| message.time);
    let mut body = Vec::new();
    for Message { kind, time, body: inner, .. } in messages {
        body.push(*kind);
        body.extend_from_slice(&(inner.len() as u32).to_be_bytes()[1..]);
        body.extend_from_slice(&time.to_be_bytes()[1..]);
        body.push((time >> 24) as u8);
        body.extend_from_slice(&[0; 3]);
        body.extend_from_slice(inner);
        body.extend_from_slice(&(inner.len() as u32 + 11).to_be_bytes());
    }
    Message { kind: 22, stream: 1, time: first, body }
}

/// An AMF0 number.
pub(crate) fn number(number: f64) -> Vec<u8> {
    [&[0][..], &number.to_be_bytes()].concat()
}

/// An AMF0 text.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&[2][..], &named(text)].concat()
}

/// An AMF0 object.
pub(crate) fn object(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let fields = fields.iter().flat_map(|(name, value)| [named(name), value.clone()].concat());
    [&[3][..], &fields.collect::<Vec<_>>(), &[0, 0, 9]].concat()
}

pub(crate) const NULL: &[u8] = &[5];

fn named(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

/// Any value of AMF0, or of AMF3 behind its marker, not all of them well-formed.
pub(crate) fn any_value(draw: &mut Draw, depth: usize) -> Vec<u8> {
    let name = |draw: &mut Draw| draw.pick(&["app", "", "width", "hasVideo", "videocodecid", "__proto__"]);
    match draw.below(14) {
        0 => NULL.to_vec(),
        1 => number(f64::from_bits(u64::from(draw.edge()) << 32)),
        2 => text(draw.pick(&["", "live", "live/", "status", "x?grant=y"])),
        3 => vec![1, draw.below(3) as u8],
        4 if depth > 0 => {
            let fields = (0..draw.below(5)).map(|_| (name(draw), any_value(draw, depth - 1)));
            object(&fields.collect::<Vec<_>>())
        }
        5 if depth > 0 => {
            let claimed = draw.edge().to_be_bytes();
            let fields = (0..draw.below(5)).map(|_| (name(draw), any_value(draw, depth - 1)));
            let object = object(&fields.collect::<Vec<_>>());
            [&[8][..], &claimed, &object[1..]].concat()
        }
        6 if depth > 0 => {
            let count = draw.below(5);
            let claimed = if draw.chance(80) { count as u32 } else { draw.edge() };
            let items = (0..count).flat_map(|_| any_value(draw, depth - 1)).collect::<Vec<_>>();
            [&[10][..], &claimed.to_be_bytes(), &items].concat()
        }
        // A typed object, a date, a long text, a reference.
        7 if depth > 0 => {
            [&[16][..], &named(name(draw)), &object(&[(name(draw), any_value(draw, depth - 1))])[1..]]
                .concat()
        }
        8 => [&[11][..], &draw.bytes(10)].concat(),
        9 => [&[12][..], &draw.edge().to_be_bytes(), b"long"].concat(),
        10 => [&[7][..], &(draw.edge() as u16).to_be_bytes()].concat(),
        // Nested deeper than anybody reads.
        11 => draw.pick(&[&[3, 0, 1, b'a'][..], &[10, 0, 0, 0, 1], &[17, 9, 3, 1]]).repeat(draw.below(3000)),
        12 => {
            let length = draw.below(30);
            [&[17][..], &any_newer(draw, depth), &draw.bytes(length)].concat()
        }
        _ => {
            let length = draw.below(20);
            draw.bytes(length)
        }
    }
}

/// A value of AMF3.
fn any_newer(draw: &mut Draw, depth: usize) -> Vec<u8> {
    let size = |draw: &mut Draw| match draw.below(4) {
        0 => vec![draw.below(128) as u8],
        1 => vec![0x80 | draw.below(128) as u8, draw.below(128) as u8],
        2 => vec![0xff, 0xff, 0xff, draw.below(256) as u8],
        _ => vec![1],
    };
    match draw.below(9) {
        0 => vec![draw.below(4) as u8],
        1 => [vec![4], size(draw)].concat(),
        2 => [vec![5], draw.bytes(8)].concat(),
        3 => [vec![6, 7], b"abc".to_vec()].concat(),
        4 => [vec![6], size(draw)].concat(),
        5 if depth > 0 => [vec![9, 3, 1], any_newer(draw, depth - 1)].concat(),
        6 if depth > 0 => [vec![10, 11, 1, 3, b'a'], any_newer(draw, depth - 1), vec![1]].concat(),
        7 => [vec![draw.pick(&[9, 10, 12, 13, 14, 15, 16, 17])], size(draw), size(draw)].concat(),
        _ => [vec![8], size(draw), draw.bytes(8)].concat(),
    }
}

const EXTENDED: u32 = 0x00ff_ffff;
