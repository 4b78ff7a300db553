//! What proves a right: login tickets and, in `basic` and `grant`, application tokens and media grants.
//!
//! Hides every byte layout and every key use. Pure functions: no clock, no input or output, no state
//! beyond a [`Secret`]. Tickets and grants carry all they need, so any gateway that shares the secret
//! can check what another one issued.

mod basic;
mod grant;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;

pub use self::basic::BasicToken;
pub use self::grant::{Action, GrantError, Grants, Holder};

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
    /// From this length on, a text of one byte all over is taken for a test set-up's.
    const PLACEHOLDER_LEN: usize = 32;

    /// Takes a configured secret.
    ///
    /// # Errors
    ///
    /// Refuses a text that is too short to resist guessing.
    pub fn from_text(text: &str) -> Result<Self, WeakSecret> {
        if Self::is_weak(text) {
            return Err(WeakSecret);
        }
        Ok(Self(text.as_bytes().into()))
    }

    /// Whether a text is too short or too plain to resist guessing. One byte all over is no better when it
    /// is longer, but nobody means it for a secret then: test set-ups have it, and are warned.
    #[must_use]
    pub fn is_weak(text: &str) -> bool {
        text.len() < Self::MIN_LEN || text.len() < Self::PLACEHOLDER_LEN && is_one_byte(text.as_bytes())
    }

    /// Whether this is one byte all over.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        is_one_byte(&self.0)
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

fn is_one_byte(text: &[u8]) -> bool {
    text.iter().all(|byte| Some(byte) == text.first())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A configured secret is too short, or one character all over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a secret needs at least {} bytes, not all the same", Secret::MIN_LEN)]
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
    /// When the application's token expires, or did, that the ticket was given for: it works no longer than
    /// that. Apart from `expires_ms`, which names the stay and puts a user's stays in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_until: Option<u64>,
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
        self.good_until.unwrap_or(u64::MAX).min(self.expires_ms) <= now_ms
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

/// Longer than any honest token; bounds the work a stranger can cause.
const MAX_TOKEN_LEN: usize = 4096;
const CHANNEL_LABEL: &[u8] = b"nertc-miniapp channel id 1\0";
const TICKET_LABEL: &[u8] = b"nertc-miniapp login ticket 1\0";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    pub(super) const NOW: u64 = 1_693_968_975_000;
    #[test]
    fn a_secret_is_long_enough_random_and_never_printed() {
        for weak in ["fifteen letters", &"a".repeat(31)] {
            assert_eq!(Secret::from_text(weak).unwrap_err(), WeakSecret);
        }
        assert!(Secret::from_text(&"S".repeat(32)).unwrap().is_placeholder(), "a test set-up's");
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
    fn a_ticket_works_no_longer_than_the_token_that_it_was_given_for() {
        let ticket = LoginTicket { good_until: Some(NOW - 10), ..ticket(7) };
        assert_eq!([NOW - 11, NOW - 10].map(|now| ticket.has_expired(now)), [false, true]);
        assert_eq!(ticket.stay(), NOW, "its name stays");
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
            good_until: None,
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
