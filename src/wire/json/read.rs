//! How JSON is read: a list of where the values are, and no tree.

use std::borrow::Cow;

use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// A text that is JSON.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Whether there is a backslash anywhere.
    is_escaped: bool,
}

/// A value of a document, or that there is none, which is as good as `null`.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document<'a>,
    index: usize,
}

/// Why a text is no JSON: where, in bytes, something else was to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: byte {0}")]
pub struct NotJson(pub usize);

/// A value or a key, in the order in which they are written.
#[derive(Debug, Clone, Copy)]
struct Token {
    begin: u32,
    end: u32,
    /// The token after this one and all that is in it; while that is not known, the list or object around it.
    next: u32,
}

impl<'a> Document<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn read(text: &'a str) -> Result<Self, NotJson> {
        // Enough for any packet but a list of members.
        let tokens = Vec::with_capacity(24.min(text.len()));
        let mut reader = Reader { bytes: text.as_bytes(), at: 0, tokens, is_escaped: false };
        if text.len() >= NOWHERE as usize || !reader.document() {
            return Err(NotJson(reader.at));
        }
        Ok(Self { text, tokens: reader.tokens, is_escaped: reader.is_escaped })
    }

    /// All of it.
    #[must_use]
    pub const fn root(&'a self) -> Value<'a> {
        Value { document: self, index: 0 }
    }
}

impl<'a> Value<'a> {
    /// What an object has under a key.
    #[must_use]
    pub fn get(self, key: &str) -> Self {
        let Document { text, tokens, is_escaped } = self.document;
        let mut found = usize::MAX;
        let begin = self.index.wrapping_add(1);
        let inside = tokens.get(begin..self.end(b'{')).unwrap_or_default();
        let mut at = 0;
        while let Some([name, value]) = inside.get(at..).and_then(<[Token]>::first_chunk) {
            let inner = name.begin as usize + 1..name.end as usize - 1;
            let is_found = if *is_escaped {
                (Self { index: begin + at, ..self }).is(key)
            } else {
                text.as_bytes().get(inner) == Some(key.as_bytes())
            };
            if is_found {
                found = begin + at + 1;
            }
            at = value.next as usize - begin;
        }
        Self { index: found, ..self }
    }

    /// Itself, if there is anything, be it `null`.
    #[must_use]
    pub fn present(self) -> Option<Self> {
        self.token().map(|_| self)
    }

    /// The keys and values of an object, in the order in which they are written.
    pub fn members(self) -> impl Iterator<Item = (Self, Self)> {
        let mut children = self.children(b'{');
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The values in a list.
    pub fn items(self) -> impl Iterator<Item = Self> {
        self.children(b'[')
    }

    /// The value in a list at this place.
    #[must_use]
    pub fn item(self, place: usize) -> Self {
        self.items().nth(place).unwrap_or(self.nothing())
    }

    /// As it is written; `null` where there is nothing.
    #[must_use]
    pub fn raw(self) -> &'a str {
        let written = self.token().and_then(|token| self.document.text.get(token.range()));
        written.unwrap_or("null")
    }

    /// Whether it is `null`, or nothing.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.first() == b'n'
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.first() == b'['
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.first() == b'{'
    }

    /// Whether it is a number.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self.first(), b'-' | b'0'..=b'9')
    }

    /// Whether it is this text, which has nothing to escape.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        self.as_str().is_some_and(|own| own == text)
    }

    /// The text that it is.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let text = self.raw().strip_prefix('"')?;
        let text = text.get(..text.len().saturating_sub(1))?;
        if self.document.is_escaped && text.as_bytes().contains(&b'\\') {
            return Some(Cow::Owned(unescaped(text)));
        }
        Some(Cow::Borrowed(text))
    }

    /// The truth value that it is.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.first() {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        }
    }

    /// The integer that it is, exact, if it is written as one.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        integer(self.written())
    }

    /// The same, below zero as well.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        let written = self.written();
        match written.strip_prefix(b"-") {
            Some(digits) => integer(digits).and_then(|number| 0_i64.checked_sub_unsigned(number)),
            None => integer(written)?.try_into().ok(),
        }
    }

    /// The number that it is. Exact while its digits make no more than 2^53, 22 of them behind the point: all that is
    /// measured here. Beyond that the last digits are a guess.
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        self.is_number().then(|| decimal(self.written()))
    }

    /// The first byte as it is written, which tells what it is.
    fn first(self) -> u8 {
        let begin = self.token().map_or(usize::MAX, |token| token.begin as usize);
        self.document.text.as_bytes().get(begin).copied().unwrap_or(b'n')
    }

    fn written(self) -> &'a [u8] {
        let written = self.token().and_then(|token| self.document.text.as_bytes().get(token.range()));
        written.unwrap_or(b"null")
    }

    /// The values in it, and the keys, if that is how it begins.
    fn children(self, opening: u8) -> impl Iterator<Item = Self> {
        let end = self.end(opening);
        let mut index = self.index.wrapping_add(1);
        std::iter::from_fn(move || {
            let child = Self { index, ..self };
            index = if index < end { child.after() } else { return None };
            Some(child)
        })
    }

    /// Where what is in it ends; nowhere, unless it begins like this.
    fn end(self, opening: u8) -> usize {
        if self.first() == opening { self.after() } else { 0 }
    }

    /// The token after it and all that is in it.
    #[inline(always)]
    fn after(self) -> usize {
        self.token().map_or(usize::MAX, |token| token.next as usize)
    }

    #[inline]
    fn token(self) -> Option<&'a Token> {
        self.document.tokens.get(self.index)
    }

    const fn nothing(self) -> Self {
        Self { index: usize::MAX, ..self }
    }
}

