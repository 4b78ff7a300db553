//! How the arguments of calls are checked, one by one.

use crate::api::error::Error;
use crate::wire::json::Value;
use crate::wire::lenient;
use crate::wire::model::{AppUid, Media, MediaSet, Role, Uid};

/// `''`, `null` or `undefined` mean both.
pub(crate) fn main_media(value: Value<'_>) -> Result<MediaSet, Error> {
    match value.as_str().as_deref() {
        Some("") => Ok(MediaSet::MAIN),
        None if value.is_null() => Ok(MediaSet::MAIN),
        Some("audio") => Ok(Media::Audio.into()),
        Some("video") => Ok(Media::Video.into()),
        Some(_) | None => invalid("mediaType must be 'audio', 'video' or '' for both"),
    }
}

pub(crate) fn any_media(value: Value<'_>) -> Result<Media, Error> {
    let media = value.as_str().and_then(|name| Media::named(&name));
    media.map_or_else(|| invalid("mediaType must be 'audio', 'video', 'slaveAudio' or 'screenShare'"), Ok)
}

/// `undefined` is the broadcaster.
pub(crate) fn role(value: Value<'_>) -> Result<Role, Error> {
    match value.as_str().as_deref() {
        None if value.is_null() => Ok(Role::Broadcaster),
        Some("broadcaster") => Ok(Role::Broadcaster),
        Some("audience") => Ok(Role::Audience),
        Some(_) | None => invalid("the role must be 'broadcaster' or 'audience'"),
    }
}

/// A language in any spelling of the docs, as the servers spell it (10.1).
pub(crate) fn language(value: Value<'_>, default: &str) -> Result<String, Error> {
    let given = match value.as_str() {
        Some(given) => given.to_ascii_lowercase(),
        None if value.is_null() => default.to_ascii_lowercase(),
        None => return invalid("a language must be a string such as 'CN' or 'en'"),
    };
    if given.len() > 16 || !given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return invalid("a language must be a code such as 'CN' or 'en'");
    }
    Ok(match given.as_str() {
        "cn" => "zh".into(),
        "kh" => "km".into(),
        "la" => "lo".into(),
        _other => given,
    })
}

pub(crate) fn app_uid(value: Value<'_>) -> Result<AppUid, Error> {
    const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
    let number = value.as_u64().filter(|number| *number <= MAX_SAFE_INTEGER).map(Uid).map(AppUid::Number);
    let found = number.or_else(|| value.as_str()?.parse().ok().map(AppUid::Text));
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
pub(crate) fn text(options: Value<'_>, key: &str) -> Result<String, Error> {
    let value = options.get(key);
    match lenient::text(value) {
        Some(text) => Ok(text),
        None if value.is_null() => Ok(String::new()),
        None => invalid(format!("{key} must be a string")),
    }
}

pub(crate) fn invalid<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::InvalidArgument(what.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{Document, written};
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
            let given = given.to_string();
            let given = Document::read(&given).unwrap();
            assert_eq!(written(&app_uid(given.root()).unwrap()), back);
        }
        let wrong =
            [json!(-1), json!(1.5), json!(9_007_199_254_740_992_u64), json!("NaN"), json!(true), json!({})];
        for given in wrong {
            let given = given.to_string();
            let parsed = app_uid(Document::read(&given).unwrap().root());
            assert!(matches!(parsed, Err(Error::InvalidArgument(_))), "{given}");
        }
    }
}
