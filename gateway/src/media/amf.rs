//! AMF as peers write it: values in AMF0, and AMF3 among them where Flash put it.
//!
//! Hides the markers of both. A library reads the result: neither it nor those for AMF3 bound what they
//! recurse into or reserve, and a reference to a value with references to others grows without end.

/// Rewrites values in the everyday kinds of AMF0, up to the first that cannot be read.
pub(crate) fn plain(mut body: &[u8]) -> Vec<u8> {
    // Flash's newer messages are the older ones behind a zero.
    if body.first() == Some(&0) {
        body = &body[1..];
    }
    let mut reader = Reader { rest: body, out: Vec::new() };
    let mut known = Known::default();
    let is_amf3 = body.first() == Some(&amf3::STRING);
    let mut whole = 0;
    while !reader.rest.is_empty() {
        let read = if is_amf3 { reader.newer(&mut known, DEEPEST) } else { reader.value(DEEPEST) };
        if read.is_none() {
            break;
        }
        whole = reader.out.len();
    }
    reader.out.truncate(whole);
    reader.out
}

/// What becomes of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    Stays,
    Goes,
    /// It stays, but is not true.
    IsFalse,
}

/// Rewrites the properties of a named object, such as `onMetaData`; `None` if that is not what it is.
pub(crate) fn edit(body: &[u8], judge: impl Fn(&[u8]) -> Property) -> Option<Vec<u8>> {
    let mut reader = Reader { rest: body, out: Vec::new() };
    (body.first()? == &amf0::STRING).then(|| reader.value(0))??;
    let marker = reader.byte()?;
    if !matches!(marker, amf0::OBJECT | amf0::ARRAY) {
        return None;
    }
    let mut kept = Vec::new();
    let mut count = 0_u32;
    if marker == amf0::ARRAY {
        reader.take(4)?;
    }
    while let Some(name) = reader.name()? {
        let before = reader.rest;
        // Where the value ends is all that is asked; what it is rewritten to is not used.
        let written = reader.out.len();
        reader.value(DEEPEST)?;
        reader.out.truncate(written);
        let value = &before[..before.len() - reader.rest.len()];
        let value = match judge(name) {
            Property::Stays => value,
            Property::Goes => continue,
            Property::IsFalse => &[amf0::BOOLEAN, 0],
        };
        count += 1;
        kept.extend_from_slice(&(name.len() as u16).to_be_bytes());
        kept.extend_from_slice(name);
        kept.extend_from_slice(value);
    }
    let mut out = reader.out;
    out.push(marker);
    if marker == amf0::ARRAY {
        out.extend_from_slice(&count.to_be_bytes());
    }
    out.extend_from_slice(&kept);
    out.extend_from_slice(&END);
    out.extend_from_slice(reader.rest);
    Some(out)
}

struct Reader<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
}

