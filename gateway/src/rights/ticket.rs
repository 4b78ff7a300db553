//! What the bootstrap promises to the login that follows it. Hides the ticket's bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use serde::{Deserialize, Serialize};

use super::permission::Permit;
use super::secret::Secret;
use super::token::{MAX_TOKEN_LEN, TokenError};

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
    /// What the permission key allows that the ticket was given for, where the application asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<Permit>,
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

const TICKET_LABEL: &[u8] = b"nertc-miniapp login ticket 1\0";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tampering::{NOW, secret, tampered};
    use super::*;

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

    fn ticket(uid: u64) -> LoginTicket {
        LoginTicket {
            cid: 42,
            uid,
            channel: "комната \"1\"".to_owned(),
            app_key: "key".to_owned(),
            expires_ms: NOW,
            good_until: None,
            began: None,
            permit: None,
        }
    }
}
