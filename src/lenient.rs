//! Reading what real peers send: flags as numbers or text, numbers in quotes, absent values.
//!
//! Functions for `#[serde(deserialize_with)]`. None of them fails on a value of the wrong type; it
//! counts as absent.

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::{Role, Seq, Url};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A flag that travels as 0 or 1.
pub(crate) mod flag {
    use super::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8((*flag).into())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        super::truthy(deserializer)
    }
}

pub(crate) fn truthy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => false,
        Value::Bool(flag) => flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    })
}

pub(crate) fn some_truthy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    truthy(deserializer).map(Some)
}

pub(crate) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_i64().and_then(|number| i32::try_from(number).ok()))
}

pub(crate) fn seq<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seq>, D::Error> {
    Ok(code(deserializer)?.and_then(|number| u32::try_from(number).ok()).map(Seq))
}

pub(crate) fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    Ok(if code(deserializer)? == Some(1) { Role::Audience } else { Role::Broadcaster })
}

pub(crate) fn some_role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    role(deserializer).map(Some)
}

pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(as_text(Value::deserialize(deserializer)?).unwrap_or_default())
}

pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(as_texts(Value::deserialize(deserializer)?))
}

pub(crate) fn lists_of_texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Vec<String>>, D::Error> {
    let Value::Array(lists) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(lists.into_iter().map(as_texts).collect())
}

pub(crate) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = text(deserializer)?;
    Ok((!text.is_empty()).then_some(Url(text)))
}

/// A list in which one bad item costs only itself; anything but a list is an absent list.
pub(crate) fn some_list<'de, D: Deserializer<'de>, T: de::DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else { return Ok(None) };
    Ok(Some(items.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect()))
}

pub(crate) fn list<'de, D: Deserializer<'de>, T: de::DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(some_list(deserializer)?.unwrap_or_default())
}

fn as_texts(value: Value) -> Vec<String> {
    let Value::Array(items) = value else { return Vec::new() };
    items.into_iter().filter_map(as_text).collect()
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
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
