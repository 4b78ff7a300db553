//! The application's own token: the vendor's format, with what is wrong with it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::clock::Reading;

/// The token an application's own server signs for one user and one channel (secure mode).
#[derive(Debug, Serialize, Deserialize)]
pub struct BasicToken {
    signature: String,
    #[serde(rename = "curTime")]
    cur_time: u64,
    ttl: u64,
}

impl BasicToken {
    /// The longest lifetime a token may claim, in seconds.
    pub const MAX_TTL_SECS: u64 = 86_400;
    /// How far the signing server's clock may run ahead of ours, in milliseconds: a machine whose clock was
    /// set back by weeks must still let people in.
    pub const MAX_CLOCK_SKEW_MS: u64 = 366 * 86_400 * 1000;

    /// Signs a token, with the lifetime clamped to `1..=MAX_TTL_SECS`.
    #[must_use]
    pub fn sign(
        app_key: &str,
        app_secret: &str,
        channel_name: &str,
        uid: u64,
        ttl_secs: u64,
        now_ms: u64,
    ) -> String {
        let ttl = ttl_secs.clamp(1, Self::MAX_TTL_SECS);
        let signature = signature(app_key, app_secret, channel_name, uid, ttl, now_ms);
        STANDARD.encode(format!(r#"{{"signature":"{signature}","curTime":{now_ms},"ttl":{ttl}}}"#))
    }

    /// Checks a token against the channel and user it is presented for, and says when it expires, in
    /// milliseconds since the Unix epoch. If the application's tokens all have one lifetime, it is `only_ttl`.
    ///
    /// # Errors
    ///
    /// Says why the token is refused. An empty application secret accepts nothing.
    pub fn verify(
        token: &str,
        app_key: &str,
        app_secret: &str,
        only_ttl: Option<u64>,
        channel_name: &str,
        uid: u64,
        now: Reading,
    ) -> Result<u64, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > MAX_TOKEN_LEN {
            return Err(TokenError::Malformed);
        }
        let json = STANDARD.decode(token).map_err(|_| TokenError::Malformed)?;
        let claimed: Self = serde_json::from_slice(&json).map_err(|_| unreadable(&json))?;
        let expected = signature(app_key, app_secret, channel_name, uid, claimed.ttl, claimed.cur_time);
        // Before the signature, which is over the same wrong number or over another one.
        if let Some(unit) = Unit::of(claimed.cur_time) {
            return Err(TokenError::WrongUnit(unit));
        }
        let genuine: bool = claimed.signature.as_bytes().ct_eq(expected.as_bytes()).into();
        if !genuine || app_secret.is_empty() {
            return Err(TokenError::Forged);
        }
        if claimed.ttl == 0 || claimed.ttl > Self::MAX_TTL_SECS {
            return Err(TokenError::BadLifetime);
        }
        if claimed.cur_time > now.latest_ms.saturating_add(Self::MAX_CLOCK_SKEW_MS) {
            return Err(TokenError::NotYetValid);
        }
        let expires_ms = claimed.cur_time.saturating_add(claimed.ttl * 1000);
        if expires_ms <= now.earliest_ms {
            return Err(TokenError::Expired);
        }
        claimed.check_reading(channel_name, only_ttl, uid, now).map(|()| expires_ms)
    }

    /// The signed text has no separators: user, time, lifetime and channel are one row of digits and letters,
    /// which may have been signed with other borders than it is presented with (docs/protocol.md 10.2).
    fn check_reading(
        &self,
        channel_name: &str,
        only_ttl: Option<u64>,
        uid: u64,
        now: Reading,
    ) -> Result<(), TokenError> {
        match only_ttl {
            Some(ttl) if ttl != self.ttl => return Err(TokenError::OtherLifetime(ttl)),
            None if channel_name.starts_with(|first: char| first.is_ascii_digit()) => {
                return Err(TokenError::AmbiguousChannel);
            }
            Some(_) | None => {}
        }
        // So the lifetime's end is certain. The other borders are where they leave the most likely time.
        let digits = format!("{uid}{}{}", self.cur_time, self.ttl);
        let number = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('0'));
        let other_time = |border| {
            let (_, rest) = digits.split_at_checked(border)?;
            let (time, ttl) = rest.split_at_checked(DIGITS_OF_TIME)?;
            let ttl = number(ttl).filter(|ttl| *ttl <= Self::MAX_TTL_SECS)?;
            number(time).filter(|_| only_ttl.is_none_or(|only| only == ttl))
        };
        let distance = now.distance(self.cur_time);
        let likelier = (1..digits.len()).filter_map(other_time).any(|time| now.distance(time) < distance);
        if likelier { Err(TokenError::Forged) } else { Ok(()) }
    }
}

