//! Reading what real peers send: flags as numbers or text, numbers in quotes, absent values.

use crate::wire::json::{Document, Value};
use crate::wire::model::{Cid, Role, Uid, Url};

/// The fields of an object. Nothing here fails: whatever is of the wrong type counts as absent, and
/// what is no object has no fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) Value<'a>);

impl<'a> Fields<'a> {
    /// The fields of an object in a field.
    pub(crate) fn below(self, key: &str) -> Self {
        Self(self.0.get(key))
    }

    /// The items of a list.
    pub(crate) fn items(self, key: &str) -> impl Iterator<Item = Fields<'a>> {
        self.0.get(key).items().map(Fields)
    }

    /// Text; a number counts as its digits.
    pub(crate) fn text(self, key: &str) -> String {
        text(self.0.get(key)).unwrap_or_default()
    }

    pub(crate) fn is(self, key: &str, text: &str) -> bool {
        self.0.get(key).is(text)
    }

    pub(crate) fn url(self, key: &str) -> Option<Url> {
        text(self.0.get(key)).filter(|url| !url.is_empty()).map(Url)
    }

    /// A flag: JavaScript's idea of truth.
    pub(crate) fn flag(self, key: &str) -> bool {
        truthy(self.0.get(key))
    }

    /// A code: a number, never in quotes.
    pub(crate) fn code(self, key: &str) -> Option<i32> {
        self.0.get(key).as_i64().and_then(|number| number.try_into().ok())
    }

    /// A number that is not negative.
    pub(crate) fn number(self, key: &str) -> Option<u32> {
        self.0.get(key).as_u64().and_then(|number| number.try_into().ok())
    }

    pub(crate) fn role(self, key: &str) -> Role {
        if self.code(key) == Some(1) { Role::Audience } else { Role::Broadcaster }
    }

    /// An integer, also in quotes.
    pub(crate) fn uid(self, key: &str) -> Option<Uid> {
        let value = self.0.get(key);
        value.as_u64().map(Uid).or_else(|| value.as_str()?.parse().ok())
    }

    pub(crate) fn cid(self, key: &str) -> Option<Cid> {
        self.uid(key).map(|number| Cid(number.0))
    }
}

/// Text; a number counts as its digits, as they are written.
pub(crate) fn text(value: Value<'_>) -> Option<String> {
    if value.is_number() {
        return Some(value.raw().to_owned());
    }
    Some(value.as_str()?.into_owned())
}

/// JavaScript's idea of truth.
pub(crate) fn truthy(value: Value<'_>) -> bool {
    match value.as_f64() {
        Some(number) => number != 0.0,
        None => !value.is_null() && value.as_bool() != Some(false) && !value.is(""),
    }
}

/// A whole number, or the whole part of one, as a number or as text.
pub(crate) fn whole(value: Value<'_>) -> Option<i32> {
    let number = match value.as_str() {
        Some(text) => Document::read(&text).ok()?.root().as_f64(),
        None => value.as_f64(),
    };
    number.map(|number| number as i32)
}

/// What lies under `key`, if it is an object, else the value itself: apps pass events on whole, or
/// only the part that matters.
pub(crate) fn inner<'a>(value: Value<'a>, key: &str) -> Value<'a> {
    Some(value.get(key)).filter(|inner| inner.is_object()).unwrap_or(value)
}
