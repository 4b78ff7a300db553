//! What waits to be sent on one connection, as chunks.
//!
//! Hides how a message is cut up. Its body is never copied, however many connections it is sent on: each of
//! them has headers of its own and shares the rest.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BufMut as _, Bytes};

use super::chunks::{EXTENDED, Message};

/// Chunks in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    chunks: VecDeque<Chunk>,
    /// Of all of them.
    bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    header: [u8; LONGEST_HEADER],
    /// Where what is not sent yet of the header begins, and where it ends.
    begin: u8,
    end: u8,
    body: Bytes,
}

impl Outgoing {
    /// Appends a message with a full header: it then stands for itself, whatever was left out before it.
    pub(super) fn push(&mut self, message: Message, chunk_size: usize) {
        let Message { kind, stream_id, timestamp, body: mut rest } = message;
        let id = match kind {
            1..=6 => 2,
            8 => 4,
            9 => 6,
            18 => 5,
            _ => 3,
        };
        let extended = (timestamp >= EXTENDED).then_some(timestamp);
        let mut header = [0; LONGEST_HEADER];
        let mut room = &mut header[..];
        room.put_u8(id);
        room.put_uint(u64::from(timestamp.min(EXTENDED)), 3);
        room.put_uint(rest.len() as u64, 3);
        room.put_u8(kind);
        room.put_u32_le(stream_id);
        loop {
            if let Some(time) = extended {
                room.put_u32(time);
            }
            let end = (LONGEST_HEADER - room.len()) as u8;
            let body = rest.split_to(rest.len().min(chunk_size));
            self.bytes += usize::from(end) + body.len();
            self.chunks.push_back(Chunk { header, begin: 0, end, body });
            if rest.is_empty() {
                return;
            }
            room = &mut header[..];
            room.put_u8(0xc0 | id);
        }
    }
}

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn chunk(&self) -> &[u8] {
        let Some(first) = self.chunks.front() else { return &[] };
        if first.head().is_empty() { &first.body } else { first.head() }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = self.chunks.iter().flat_map(|chunk| [chunk.head(), &chunk.body[..]]);
        let parts = parts.filter(|part| !part.is_empty());
        slices.iter_mut().zip(parts).map(|(slice, part)| *slice = IoSlice::new(part)).count()
    }

    fn advance(&mut self, mut bytes: usize) {
        self.bytes -= bytes;
        while let Some(first) = self.chunks.front_mut() {
            let of_head = bytes.min(first.head().len());
            first.begin += of_head as u8;
            let of_body = (bytes - of_head).min(first.body.len());
            first.body.advance(of_body);
            bytes -= of_head + of_body;
            if !first.head().is_empty() || !first.body.is_empty() {
                return;
            }
            self.chunks.pop_front();
        }
        if self.chunks.capacity() > KEPT {
            // Otherwise the room for one burst would stay as long as the connection.
            self.chunks = VecDeque::new();
        }
    }
}

impl Chunk {
    fn head(&self) -> &[u8] {
        &self.header[usize::from(self.begin)..usize::from(self.end)]
    }
}

/// Of a message with an extended time.
const LONGEST_HEADER: usize = 16;
/// Room for chunks that is kept for the next ones.
const KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shared_by_all_it_is_sent_to_and_nothing_is_kept_of_what_was_sent() {
        let message = |body| Message { kind: 9, stream_id: 1, timestamp: EXTENDED, body };
        let body = Bytes::from(vec![7; 100_000]);
        let mut outgoing = Outgoing::default();
        for _ in 0..20 {
            outgoing.push(message(body.clone()), 60_000);
        }
        let own: usize = outgoing.chunks.iter().map(|chunk| chunk.head().len()).sum();
        assert_eq!(outgoing.remaining(), 20 * body.len() + own);
        assert!(outgoing.chunks.iter().all(|chunk| body.as_ptr_range().contains(&chunk.body.as_ptr())));

        // In steps that end within headers, within bodies and between them, the bytes stay what they were.
        let whole = {
            let mut again = Outgoing::default();
            (0..20).for_each(|_| again.push(message(body.clone()), 60_000));
            again.copy_to_bytes(again.remaining())
        };
        let mut sent = Vec::new();
        for step in [1, 14, 2, 59_999, 5, 60_000].into_iter().cycle() {
            let mut slices = [IoSlice::new(&[]); 5];
            let count = outgoing.chunks_vectored(&mut slices);
            let seen: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
            let step = step.min(seen.len());
            sent.extend_from_slice(&seen[..step]);
            outgoing.advance(step);
            if !outgoing.has_remaining() {
                break;
            }
        }
        assert!(sent == whole);
        assert!(body.is_unique() && outgoing.chunks.capacity() <= KEPT);
    }
}