/// Why a token or a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// There is none.
    #[error("no token")]
    Missing,
    /// It cannot be read.
    #[error(
        "the token cannot be read: it must be the base64 of a JSON object with signature, and with curTime and \
         ttl as whole numbers"
    )]
    Malformed,
    /// Its time is not in milliseconds.
    #[error("the token's curTime is in {0}: it must be in milliseconds since 1970, also where it is signed")]
    WrongUnit(Unit),
    /// It was not signed by us, or was signed for something else.
    #[error(
        "the token does not match: it must be signed for this appkey, uid and channelName, with the app secret"
    )]
    Forged,
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// It was signed by a clock that is far ahead of ours.
    #[error("the token's curTime is in the future: the signing server's clock is ahead of the gateway's")]
    NotYetValid,
    /// It claims no lifetime, or a longer one than allowed.
    #[error("the token's ttl must be in seconds, from 1 to {max}", max = BasicToken::MAX_TTL_SECS)]
    BadLifetime,
    /// The application's tokens all have another one.
    #[error("the token's ttl must be {0}: the gateway's settings allow this application no other")]
    OtherLifetime(u64),
    /// It could have been signed for a room with more or fewer digits in front.
    #[error(
        "a channelName that begins with a digit needs token-ttl in the gateway's settings of this application: \
         the token's signature does not tell where its ttl ends"
    )]
    AmbiguousChannel,
}

impl TokenError {
    /// The same in a word, for counting.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Malformed => "token-malformed",
            Self::WrongUnit(_) => "token-wrong-unit",
            Self::Forged => "token-forged",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::BadLifetime | Self::OtherLifetime(_) => "token-lifetime",
            Self::AmbiguousChannel => "token-ambiguous",
        }
    }
}

/// What a time is in that should be in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As PHP, Python and the REST interface have it.
    Seconds,
    /// Or still smaller.
    Microseconds,
}

impl Unit {
    /// The unit of a moment of these decades, if it is not milliseconds.
    const fn of(time: u64) -> Option<Self> {
        match time {
            // In milliseconds: from a day after 1970 to 1973, and from the year 5138 on.
            100_000_000..100_000_000_000 => Some(Self::Seconds),
            100_000_000_000_000.. => Some(Self::Microseconds),
            _any_other => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seconds => "seconds",
            Self::Microseconds => "microseconds or less",
        })
    }
}

/// Why a token has no form of ours: languages with seconds tend to have them as fractions, too.
fn unreadable(json: &[u8]) -> TokenError {
    let claimed: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
    let time = &claimed["curTime"];
    let time = time.as_f64().or_else(|| time.as_str()?.parse().ok()).unwrap_or_default();
    Unit::of(time as u64).map_or(TokenError::Malformed, TokenError::WrongUnit)
}