/// So that a value can be handed to whatever serde knows.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.first() {
            b'{' => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in self.members() {
                    map.serialize_entry(&key, &value)?;
                }
                map.end()
            }
            b'[' => {
                let mut list = serializer.serialize_seq(None)?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            b'"' => serializer.serialize_str(&self.as_str().unwrap_or_default()),
            b't' => serializer.serialize_bool(true),
            b'f' => serializer.serialize_bool(false),
            b'n' => serializer.serialize_unit(),
            _ => match (self.as_u64(), self.as_i64()) {
                (Some(number), _) => serializer.serialize_u64(number),
                (None, Some(number)) => serializer.serialize_i64(number),
                (None, None) => serializer.serialize_f64(self.raw().parse().map_err(S::Error::custom)?),
            },
        }
    }
}

impl Token {
    const fn range(self) -> std::ops::Range<usize> {
        self.begin as usize..self.end as usize
    }
}

/// What is read of a text so far.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    is_escaped: bool,
}

impl Reader<'_> {
    /// Reads one value with all that is in it, without a stack: what is open stands in the tokens.
    fn document(&mut self) -> bool {
        let (mut open, mut depth) = (NOWHERE, 0);
        loop {
            // A value is to come.
            let first = self.peek();
            let index = self.begin(open);
            let is_read = match first {
                b'{' | b'[' => {
                    (open, depth) = (index, depth + 1);
                    self.at += 1;
                    // Its end is two bytes behind its beginning.
                    let is_empty = self.peek() == first + 2;
                    if depth > DEPTH || !is_empty && first == b'{' && !self.key() {
                        return false;
                    }
                    if !is_empty {
                        continue;
                    }
                    true
                }
                b'"' => self.string(),
                b'-' | b'0'..=b'9' => self.number(),
                b't' => self.word(b"true"),
                b'f' => self.word(b"false"),
                b'n' => self.word(b"null"),
                _ => false,
            };
            if !is_read {
                return false;
            }
            if open != index {
                self.end(index);
            }
            // A value is complete.
            loop {
                let byte = self.peek();
                let Some(around) = self.tokens.get(open as usize).copied() else {
                    return self.at == self.bytes.len();
                };
                let opening = self.bytes.get(around.begin as usize).copied().unwrap_or_default();
                if byte == b',' {
                    self.at += 1;
                    if opening == b'{' && !self.key() {
                        return false;
                    }
                    break;
                }
                if byte != opening + 2 {
                    return false;
                }
                self.at += 1;
                self.end(open);
                (open, depth) = (around.next, depth - 1);
            }
        }
    }

    /// A key, and the colon after it.
    fn key(&mut self) -> bool {
        let is_text = self.peek() == b'"';
        let index = self.begin(NOWHERE);
        if !is_text || !self.string() {
            return false;
        }
        self.end(index);
        let is_colon = self.peek() == b':';
        self.at += usize::from(is_colon);
        is_colon
    }

    fn string(&mut self) -> bool {
        self.at += 1;
        loop {
            self.at = end_of_plain(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return true;
                }
                Some(b'\\') => {
                    self.is_escaped = true;
                    let digits = match self.bytes.get(self.at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
                        Some(b'u') => 4,
                        Some(_) | None => return false,
                    };
                    let hex = self.bytes.get(self.at + 2..self.at + 2 + digits);
                    if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                        return false;
                    }
                    self.at += 2 + digits;
                }
                Some(_) | None => return false,
            }
        }
    }

    fn number(&mut self) -> bool {
        self.skip(b'-');
        // A zero is followed by no digit.
        if !self.skip(b'0') && !self.digits() {
            return false;
        }
        if self.skip(b'.') && !self.digits() {
            return false;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _sign = self.skip(b'+') || self.skip(b'-');
            return self.digits();
        }
        true
    }

    /// One digit or more.
    fn digits(&mut self) -> bool {
        let before = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at > before
    }

    fn word(&mut self, word: &[u8]) -> bool {
        word.iter().all(|byte| self.skip(*byte))
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_here = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_here);
        is_here
    }

    /// The next byte that is no white space; 0 at the end.
    #[inline(always)]
    fn peek(&mut self) -> u8 {
        loop {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
    }

    #[inline(always)]
    fn begin(&mut self, around: u32) -> u32 {
        let index = self.tokens.len() as u32;
        self.tokens.push(Token { begin: self.at as u32, end: 0, next: around });
        index
    }

    fn end(&mut self, index: u32) {
        let next = self.tokens.len() as u32;
        if let Some(token) = self.tokens.get_mut(index as usize) {
            (token.end, token.next) = (self.at as u32, next);
        }
    }
}

