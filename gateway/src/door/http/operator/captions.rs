//! Captions as a recogniser writes them (docs/protocol.md 12.2).

use nertc_miniapp::wire::protocol::Caption;
use serde_json::{Map, Value};

use super::asked::{Wrong, uid_of};
use crate::rooms::MAX_LANGUAGE;

pub(super) fn read_captions(body: &[u8], now_ms: u64) -> Result<Vec<Caption>, Wrong> {
    let wrong = |_| Wrong::at("body", "a JSON object or an array of them");
    let body: Value = serde_json::from_slice(body).map_err(wrong)?;
    let Some(items) = body.as_array() else {
        return Ok(vec![Item::of(&body, String::new())?.read(now_ms)?]);
    };
    if items.len() > MAX_CAPTIONS {
        let reason = format!("more than {MAX_CAPTIONS} captions");
        return Err(Wrong::too_large(reason));
    }
    let read = |(index, item)| Item::of(item, format!("[{index}]"))?.read(now_ms);
    items.iter().enumerate().map(read).collect()
}

/// One caption as a recogniser writes it. Unlike a client's packet, it is refused when it is wrong: its
/// writer can be told.
struct Item<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Item<'a> {
    fn of(value: &'a Value, path: String) -> Result<Self, Wrong> {
        let Some(fields) = value.as_object() else {
            let path = if path.is_empty() { "body".into() } else { path };
            return Err(Wrong::at(path, "not an object"));
        };
        Ok(Self { fields, path })
    }

    fn read(&self, now_ms: u64) -> Result<Caption, Wrong> {
        let uid = self.get("srcUid").and_then(uid_of);
        let timestamp = match self.get("timestamp") {
            Some(value) => value.as_f64().filter(|ms| *ms >= 0.0),
            None => Some(now_ms as f64),
        };
        let text = self.text("text", MAX_TEXT)?;
        let trans_text = self.text("transText", MAX_TEXT)?;
        Ok(Caption {
            timestamp: timestamp
                .ok_or_else(|| self.wrong("timestamp", "milliseconds since the epoch"))?
                .into(),
            src_uid: uid
                .ok_or_else(|| self.wrong("srcUid", "an integer from 0 to 2^64-1, in quotes or not"))?,
            language: self.text("language", MAX_LANGUAGE)?.unwrap_or_default(),
            text: text.ok_or_else(|| self.wrong("text", "is missing"))?,
            is_final: self.flag("isFinal")?.unwrap_or(false),
            has_trans: self.flag("hasTrans")?.unwrap_or(trans_text.is_some()),
            trans_language: self.text("transLanguage", MAX_LANGUAGE)?.unwrap_or_default(),
            trans_text: trans_text.unwrap_or_default(),
        })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str, longest: usize) -> Result<Option<String>, Wrong> {
        match self.get(key).map(Value::as_str) {
            None => Ok(None),
            Some(Some(text)) if text.len() <= longest => Ok(Some(text.to_owned())),
            Some(_) => Err(self.wrong(key, &format!("a string of at most {longest} bytes"))),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Wrong> {
        match self.get(key).map(Value::as_bool) {
            None => Ok(None),
            Some(Some(flag)) => Ok(Some(flag)),
            Some(None) => Err(self.wrong(key, "true or false")),
        }
    }

    fn wrong(&self, key: &str, reason: &str) -> Wrong {
        let field = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Wrong::at(field, reason.to_owned())
    }
}

/// Captions in one request.
const MAX_CAPTIONS: usize = 100;
/// Bytes of a text, and of its translation.
const MAX_TEXT: usize = 4 * 1024;
