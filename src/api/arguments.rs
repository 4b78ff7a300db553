//! How the arguments of calls are checked, one by one.

use serde_json::{Map, Value};

use crate::api::error::Error;
use crate::wire::model::{AppUid, Media, MediaSet, Role, Uid};

/// `''`, `null` or `undefined` mean both.
pub(crate) fn main_media(value: &Value) -> Result<MediaSet, Error> {
    match value {
        Value::Null => return Ok(MediaSet::MAIN),
        Value::String(name) if name.is_empty() => return Ok(MediaSet::MAIN),
        Value::String(name) if name == "audio" => return Ok(Media::Audio.into()),
        Value::String(name) if name == "video" => return Ok(Media::Video.into()),
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    invalid("mediaType must be 'audio', 'video' or '' for both")
}

pub(crate) fn any_media(value: &Value) -> Result<Media, Error> {
    value
        .as_str()
        .and_then(Media::named)
        .map_or_else(|| invalid("mediaType must be 'audio', 'video', 'slaveAudio' or 'screenShare'"), Ok)
}

/// `undefined` is the broadcaster.
pub(crate) fn role(value: &Value) -> Result<Role, Error> {
    match (value, value.as_str()) {
        (Value::Null, _) | (_, Some("broadcaster")) => Ok(Role::Broadcaster),
        (_, Some("audience")) => Ok(Role::Audience),
        (_, Some(_) | None) => invalid("the role must be 'broadcaster' or 'audience'"),
    }
}

/// A language in any spelling of the docs, as the servers spell it (10.1).
pub(crate) fn language(value: &Value, default: &str) -> Result<String, Error> {
    let given = match value {
        Value::Null => default,
        Value::String(given) => given,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return invalid("a language must be a string such as 'CN' or 'en'");
        }
    };
    if given.len() > 16 || !given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return invalid("a language must be a code such as 'CN' or 'en'");
    }
    Ok(match given.to_ascii_lowercase().as_str() {
        "cn" => "zh".into(),
        "kh" => "km".into(),
        "la" => "lo".into(),
        other => other.to_owned(),
    })
}

pub(crate) fn app_uid(value: &Value) -> Result<AppUid, Error> {
    const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
    let found = match value {
        Value::Number(number) => {
            number.as_u64().filter(|number| *number <= MAX_SAFE_INTEGER).map(|n| AppUid::Number(Uid(n)))
        }
        Value::String(text) => text.parse().ok().map(AppUid::Text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    found.map_or_else(
        || {
            invalid(
                "uid must be an integer from 0 to 18446744073709551615; \
                 above 9007199254740991 write it as a decimal string",
            )
        },
        Ok,
    )
}

/// The text under `key`; numbers are written out, absent and `null` are empty.
pub(crate) fn text(options: &Map<String, Value>, key: &str) -> Result<String, Error> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            invalid(format!("{key} must be a string"))
        }
    }
}

/// JavaScript's idea of truth.
pub(crate) fn truthy(options: &Map<String, Value>, key: &str) -> bool {
    match options.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

pub(crate) fn invalid<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::InvalidArgument(what.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_uid_is_taken_as_number_or_decimal_text_and_given_back_in_the_same_form() {
        for (given, back) in [
            (json!(0), "0"),
            (json!(100), "100"),
            (json!("100"), "\"100\""),
            (json!(9_007_199_254_740_991_u64), "9007199254740991"),
            (json!("18446744073709551615"), "\"18446744073709551615\""),
        ] {
            assert_eq!(serde_json::to_string(&app_uid(&given).unwrap()).unwrap(), back);
        }
        let wrong =
            [json!(-1), json!(1.5), json!(9_007_199_254_740_992_u64), json!("NaN"), json!(true), json!({})];
        for given in wrong {
            assert!(matches!(app_uid(&given), Err(Error::InvalidArgument(_))), "{given}");
        }
    }
}