/// What AMF3 refers back to, and we follow: an object that is referred to becomes undefined.
#[derive(Default)]
struct Known<'a> {
    strings: Vec<&'a [u8]>,
    traits: Vec<(Vec<&'a [u8]>, bool)>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn length(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    fn write(&mut self, bytes: &[u8]) -> Option<()> {
        if self.out.len() + bytes.len() > LONGEST {
            return None;
        }
        self.out.extend_from_slice(bytes);
        Some(())
    }

    fn write_name(&mut self, name: &[u8]) -> Option<()> {
        let length = u16::try_from(name.len()).ok()?;
        self.write(&length.to_be_bytes())?;
        self.write(name)
    }

    fn write_text(&mut self, text: &[u8]) -> Option<()> {
        self.write(&[amf0::STRING])?;
        self.write_name(text)
    }

    fn write_number(&mut self, number: &[u8]) -> Option<()> {
        self.write(&[amf0::NUMBER])?;
        self.write(number)
    }

    /// The name of the next property of an AMF0 object; `None` in it is the end.
    fn name(&mut self) -> Option<Option<&'a [u8]>> {
        let length = self.length(2)?;
        if length == 0 {
            return (self.byte()? == END[2]).then_some(None);
        }
        self.take(length).map(Some)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.byte()? {
            amf0::NUMBER => {
                let number = self.take(8)?;
                self.write_number(number)
            }
            amf0::BOOLEAN => {
                let value = self.byte()?;
                self.write(&[amf0::BOOLEAN, u8::from(value != 0)])
            }
            amf0::STRING => {
                let length = self.length(2)?;
                let text = self.take(length)?;
                self.write_text(text)
            }
            amf0::LONG_STRING | amf0::XML => {
                let length = self.length(4)?;
                let text = self.take(length)?;
                self.write_text(text)
            }
            amf0::DATE => {
                let moment = self.take(8)?;
                self.take(2)?;
                self.write_number(moment)
            }
            amf0::NULL => self.write(&[amf0::NULL]),
            amf0::UNDEFINED | amf0::UNSUPPORTED => self.write(&[amf0::UNDEFINED]),
            amf0::REFERENCE => {
                self.take(2)?;
                self.write(&[amf0::UNDEFINED])
            }
            amf0::OBJECT => {
                self.write(&[amf0::OBJECT])?;
                self.properties(depth)
            }
            amf0::TYPED_OBJECT => {
                let length = self.length(2)?;
                self.take(length)?;
                self.write(&[amf0::OBJECT])?;
                self.properties(depth)
            }
            amf0::ARRAY => {
                let count = self.take(4)?;
                self.write(&[amf0::ARRAY])?;
                self.write(count)?;
                self.properties(depth)
            }
            amf0::LIST => {
                let count = self.take(4)?;
                self.write(&[amf0::LIST])?;
                self.write(count)?;
                let deeper = depth.checked_sub(1)?;
                let count = count.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (0..count).try_for_each(|_| self.value(deeper))
            }
            amf0::NEWER => self.newer(&mut Known::default(), depth),
            _ => None,
        }
    }

    fn properties(&mut self, depth: usize) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        while let Some(name) = self.name()? {
            self.write_name(name)?;
            self.value(deeper)?;
        }
        self.write(&END)
    }

    /// A value in AMF3.
    fn newer(&mut self, known: &mut Known<'a>, depth: usize) -> Option<()> {
        match self.byte()? {
            amf3::UNDEFINED => self.write(&[amf0::UNDEFINED]),
            amf3::NULL => self.write(&[amf0::NULL]),
            amf3::FALSE => self.write(&[amf0::BOOLEAN, 0]),
            amf3::TRUE => self.write(&[amf0::BOOLEAN, 1]),
            amf3::INTEGER => {
                // 29 bits with a sign.
                let integer = (self.packed()? << 3).cast_signed() >> 3;
                self.write_number(&f64::from(integer).to_be_bytes())
            }
            amf3::DOUBLE => {
                let number = self.take(8)?;
                self.write_number(number)
            }
            amf3::STRING => {
                let text = self.string(known)?;
                self.write_text(text)
            }
            amf3::XML_DOCUMENT | amf3::XML => match self.counted()? {
                Some(length) => {
                    let text = self.take(length)?;
                    self.write_text(text)
                }
                None => self.write(&[amf0::UNDEFINED]),
            },
            amf3::BYTES => {
                let length = self.counted()?.unwrap_or(0);
                self.take(length)?;
                self.write(&[amf0::UNDEFINED])
            }
            amf3::DATE => match self.counted()? {
                Some(_) => {
                    let moment = self.take(8)?;
                    self.write_number(moment)
                }
                None => self.write(&[amf0::UNDEFINED]),
            },
            amf3::ARRAY => self.array(known, depth),
            amf3::OBJECT => self.object(known, depth),
            _ => None,
        }
    }

    fn array(&mut self, known: &mut Known<'a>, depth: usize) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        let Some(count) = self.counted()? else {
            return self.write(&[amf0::UNDEFINED]);
        };
        let first = self.string(known)?;
        if first.is_empty() {
            self.write(&[amf0::LIST])?;
            self.write(&u32::try_from(count).ok()?.to_be_bytes())?;
            return (0..count).try_for_each(|_| self.newer(known, deeper));
        }
        // How many there are is a hint to readers, and not known yet.
        self.write(&[amf0::ARRAY, 0, 0, 0, 0])?;
        self.named(first, known, deeper)?;
        for index in 0..count {
            self.write_name(index.to_string().as_bytes())?;
            self.newer(known, deeper)?;
        }
        self.write(&END)
    }

    fn object(&mut self, known: &mut Known<'a>, depth: usize) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        let Some(head) = self.counted()? else {
            return self.write(&[amf0::UNDEFINED]);
        };
        let index = if head & 1 == 0 {
            head >> 1
        } else if head & 2 == 0 {
            self.string(known)?;
            let names = (0..head >> 3).map(|_| self.string(known)).collect::<Option<Vec<_>>>()?;
            known.traits.push((names, head & 4 != 0));
            known.traits.len() - 1
        } else {
            // It has a form of its own, which only its class knows.
            return None;
        };
        let (names, is_open) = known.traits.get(index)?.clone();
        self.write(&[amf0::OBJECT])?;
        for name in names {
            self.write_name(name)?;
            self.newer(known, deeper)?;
        }
        if is_open {
            let first = self.string(known)?;
            self.named(first, known, deeper)?;
        }
        self.write(&END)
    }

    /// Properties up to the one without a name.
    fn named(&mut self, first: &'a [u8], known: &mut Known<'a>, deeper: usize) -> Option<()> {
        let mut name = first;
        while !name.is_empty() {
            self.write_name(name)?;
            self.newer(known, deeper)?;
            name = self.string(known)?;
        }
        Some(())
    }

    fn string(&mut self, known: &mut Known<'a>) -> Option<&'a [u8]> {
        let head = self.packed()? as usize;
        if head & 1 == 0 {
            return known.strings.get(head >> 1).copied();
        }
        let text = self.take(head >> 1)?;
        if !text.is_empty() {
            known.strings.push(text);
        }
        Some(text)
    }

    /// What follows the marker of most values of AMF3: a count, or `None` in it for a reference.
    fn counted(&mut self) -> Option<Option<usize>> {
        let head = self.packed()? as usize;
        Some((head & 1 == 1).then_some(head >> 1))
    }

    /// 29 bits in one to four bytes.
    fn packed(&mut self) -> Option<u32> {
        let mut sum = 0;
        for _ in 0..3 {
            let byte = u32::from(self.byte()?);
            sum = sum << 7 | byte & 0x7f;
            if byte & 0x80 == 0 {
                return Some(sum);
            }
        }
        Some(sum << 8 | u32::from(self.byte()?))
    }
}

