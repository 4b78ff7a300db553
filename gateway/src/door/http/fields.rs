//! The fields of forms, read as far as somebody asks for them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::pick::pick;

/// The fields of a request that somebody reads, from a form or, as some platforms send it, a JSON object.
#[derive(Default)]
pub(super) struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Some(Self::of_form(body));
        }
        let found = pick(std::str::from_utf8(body).ok()?, FIELDS)?;
        let text = |value: &RawValue| {
            let is_number = |text: &&str| text.starts_with(|first: char| "-0123456789".contains(first));
            let text = serde_json::from_str(value.get()).ok();
            text.or_else(|| Some(value.get()).filter(is_number).map(str::to_owned))
        };
        let found = FIELDS.into_iter().zip(found);
        Some(Self(found.filter_map(|(key, value)| Some((key, text(value?)?))).collect()))
    }

    fn of_form(form: &[u8]) -> Self {
        let known = |key: &str| FIELDS.into_iter().find(|known| *known == key);
        let pairs = form_urlencoded::parse(form);
        Self(pairs.filter_map(|(key, value)| Some((known(&key)?, value.into_owned()))).collect())
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }
}

/// What is read of forms.
const FIELDS: [&str; 8] =
    ["uid", "appkey", "channelName", "checksum", "permKeySecret", "secureType", "curtime", "t1"];
