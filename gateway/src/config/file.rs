//! The file: TOML whose keys are the table's, and applications.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::apps::Apps;
use super::checks::key_at;
use super::error::ConfigError;
use super::table::{Setting, setting};

/// What a file says.
#[derive(Default)]
pub(super) struct Written {
    pub(super) apps: Apps,
    pub(super) given: BTreeMap<&'static str, String>,
}

impl Written {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { file: file.clone(), why: error.to_string() })?;
        Self::parse(&text).map_err(|(line, why)| ConfigError::BadFile { file, line, why })
    }

    /// Fails with the line, and why; the line itself may hold a secret.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            let key = error.span().and_then(|span| key_at(text, span.start));
            let why = match key {
                Some(key) if !error.message().contains(key) => format!("{key}: {}", error.message()),
                Some(_) | None => error.message().to_owned(),
            };
            (line, why)
        })
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut written = Written::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Apps => written.apps = map.next_value()?,
                Key::Setting(setting) => {
                    written.given.insert(setting.name, map.next_value_seed(Value(setting))?);
                }
            }
        }
        Ok(written)
    }
}

enum Key {
    Apps,
    Setting(&'static Setting),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match setting(&name) {
            _ if name == "apps" => Ok(Self::Apps),
            Some(setting) => Ok(Self::Setting(setting)),
            None => Err(D::Error::custom(format!("unknown field `{name}`; --help lists those there are"))),
        }
    }
}

/// Reads the value of a setting here, where the parser still knows the line.
struct Value(&'static Setting);

impl<'de> DeserializeSeed<'de> for Value {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        self.0.text_of(&value).map_err(D::Error::custom)
    }
}
