//! Reading what real peers send: flags as numbers or text, numbers in quotes, absent values.
//!
//! Functions for `#[serde(deserialize_with)]`. None of them fails on a value of the wrong type; it
//! counts as absent.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serializer};
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

/// Any JSON value, reduced to what lenient reading needs.
enum Loose {
    Nothing,
    Flag(bool),
    Number(i32),
    Text(String),
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LooseVisitor;
        impl<'de> Visitor<'de> for LooseVisitor {
            type Value = Loose;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Loose, E> {
                Ok(Loose::Nothing)
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Loose, E> {
                Ok(Loose::Flag(flag))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Loose, E> {
                Ok(Loose::Number(number.clamp(i32::MIN.into(), i32::MAX.into()) as i32))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Loose, E> {
                Ok(Loose::Number(i32::try_from(number).unwrap_or(i32::MAX)))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Loose, E> {
                // Only the integral part can mean anything in a code or a flag.
                Ok(Loose::Number(number as i32))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Loose, E> {
                Ok(Loose::Text(text.to_owned()))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
                while items.next_element::<de::IgnoredAny>()?.is_some() {}
                Ok(Loose::Flag(true))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Loose, A::Error> {
                while entries.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
                Ok(Loose::Flag(true))
            }
        }
        deserializer.deserialize_any(LooseVisitor)
    }
}

pub(crate) fn truthy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Loose::deserialize(deserializer)? {
        Loose::Nothing => false,
        Loose::Flag(flag) => flag,
        Loose::Number(number) => number != 0,
        Loose::Text(text) => !text.is_empty(),
    })
}

pub(crate) fn some_truthy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    truthy(deserializer).map(Some)
}

pub(crate) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    Ok(match Loose::deserialize(deserializer)? {
        Loose::Number(number) => Some(number),
        Loose::Nothing | Loose::Flag(_) | Loose::Text(_) => None,
    })
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
    Ok(match Loose::deserialize(deserializer)? {
        Loose::Text(text) => text,
        Loose::Number(number) => number.to_string(),
        Loose::Nothing | Loose::Flag(_) => String::new(),
    })
}

pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default())
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
