//! Permission keys: the vendor's second token, which says what a user may do in a room and how long
//! (docs/protocol.md 10.4).

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::grant::Action;
use super::token::{BasicToken, MAX_TOKEN_LEN};
use crate::clock::Reading;

/// What a user may do in a room, in the vendor's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges(pub u8);

impl Privileges {
    /// Everything: that of whoever needs no permission key.
    pub const ALL: Self = Self(63);

    /// Whether the user may open a room by joining it.
    #[must_use]
    pub const fn create(self) -> bool {
        self.0 & 16 != 0
    }

    /// Whether the user may join.
    #[must_use]
    pub const fn join(self) -> bool {
        self.0 & 32 != 0
    }

    /// Whether the user may send or receive this.
    #[must_use]
    pub const fn allows(self, action: Action, sense: Sense) -> bool {
        let bit = match (action, sense) {
            (Action::Publish, Sense::Sound) => 1,
            (Action::Publish, Sense::Picture) => 2,
            (Action::Play, Sense::Sound) => 4,
            (Action::Play, Sense::Picture) => 8,
        };
        self.0 & bit != 0
    }

    /// The same, but for sending this.
    #[must_use]
    pub const fn without(self, sense: Sense) -> Self {
        match sense {
            Sense::Sound => Self(self.0 & !1),
            Sense::Picture => Self(self.0 & !2),
        }
    }

    /// Whether it is one of both at least.
    #[must_use]
    pub const fn allows_any(self, action: Action) -> bool {
        self.allows(action, Sense::Sound) || self.allows(action, Sense::Picture)
    }
}

/// What media are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// The ear.
    Sound,
    /// The eye.
    Picture,
}

/// What a permission key allows, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// What.
    pub privileges: Privileges,
    /// Until when, in milliseconds since the Unix epoch.
    pub until_ms: u64,
}

impl Permit {
    /// Whether its time is over.
    #[must_use]
    pub const fn has_expired(&self, now_ms: u64) -> bool {
        self.until_ms <= now_ms
    }
}

/// The key that an application's own server signs for one user and one channel.
#[derive(Debug, Serialize, Deserialize)]
pub struct PermissionKey {
    appkey: String,
    checksum: String,
    cname: String,
    #[serde(rename = "curTime")]
    cur_time: u64,
    #[serde(rename = "expireTime")]
    expire_time: u64,
    privilege: u8,
    uid: u64,
}

impl PermissionKey {
    /// Signs a key, with the lifetime clamped to what a token may have.
    #[must_use]
    pub fn sign(
        app_key: &str,
        secret: &str,
        channel_name: &str,
        uid: u64,
        privileges: Privileges,
        ttl_secs: u64,
        now_ms: u64,
    ) -> String {
        let mut key = Self {
            appkey: app_key.to_owned(),
            checksum: String::new(),
            cname: channel_name.to_owned(),
            cur_time: now_ms / 1000,
            expire_time: ttl_secs.clamp(1, BasicToken::MAX_TTL_SECS),
            privilege: privileges.0,
            uid,
        };
        key.checksum = STANDARD.encode(key.mac(secret).finalize().into_bytes());
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        #[expect(
            clippy::expect_used,
            reason = "only integers and strings inside, and a vector takes everything"
        )]
        let packed = serde_json::to_writer(&mut packed, &key)
            .map_err(Into::into)
            .and_then(|()| packed.finish())
            .expect("a key is always representable");
        STANDARD.encode(packed).replace('+', "*").replace('/', "-").replace('=', "_")
    }

    /// Checks a key against the channel and user that it is presented for, and says what it allows.
    ///
    /// # Errors
    ///
    /// Says why it is refused. An empty secret accepts nothing.
    pub fn verify(
        key: &str,
        app_key: &str,
        secret: &str,
        channel_name: &str,
        uid: u64,
        now: Reading,
    ) -> Result<Permit, KeyError> {
        if key.is_empty() {
            return Err(KeyError::Missing);
        }
        if key.len() > MAX_TOKEN_LEN {
            return Err(KeyError::Malformed);
        }
        let packed = STANDARD.decode(key.replace('*', "+").replace('-', "/").replace('_', "="));
        let packed = packed.map_err(|_| KeyError::Malformed)?;
        let mut json = Vec::new();
        // Little packed may be much unpacked.
        let unpacked = ZlibDecoder::new(packed.as_slice()).take(MAX_TOKEN_LEN as u64).read_to_end(&mut json);
        unpacked.map_err(|_| KeyError::Malformed)?;
        let claimed: Self = serde_json::from_slice(&json).map_err(|_| KeyError::Malformed)?;
        let checksum = STANDARD.decode(&claimed.checksum).unwrap_or_default();
        let is_genuine = claimed.mac(secret).verify_slice(&checksum).is_ok() && !secret.is_empty();
        let is_for_this =
            (claimed.appkey.as_str(), claimed.cname.as_str(), claimed.uid) == (app_key, channel_name, uid);
        if !is_genuine || !is_for_this {
            return Err(KeyError::Forged);
        }
        if claimed.expire_time == 0 || claimed.expire_time > BasicToken::MAX_TTL_SECS {
            return Err(KeyError::BadLifetime);
        }
        let begins_ms = claimed.cur_time.saturating_mul(1000);
        if begins_ms > now.latest_ms.saturating_add(BasicToken::MAX_CLOCK_SKEW_MS) {
            return Err(KeyError::NotYetValid);
        }
        let until_ms = begins_ms.saturating_add(claimed.expire_time * 1000);
        let permit = Permit { privileges: Privileges(claimed.privilege), until_ms };
        if permit.has_expired(now.earliest_ms) { Err(KeyError::Expired) } else { Ok(permit) }
    }

    fn mac(&self, secret: &str) -> Hmac<Sha256> {
        let Self { appkey, cname, cur_time, expire_time, privilege, uid, .. } = self;
        let text = format!(
            "appkey:{appkey}\nuid:{uid}\ncurTime:{cur_time}\nexpireTime:{expire_time}\ncname:{cname}\nprivilege:\
             {privilege}\n"
        );
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
        mac.update(text.as_bytes());
        mac
    }
}

