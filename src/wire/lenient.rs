//! Reading what real peers send: flags as numbers or text, numbers in quotes, absent values.

use serde::Serializer;
use serde_json::Value;

use crate::wire::model::{Cid, Role, Uid, Url};

/// The fields of an object. Nothing here fails: whatever is of the wrong type counts as absent, and
/// what is no object has no fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Value);

impl<'a> Fields<'a> {
    /// The fields of an object in a field.
    pub(crate) fn below(self, key: &str) -> Self {
        Self(&self.0[key])
    }

    /// The items of a list.
    pub(crate) fn items(self, key: &str) -> impl Iterator<Item = Fields<'a>> {
        self.0[key].as_array().into_iter().flatten().map(Fields)
    }

    /// Text; a number counts as its digits.
    pub(crate) fn text(self, key: &str) -> String {
        text(&self.0[key]).unwrap_or_default()
    }

    pub(crate) fn is(self, key: &str, text: &str) -> bool {
        self.0[key] == text
    }

    pub(crate) fn url(self, key: &str) -> Option<Url> {
        text(&self.0[key]).filter(|url| !url.is_empty()).map(Url)
    }

    /// A flag: JavaScript's idea of truth.
    pub(crate) fn flag(self, key: &str) -> bool {
        match &self.0[key] {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        }
    }

    /// A code: a number, never in quotes.
    pub(crate) fn code(self, key: &str) -> Option<i32> {
        self.0[key].as_i64().and_then(|number| number.try_into().ok())
    }

    /// A number that is not negative.
    pub(crate) fn number(self, key: &str) -> Option<u32> {
        self.0[key].as_u64().and_then(|number| number.try_into().ok())
    }

    pub(crate) fn role(self, key: &str) -> Role {
        if self.code(key) == Some(1) { Role::Audience } else { Role::Broadcaster }
    }

    /// An integer, also in quotes.
    pub(crate) fn uid(self, key: &str) -> Option<Uid> {
        let value = &self.0[key];
        value.as_u64().map(Uid).or_else(|| value.as_str()?.parse().ok())
    }

    pub(crate) fn cid(self, key: &str) -> Option<Cid> {
        self.uid(key).map(|number| Cid(number.0))
    }
}

pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Writes a flag that travels as 0 or 1.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
pub(crate) fn zero_or_one<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8((*flag).into())
}

/// A whole number, or the whole part of one, as a number or as text.
pub(crate) fn whole(value: &Value) -> Option<i32> {
    match value {
        Value::Number(number) => number.as_f64().map(|number| number as i32),
        Value::String(text) => text.split('.').next()?.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What lies under `key`, if it is an object, else the value itself: apps pass events on whole, or
/// only the part that matters.
pub(crate) fn inner<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).filter(|inner| inner.is_object()).unwrap_or(value)
}
