//! What becomes of bytes, texts and JSON on their way from a peer that is broken, or means harm.

use serde_json::{Map, Value, json};

use crate::draw::Draw;

/// Spoils bytes in a few places; `inserts` are pieces that mean something there.
pub(crate) fn bytes(draw: &mut Draw, bytes: &mut Vec<u8>, inserts: &[&[u8]]) {
    for _ in 0..draw.pick(&[1, 1, 2, 3, 8, 30]) {
        if bytes.is_empty() {
            return;
        }
        let at = draw.below(bytes.len());
        let end = |length: usize| (at + length).min(bytes.len());
        match draw.below(8) {
            0 => bytes[at] ^= 1 << draw.below(8),
            1 => bytes[at] = draw.pick(&[0, 1, 2, 3, 4, 6, 8, 9, 0x14, 0x40, 0x7f, 0x80, 0xc0, 0xc3, 0xff]),
            2 => drop(bytes.drain(at..end(draw.pick(&[1, 2, 4, 11, 128])))),
            3 => {
                let length = draw.pick(&[1, 2, 4, 12, 200]);
                let piece = draw.bytes(length);
                drop(bytes.splice(at..at, piece));
            }
            4 => {
                let number = draw.edge().to_be_bytes();
                drop(bytes.splice(at..end(4), number));
            }
            5 => {
                let from = draw.below(bytes.len());
                let to = (from + draw.pick(&[4, 12, 60, 500])).min(bytes.len());
                let piece = bytes[from..to].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            6 => bytes.truncate(at),
            _ if inserts.is_empty() => bytes.swap(0, at),
            _ => {
                let piece = draw.pick(inserts).to_vec();
                drop(bytes.splice(at..at, piece));
            }
        }
    }
}

/// Spoils a text that stays one.
pub(crate) fn text(draw: &mut Draw, text: &str) -> String {
    let mut spoilt = text.as_bytes().to_vec();
    const INSERTS: [&[u8]; 10] = [
        b"\"",
        b"{",
        b"]",
        b",",
        b"\\u0000",
        b"\\ud800",
        b"-",
        b"1e999",
        "\u{1f600}".as_bytes(),
        "\u{202e}".as_bytes(),
    ];
    bytes(draw, &mut spoilt, &INSERTS);
    String::from_utf8_lossy(&spoilt).into_owned()
}

/// Puts something odd into a few places of a document.
pub(crate) fn json(draw: &mut Draw, document: &mut Value) {
    for _ in 0..draw.pick(&[1, 1, 2, 4]) {
        let place = descend(draw, document);
        change(draw, place);
    }
}

/// A place in it: deeper most of the time, for the outside is soon known.
fn descend<'a>(draw: &mut Draw, place: &'a mut Value) -> &'a mut Value {
    let size = match &*place {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    if size == 0 || !draw.chance(80) {
        return place;
    }
    let at = draw.below(size);
    let inner = match place {
        Value::Object(fields) => fields.values_mut().nth(at).expect("there are that many"),
        Value::Array(items) => &mut items[at],
        leaf @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => leaf,
    };
    descend(draw, inner)
}

fn change(draw: &mut Draw, place: &mut Value) {
    match (draw.below(4), place) {
        (1, Value::Object(fields)) if !fields.is_empty() => {
            let at = draw.below(fields.len());
            let name = fields.keys().nth(at).cloned().unwrap_or_default();
            fields.remove(&name);
        }
        (1, Value::Array(items)) if !items.is_empty() => {
            let copy = items[draw.below(items.len())].clone();
            // What is large already is not made larger: this is about the reader's memory.
            let most = if copy.to_string().len() < 500 { 300 } else { 2 };
            items.extend(std::iter::repeat_n(copy, draw.pick(&[1, 3, 40, most]).min(most)));
        }
        (2, Value::Object(fields)) => {
            let name = odd_text(draw);
            let value = odd_value(draw);
            fields.insert(name, value);
        }
        (_, place) => *place = odd_value(draw),
    }
}

/// Something that is seldom expected.
pub(crate) fn odd_value(draw: &mut Draw) -> Value {
    match draw.below(16) {
        0 => Value::Null,
        1 => json!(draw.chance(50)),
        2 => json!(draw.edge()),
        3 => json!(-1),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(draw.pick(&[1e308, -1e308, 0.5, -0.0, 1e-320, 9_007_199_254_740_993.0])),
        7 | 14 | 15 => json!(odd_text(draw)),
        8 => json!(draw.edge().to_string()),
        9 => json!([]),
        10 => json!({}),
        11 => {
            let item = json!(draw.pick(&["", "x", "7"]));
            Value::Array(vec![item; draw.pick(&[1, 2, 30, 300])])
        }
        12 => {
            let depth = draw.pick(&[1, 20, 100, 120]);
            (0..depth).fold(json!(0), |inner, _| json!([inner]))
        }
        _ => {
            let names = draw.pick(&[1, 4, 200]);
            Value::Object((0..names).map(|index| (format!("k{index}"), json!(index))).collect::<Map<_, _>>())
        }
    }
}

/// A text that is too long, too short, or not what it seems.
pub(crate) fn odd_text(draw: &mut Draw) -> String {
    match draw.below(9) {
        0 => String::new(),
        1 => "x".repeat(draw.pick(&[1, 15, 16, 17, 64, 128, 129, 256, 257, 1024, 4097, 20_000])),
        2 => "\u{1f600}".repeat(draw.pick(&[1, 31, 32, 33, 64, 300])),
        3 => "../../etc/passwd\0%00%2e%2e%2f".into(),
        4 => "\u{1b}[2J\r\nset-cookie: a=b\u{2028}\u{202e}\u{feff}\u{fffd}".into(),
        5 => "18446744073709551616".into(),
        6 => draw.pick(&["true", "null", "NaN", "0x10", "1e3", " 7 ", "+7", "-0", "1.0"]).into(),
        7 => draw.pick(&["__proto__", "toString", "constructor", "uid", "cid", "seq", "code", "body"]).into(),
        _ => {
            let length = draw.below(40);
            String::from_utf8_lossy(&draw.bytes(length)).into_owned()
        }
    }
}