fn signature(
    app_key: &str,
    app_secret: &str,
    channel_name: &str,
    uid: u64,
    ttl: u64,
    cur_time: u64,
) -> String {
    let text = format!("{app_key}{uid}{cur_time}{ttl}{channel_name}{app_secret}");
    hex(&Sha1::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// Longer than any honest token; bounds the work a stranger can cause.
pub(super) const MAX_TOKEN_LEN: usize = 4096;
/// Of milliseconds since the Unix epoch, from 2001 to 2286.
const DIGITS_OF_TIME: usize = 13;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tampering::{NOW, tampered};
    use super::*;

    const KEY: &str = "c37bf7a8758a4ed00000000000000000";
    const APP_SECRET: &str = "c00000000000";
    const VECTORS: [(u64, &str); 2] = [
        (
            1800,
            "eyJzaWduYXR1cmUiOiJlZjRmNGEwOGM1NmZiOWI5MDQ3OTE2YjZlYmZhZGY5NWFjZDc2OGViIiwiY3VyVGltZSI6MTY5Mzk2ODk3NTAwMCwidHRsIjoxODAwfQ==",
        ),
        (
            3600,
            "eyJzaWduYXR1cmUiOiJkMjZmYzFlZjk4ZWExNmM3YTkzOWFmMDZmOGE4MTk2MTJkY2QzZDU5IiwiY3VyVGltZSI6MTY5Mzk2ODk3NTAwMCwidHRsIjozNjAwfQ==",
        ),
    ];

    #[test]
    fn basic_tokens_match_the_published_vectors() {
        for (ttl, token) in VECTORS {
            assert_eq!(BasicToken::sign(KEY, APP_SECRET, "room1", 10000, ttl, NOW), token);
            assert_eq!(verify_at(token, NOW), Ok(()));
        }
    }

    #[test]
    fn a_basic_token_binds_key_secret_channel_and_user() {
        let token = VECTORS[0].1;
        let verify = |key, secret, channel, uid| {
            BasicToken::verify(token, key, secret, None, channel, uid, Reading::of(NOW, NOW)).unwrap_err()
        };
        assert_eq!(verify("k", APP_SECRET, "room1", 10000), TokenError::Forged);
        assert_eq!(verify(KEY, "wrong", "room1", 10000), TokenError::Forged);
        assert_eq!(verify(KEY, APP_SECRET, "room2", 10000), TokenError::Forged);
        assert_eq!(verify(KEY, APP_SECRET, "room1", 10001), TokenError::Forged);
    }

    #[test]
    fn a_basic_token_lives_from_its_time_to_its_lifetime() {
        let token = VECTORS[0].1;
        assert_eq!(verify_at(token, NOW + 1_799_999), Ok(()));
        assert_eq!(verify_at(token, NOW + 1_800_000), Err(TokenError::Expired));
        let skew = BasicToken::MAX_CLOCK_SKEW_MS;
        assert_eq!(verify_at(token, NOW - skew), Ok(()));
        assert_eq!(verify_at(token, NOW - skew - 1), Err(TokenError::NotYetValid));
    }

    #[test]
    fn a_basic_token_whose_time_is_not_in_milliseconds_says_so_however_it_is_signed() {
        for (time, unit) in [
            (NOW / 1000, Unit::Seconds),
            (NOW * 1000, Unit::Microseconds),
            (NOW * 1_000_000, Unit::Microseconds),
        ] {
            let signed = BasicToken::sign(KEY, APP_SECRET, "room1", 10000, 1800, time);
            let signature = signature(KEY, APP_SECRET, "room1", 10000, 1800, NOW);
            let mixed =
                STANDARD.encode(format!(r#"{{"signature":"{signature}","curTime":{time},"ttl":1800}}"#));
            for token in [signed, mixed] {
                let error = verify_at(&token, NOW).unwrap_err();
                assert_eq!(error, TokenError::WrongUnit(unit));
                assert!(
                    error.to_string().contains(&unit.to_string())
                        && error.to_string().contains("milliseconds")
                );
            }
        }
        for time in ["1693968975.25", "\"1693968975\""] {
            let token = STANDARD.encode(format!(r#"{{"signature":"s","curTime":{time},"ttl":1800}}"#));
            assert_eq!(verify_at(&token, NOW), Err(TokenError::WrongUnit(Unit::Seconds)));
        }
        let in_millis = BasicToken::sign(KEY, APP_SECRET, "room1", 10000, 1800, 1_000);
        assert_eq!(verify_at(&in_millis, 1_000), Ok(()), "a clock that was never set");
    }

    #[test]
    fn a_clock_that_was_set_makes_no_basic_token_expire_or_come_too_early() {
        let token = VECTORS[0].1;
        let verify = |now| {
            BasicToken::verify(token, KEY, APP_SECRET, None, "room1", 10000, now)
                .map(drop)
                .map_err(|_| "refused")
        };
        let days = 400 * 86_400_000;
        assert_eq!(verify(Reading::of(NOW, NOW + days)), Ok(()), "set forward");
        assert_eq!(verify(Reading::of(NOW, NOW - days)), Ok(()), "set back");
        assert!(verify(Reading::of(NOW + days, NOW + days)).is_err(), "nobody says that it is still good");
        // A digit of the user's number at the head of the time would make the token another user's.
        let forged = signature(KEY, APP_SECRET, "room1", 1000, 1800, 10 * 1_693_968_975_000);
        let json =
            format!(r#"{{"signature":"{forged}","curTime":{},"ttl":1800}}"#, 10 * 1_693_968_975_000_u64);
        let far = BasicToken::verify(
            &STANDARD.encode(json),
            KEY,
            APP_SECRET,
            None,
            "room1",
            1000,
            Reading::of(NOW, NOW),
        );
        assert_eq!(far, Err(TokenError::NotYetValid));
    }

    #[test]
    fn a_basic_token_may_order_its_keys_freely_but_not_its_lifetime() {
        let token = |ttl: u64| {
            let signature = signature(KEY, APP_SECRET, "room1", 10000, ttl, NOW);
            STANDARD.encode(format!(r#"{{ "ttl":{ttl}, "curTime":{NOW}, "signature":"{signature}" }}"#))
        };
        assert_eq!(verify_at(&token(86_400), NOW), Ok(()));
        assert_eq!(verify_at(&token(86_401), NOW), Err(TokenError::BadLifetime));
        assert_eq!(verify_at(&token(0), NOW), Err(TokenError::BadLifetime));
        let longest = BasicToken::sign(KEY, APP_SECRET, "room1", 10000, u64::MAX, NOW);
        assert_eq!(longest, BasicToken::sign(KEY, APP_SECRET, "room1", 10000, 86_400, NOW));
    }

    #[test]
    fn a_basic_token_says_when_it_expires() {
        let verified =
            BasicToken::verify(VECTORS[0].1, KEY, APP_SECRET, None, "room1", 10000, Reading::of(NOW, NOW));
        assert_eq!(verified, Ok(NOW + 1_800_000));
    }

    #[test]
    fn digits_that_move_between_lifetime_and_channel_open_no_other_room() {
        for channel in ["room", "9room", "123456", "007", "1"] {
            for ttl in [1, 60, 600, 3600, 86_400] {
                let token = BasicToken::sign(KEY, APP_SECRET, channel, 7, ttl, NOW);
                let (digits, rest) = (format!("{ttl}{channel}"), 1..);
                let borders = rest.take_while(|border| *border < digits.len());
                for (ttl_read, channel_read) in borders.map(|border| digits.split_at(border)) {
                    let Ok(ttl_read) = ttl_read.parse::<u64>() else { break };
                    let is_same = (ttl_read, channel_read) == (ttl, channel);
                    let moved = with(&token, "ttl", &ttl_read.to_string());
                    let verify = |only_ttl, channel| {
                        BasicToken::verify(
                            &moved,
                            KEY,
                            APP_SECRET,
                            only_ttl,
                            channel,
                            7,
                            Reading::of(NOW, NOW),
                        )
                        .is_ok()
                    };
                    let is_plain = !channel.starts_with(|first: char| first.is_ascii_digit());
                    let told = format!("ttl {ttl}, {channel}, read as {ttl_read}, {channel_read}");
                    assert_eq!(verify(Some(ttl), channel_read), is_same, "{told}, one lifetime");
                    // Whoever wants such rooms sets the lifetime; without it their tokens are worth nothing.
                    assert_eq!(verify(None, channel_read) && is_plain, is_same && is_plain, "{told}");
                }
                let unset =
                    BasicToken::verify(&token, KEY, APP_SECRET, None, channel, 7, Reading::of(NOW, NOW));
                let wanted = if channel == "room" { Ok(()) } else { Err(TokenError::AmbiguousChannel) };
                assert_eq!(unset.map(drop), wanted);
            }
        }
        let other = BasicToken::sign(KEY, APP_SECRET, "room", 7, 60, NOW);
        let verified =
            BasicToken::verify(&other, KEY, APP_SECRET, Some(61), "room", 7, Reading::of(NOW, NOW));
        assert_eq!(verified, Err(TokenError::OtherLifetime(61)));
    }

    #[test]
    fn digits_that_move_between_user_and_time_make_nobody_another_user() {
        let mut moved_ones = 0;
        // Times at which the head of the time looks like its own continuation, among others.
        for now in (1_600_000_000_000..2_000_000_000_000).step_by(7_777_777_777) {
            for uid in [12, 17, 118, 118_181, 217_179, 918_018, 5_180] {
                for ttl in [1, 60, 600, 1800, 86_400] {
                    let token = BasicToken::sign(KEY, APP_SECRET, "room", uid, ttl, now);
                    let verify = |token: &str, uid| {
                        BasicToken::verify(token, KEY, APP_SECRET, None, "room", uid, Reading::of(now, now))
                    };
                    assert_eq!(verify(&token, uid), Ok(now + ttl * 1000));
                    let digits = format!("{uid}{now}{ttl}");
                    for (start, end) in
                        (1..digits.len()).flat_map(|a| (a + 1..digits.len()).map(move |b| (a, b)))
                    {
                        let parts = [&digits[..start], &digits[start..end], &digits[end..]];
                        let numbers = parts.map(|part| part.parse::<u64>().unwrap_or(0));
                        let is_written =
                            numbers.iter().zip(parts).all(|(number, part)| number.to_string() == part);
                        if is_written && numbers != [uid, now, ttl] {
                            let moved = with(&with(&token, "ttl", parts[2]), "curTime", parts[1]);
                            assert!(verify(&moved, numbers[0]).is_err(), "{now} {uid} {ttl} as {parts:?}");
                            moved_ones += 1;
                        }
                    }
                }
            }
        }
        assert!(moved_ones > 1000);
    }

    #[test]
    fn a_basic_token_that_cannot_be_read_is_malformed() {
        assert_eq!(verify_at("", NOW), Err(TokenError::Missing));
        for token in ["*", "e30=", "bnVsbA==", &"A".repeat(MAX_TOKEN_LEN + 4)] {
            assert_eq!(verify_at(token, NOW), Err(TokenError::Malformed), "{token}");
        }
    }

    #[test]
    fn an_empty_application_secret_accepts_nothing() {
        let token = BasicToken::sign(KEY, "", "room1", 1, 60, NOW);
        assert_eq!(
            BasicToken::verify(&token, KEY, "", None, "room1", 1, Reading::of(NOW, NOW)),
            Err(TokenError::Forged)
        );
    }

    #[test]
    fn a_changed_basic_token_is_refused() {
        let token = VECTORS[0].1;
        for changed in tampered(token) {
            assert!(verify_at(&changed, NOW).is_err(), "{changed}");
        }
    }

    /// The token with another number in one of its fields, and its signature as it was.
    fn with(token: &str, field: &str, number: &str) -> String {
        let json = String::from_utf8(STANDARD.decode(token).unwrap()).unwrap();
        let (head, rest) = json.split_once(&format!("\"{field}\":")).unwrap();
        let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        STANDARD.encode(format!("{head}\"{field}\":{number}{rest}"))
    }

    fn verify_at(token: &str, now_ms: u64) -> Result<(), TokenError> {
        BasicToken::verify(token, KEY, APP_SECRET, None, "room1", 10000, Reading::of(now_ms, now_ms))
            .map(drop)
    }
}
