//! Logins: how one is answered, and what it means for the room (docs/protocol.md 3).

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Media, Seq, Uid};
use nertc_miniapp::wire::protocol::{Ack, ClientPacket, Command, Login, Notice, ServerPacket, UserEntry};

use super::stay::Rights;
use super::{CLOSE_RESTART, Hub, State};
use crate::rooms::doors::{ConnectionId, HubOutput, Level};
use crate::rooms::limits::HubTimer;
use crate::rooms::room::{self, Arrival, LoginRefusal, Member, Room};

impl Hub {
    /// A packet on a connection that has not logged in.
    pub(super) fn authenticate(&mut self, id: ConnectionId, packet: &ClientPacket, now: Instant) {
        let Command::Login(login) = &packet.command else {
            let refused = Ack::refused(room::NOT_LOGGED_IN, "not logged in");
            return self.ack(id, packet.command.ack_number(), packet.seq, &refused);
        };
        let refusal = match self.check(login, now) {
            Ok(rights) => {
                self.count_login("ok");
                return self.enter(id, packet.seq, login, rights, now);
            }
            Err(refusal) => refusal,
        };
        self.count_login(refusal.reason());
        let (reason, cid, uid) = (refusal.reason(), login.cid, login.uid);
        self.log(Level::Warn, format!("a login is refused: {reason}, room {cid}, {uid}"));
        if refusal == LoginRefusal::Stopping && !login.resume.is_empty() {
            // It was in a call elsewhere, and comes back until somebody takes it; a refusal would end it.
            return self.close(id, CLOSE_RESTART, "service restart");
        }
        let ack = Ack::refused(refusal.code(), refusal.to_string());
        self.refuse_login(id, login.cid, packet.seq, ack, &refusal.notice(), now);
    }

    pub(super) fn count_login(&mut self, result: &'static str) {
        *self.logins.entry(result).or_default() += 1;
    }

    /// Answers a login that leads nowhere: with both packets, in this order, because the vendor's clients
    /// end cleanly on no other answer (3.2).
    pub(super) fn refuse_login(
        &mut self,
        id: ConnectionId,
        cid: Cid,
        seq: Seq,
        ack: Ack,
        notice: &Notice,
        now: Instant,
    ) {
        self.ack(id, 1, seq, &Ack { userlist: Some(vec![]), ..ack });
        self.dismiss(id, cid, notice, now);
    }

    fn enter(&mut self, id: ConnectionId, seq: Seq, login: &Login, rights: Rights, now: Instant) {
        let (cid, uid, stay) = (login.cid, login.uid, rights.stay());
        let Rights { ticket, resumed } = rights;
        let (expires, permit) = (ticket.expires_ms, ticket.permit);
        let room = self.rooms.entry(cid).or_insert_with(|| Room::new(ticket, now));
        // Who comes back and is not known was here before this process, or away for too long: its media have
        // been refused meanwhile, and it must hear of that.
        let was_forgotten = resumed.is_some() && !room.members.contains_key(&uid);
        room.rebuilt |= was_forgotten;
        let left = self.config.settling.saturating_sub(now.since(self.begun.unwrap_or(now)));
        let left = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
        let settling = (was_forgotten || room.rebuilt && left > 0).then_some(left);
        let before = room.members.get(&uid).map(Member::privileges);
        let arrival = room.enter(id, uid, login, stay, permit, now);
        if let Some(member) = self.member(cid, uid) {
            member.ticket = expires;
            if before.is_some_and(|before| before != member.privileges()) {
                // What it sends and receives may be what it may no more.
                self.outputs.push_back(HubOutput::Expel(cid, uid));
                self.admit(cid, uid);
            }
        }
        self.watch_permit(cid, uid, now);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.state = State::Member(cid, uid);
            connection.silent_at = now + self.config.silence;
        }
        self.timers.clear(HubTimer::Login(id));
        self.timers.set(HubTimer::Silence(id), now + self.config.silence);
        match arrival {
            Arrival::New => {
                self.log(Level::Info, format!("room {cid}: {uid} joined"));
                // Before it learns its URLs, so that they work.
                self.admit(cid, uid);
                self.answer_login(id, cid, uid, seq, settling, now);
                self.tell_each_other(cid, uid, |urls, expires, viewer, member| {
                    Notice::Join(member.entry(uid, |stream| urls.pull(cid, uid, stream, viewer, expires)))
                });
                self.repeat_silence(cid, uid);
            }
            Arrival::Return { replaced, unconfirmed, new_stay } => {
                self.log(Level::Info, format!("room {cid}: {uid} is back"));
                match replaced {
                    // Another device: the vendor's clients come back for ever unless they are told.
                    Some(old) if new_stay => self.dismiss(old, cid, &LoginRefusal::Replaced.notice(), now),
                    // The same one, which has given its old connection up.
                    Some(old) => self.close(old, CLOSE_REPLACED, ""),
                    None => {}
                }
                self.timers.clear(HubTimer::Grace(cid, uid));
                if !unconfirmed.is_empty() {
                    self.timers.set(HubTimer::Confirm(cid, uid), now + self.config.confirm_within);
                }
                if new_stay {
                    self.admit(cid, uid);
                    // Another join of the same user starts with the role it names, and unmuted. A mere
                    // reconnect may name the role of its first login, and corrects that itself (4.4).
                    self.change_role(cid, uid, login.role);
                    for media in Media::ALL {
                        self.mute(cid, uid, media, false);
                    }
                }
                self.answer_login(id, cid, uid, seq, settling, now);
            }
        }
    }

    /// Answers the login: everybody in the room, oneself first, then what is muted.
    fn answer_login(
        &mut self,
        id: ConnectionId,
        cid: Cid,
        uid: Uid,
        seq: Seq,
        settling: Option<u32>,
        now: Instant,
    ) {
        let resume = self.return_ticket(cid, uid, now);
        let Some(room) = self.rooms.get(&cid) else { return };
        let Some(member) = room.members.get(&uid) else { return };
        let (role, expires) = (member.role, member.stay);
        // What it published before is left out: it must publish again to confirm that.
        let own =
            UserEntry { uid, url: Some(self.urls.push(cid, uid, expires)), role, ..UserEntry::default() };
        let others = room.members.iter().filter(|(other, _)| **other != uid);
        let entries = others.clone().map(|(other, member)| {
            member.entry(*other, |stream| self.urls.pull(cid, *other, stream, uid, expires))
        });
        let userlist = std::iter::once(own).chain(entries).collect();
        let ack = Ack { userlist: Some(userlist), resume, settling, ..Ack::ok() };
        self.outputs.push_back(HubOutput::Send(id, ServerPacket::encode_ack(1, seq, &ack).into()));
        for (other, member) in others {
            for media in room.muted(*other, member).iter() {
                let notice = ServerPacket::encode_notice(&Notice::Mute(*other, media, true), cid);
                self.outputs.push_back(HubOutput::Send(id, notice.into()));
            }
        }
    }
}

/// Ours: the same user logged in on another connection.
const CLOSE_REPLACED: u16 = 4001;