mod amf0 {
    pub(super) const NUMBER: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const STRING: u8 = 2;
    pub(super) const OBJECT: u8 = 3;
    pub(super) const NULL: u8 = 5;
    pub(super) const UNDEFINED: u8 = 6;
    pub(super) const REFERENCE: u8 = 7;
    pub(super) const ARRAY: u8 = 8;
    pub(super) const LIST: u8 = 10;
    pub(super) const DATE: u8 = 11;
    pub(super) const LONG_STRING: u8 = 12;
    pub(super) const UNSUPPORTED: u8 = 13;
    pub(super) const XML: u8 = 15;
    pub(super) const TYPED_OBJECT: u8 = 16;
    pub(super) const NEWER: u8 = 17;
}

mod amf3 {
    pub(super) const UNDEFINED: u8 = 0;
    pub(super) const NULL: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const TRUE: u8 = 3;
    pub(super) const INTEGER: u8 = 4;
    pub(super) const DOUBLE: u8 = 5;
    pub(super) const STRING: u8 = 6;
    pub(super) const XML_DOCUMENT: u8 = 7;
    pub(super) const DATE: u8 = 8;
    pub(super) const ARRAY: u8 = 9;
    pub(super) const OBJECT: u8 = 10;
    pub(super) const XML: u8 = 11;
    pub(super) const BYTES: u8 = 12;
}

