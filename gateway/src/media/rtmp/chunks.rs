//! RTMP chunks as they come: putting them together to messages.
//!
//! `rml_rtmp` has such a layer too. It keeps one half-read message for all chunk streams, so a peer
//! that interleaves two of them corrupts both or underflows a length; it reserves what a header
//! claims; and it underflows on a small extended timestamp. This one keeps a message per chunk
//! stream and holds no more than it was told to.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};
use thiserror::Error;

/// One RTMP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) stream_id: u32,
    pub(super) timestamp: u32,
    /// Of its own, whatever it was received in: whoever keeps it keeps nothing else.
    pub(super) body: Bytes,
}

/// The peer does not speak RTMP, or too much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum ChunkError {
    /// A header leaves out what an earlier one would have said, and there was none.
    #[error("a header of type {format} on chunk stream {id}, which is new, does not say what follows")]
    Orphan { format: u8, id: u32 },
    /// A message is longer than allowed.
    #[error("a message is too long")]
    TooLong,
    /// More chunk streams, or more unfinished messages on them, than allowed.
    #[error("too many chunk streams")]
    TooMany,
}

/// Puts messages together.
#[derive(Debug)]
pub(super) struct ChunkReader {
    /// What was received and not understood yet. Read from the socket straight into it. What belongs to a
    /// message leaves it at once, so that it never grows, and nothing else holds on to it.
    pub(super) buffer: BytesMut,
    chunk_size: usize,
    longest: usize,
    streams: BTreeMap<u32, (Header, Vec<u8>)>,
    /// The chunk stream in whose chunk the buffer begins, and what is still to come of that chunk.
    chunk: Option<(u32, usize)>,
    /// Bytes of all messages that are not whole.
    unfinished: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Header {
    timestamp: u32,
    /// The timestamp field as last sent, whether a time or a step.
    field: u32,
    is_extended: bool,
    length: usize,
    kind: u8,
    stream_id: u32,
}

impl ChunkReader {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            chunk_size: DEFAULT_CHUNK,
            longest,
            streams: BTreeMap::new(),
            chunk: None,
            unfinished: 0,
        }
    }

    pub(super) fn set_longest(&mut self, longest: usize) {
        self.longest = longest;
    }

    pub(super) fn set_chunk_size(&mut self, size: u32) {
        // The top bit is not part of the size, and a chunk of nothing would never end a message.
        self.chunk_size = (size as usize & 0x7fff_ffff).max(1);
    }

    pub(super) fn abort(&mut self, id: u32) {
        if let Some((_, body)) = self.streams.get_mut(&id) {
            self.unfinished -= std::mem::take(body).len();
        }
    }

    /// Bytes held for messages that are not whole, with the room they have to grow.
    pub(super) fn held(&self) -> usize {
        2 * self.unfinished
    }

    /// Takes the next whole message out of the buffer, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            let (id, missing) = match self.chunk.take() {
                Some(chunk) => chunk,
                None => match self.begin_chunk()? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            let Some((header, body)) = self.streams.get_mut(&id) else { return Ok(None) };
            let length = missing.min(self.buffer.len());
            let taken = &self.buffer[..length];
            let whole = if body.is_empty() && length == header.length {
                Some(Bytes::copy_from_slice(taken))
            } else {
                grow(body, length, header.length);
                body.extend_from_slice(taken);
                self.unfinished += length;
                (body.len() == header.length).then(|| {
                    self.unfinished -= body.len();
                    std::mem::take(body).into()
                })
            };
            self.buffer.advance(length);
            if let Some(body) = whole {
                let Header { kind, stream_id, timestamp, .. } = *header;
                return Ok(Some(Message { kind, stream_id, timestamp, body }));
            }
            if length < missing {
                self.chunk = Some((id, missing - length));
                return Ok(None);
            }
            // Looked at between chunks only, so that the longest message may come beside others.
            if self.unfinished > self.longest {
                return Err(ChunkError::TooMany);
            }
        }
    }

    /// Takes a chunk's header out of the buffer: whose chunk it is, and how long.
    fn begin_chunk(&mut self) -> Result<Option<(u32, usize)>, ChunkError> {
        let Some((header_len, id, header, so_far)) = self.header()? else { return Ok(None) };
        if header.length > self.longest {
            return Err(ChunkError::TooLong);
        }
        self.buffer.advance(header_len);
        let (known, body) = self.streams.entry(id).or_default();
        *known = header;
        if so_far == 0 {
            self.unfinished -= std::mem::take(body).len();
        }
        Ok(Some((id, (header.length - so_far).min(self.chunk_size))))
    }

    /// Reads a header without consuming it: how long it is, its chunk stream, what it says there,
    /// and how much of the message came before.
    fn header(&self) -> Result<Option<(usize, u32, Header, usize)>, ChunkError> {
        let mut rest = &self.buffer[..];
        let Ok(first) = rest.try_get_u8() else {
            return Ok(None);
        };
        let id = match first & 0x3f {
            0 => rest.try_get_u8().map(|id| 64 + u32::from(id)),
            1 => rest.try_get_u16_le().map(|id| 64 + u32::from(id)),
            id => Ok(u32::from(id)),
        };
        let Ok(id) = id else { return Ok(None) };
        let format = first >> 6;
        if rest.len() < [11, 7, 3, 0][usize::from(format)] {
            return Ok(None);
        }
        let (mut header, mut so_far) = match (self.streams.get(&id), format) {
            (Some((header, body)), _) => (*header, body.len()),
            (None, 0 | 1) if self.streams.len() >= MOST_STREAMS => return Err(ChunkError::TooMany),
            // Type 1 leaves out only the message stream, and librtmp and some relays begin with it. The
            // time is one since zero.
            (None, 0 | 1) => (Header::default(), 0),
            (None, _) => return Err(ChunkError::Orphan { format, id }),
        };
        if format < 3 {
            // An encoder that starts a message over means the new one.
            so_far = 0;
            header.field = rest.get_uint(3) as u32;
            header.is_extended = header.field == EXTENDED;
        }
        if format < 2 {
            header.length = rest.get_uint(3) as usize;
            header.kind = rest.get_u8();
        }
        if format < 1 {
            header.stream_id = rest.get_u32_le();
        }
        if header.is_extended {
            let Some(extended) = rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
                return Ok(None);
            };
            // Some encoders leave the field out when a chunk only continues; then these bytes are
            // media, and differ.
            if format < 3 || extended == header.field {
                rest.advance(4);
            }
            if format < 3 {
                header.field = extended;
            }
        }
        if so_far == 0 {
            let before = if format == 0 { 0 } else { header.timestamp };
            header.timestamp = before.wrapping_add(header.field);
        }
        Ok(Some((self.buffer.len() - rest.len(), id, header, so_far)))
    }
}

