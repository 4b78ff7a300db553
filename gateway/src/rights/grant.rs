//! The right to push or pull one stream. Hides the grant's bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use thiserror::Error;

use super::secret::Secret;

/// Issues and checks the right to push or pull one stream.
#[derive(Debug)]
pub struct Grants {
    secret: Secret,
}

impl Grants {
    /// Makes the issuer. Gateways that share a secret honour each other's grants.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self { secret }
    }

    /// Lets `holder_uid` do `action` with `stream` until `expires_ms`.
    ///
    /// The grant is 40 characters, all of them safe in a URL's query.
    #[must_use]
    pub fn issue(&self, action: Action, stream: &str, holder_uid: u64, expires_ms: u64) -> String {
        // Six bytes of milliseconds reach the year 10889.
        let expires_ms = expires_ms.min((1 << 48) - 1);
        let mut grant = Vec::with_capacity(GRANT_LEN);
        grant.extend_from_slice(&holder_uid.to_be_bytes());
        grant.extend_from_slice(&expires_ms.to_be_bytes()[2..]);
        let mac = self.mac(action, stream, &grant).finalize().into_bytes();
        grant.extend_from_slice(&mac[..GRANT_TAG_LEN]);
        URL_SAFE_NO_PAD.encode(grant)
    }

    /// Checks that `grant` allows `action` with `stream`, and says for whom and how long: whether its time is
    /// over matters only to whoever knows the holder's stay.
    ///
    /// # Errors
    ///
    /// Says why the grant is refused. One for another stream is [`GrantError::Forged`].
    pub fn verify(&self, grant: &str, action: Action, stream: &str) -> Result<Holder, GrantError> {
        if grant.is_empty() {
            return Err(GrantError::Missing);
        }
        let mut bytes = [0; GRANT_LEN];
        match URL_SAFE_NO_PAD.decode_slice(grant, &mut bytes) {
            Ok(GRANT_LEN) => {}
            Ok(_) | Err(_) => return Err(GrantError::Malformed),
        }
        let (claims, tag) = bytes.split_at(CLAIMS_LEN);
        let is_for = |action| self.mac(action, stream, claims).verify_truncated_left(tag).is_ok();
        match action {
            Action::Publish | Action::Play if is_for(action) => {}
            Action::Publish if is_for(Action::Play) => return Err(GrantError::ForPlaying),
            Action::Play if is_for(Action::Publish) => return Err(GrantError::ForPublishing),
            Action::Publish | Action::Play => return Err(GrantError::Forged),
        }
        let (uid, expires) = claims.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
        Ok(Holder { uid: number(uid), expires_ms: number(expires) })
    }

    fn mac(&self, action: Action, stream: &str, claims: &[u8]) -> Hmac<Sha256> {
        let label = match action {
            Action::Publish => PUBLISH_LABEL,
            Action::Play => PLAY_LABEL,
        };
        self.secret.mac(label).chain_update(claims).chain_update(stream)
    }
}

/// What a grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Push the stream.
    Publish,
    /// Pull the stream.
    Play,
}

/// Who a grant was issued to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The user.
    pub uid: u64,
    /// When the grant stops working, in milliseconds since the Unix epoch, unless the stay that it was issued
    /// for goes on.
    pub expires_ms: u64,
}

/// Why a grant is refused, by itself or because of where its holder is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GrantError {
    /// There is none.
    #[error("no grant")]
    Missing,
    /// It cannot be read.
    #[error("the grant cannot be read")]
    Malformed,
    /// It was issued for playing the stream. Applications take another's URL for their own now and then.
    #[error("the URL is for playing: push to the one that publish() gave")]
    ForPlaying,
    /// It was issued for publishing the stream.
    #[error("the URL is for pushing: play the one that subscribe() gave")]
    ForPublishing,
    /// It was not issued by us, or was issued for another stream.
    #[error("the grant does not match")]
    Forged,
    /// It was valid once.
    #[error("the grant has expired")]
    Expired,
    /// The grant is good, but its holder is not in the stream's room, or there as audience only.
    #[error("the holder of this grant is not in the room with such a right")]
    NotAMember,
    /// The grant is good and its holder is in the room, but on a later stay.
    #[error("the grant is of an earlier stay than the one its holder is on")]
    OtherStay,
}

