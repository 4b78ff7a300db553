//! What proves a right: application tokens, login tickets and, in `grant`, media grants.
//!
//! Hides every byte layout and every key use. Pure functions: no clock, no input or output, no state
//! beyond a [`Secret`]. Tickets and grants carry all they need, so any gateway that shares the secret
//! can check what another one issued.

mod grant;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

pub use self::grant::{Action, GrantError, Grants, Holder};

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
    /// set back by weeks must still let people in. It only has to be too little for another digit.
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

    /// Checks a token against the channel and user it is presented for.
    ///
    /// # Errors
    ///
    /// Says why the token is refused. An empty application secret accepts nothing.
    pub fn verify(
        token: &str,
        app_key: &str,
        app_secret: &str,
        channel_name: &str,
        uid: u64,
        now: Reading,
    ) -> Result<(), TokenError> {
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
        // The signed text has no separators, so digits can move between `ttl` and a channel name that
        // begins with digits. That is the vendor's format and cannot be mended here; the bounds
        // below only keep the damage small (docs/protocol.md 10.2).
        if claimed.ttl == 0 || claimed.ttl > Self::MAX_TTL_SECS {
            return Err(TokenError::BadLifetime);
        }
        if claimed.cur_time > now.latest_ms.saturating_add(Self::MAX_CLOCK_SKEW_MS) {
            return Err(TokenError::NotYetValid);
        }
        if claimed.cur_time.saturating_add(claimed.ttl * 1000) <= now.earliest_ms {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

/// What time it is, by clocks that should agree and do not once somebody has set one of them.
///
/// What we sign lasts from the latest time on, and what is presented has expired when it has by the earliest:
/// so a clock that is set, forward or back, ends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// By the clock that is behind, in milliseconds since the Unix epoch.
    pub earliest_ms: u64,
    /// By the clock that is ahead.
    pub latest_ms: u64,
}

impl Reading {
    /// What two clocks say.
    #[must_use]
    pub fn of(one_ms: u64, other_ms: u64) -> Self {
        Self { earliest_ms: one_ms.min(other_ms), latest_ms: one_ms.max(other_ms) }
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

/// The key that tickets and grants are signed with. Never printed.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The shortest text accepted as a secret, in bytes.
    pub const MIN_LEN: usize = 16;

    /// Takes a configured secret.
    ///
    /// # Errors
    ///
    /// Refuses a text that is too short to resist guessing.
    pub fn from_text(text: &str) -> Result<Self, WeakSecret> {
        if text.len() < Self::MIN_LEN {
            return Err(WeakSecret);
        }
        Ok(Self(text.as_bytes().into()))
    }

    /// Draws a fresh secret from the operating system.
    ///
    /// # Errors
    ///
    /// Fails when the operating system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Computes a room's number: 15 digits, the same on every gateway that shares the secret, and not
    /// to be guessed from the room's name.
    #[must_use]
    pub fn channel_id(&self, app_key: &str, channel_name: &str) -> u64 {
        const SMALLEST: u64 = 100_000_000_000_000;
        let mac = self.mac(CHANNEL_LABEL).chain_update(app_key).chain_update([0]).chain_update(channel_name);
        let bytes = mac.finalize().into_bytes();
        let number = bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        SMALLEST + number % (9 * SMALLEST)
    }

    /// The label keeps one kind of signed text from passing for another.
    pub(super) fn mac(&self, label: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(label);
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A configured secret is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a secret needs at least {} bytes", Secret::MIN_LEN)]
pub struct WeakSecret;

/// What the bootstrap promises to the login that follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginTicket {
    /// The room.
    pub cid: u64,
    /// The user who may log in.
    pub uid: u64,
    /// The room's name.
    pub channel: String,
    /// The application the room belongs to.
    pub app_key: String,
    /// When the ticket stops working, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// In a ticket for coming back: when the ticket expires, or did, that the stay began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
}

impl LoginTicket {
    /// Names the stay that a login with this ticket belongs to. Of one user's stays in a room, the later
    /// has the higher name.
    #[must_use]
    pub fn stay(&self) -> u64 {
        self.began.unwrap_or(self.expires_ms)
    }

    /// Signs the ticket.
    #[must_use]
    pub fn sign(&self, secret: &Secret) -> String {
        #[expect(clippy::expect_used, reason = "only integers and strings inside")]
        let json = serde_json::to_vec(self).expect("a ticket is always representable");
        let mut ticket = URL_SAFE_NO_PAD.encode(json);
        let mac = secret.mac(TICKET_LABEL).chain_update(&ticket).finalize();
        ticket.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.into_bytes(), &mut ticket);
        ticket
    }

    /// Whether another ticket lets the same user into the same room.
    #[must_use]
    pub fn is_for_the_same(&self, other: &Self) -> bool {
        (self.cid, self.uid, &self.app_key) == (other.cid, other.uid, &other.app_key)
    }

    /// Whether its time is over. It may still name a stay that goes on.
    #[must_use]
    pub fn has_expired(&self, now_ms: u64) -> bool {
        self.expires_ms <= now_ms
    }

    /// Reads a ticket of ours back, whatever the time.
    ///
    /// # Errors
    ///
    /// Says why it is none.
    pub fn read(secret: &Secret, ticket: &str) -> Result<Self, TokenError> {
        if ticket.is_empty() {
            return Err(TokenError::Missing);
        }
        if ticket.len() > MAX_TOKEN_LEN {
            return Err(TokenError::Malformed);
        }
        let (payload, tag) = ticket.split_once('.').ok_or(TokenError::Malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| TokenError::Malformed)?;
        secret.mac(TICKET_LABEL).chain_update(payload).verify_slice(&tag).map_err(|_| TokenError::Forged)?;
        let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
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
const MAX_TOKEN_LEN: usize = 4096;
const CHANNEL_LABEL: &[u8] = b"nertc-miniapp channel id 1\0";
const TICKET_LABEL: &[u8] = b"nertc-miniapp login ticket 1\0";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEY: &str = "c37bf7a8758a4ed00000000000000000";
    const APP_SECRET: &str = "c00000000000";
    pub(super) const NOW: u64 = 1_693_968_975_000;
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
            BasicToken::verify(token, key, secret, channel, uid, Reading::of(NOW, NOW)).unwrap_err()
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
        let verify =
            |now| BasicToken::verify(token, KEY, APP_SECRET, "room1", 10000, now).map_err(|_| "refused");
        let days = 400 * 86_400_000;
        assert_eq!(verify(Reading::of(NOW, NOW + days)), Ok(()), "set forward");
        assert_eq!(verify(Reading::of(NOW, NOW - days)), Ok(()), "set back");
        assert!(verify(Reading::of(NOW + days, NOW + days)).is_err(), "nobody says that it is still good");
        // A digit of the user's number at the head of the time would make the token another user's.
        let forged = signature(KEY, APP_SECRET, "room1", 1000, 1800, 10 * 1_693_968_975_000);
        let json =
            format!(r#"{{"signature":"{forged}","curTime":{},"ttl":1800}}"#, 10 * 1_693_968_975_000_u64);
        let far =
            BasicToken::verify(&STANDARD.encode(json), KEY, APP_SECRET, "room1", 1000, Reading::of(NOW, NOW));
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
            BasicToken::verify(&token, KEY, "", "room1", 1, Reading::of(NOW, NOW)),
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

    #[test]
    fn a_secret_is_long_enough_random_and_never_printed() {
        assert_eq!(Secret::from_text("fifteen letters").unwrap_err(), WeakSecret);
        let secret = Secret::from_text("sixteen letters!").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_ne!(Secret::random().unwrap().0, Secret::random().unwrap().0);
    }

    #[test]
    fn a_channel_id_has_fifteen_digits_and_depends_on_key_name_and_secret() {
        let id = secret().channel_id("key", "room");
        assert_eq!(id, secret().channel_id("key", "room"));
        for (key, name) in [("key", "room2"), ("key2", "room"), ("ke", "yroom"), ("keyroom", "")] {
            let other = secret().channel_id(key, name);
            assert_ne!(other, id);
            assert_eq!(other.to_string().len(), 15);
        }
        assert_ne!(Secret::random().unwrap().channel_id("key", "room"), id);
    }

    #[test]
    fn a_ticket_survives_the_round_trip_until_it_expires() {
        for uid in [0, 1, 1 << 53, u64::MAX] {
            let ticket = ticket(uid);
            let signed = ticket.sign(&secret());
            let read = LoginTicket::read(&secret(), &signed).unwrap();
            assert_eq!(read, ticket);
            assert_eq!([NOW - 1, NOW].map(|now| read.has_expired(now)), [false, true]);
        }
    }

    #[test]
    fn a_changed_ticket_is_refused() {
        let signed = ticket(7).sign(&secret());
        for changed in tampered(&signed) {
            assert!(LoginTicket::read(&secret(), &changed).is_err());
        }
        let other = Secret::random().unwrap();
        assert_eq!(LoginTicket::read(&other, &signed), Err(TokenError::Forged));
        assert_eq!(LoginTicket::read(&secret(), ""), Err(TokenError::Missing));
        assert_eq!(LoginTicket::read(&secret(), "no dot"), Err(TokenError::Malformed));
    }

    fn verify_at(token: &str, now_ms: u64) -> Result<(), TokenError> {
        BasicToken::verify(token, KEY, APP_SECRET, "room1", 10000, Reading::of(now_ms, now_ms))
    }

    pub(super) fn secret() -> Secret {
        Secret::from_text("a secret for tests").unwrap()
    }

    fn ticket(uid: u64) -> LoginTicket {
        LoginTicket {
            cid: 42,
            uid,
            channel: "комната \"1\"".to_owned(),
            app_key: "key".to_owned(),
            expires_ms: NOW,
            began: None,
        }
    }

    /// Every text that differs from `text` in one byte: each bit flipped, the byte gone, one added.
    pub(super) fn tampered(text: &str) -> impl Iterator<Item = String> {
        (0..text.len()).flat_map(move |at| {
            let flips = (0..7).map(move |bit| {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                bytes
            });
            let mut shorter = text.as_bytes().to_vec();
            shorter.remove(at);
            let mut longer = text.as_bytes().to_vec();
            longer.insert(at, b'A');
            flips.chain([shorter, longer]).map(|bytes| String::from_utf8(bytes).unwrap())
        })
    }
}
