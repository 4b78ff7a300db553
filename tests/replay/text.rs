//! Traces as text: reading their lines, and comparing what they say with what happened.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// One line of a trace.
pub(crate) struct Step<'a> {
    pub(crate) raw: BTreeMap<String, &'a RawValue>,
}

impl<'a> Step<'a> {
    pub(crate) fn read(line: &'a str) -> Self {
        Self { raw: serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")) }
    }

    /// What kind of line it is: the first key, as written.
    pub(crate) fn verb(&self) -> &str {
        // Raw values are slices of the line: the earliest is the first.
        self.raw.iter().min_by_key(|(_, raw)| raw.get().as_ptr()).unwrap().0
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.raw.get(key).map(|raw| serde_json::from_str(raw.get()).unwrap())
    }

    pub(crate) fn text(&self, key: &str) -> String {
        self.get(key).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.as_u64()
    }

    /// The name of a call: its own, or the method's.
    pub(crate) fn name(&self) -> String {
        if self.raw.contains_key("as") { self.text("as") } else { self.text("call") }
    }

    pub(crate) fn args(&self) -> Vec<Value> {
        match self.get("args") {
            Some(Value::Array(args)) => args.into_iter().map(as_the_shell_reads_it).collect(),
            _ => Vec::new(),
        }
    }
}

/// What a value is to the core: the shell turns BigInt and BigNumber into text, `undefined` into null.
pub(crate) fn as_the_shell_reads_it(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            for key in ["$bigint", "$bignumber", "$number"] {
                if let Some(text) = members.get(key) {
                    return text.clone();
                }
            }
            if members.contains_key("$undefined") {
                return Value::Null;
            }
            members.into_iter().map(|(key, value)| (key, as_the_shell_reads_it(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(as_the_shell_reads_it).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

pub(crate) fn members_of(options: &Value, key: &str) -> Map<String, Value> {
    options.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

pub(crate) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The text that travels: raw text as it is, everything else as compact JSON.
pub(crate) fn write(raw: &RawValue) -> String {
    if raw.get().starts_with('"') {
        return serde_json::from_str(raw.get()).unwrap();
    }
    let (mut inside, mut escaped) = (false, false);
    let is_kept = |c: &char| {
        let kept = inside || !c.is_whitespace();
        match *c {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && *c == '\\' && !escaped;
        kept
    };
    raw.get().chars().filter(is_kept).collect()
}

/// A frame without the packet's number, which comes last.
pub(crate) fn without_number(frame: &str) -> String {
    frame.rsplit_once(r#","seq":"#).map_or_else(|| frame.to_owned(), |(rest, _)| format!("{rest}}}"))
}

/// Objects have at least the expected members, all else is equal; numbers are compared as numbers.
pub(crate) fn fits(wanted: &Value, found: &Value, path: &str) -> Result<(), String> {
    let differs = || Err(format!("{path}: expected {wanted}, got {found}"));
    match (wanted, found) {
        (Value::Object(members), Value::Object(_)) => {
            members.iter().try_for_each(|(key, value)| fits(value, &found[key], &format!("{path}.{key}")))
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            items.iter().zip(others).try_for_each(|(item, other)| fits(item, other, path))
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => Ok(()),
        _ if wanted == found => Ok(()),
        _ => differs(),
    }
}

pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, found: &T) -> Result<(), String> {
    if wanted == found { Ok(()) } else { Err(format!("{what}: expected {wanted:?}, got {found:?}")) }
}

/// Text from a form.
pub(crate) fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend(rest.replace('+', " ").into_bytes());
    }
    String::from_utf8(bytes).unwrap()
}
