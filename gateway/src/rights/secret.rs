//! The key behind every proof. Hides every use of it.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;

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

const CHANNEL_LABEL: &[u8] = b"nertc-miniapp channel id 1\0";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tampering::secret;
    use super::*;

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
}