/// Makes room for more of a message: twice as much as before, and never more than it will need. What a
/// header claims is not reserved until half of it is there.
fn grow(body: &mut Vec<u8>, more: usize, longest: usize) {
    if body.capacity() - body.len() < more {
        let wanted = (2 * body.capacity()).min(longest).max(body.len() + more);
        body.reserve_exact(wanted - body.len());
    }
}

/// What both sides start with.
pub(super) const DEFAULT_CHUNK: usize = 128;
/// Large enough for most frames to be one chunk.
pub(super) const OUR_CHUNK: usize = 60_000;
/// A timestamp field that says "see the four bytes that follow".
pub(super) const EXTENDED: u32 = 0x00ff_ffff;
/// Real clients use four or five.
const MOST_STREAMS: usize = 32;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::BufMut as _;

    use super::super::outgoing::Outgoing;
    use super::*;

    #[test]
    fn messages_of_any_size_and_time_survive_the_round_trip() {
        let mut out = BytesMut::new();
        let mut sent = Vec::new();
        for length in [0, 1, 127, 128, 129, 1000, 70_000] {
            for timestamp in [0, 1, EXTENDED - 1, EXTENDED, EXTENDED + 1, u32::MAX] {
                let message = message(9, timestamp, length);
                write_message(&mut out, &message, DEFAULT_CHUNK);
                sent.push(message);
            }
        }
        for step in [1, 7, 4096, out.len()] {
            let mut reader = ChunkReader::new(1 << 20);
            let mut received = Vec::new();
            for piece in out.chunks(step) {
                reader.buffer.extend_from_slice(piece);
                while let Some(message) = reader.next().unwrap() {
                    received.push(message);
                }
            }
            assert!(received == sent, "in steps of {step}");
        }
    }

    #[test]
    fn interleaved_chunk_streams_do_not_disturb_each_other() {
        let (audio, video) = (message(8, 5, 200), message(9, 7, 200));
        let (mut first, mut second) = (BytesMut::new(), BytesMut::new());
        write_message(&mut first, &audio, DEFAULT_CHUNK);
        write_message(&mut second, &video, DEFAULT_CHUNK);
        let mut reader = ChunkReader::new(1000);
        reader.buffer.extend_from_slice(&first[..12 + 128]);
        reader.buffer.extend_from_slice(&second);
        reader.buffer.extend_from_slice(&first[12 + 128..]);
        assert_eq!(reader.next(), Ok(Some(video)));
        assert_eq!(reader.next(), Ok(Some(audio)));
        assert_eq!(reader.next(), Ok(None));
    }

    #[test]
    fn short_headers_add_up_times() {
        let mut reader = ChunkReader::new(100);
        let full = [3, 0, 0, 10, 0, 0, 1, 9, 1, 0, 0, 0, b'a'];
        let same_stream = [0x43, 0, 0, 5, 0, 0, 2, 8, b'b', b'c'];
        let same_length = [0x83, 0, 0, 6, b'd', b'e'];
        let same_step = [0xc3, b'f', b'g'];
        for bytes in [&full[..], &same_stream, &same_length, &same_step] {
            reader.buffer.extend_from_slice(bytes);
        }
        let mut next = || {
            let message = reader.next().unwrap().unwrap();
            (message.kind, message.timestamp, message.body.to_vec())
        };
        assert_eq!(next(), (9, 10, b"a".to_vec()));
        assert_eq!(next(), (8, 15, b"bc".to_vec()));
        assert_eq!(next(), (8, 21, b"de".to_vec()));
        assert_eq!(next(), (8, 27, b"fg".to_vec()));
    }

    #[test]
    fn an_extended_time_may_be_left_out_where_a_chunk_continues() {
        let sent = message(9, EXTENDED + 5, 200);
        let mut out = BytesMut::new();
        write_message(&mut out, &sent, DEFAULT_CHUNK);
        let at = 12 + 4 + 128 + 1;
        let without = [&out[..at], &out[at + 4..]].concat();
        let mut reader = ChunkReader::new(1000);
        reader.buffer.extend_from_slice(&without);
        assert_eq!(reader.next(), Ok(Some(sent)));
    }

    #[test]
    fn a_message_of_one_byte_more_than_allowed_is_refused_by_its_header() {
        for (longest, result) in [(200, Ok(None)), (199, Err(ChunkError::TooLong))] {
            let mut out = BytesMut::new();
            write_message(&mut out, &message(9, 0, 200), DEFAULT_CHUNK);
            let mut reader = ChunkReader::new(longest);
            reader.buffer.extend_from_slice(&out[..12]);
            assert_eq!(reader.next(), result);
        }
    }

    #[test]
    fn chunk_streams_and_what_is_unfinished_on_them_are_bounded() {
        let mut reader = ChunkReader::new(300);
        let mut results = (2..60).map(|id| {
            let mut out = BytesMut::new();
            write_message(&mut out, &message(9, 0, 0), DEFAULT_CHUNK);
            out[0] = id;
            reader.buffer.extend_from_slice(&out);
            reader.next()
        });
        assert_eq!(results.position(|r| r.is_err()), Some(MOST_STREAMS));

        let mut reader = ChunkReader::new(300);
        let mut results = (2..60).map(|id| {
            let mut out = BytesMut::new();
            write_message(&mut out, &message(9, 0, 200), DEFAULT_CHUNK);
            out[0] = id;
            reader.buffer.extend_from_slice(&out[..12 + 128]);
            reader.next()
        });
        assert_eq!(results.position(|r| r.is_err()), Some(2));
    }

    #[test]
    fn what_is_unfinished_holds_no_more_than_its_own_bytes() {
        const LONGEST: usize = 1 << 20;
        const READ: usize = 32 * 1024;
        let mut reader = ChunkReader::new(LONGEST);
        let mut out = BytesMut::new();
        write_message(&mut out, &message(9, 0, LONGEST), LONGEST);
        for id in 8..34 {
            // A long message, and where it ends the first of two bytes of another.
            let both = [&out[..], &[id, 0, 0, 0, 0, 0, 2, 8, 1, 0, 0, 0, b'x']].concat();
            reader.set_chunk_size(LONGEST as u32);
            for piece in both.chunks(READ) {
                reader.buffer.extend_from_slice(piece);
                if let Some(message) = reader.next().unwrap() {
                    assert_eq!(message.body.len(), LONGEST);
                    reader.set_chunk_size(1);
                    assert_eq!(reader.next(), Ok(None));
                }
                assert!(reader.buffer.capacity() <= 2 * READ, "{}", reader.buffer.capacity());
            }
        }
        assert_eq!(reader.unfinished, 26);
        let held: usize = reader.streams.values().map(|(_, body)| body.capacity()).sum();
        assert!(held <= reader.held(), "{held}");
    }

    #[test]
    fn a_message_that_comes_in_small_pieces_is_reserved_as_it_comes() {
        let mut reader = ChunkReader::new(1 << 20);
        let mut out = BytesMut::new();
        write_message(&mut out, &message(9, 0, 1 << 20), DEFAULT_CHUNK);
        for piece in out[..out.len() / 3].chunks(1000) {
            reader.buffer.extend_from_slice(piece);
            assert_eq!(reader.next(), Ok(None));
            let held: usize = reader.streams.values().map(|(_, body)| body.capacity()).sum();
            assert!(held <= reader.held(), "{held} for {}", reader.unfinished);
        }
    }

    #[test]
    fn aborted_messages_leave_nothing_behind() {
        let mut reader = ChunkReader::new(1000);
        reader.set_chunk_size(900);
        for id in 3..30 {
            let mut out = BytesMut::new();
            write_message(&mut out, &message(9, 0, 1000), 900);
            out[0] = id;
            reader.buffer.extend_from_slice(&out[..12 + 900]);
            assert_eq!(reader.next(), Ok(None));
            reader.abort(id.into());
            assert_eq!(reader.unfinished, 0);
        }
        assert!(reader.streams.values().all(|(_, body)| body.capacity() == 0));
    }

    #[test]
    fn a_chunk_that_continues_nothing_is_refused() {
        for (first, format) in [(0x83, 2), (0xc3, 3)] {
            let mut reader = ChunkReader::new(100);
            reader.buffer.extend_from_slice(&[first; 8]);
            assert_eq!(reader.next(), Err(ChunkError::Orphan { format, id: 3 }));
        }
    }

    #[test]
    fn a_new_chunk_stream_may_begin_without_a_message_stream() {
        let mut reader = ChunkReader::new(100);
        let first = [0x47, 0, 0, 7, 0, 0, 2, 8, b'a', b'b'];
        let second = [0x87, 0, 0, 5, b'c', b'd'];
        let far = [0x41, 0x40, 1, 0xff, 0xff, 0xff, 0, 0, 1, 9, 1, 0, 0, 0, b'e'];
        reader.buffer.extend_from_slice(&[&first[..], &second, &far].concat());
        let mut next = || reader.next().unwrap().map(|m| (m.kind, m.stream_id, m.timestamp, m.body.to_vec()));
        assert_eq!(next(), Some((8, 0, 7, b"ab".to_vec())));
        assert_eq!(next(), Some((8, 0, 12, b"cd".to_vec())));
        assert_eq!(next(), Some((9, 0, 0x0100_0000, b"e".to_vec())));
        assert_eq!(next(), None);
    }

    #[test]
    fn an_aborted_message_makes_room_for_the_next() {
        let mut out = BytesMut::new();
        write_message(&mut out, &message(9, 3, 200), DEFAULT_CHUNK);
        let mut reader = ChunkReader::new(1000);
        reader.buffer.extend_from_slice(&out[..12 + 128]);
        assert_eq!(reader.next(), Ok(None));
        reader.abort(6);
        reader.buffer.extend_from_slice(&out);
        assert_eq!(reader.next(), Ok(Some(message(9, 3, 200))));
    }

    fn write_message(out: &mut BytesMut, message: &Message, chunk_size: usize) {
        let mut chunks = Outgoing::default();
        chunks.push(message.clone(), chunk_size);
        out.put(chunks);
    }

    fn message(kind: u8, timestamp: u32, length: usize) -> Message {
        Message { kind, stream_id: 1, timestamp, body: (0..length).map(|i| i as u8).collect() }
    }
}
