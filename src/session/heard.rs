//! What the gateway says to a session: answers to commands, and notices. Which of it matters where we are, and what
//! follows for calls, wants, room and link.

use std::time::Duration;

use super::Session;
use crate::api::call::{Call, Reply};
use crate::api::doors::Level;
use crate::api::error::Error;
use crate::api::event::{AbilityNotSupport, ClientUpdate, Ended, Event, RtmpTasksStatus};
use crate::api::info::UserInfo;
use crate::room::wants::Verdict;
use crate::session::calls::Purpose;
use crate::session::needs::{commands_of, depends_on, state_of};
use crate::time::Instant;
use crate::wire::model::{CallId, Seq, SocketId};
use crate::wire::protocol::{Ack, Command, Notice, PacketError, ServerPacket};

impl Session {
    pub(super) fn handle_text(&mut self, id: SocketId, text: &str, now: Instant) {
        if !self.link.handle_frame(id, now) {
            return;
        }
        if text.len() > self.tools.config.max_frame {
            return self.drop_frame(&PacketError::Malformed(format!("{} bytes", text.len())));
        }
        match ServerPacket::decode(text) {
            Ok(ServerPacket::Ack(seq, ack)) => self.handle_ack(seq, ack, now),
            Ok(ServerPacket::Notice(notice)) if self.link.is_online() => self.handle_notice(notice),
            Ok(ServerPacket::Notice(_)) if self.link.is_leaving() => {}
            // Before the login is answered there is no room to be told about, but a refusal may
            // come instead of the answer (11.5).
            Ok(ServerPacket::Notice(notice @ (Notice::Refused(_) | Notice::Kicked(_)))) => {
                self.handle_notice(notice);
            }
            Ok(ServerPacket::Notice(_)) => {}
            Err(error) => self.drop_frame(&error),
        }
        if self.room.overflows() {
            let most = self.tools.config.max_members;
            self.log(
                Level::Warn,
                format!("more than {most} members are in the room: of further ones nothing is told"),
            );
        }
    }

    fn handle_ack(&mut self, seq: Seq, mut ack: Ack, now: Instant) {
        if let Some(steps) = self.link.handle_ack(seq, &ack, &mut self.tools, now) {
            self.take(steps);
            if self.link.is_online() {
                let entries = ack.userlist.take().unwrap_or_default();
                let me = self.link.identity().unwrap_or_default().0;
                let own = entries.iter().find(|entry| entry.uid == me);
                self.wants.logged_in(own.map(|own| own.role));
                for media in own.iter().flat_map(|own| own.published.iter()) {
                    self.wants.found(Command::Publish(media, true));
                }
                if ack.settling.is_some() {
                    self.room.interrupted(self.wants.received(), self.wants.pushes());
                }
                let settling = ack.settling.filter(|millis| *millis > 0);
                let settling = settling.map(|millis| Duration::from_millis(millis.into()));
                self.settles = settling.map(|time| now + time.min(self.tools.config.longest_settling));
                let events = self.room.learn(entries, settling.is_none());
                self.tell(events);
                self.forget_strangers();
            }
        } else if let Some(sent) = self.calls.acknowledged(seq) {
            let left = sent.deadline.since(now);
            self.link.learn(self.tools.config.command_timeout.saturating_sub(left));
            let refusal = (!ack.is_ok()).then(|| Error::CommandRefused {
                command: sent.command.name(),
                code: ack.code.unwrap_or_default(),
                desc: std::mem::take(&mut ack.errmsg),
            });
            if let Some(url) = ack.url.take().filter(|_| matches!(sent.command, Command::Role(_))) {
                let changed = self.room.handle_push_url(url);
                self.tell(changed);
            }
            match sent.purpose {
                Purpose::Errand(call) => self.errand_answered(call, refusal, ack),
                Purpose::State => {
                    let verdict = if refusal.is_none() { Verdict::Accepted } else { Verdict::Refused };
                    self.answered(&sent.command, verdict, refusal);
                }
                Purpose::Nothing => {}
            }
        }
    }

