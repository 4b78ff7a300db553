//! FLV as a player reads it, with all that a player relies on.

use std::collections::BTreeMap;

/// A player's view of a stream. It is fed bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    rest: Vec<u8>,
    has_begun: bool,
    /// The last time by kind of tag.
    times: BTreeMap<u8, u32>,
}

/// One tag: sound (8), picture (9) or data (18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) kind: u8,
    pub(crate) time: u32,
    pub(crate) body: Vec<u8>,
}

impl Reader {
    /// Takes bytes in, and says which tags are whole.
    ///
    /// # Errors
    ///
    /// Says what no player could read: another format, lengths that do not fit, time that goes back.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Tag>, String> {
        self.rest.extend_from_slice(bytes);
        let mut rest = &self.rest[..];
        if !self.has_begun {
            let Some((head, after)) = rest.split_first_chunk::<13>() else { return Ok(vec![]) };
            if head[..4] != *b"FLV\x01" || head[4] & !5 != 0 || head[5..] != [0, 0, 0, 9, 0, 0, 0, 0] {
                return Err(format!("no file header: {head:?}"));
            }
            (self.has_begun, rest) = (true, after);
        }
        let mut tags = Vec::new();
        while let Some((head, after)) = rest.split_first_chunk::<11>() {
            let [kind, a, b, c, d, e, f, g, stream @ ..] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let time = u32::from_be_bytes([g, d, e, f]);
            if ![8, 9, 18].contains(&kind) || stream != [0; 3] {
                return Err(format!("no tag: {head:?}"));
            }
            let Some((body, after)) = after.split_at_checked(length) else { break };
            let Some((size, after)) = after.split_first_chunk::<4>() else { break };
            if u32::from_be_bytes(*size) as usize != length + 11 {
                return Err(format!("a tag of {length} bytes is said to have had {size:?}"));
            }
            let before = self.times.insert(kind, time).unwrap_or(time);
            if kind != 18 && (time.wrapping_sub(before)).cast_signed() < 0 {
                return Err(format!("the time of kind {kind} goes back from {before} to {time}"));
            }
            tags.push(Tag { kind, time, body: body.to_vec() });
            rest = after;
        }
        self.rest = rest.to_vec();
        Ok(tags)
    }
}