const END: [u8; 3] = [0, 0, 9];
/// Nobody nests deeper than three or four.
const DEEPEST: usize = 32;
/// Bytes written; a few bytes of AMF3 can stand for many.
const LONGEST: usize = 64 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_flash_writes_becomes_what_everybody_reads() {
        let name = b"\x02\0\x04name";
        let amf3_object =
            b"\x0a\x0b\x01\x03a\x04\x2a\x03b\x06\x03x\x03c\x05\x40\x59\0\0\0\0\0\0\x03d\x03\x03e\x06\x08\x01";
        let amf0_object = [
            &b"\x03\0\x01a\0\x40\x45\0\0\0\0\0\0"[..],
            b"\0\x01b\x02\0\x01x\0\x01c\0\x40\x59\0\0\0\0\0\0\0\x01d\x01\x01",
            b"\0\x01e\x02\0\x01d\0\0\x09",
        ]
        .concat();
        let expected = [&name[..], &amf0_object].concat();
        let behind_a_zero = [&b"\0"[..], name, b"\x11", amf3_object].concat();
        assert_eq!(plain(&behind_a_zero), expected);
        let without = [&name[..], b"\x11", amf3_object].concat();
        assert_eq!(plain(&without), expected);
        // The strings of the whole message are counted: "name" is the first of them.
        let shifted = amf3_object.map(|byte| if byte == 8 { 10 } else { byte });
        let all_of_it = [&b"\x06\x09name"[..], &shifted].concat();
        assert_eq!(plain(&all_of_it), expected);
    }

    #[test]
    fn integers_have_a_sign_and_lists_an_order() {
        let bytes = b"\x11\x09\x05\x01\x04\xff\xff\xff\xff\x04\xbf\xff\xff\xff";
        let number = |number: f64| [&[0][..], &number.to_be_bytes()].concat();
        let expected = [&b"\x0a\0\0\0\x02"[..], &number(-1.0), &number(268_435_455.0)].concat();
        assert_eq!(plain(bytes), expected);
    }

    #[test]
    fn older_kinds_become_everyday_ones_and_everyday_ones_stay() {
        let everyday =
            b"\x02\0\x01x\0\0\0\0\0\0\0\0\0\x05\x06\x01\x01\x08\0\0\0\x01\0\x01k\x0a\0\0\0\x01\x05\0\0\x09";
        assert_eq!(plain(everyday), everyday);
        assert_eq!(plain(b"\x0c\0\0\0\x01x"), b"\x02\0\x01x");
        assert_eq!(plain(b"\x10\0\x01C\0\x01k\x05\0\0\x09"), b"\x03\0\x01k\x05\0\0\x09");
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        assert_eq!(plain(b"\x05\x02\0\x09x"), b"\x05");
        assert_eq!(plain(b"\x05\xff\x05"), b"\x05");
        assert_eq!(plain(b""), b"");
        let deep = [3, 0, 1, b'x'].repeat(DEEPEST + 1);
        assert_eq!(plain(&deep), b"");
        // Every reference stands for a long string.
        let long = [&b"\x06\xa0\x01"[..], &[b'x'; 0x1000]].concat();
        let bomb = [&b"\x02\0\0\x11\x09\x81\x01\x01"[..], &long, &b"\x06\0".repeat(127)].concat();
        assert_eq!(plain(&bomb), b"\x02\0\0");
    }

    #[test]
    fn properties_go_or_become_false_and_the_others_keep_every_byte() {
        let date = b"\0\x04when\x0b\x40\0\0\0\0\0\0\0\0\0";
        let body =
            [&b"\x02\0\x01m\x08\0\0\0\x04"[..], date, b"\0\x01a\x01\x01\0\x01b\x05\0\0\x09rest"].concat();
        let judge = |name: &[u8]| match name {
            b"a" => Property::IsFalse,
            b"b" => Property::Goes,
            _ => Property::Stays,
        };
        let expected = [&b"\x02\0\x01m\x08\0\0\0\x02"[..], date, b"\0\x01a\x01\0\0\0\x09rest"].concat();
        assert_eq!(edit(&body, judge).unwrap(), expected);
        for cut in 0..body.len() - 4 {
            assert_eq!(edit(&body[..cut], judge), None, "{cut}");
        }
    }

    #[test]
    fn no_bytes_whatever_make_it_panic() {
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..60)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let byte = (seed >> 40) as u8;
                    if byte < 200 { byte % 18 } else { byte }
                })
                .collect();
            let once = plain(&bytes);
            assert!(once.len() <= LONGEST);
            edit(&bytes, |_| Property::IsFalse);
        }
    }
}