/// Where the bytes end that stand for themselves within quotation marks: at the next quotation mark, backslash or
/// control character.
///
/// Eight bytes at a time, since an interpreter takes as long for one: a byte's highest bit says that it is one of
/// these, except that those after the first may be mistaken for one.
pub(super) fn end_of_plain(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut at = from;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        let (quotes, backslashes) = (eight ^ (ONES * u64::from(b'"')), eight ^ (ONES * u64::from(b'\\')));
        let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        let is_control = eight.wrapping_sub(ONES * u64::from(b' ')) & !eight;
        let special = (is_zero(quotes) | is_zero(backslashes) | is_control) & ONES << 7;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, ..b' ' | b'"' | b'\\');
    bytes.get(at..).unwrap_or_default().iter().position(is_special).map_or(bytes.len(), |more| at + more)
}

/// The number that these digits are, and nothing else.
fn integer(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| longer(number, digit.wrapping_sub(b'0')))
}

/// A number with one digit more. No `checked_mul`, which takes 128 bits: fifty steps of an interpreter.
fn longer(number: u64, digit: u8) -> Option<u64> {
    if digit > 9 || number > u64::MAX / 10 {
        return None;
    }
    (number * 10).checked_add(digit.into())
}

/// The value of a number. The standard library's would bring tables of many kilobytes.
fn decimal(written: &[u8]) -> f64 {
    let (mut digits, mut places, mut exponent) = (0_u64, 0_i32, 0_i32);
    let (mut is_fraction, mut bytes) = (false, written.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'0'..=b'9' => {
                places -= i32::from(is_fraction);
                match longer(digits, byte - b'0') {
                    Some(more) => digits = more,
                    None => places = places.saturating_add(1),
                }
            }
            b'.' => is_fraction = true,
            b'e' | b'E' => {
                let rest = bytes.as_slice();
                let amount = rest.strip_prefix(b"-").or(rest.strip_prefix(b"+")).unwrap_or(rest);
                let amount =
                    integer(amount).and_then(|amount| i32::try_from(amount).ok()).unwrap_or(i32::MAX);
                exponent = if rest.first() == Some(&b'-') { -amount } else { amount };
                break;
            }
            _ => {}
        }
    }
    let mut number = digits as f64;
    let mut scale = places.saturating_add(exponent).clamp(-LARGEST_SCALE, LARGEST_SCALE);
    while scale != 0 && number != 0.0 {
        let step = scale.clamp(-22, 22);
        let power = (0..step.abs()).fold(1.0, |power, _| power * 10.0);
        number = if step < 0 { number / power } else { number * power };
        scale -= step;
    }
    if written.first() == Some(&b'-') { -number } else { number }
}

/// A text without its escapes, which are well-formed.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = String::with_capacity(text.len());
    let (mut done, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            at += 1;
            continue;
        }
        plain.push_str(text.get(done..at).unwrap_or_default());
        let letter = bytes.get(at + 1).copied().unwrap_or_default();
        at += 2;
        plain.push(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut unit = hex(bytes, at);
                at += 4;
                if let (0xd800..=0xdbff, Some(b"\\u")) = (unit, bytes.get(at..at + 2))
                    && let second @ 0xdc00..=0xdfff = hex(bytes, at + 2)
                {
                    unit = 0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
                    at += 6;
                }
                char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            itself => char::from(itself),
        });
        done = at;
    }
    plain.push_str(text.get(done..).unwrap_or_default());
    plain
}

/// The number of four hexadecimal digits.
fn hex(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or_default().iter();
    digits.fold(0, |number, digit| number << 4 | char::from(*digit).to_digit(16).unwrap_or_default())
}

/// How deep lists and objects may lie in each other.
pub const DEPTH: usize = 127;
const NOWHERE: u32 = u32::MAX;
/// A power of ten by which every number becomes zero or infinite.
const LARGEST_SCALE: i32 = 400;
