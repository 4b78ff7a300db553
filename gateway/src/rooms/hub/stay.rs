//! Whose stay a login is, and what a stay goes on with when its ticket does not do any more
//! (docs/protocol.md 12.5, 12.6). Says who may come in; what happens then is the hub's.

use std::time::Duration;

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Uid};
use nertc_miniapp::wire::protocol::{Login, Notice};

use super::Hub;
use crate::clock::Reading;
use crate::rights::{LoginTicket, Permit, Privileges, TokenError};
use crate::rooms::doors::Level;
use crate::rooms::limits::HubTimer;
use crate::rooms::room::{self, LoginRefusal};

impl Hub {
    /// The stay of a member, which a later one must come after (docs/protocol.md 12.6).
    #[must_use]
    pub fn stay_of(&self, cid: Cid, uid: Uid) -> Option<u64> {
        Some(self.rooms.get(&cid)?.members.get(&uid)?.stay)
    }

    /// Whether a member logged in with this ticket, or with a later one for the same stay: then it is as good
    /// as its holder's presence, expired or not.
    #[must_use]
    pub fn vouches_for(&self, ticket: &LoginTicket) -> bool {
        let member = self.rooms.get(&Cid(ticket.cid)).and_then(|room| room.members.get(&Uid(ticket.uid)));
        member.is_some_and(|member| member.stay == ticket.stay() || member.ticket == ticket.expires_ms)
    }

    /// Whether a permission key allows to come in.
    ///
    /// # Errors
    ///
    /// Says what it does not allow.
    pub fn permits(&self, cid: Cid, permit: Option<Permit>) -> Result<(), LoginRefusal> {
        let privileges = permit.map_or(Privileges::ALL, |permit| permit.privileges);
        match (privileges.join(), privileges.create()) {
            (false, _) => Err(LoginRefusal::NotPermitted("join")),
            (true, false) if !self.rooms.contains_key(&cid) => {
                Err(LoginRefusal::NotPermitted("create a room"))
            }
            (true, _) => Ok(()),
        }
    }

    /// Ends a stay with its permission key; until then, its timer.
    pub(super) fn watch_permit(&mut self, cid: Cid, uid: Uid, now: Instant) {
        let clock = self.reading(now).earliest_ms;
        let Some(member) = self.member(cid, uid) else { return };
        let Some(permit) = member.permit else { return self.timers.clear(HubTimer::Permit(cid, uid)) };
        if !permit.has_expired(clock) {
            let left = Duration::from_millis(permit.until_ms - clock);
            return self.timers.set(HubTimer::Permit(cid, uid), now + left);
        }
        if let Some(connection) = member.presence.connection() {
            self.dismiss(connection, cid, &Notice::Kicked(room::PERMISSION_EXPIRED), now);
        }
        self.log(Level::Info, format!("room {cid}: the permission key of {uid} has expired"));
        self.remove(cid, uid);
    }

    /// Who is in the room already, grace period included, may come back whatever has expired meanwhile; and
    /// who was there before this process, with what it was last given (docs/protocol.md 12.6).
    pub(super) fn check(&self, login: &Login, now: Instant) -> Result<Rights, LoginRefusal> {
        if login.mode.is_some_and(|mode| mode > u32::from(room::MAX_MODE)) {
            return Err(LoginRefusal::NoSuchMode);
        }
        let ticket = LoginTicket::read(&self.secret, &login.token)?;
        if (ticket.cid, ticket.uid) != (login.cid.0, login.uid.0) {
            return Err(LoginRefusal::OtherTicket);
        }
        let resumed = LoginTicket::read(&self.secret, &login.resume).ok();
        let resumed = resumed.filter(|resumed| resumed.is_for_the_same(&ticket));
        let rights = Rights { ticket, resumed };
        let present = self.stay_of(login.cid, login.uid);
        if self.is_banned(login.cid, login.uid) {
            return Err(LoginRefusal::Banned);
        }
        if present.is_some_and(|present| rights.stay() < present) {
            return Err(LoginRefusal::Replaced);
        }
        let now = self.reading(now).earliest_ms;
        let has_expired = [Some(&rights.ticket), rights.resumed.as_ref()];
        let has_expired = has_expired.into_iter().flatten().all(|ticket| ticket.has_expired(now));
        if has_expired && present != Some(rights.stay()) {
            return Err(TokenError::Expired.into());
        }
        let permit = rights.ticket.permit;
        if permit.is_some_and(|permit| permit.has_expired(now)) {
            return Err(TokenError::Expired.into());
        }
        // Who was there before this process opens its room again.
        if rights.resumed.is_none() {
            self.permits(login.cid, permit)?;
        }
        self.admits(login.cid, login.uid)?;
        Ok(rights)
    }

    /// What a member can come back with when it is not in the room any more: after a restart of the gateway,
    /// or an outage that outlasts the grace period.
    pub(super) fn return_ticket(&mut self, cid: Cid, uid: Uid, now: Instant) -> String {
        let expires_ms = self.return_ticket_expiry(now);
        let Some(room) = self.rooms.get_mut(&cid) else { return String::new() };
        let Some(member) = room.members.get_mut(&uid) else { return String::new() };
        member.returns_until = expires_ms;
        let ticket = LoginTicket {
            cid: cid.0,
            uid: uid.0,
            channel: room.channel.clone(),
            app_key: room.app_key.clone(),
            expires_ms,
            good_until: None,
            began: Some(member.stay),
            permit: member.permit,
        };
        ticket.sign(&self.secret)
    }

    /// Half of its life is for coming back; the other half, for a heartbeat to bring the next one.
    pub(super) fn wants_return_ticket(&self, cid: Cid, uid: Uid, now: Instant) -> bool {
        let member = self.rooms.get(&cid).and_then(|room| room.members.get(&uid));
        let half = self.config.return_life / 2;
        let half = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        member
            .is_some_and(|member| member.returns_until.saturating_add(half) <= self.return_ticket_expiry(now))
    }

    fn return_ticket_expiry(&self, now: Instant) -> u64 {
        let life = u64::try_from(self.config.return_life.as_millis()).unwrap_or(u64::MAX);
        self.reading(now).latest_ms.saturating_add(life)
    }

    fn reading(&self, now: Instant) -> Reading {
        let now = now.as_millis();
        Reading::of(now, now.saturating_add_signed(self.clock_ahead))
    }
}

/// What a login shows.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) ticket: LoginTicket,
    /// What the client was given when it was here before, for the stay that goes on.
    pub(super) resumed: Option<LoginTicket>,
}

impl Rights {
    /// The stay that the login belongs to.
    pub(super) fn stay(&self) -> u64 {
        self.resumed.as_ref().unwrap_or(&self.ticket).stay()
    }
}