impl GrantError {
    /// The same in a word, for counting.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "grant-missing",
            Self::Malformed => "grant-malformed",
            Self::ForPlaying => "grant-for-playing",
            Self::ForPublishing => "grant-for-publishing",
            Self::Forged => "grant-forged",
            Self::Expired => "grant-expired",
            Self::NotAMember => "not-a-member",
            Self::OtherStay => "other-stay",
        }
    }
}

const CLAIMS_LEN: usize = 14;
const GRANT_TAG_LEN: usize = 16;
const GRANT_LEN: usize = CLAIMS_LEN + GRANT_TAG_LEN;
const PUBLISH_LABEL: &[u8] = b"nertc-miniapp publish grant 1\0";
const PLAY_LABEL: &[u8] = b"nertc-miniapp play grant 1\0";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tampering::{NOW, secret, tampered};
    use super::*;

    #[test]
    fn a_grant_is_short_and_survives_the_round_trip() {
        let grants = Grants::new(secret());
        for action in [Action::Publish, Action::Play] {
            for uid in [0, 100, 1 << 53, u64::MAX] {
                let grant = grants.issue(action, "room-100", uid, NOW);
                assert_eq!(grant.len(), 40);
                assert!(grant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
                assert_eq!(grants.verify(&grant, action, "room-100"), Ok(Holder { uid, expires_ms: NOW }));
            }
        }
    }

    #[test]
    fn a_grant_for_another_stream_or_secret_is_forged_and_one_for_another_action_says_so() {
        let grants = Grants::new(secret());
        let grant = grants.issue(Action::Play, "room-100", 1, NOW);
        let refused = |grants: &Grants, action, stream| {
            assert_eq!(grants.verify(&grant, action, stream), Err(GrantError::Forged));
        };
        assert_eq!(grants.verify(&grant, Action::Publish, "room-100"), Err(GrantError::ForPlaying));
        let own = grants.issue(Action::Publish, "room-100", 1, NOW);
        assert_eq!(grants.verify(&own, Action::Play, "room-100"), Err(GrantError::ForPublishing));
        refused(&grants, Action::Publish, "room-10");
        refused(&grants, Action::Play, "room-10");
        refused(&grants, Action::Play, "room-1000");
        refused(&grants, Action::Play, "");
        refused(&Grants::new(Secret::random().unwrap()), Action::Play, "room-100");
    }

    #[test]
    fn a_changed_grant_is_refused() {
        let grants = Grants::new(secret());
        let grant = grants.issue(Action::Play, "s", 1, NOW);
        for changed in tampered(&grant) {
            assert!(grants.verify(&changed, Action::Play, "s").is_err());
        }
        let verify = |grant: &str| grants.verify(grant, Action::Play, "s").unwrap_err();
        assert_eq!(verify(""), GrantError::Missing);
        assert_eq!(verify("AAAA"), GrantError::Malformed);
        assert_eq!(verify(&format!("{grant}AAAA")), GrantError::Malformed);
        assert_eq!(verify("ключ"), GrantError::Malformed);
        assert_eq!(verify(&"A".repeat(40)), GrantError::Forged);
    }

    #[test]
    fn a_grant_that_outlasts_its_field_lasts_as_long_as_it_can() {
        let grants = Grants::new(secret());
        let grant = grants.issue(Action::Play, "s", 1, u64::MAX);
        let holder = grants.verify(&grant, Action::Play, "s").unwrap();
        assert_eq!(holder.expires_ms, (1 << 48) - 1);
    }
}
