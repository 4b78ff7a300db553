//! What each setting must be, whether it comes from a flag, a variable or the file.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use super::error::ConfigError;
use crate::rights::{MAX_APP_KEY, Secret};

/// The key of the line that this place is in. What stands to the right of it may be a secret.
pub(super) fn key_at(text: &str, place: usize) -> Option<&str> {
    let start = text.get(..place)?.rfind('\n').map_or(0, |end| end + 1);
    let (key, _) = text.get(start..)?.lines().next()?.split_once('=')?;
    let key = key.trim();
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.\"'".contains(&byte);
    (!key.is_empty() && key.bytes().all(is_key)).then_some(key)
}

pub(super) fn listening(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "it must be an IP address and a port up to 65535, as in 127.0.0.1:8395 or [::1]:8395".to_owned()
    })
}

pub(super) fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "it must be a whole number".to_owned())
}

pub(super) fn yes(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "it must be true or false".to_owned())
}

pub(super) fn within<T: PartialOrd + Display>(
    name: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    if range.contains(&value) {
        return Ok(value);
    }
    let must = format!("it must be from {} to {}", range.start(), range.end());
    Err(unusable(name, value.to_string(), must))
}

pub(super) fn unusable(name: &str, value: String, must: impl Into<String>) -> ConfigError {
    ConfigError::Unusable { name: name.to_owned(), value, must: must.into() }
}

/// It travels in a header, which has no other characters and loses spaces at its ends.
pub(super) fn check_admin_token(token: &str) -> Result<(), ConfigError> {
    if Secret::is_weak(token) {
        return Err(ConfigError::WeakAdminToken);
    }
    let is_plain = token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain && token.trim() == token { Ok(()) } else { Err(ConfigError::AdminTokenNoHeader) }
}

pub(super) fn check_app_key(key: &str) -> Result<(), ConfigError> {
    let is_key = |byte: u8| byte.is_ascii_graphic() && !b",=".contains(&byte);
    if (1..=MAX_APP_KEY).contains(&key.len()) && key.bytes().all(is_key) {
        return Ok(());
    }
    let must = format!("an app key must be of 1 to {MAX_APP_KEY} letters and digits, without spaces");
    Err(unusable("apps", format!("{key:?}"), must))
}

/// Whether both cannot be listened on.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}
