//! Reading of an object only what is asked for.
//!
//! A document of a stranger as a tree takes sixteen times its length; what nobody looks at is only passed
//! over here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The values under these names, as they are written. Of several with the same name, the last.
pub(super) fn pick<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    let mut json = serde_json::Deserializer::from_str(text);
    let picked = Picker(names).deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(picked)
}

/// The first items of a list.
pub(super) fn items(text: &str, most: usize) -> Option<Vec<&RawValue>> {
    Lister(most).deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

/// A text, unless it is longer than that as written.
pub(super) fn text(value: Option<&RawValue>, longest: usize) -> Option<String> {
    let written = value.map(RawValue::get).filter(|written| written.len() <= longest)?;
    serde_json::from_str(written).ok()
}

struct Picker<'n, const N: usize>([&'n str; N]);

impl<'a, const N: usize> DeserializeSeed<'a> for Picker<'_, N> {
    type Value = [Option<&'a RawValue>; N];

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for Picker<'_, N> {
    type Value = [Option<&'a RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = [None; N];
        while let Some(place) = map.next_key_seed(Place(&self.0))? {
            match place.and_then(|place| picked.get_mut(place)) {
                Some(value) => *value = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(picked)
    }
}

/// Where a name stands among those that are asked for.
struct Place<'n>(&'n [&'n str]);

impl<'a> DeserializeSeed<'a> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

struct Lister(usize);

impl<'a> DeserializeSeed<'a> for Lister {
    type Value = Vec<&'a RawValue>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Lister {
    type Value = Vec<&'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.0
            && let Some(item) = list.next_element()?
        {
            items.push(item);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_found_wherever_it_stands() {
        let read = |text| pick(text, ["b", "a"]).map(|found| found.map(|value| value.map(RawValue::get)));
        assert_eq!(
            read(r#"{"x":[[{}]],"a":{"b":1},"\u0062": [2] }"#),
            Some([Some("[2]"), Some(r#"{"b":1}"#)])
        );
        assert_eq!(read(r#"{"a":1,"a":2}"#), Some([None, Some("2")]));
        for text in ["", "[]", "7", r#"{"a":}"#, r#"{"a":1"#, r#"{"a":1}x"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let read = |text, most| items(text, most).map(|found| found.len());
        assert_eq!(read("[1,[2],{}]", 2), Some(2));
        assert_eq!(read("[1,[2],{}]", 9), Some(3));
        assert_eq!(read("[1,", 1), None);
        assert_eq!(read("{}", 1), None);
    }

    #[test]
    fn a_text_is_no_longer_than_asked_for() {
        let found = pick(r#"{"a":"four","b":4}"#, ["a", "b"]).unwrap();
        assert_eq!(text(found[0], 6).as_deref(), Some("four"));
        assert_eq!((text(found[0], 5), text(found[1], 9), text(None, 9)), (None, None, None));
    }
}
