//! How JSON is written: piece by piece, with no tree in between.

use super::read::{Value, end_of_plain};

/// A number as it is written: whoever hands it on need not know what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The number that a value is.
    #[must_use]
    pub fn of(value: Value<'_>) -> Option<Self> {
        value.is_number().then(|| Self(value.raw().to_owned()))
    }
}

impl Default for Number {
    fn default() -> Self {
        Self("0".into())
    }
}

impl From<f64> for Number {
    /// The number, or zero for one that JSON cannot say. For the gateway: the tables behind it do not belong into a
    /// small module.
    fn from(number: f64) -> Self {
        serde_json::Number::from_f64(number).map_or_else(Self::default, |number| Self(number.to_string()))
    }
}

/// What can be written as JSON.
pub(crate) trait Json {
    /// Writes it.
    fn write(&self, to: &mut Writer);
}

/// What is written as an object, alone or as a part of another.
pub(crate) trait Fields {
    /// Writes its keys and values.
    fn fields(&self, to: &mut Writer);
}

/// A text of JSON that is being written.
#[derive(Debug)]
pub(crate) struct Writer(String);

impl Writer {
    /// A key and its value.
    pub(crate) fn field(&mut self, key: &str, value: &(impl Json + ?Sized)) {
        self.key(key);
        value.write(self);
    }

    /// The same, unless there is no value.
    pub(crate) fn option(&mut self, key: &str, value: Option<&(impl Json + ?Sized)>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }

    /// The same, unless the text is empty.
    pub(crate) fn filled(&mut self, key: &str, text: &str) {
        self.option(key, Some(text).filter(|text| !text.is_empty()));
    }

    /// The same, unless it is false.
    pub(crate) fn truth(&mut self, key: &str, flag: bool) {
        self.option(key, Some(&flag).filter(|flag| **flag));
    }

    /// A key, which has nothing to escape; its value comes next.
    pub(crate) fn key(&mut self, key: &str) {
        self.next();
        self.raw("\"");
        self.raw(key);
        self.raw("\":");
    }

    /// Another item, or another key: unless it is the first, a comma is due.
    pub(crate) fn next(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'[' | b'{')) {
            self.0.push(',');
        }
    }

    /// What is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    /// An object of what is written within.
    pub(crate) fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.raw("{");
        fields(self);
        self.raw("}");
    }

    /// A list.
    pub(crate) fn list<'a, T: Json + 'a>(&mut self, items: impl IntoIterator<Item = &'a T>) {
        self.raw("[");
        for item in items {
            self.next();
            item.write(self);
        }
        self.raw("]");
    }

    fn text(&mut self, text: &str) {
        self.raw("\"");
        let mut rest = text;
        loop {
            let at = end_of_plain(rest.as_bytes(), 0);
            self.raw(rest.get(..at).unwrap_or_default());
            let Some(&byte) = rest.as_bytes().get(at) else { break };
            rest = rest.get(at + 1..).unwrap_or_default();
            let escape = match byte {
                0x08 => 'b',
                0x0c => 'f',
                b'\n' => 'n',
                b'\r' => 'r',
                b'\t' => 't',
                ..b' ' => 'u',
                _ => char::from(byte),
            };
            self.0.push('\\');
            self.0.push(escape);
            if escape == 'u' {
                self.raw("00");
                for digit in [byte >> 4, byte & 15] {
                    self.0.push(char::from_digit(digit.into(), 16).unwrap_or_default());
                }
            }
        }
        self.raw("\"");
    }

    fn integer(&mut self, number: u64) {
        let mut digits = [0; 20];
        let (mut begin, mut rest) = (digits.len(), number);
        loop {
            begin -= 1;
            digits[begin] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.raw(str::from_utf8(&digits[begin..]).unwrap_or_default());
    }
}

/// A value as text.
pub(crate) fn written(value: &(impl Json + ?Sized)) -> String {
    // Enough for a command, a notice and most events.
    let mut to = Writer(String::with_capacity(128));
    value.write(&mut to);
    to.0
}

/// An object of these fields, as text.
pub(crate) fn object(fields: impl FnOnce(&mut Writer)) -> String {
    let mut to = Writer(String::with_capacity(128));
    to.object(fields);
    to.0
}

impl<T: Fields + ?Sized> Json for T {
    fn write(&self, to: &mut Writer) {
        to.object(|to| self.fields(to));
    }
}

impl<T: Json> Json for [T] {
    fn write(&self, to: &mut Writer) {
        to.list(self);
    }
}

impl Json for Value<'_> {
    fn write(&self, to: &mut Writer) {
        to.raw(self.raw());
    }
}

impl Json for Number {
    fn write(&self, to: &mut Writer) {
        to.raw(&self.0);
    }
}

impl Json for str {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Json for String {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Json for bool {
    fn write(&self, to: &mut Writer) {
        to.raw(if *self { "true" } else { "false" });
    }
}

impl Json for u64 {
    fn write(&self, to: &mut Writer) {
        to.integer(*self);
    }
}

impl Json for u32 {
    fn write(&self, to: &mut Writer) {
        to.integer((*self).into());
    }
}

impl Json for u16 {
    fn write(&self, to: &mut Writer) {
        to.integer((*self).into());
    }
}

impl Json for u8 {
    fn write(&self, to: &mut Writer) {
        to.integer((*self).into());
    }
}

impl Json for i32 {
    fn write(&self, to: &mut Writer) {
        if *self < 0 {
            to.raw("-");
        }
        to.integer(self.unsigned_abs().into());
    }
}
