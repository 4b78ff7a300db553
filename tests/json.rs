//! JSON as it is read here, held against serde_json: the same texts are JSON, and they say the same. Where the two
//! differ, it is said.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

use nertc_miniapp::wire::json::{DEPTH, Document, NotJson};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn what_a_text_says_is_found_in_it() {
    let text = r#" {"cmd": 26, "body": {"uid": 18446744073709551615, "list": [1, [], {}, "two", null, true]}, "seq": -7} "#;
    let document = Document::read(text).unwrap();
    let (packet, body) = (document.root(), document.root().get("body"));
    assert_eq!((packet.get("cmd").as_u64(), packet.get("seq").as_i64()), (Some(26), Some(-7)));
    assert_eq!((packet.get("seq").as_u64(), packet.get("none").as_u64()), (None, None));
    assert_eq!(body.get("uid").as_u64(), Some(u64::MAX));
    assert_eq!(body.get("list").raw(), r#"[1, [], {}, "two", null, true]"#);
    assert_eq!(body.get("list").items().count(), 6);
    assert_eq!(body.get("list").item(3).as_str().as_deref(), Some("two"));
    assert!(body.get("list").item(3).is("two") && !body.get("list").item(3).is("twos"));
    assert_eq!(body.get("list").item(5).as_bool(), Some(true));
    assert!(body.get("list").item(4).is_null() && body.get("list").item(4).present().is_some());
    assert!(body.get("list").item(6).is_null() && body.get("list").item(6).present().is_none());
    assert_eq!(
        body.members().map(|(key, _)| key.as_str().unwrap().into_owned()).collect::<Vec<_>>(),
        ["uid", "list"]
    );
    assert!(packet.item(0).present().is_none() && packet.get("cmd").get("cmd").present().is_none());
}

#[test]
fn of_two_equal_keys_the_last_counts_however_they_are_written() {
    for text in [r#"{"a":1,"b":0,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"\u0061":1,"a":2}"#] {
        let document = Document::read(text).unwrap();
        assert_eq!(document.root().get("a").as_u64(), Some(2), "{text}");
    }
}

#[test]
fn integers_are_exact_or_none() {
    for number in [0, 1, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        assert_eq!(Document::read(&number.to_string()).unwrap().root().as_u64(), Some(number));
    }
    for number in [0, 1, -1, i64::MAX, i64::MIN, i64::MIN + 1] {
        assert_eq!(Document::read(&number.to_string()).unwrap().root().as_i64(), Some(number));
    }
    for text in ["18446744073709551616", "-1", "-0", "1.0", "1e3", "1e400", "\"1\"", "true", "null", "[1]"] {
        assert_eq!(Document::read(text).unwrap().root().as_u64(), None, "{text}");
    }
    for text in ["9223372036854775808", "-9223372036854775809", "1.0", "-1e3", "\"-1\""] {
        assert_eq!(Document::read(text).unwrap().root().as_i64(), None, "{text}");
    }
}

#[test]
fn a_number_of_any_size_is_one() {
    for (text, value) in
        [("1e400", f64::INFINITY), ("-1e400", f64::NEG_INFINITY), ("1e-400", 0.0), ("0e999999999999", 0.0)]
    {
        assert_eq!(Document::read(text).unwrap().root().as_f64(), Some(value), "{text}");
    }
    // serde_json takes the first for an error.
    assert!(serde_json::from_str::<Value>("1e400").is_err());
}

#[test]
fn half_a_surrogate_pair_is_a_replacement_character() {
    for (text, read) in [
        (r#""\ud83d\ude00""#, "\u{1f600}"),
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        (r#""\ud83d\u0041\\u""#, "\u{fffd}A\\u"),
        (r#""a\"\\\/\b\f\n\r\t\u000abc""#, "a\"\\/\u{8}\u{c}\n\r\t\nbc"),
    ] {
        assert_eq!(Document::read(text).unwrap().root().as_str().as_deref(), Some(read), "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_and_says_where() {
    for (text, at) in [
        ("", 0),
        (" ", 1),
        ("{", 1),
        ("[1,]", 3),
        ("[,]", 1),
        ("{,}", 1),
        (r#"{"a":1,}"#, 7),
        (r#"{"a"}"#, 4),
        (r#"{"a":}"#, 5),
        (r#"{1:2}"#, 1),
        ("[1}", 2),
        ("{]", 1),
        ("01", 1),
        ("-", 1),
        ("+1", 0),
        ("1.", 2),
        (".5", 0),
        ("1e", 2),
        ("nul", 3),
        ("nulL", 3),
        ("\"a", 2),
        ("\"\n\"", 1),
        (r#""\x""#, 1),
        (r#""\u12g4""#, 1),
        (r#""\u123""#, 1),
        ("1 2", 2),
        ("{} x", 3),
        ("\u{feff}{}", 0),
    ] {
        assert_eq!(Document::read(text).err(), Some(NotJson(at)), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
}

#[test]
fn nothing_is_too_deep_for_the_stack_and_what_is_too_deep_is_refused() {
    for (opening, closing) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = |depth: usize| opening.repeat(depth) + "1" + &closing.repeat(depth);
        for (depth, is_read) in [(DEPTH, true), (DEPTH + 1, false), (1_000_000, false)] {
            assert_eq!(Document::read(&nested(depth)).is_ok(), is_read, "{depth}");
            assert_eq!(serde_json::from_str::<Value>(&nested(depth)).is_ok(), is_read, "{depth}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn whatever_serde_json_writes_is_read_as_it_was(value in arbitrary()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let document = Document::read(&text).unwrap();
            prop_assert!(alike(&json!(document.root()), &value), "{}", text);
            prop_assert_eq!(document.root().raw(), &text);
        }
    }

    #[test]
    fn a_spoilt_text_is_json_where_it_is_for_serde_json(
        value in arbitrary(),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(PIECES.to_vec()), 0_usize..4), 1..4),
    ) {
        let mut text = value.to_string();
        for (place, piece, cut) in spoils {
            let at = text.floor_char_boundary(place.index(text.len() + 1));
            let end = text.floor_char_boundary((at + cut).min(text.len())).max(at);
            text.replace_range(at..end, piece);
        }
        judge(&text)?;
    }

    #[test]
    fn pieces_in_any_order_are_json_where_they_are_for_serde_json(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12),
    ) {
        judge(&pieces.concat())?;
    }

    #[test]
    fn a_number_is_worth_what_it_says(digits in 0_u64..(1 << 53) / 10, places in 0_u32..22, exponent in -400_i32..400, is_negative: bool) {
        let mut text = format!("{digits:0>30}");
        text.insert(30 - places as usize, '.');
        let text = text.trim_start_matches('0');
        let sign = if is_negative { "-" } else { "" };
        let text = format!("{sign}{}{}{}", if text.starts_with('.') { "0" } else { "" }, text, if text.ends_with('.') { "0" } else { "" });
        prop_assert_eq!(Document::read(&text).unwrap().root().as_f64(), Some(text.parse::<f64>().unwrap()));
        let text = format!("{text}e{exponent}");
        let (read, exact) = (Document::read(&text).unwrap().root().as_f64().unwrap(), text.parse::<f64>().unwrap());
        prop_assert!(is_near(read, exact), "{} is not {}", read, exact);
    }
}

/// The same verdict as serde_json, and the same value; but for what is said at the top of `json.rs`.
fn judge(text: &str) -> Result<(), TestCaseError> {
    let ours = Document::read(text);
    match serde_json::from_str::<Value>(text) {
        Ok(theirs) => {
            let document = ours.map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
            prop_assert!(alike(&json!(document.root()), &theirs), "{}", text);
        }
        Err(error) => {
            let error = error.to_string();
            let is_known =
                ["surrogate", "hex escape", "number out of range"].iter().any(|known| error.contains(known));
            prop_assert!(ours.is_err() || is_known, "{}: {}", text, error);
        }
    }
    Ok(())
}

/// Equal, but for the last digit of a number, with which serde_json is not exact by default.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || (one.is_f64() || other.is_f64()) && is_near(one.as_f64().unwrap(), other.as_f64().unwrap())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((key, one), (name, other))| key == name && alike(one, other))
        }
        (one, other) => one == other,
    }
}

fn is_near(one: f64, other: f64) -> bool {
    one == other
        || (one - other).abs() <= other.abs() * 1e-13
        || one.abs() < 1e-300 && other.abs() < 1e-300
        || one.abs() > 1e300 && other.abs() > 1e300
}

fn arbitrary() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[\\PC\"\\\\\u{0}-\u{20}]{0,8}".prop_map(String::from)];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What JSON is made of, whole and in pieces.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"a\"",
    "\"a\":",
    "\"\\u0061\":",
    "\"\\ud800\"",
    "\\u12",
    "\\n",
    " ",
    "\n",
    "\u{0}",
    "\t",
    "0",
    "-0",
    "1",
    "-",
    "1.5",
    ".",
    "e",
    "E+2",
    "1e400",
    "18446744073709551616",
    "true",
    "false",
    "null",
    "nul",
    "\u{feff}",
    "\u{1f600}",
    "\u{e9}",
    "'",
    "/",
    "\u{7f}",
    "\"\":",
    "[]",
];