    fn handle_notice(&mut self, notice: Notice) {
        let Some((_, cid)) = self.link.identity() else { return };
        let leaves = matches!(notice, Notice::Leave(_));
        let events = match notice {
            Notice::Join(entry) => self.room.handle_join(entry),
            Notice::Leave(uid) => self.room.handle_leave(uid),
            Notice::Published(uid, media, on, url) => self.room.handle_published(uid, media, on, url),
            Notice::RoomClosed(reason) => {
                let event = Event::LiveRoomClose(Ended::new("onLiveRoomClose", cid, reason));
                return self.thrown_out(event, Error::RoomClosed);
            }
            Notice::Kicked(reason) => {
                let event = Event::Kicked(Ended::new("onKicked", cid, reason));
                let is_replaced = reason == Notice::REPLACED;
                return self.thrown_out(event, if is_replaced { Error::Replaced } else { Error::Kicked });
            }
            Notice::Refused(reason) => {
                let event = Event::Kicked(Ended::new("onRoomRefused", cid, reason));
                return self.thrown_out(event, Error::Refused);
            }
            Notice::RoleChanged(uid, role) => self.room.handle_role(uid, role),
            Notice::MediaStatus { uid, media, status, url } => {
                self.room.handle_media_status(uid, media, status, url)
            }
            Notice::Mute(uid, media, mute) => {
                // By far the most frequent, so without a list.
                let muted = self.room.handle_mute(uid, media, mute);
                return self.tell(muted);
            }
            Notice::Update(uid, mode) => vec![Event::ClientUpdate(ClientUpdate::new(uid, cid, mode))],
            Notice::AbilityNotSupported { uid, code, msg } => {
                vec![Event::AbilityNotSupport(AbilityNotSupport::new(uid, code, msg))]
            }
            Notice::TaskStatus { uid, hots_uid, stream_url, task_id, code, msg } => {
                let status = RtmpTasksStatus::new(uid, hots_uid, stream_url, task_id, code, msg);
                vec![Event::RtmpTasksStatus(Box::new(status))]
            }
            Notice::Captions(captions) => {
                captions.into_iter().map(|caption| Event::AsrCaptions(caption.into())).collect()
            }
        };
        self.tell(events);
        if leaves {
            self.forget_strangers();
        }
    }

    /// The gateway ended our stay: log out as the original does, tell why, and close.
    fn thrown_out(&mut self, event: Event, error: Error) {
        self.log_out();
        self.tell([event]);
        let steps = self.link.finish(error);
        self.take(steps);
    }

    /// A command that switches something was answered, or is past its deadline.
    pub(super) fn answered(&mut self, command: &Command, verdict: Verdict, failure: Option<Error>) {
        let is_lost = self.wants.answered(command, verdict);
        let Some(error) = failure else { return };
        let failed = self.calls.judged(|call| depends_on(call, command).then(|| Err(error.clone())));
        if failed.is_empty() && is_lost && self.link.is_restoring() {
            self.tell([Event::Error(error)]);
        }
        for (id, call, result) in failed {
            self.withdraw(&call);
            self.settle(id, result);
        }
    }

    /// A call has failed: nothing that it asked for must happen later, unless another call waits for the
    /// same.
    pub(super) fn withdraw(&mut self, failed: &Call) {
        let calls = &self.calls;
        let awaited = |item| calls.in_force().filter_map(|call| state_of(call, item)).last();
        for command in commands_of(failed) {
            self.wants.withdraw(&command, awaited);
        }
        if let Call::SetVoice(..) = failed {
            self.wants.withdraw_voice(
                calls.in_force().filter_map(|call| {
                    if let Call::SetVoice(_, change) = call { Some(change) } else { None }
                }),
            );
        }
    }

    /// A command that only one call waits for was answered, or is past its deadline.
    pub(super) fn errand_answered(&mut self, id: CallId, refusal: Option<Error>, mut ack: Ack) {
        if refusal.is_none() && !self.calls.errand_done(id) {
            return;
        }
        let Some(call) = self.calls.take(id) else { return };
        let reply = if let Call::UploadUserList = call {
            let userlist = ack.userlist.take().unwrap_or_default();
            Reply::UserList { code: 200, userlist: userlist.into_iter().map(UserInfo::from).collect() }
        } else if let (Call::MuteOther(..), Some(url)) = (call, self.room.push_url()) {
            // Ours, whoever was muted: apps clear their pusher with anything else.
            Reply::PushUrl(url.clone())
        } else {
            Reply::Nothing
        };
        self.settle(id, refusal.map_or(Ok(reply), Err));
    }

    fn drop_frame(&mut self, error: &PacketError) {
        self.dropped += 1;
        let level = if self.dropped == 1 { Level::Warn } else { Level::Debug };
        self.log(level, format!("frame {} dropped: {error}", self.dropped));
    }
}