/// Why a permission key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("a permission key is required: join with one that your server has signed")]
    Missing,
    /// It cannot be read.
    #[error("the permission key cannot be read: it must be packed and written as the vendor's is")]
    Malformed,
    /// It was signed with another secret, or for something else.
    #[error(
        "the permission key does not match: it must be signed for this appkey, uid and channelName, with the \
         permission-secret"
    )]
    Forged,
    /// It was valid once.
    #[error("the permission key has expired")]
    Expired,
    /// It was signed by a clock that is far ahead of ours.
    #[error("the permission key's curTime is in the future: it must be in seconds, by a clock that is right")]
    NotYetValid,
    /// It claims no lifetime, or a longer one than allowed.
    #[error("the permission key's expireTime must be in seconds, from 1 to {max}", max = BasicToken::MAX_TTL_SECS)]
    BadLifetime,
}

impl KeyError {
    /// The same in a word, for counting.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "permission-missing",
            Self::Malformed => "permission-malformed",
            Self::Forged => "permission-forged",
            Self::Expired => "permission-expired",
            Self::NotYetValid => "permission-not-yet-valid",
            Self::BadLifetime => "permission-lifetime",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use super::super::tampering::tampered;
    use super::*;

    const KEY: &str = "c37bf7a8758a4ed00000000000000000";
    const SECRET: &str = "45eaeb3c2757c57c1b8e0a25a1f246a476c36ca5ba0cd20da38a154c2adebdab";
    const NOW: u64 = 1_696_662_104_000;

    #[test]
    fn a_key_has_the_published_checksum() {
        let key = PermissionKey::sign(KEY, SECRET, "room1", 10000, Privileges(1), 1000, NOW);
        let packed = STANDARD.decode(key.replace('*', "+").replace('-', "/").replace('_', "=")).unwrap();
        let mut json = String::new();
        ZlibDecoder::new(packed.as_slice()).read_to_string(&mut json).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"appkey":"{KEY}","checksum":"v4jxY8C5zZodLymoBq7GqbcTbDgueLhVXIWOQX3akZc=","cname":"room1","curTime":1696662104,"expireTime":1000,"privilege":1,"uid":10000}}"#
            )
        );
        let permit = verify(&key, NOW).unwrap();
        assert_eq!(permit, Permit { privileges: Privileges(1), until_ms: NOW + 1_000_000 });
    }

    #[test]
    fn a_key_is_for_one_user_one_room_and_a_while() {
        let key = PermissionKey::sign(KEY, SECRET, "room1", 10000, Privileges::ALL, 1000, NOW);
        let now = Reading::of(NOW, NOW);
        for (app, secret, channel, uid) in [
            ("k", SECRET, "room1", 10000),
            (KEY, "another secret", "room1", 10000),
            (KEY, "", "room1", 10000),
            (KEY, SECRET, "room2", 10000),
            (KEY, SECRET, "room1", 10001),
        ] {
            let refused = PermissionKey::verify(&key, app, secret, channel, uid, now);
            assert_eq!(refused, Err(KeyError::Forged), "{app} {channel} {uid}");
        }
        assert!(verify(&key, NOW + 999_999).is_ok());
        assert_eq!(verify(&key, NOW + 1_000_000), Err(KeyError::Expired));
        assert_eq!(verify(&key, NOW - BasicToken::MAX_CLOCK_SKEW_MS - 1), Err(KeyError::NotYetValid));
        assert_eq!(verify("", NOW), Err(KeyError::Missing));
        let permit = verify(&key, NOW);
        for changed in tampered(&key) {
            // Packed in another way, it may say the same; nothing else.
            let verified = verify(&changed, NOW);
            assert!(verified.is_err() || verified == permit, "{changed}");
        }
    }

    #[test]
    fn what_is_no_key_or_unpacks_without_an_end_is_refused() {
        let mut bomb = ZlibEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![b' '; 2 << 20]).unwrap();
        let bomb = STANDARD.encode(bomb.finish().unwrap());
        assert!(bomb.len() < MAX_TOKEN_LEN, "{}", bomb.len());
        for text in ["x", "!", &bomb, &"A".repeat(MAX_TOKEN_LEN + 1)] {
            assert_eq!(verify(text, NOW), Err(KeyError::Malformed));
        }
    }

    #[test]
    fn each_bit_is_one_right() {
        let all = |of: &dyn Fn(Privileges) -> bool| {
            (0..=63).filter(|bits| of(Privileges(*bits))).fold(63, |all, bits| all & bits)
        };
        for (action, sense, bit) in [
            (Action::Publish, Sense::Sound, 1),
            (Action::Publish, Sense::Picture, 2),
            (Action::Play, Sense::Sound, 4),
            (Action::Play, Sense::Picture, 8),
        ] {
            assert_eq!(all(&|privileges| privileges.allows(action, sense)), bit);
        }
        assert_eq!((all(&Privileges::create), all(&Privileges::join)), (16, 32));
        assert!(!Privileges(1).allows_any(Action::Play) && Privileges(8).allows_any(Action::Play));
    }

    fn verify(key: &str, now: u64) -> Result<Permit, KeyError> {
        PermissionKey::verify(key, KEY, SECRET, "room1", 10000, Reading::of(now, now))
    }
}
