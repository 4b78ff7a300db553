//! One room: its members, what they may do, and how each sees the others.
//!
//! Knows no clock and nothing of connections' lives; the hub decides when anything happens.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Media, MediaSet, Role, Stream, Uid, Url};
use nertc_miniapp::wire::protocol::{
    Ack, ClientPacket, Command, Login, Notice, Reason, ServerPacket, UserEntry,
};
use serde::Serialize;

use super::doors::{ConnectionId, HubOutput};
use super::order::{Kept, TaskStatus};
use super::page::Page;
use super::quality::MemberQuality;
use super::wish::{CaptionWish, Interruptions, MAX_LANGUAGE};
use crate::rights::{Action, LoginTicket, Permit, Privileges, Sense, TokenError};

/// A room, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoomStatus {
    /// The room without its members.
    #[serde(flatten)]
    pub summary: RoomSummary,
    /// Its members; of very many, the first.
    pub members: Vec<MemberStatus>,
    /// The uid after which members go on that are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What its members want pushed elsewhere.
    pub tasks: Vec<TaskStatus>,
}

/// A room without its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomSummary {
    /// The channel's id.
    pub cid: Cid,
    /// The application it belongs to.
    pub appkey: String,
    /// The channel's name.
    pub channel: String,
    /// Since when it has been there, milliseconds since the Unix epoch.
    pub began: u64,
    /// Whether it is about to end.
    pub closing: bool,
    /// How many members it has.
    pub size: usize,
    /// How many of them publish something.
    pub publishing: usize,
}

/// A member, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberStatus {
    /// The member.
    pub uid: Uid,
    /// The same as text, for languages whose numbers are not exact.
    pub id: String,
    /// Since when it has been here, milliseconds since the Unix epoch.
    pub joined: u64,
    /// 0 broadcaster, 1 audience.
    pub role: Role,
    /// Whether it has a connection, or is in its grace period.
    pub online: bool,
    /// Which SDK generation it logged in with.
    pub client: Generation,
    /// What it publishes.
    pub published: Vec<Media>,
    /// What is muted, as the others are told, by itself or by the operator.
    pub muted: Vec<Media>,
    /// What of that the operator has muted.
    pub silenced: Vec<Media>,
    /// Which captions it wants, if any.
    pub captions: Option<CaptionWish>,
    /// Which of its streams it pushes at the moment: `main`, `screenShare`, `slaveAudio`.
    pub pushes: Vec<&'static str>,
    /// What its components last reported.
    pub quality: MemberQuality,
}

/// An SDK generation, told by the shape of its login (Appendix A). The old one throws on any packet above
/// 28, so whoever adds such a packet must look here first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Generation {
    /// 4.4.1 and older.
    #[serde(rename = "4.4")]
    V44,
    /// 4.6.10 and newer, and ours.
    #[serde(rename = "4.6")]
    V46,
}

impl Generation {
    fn of(login: &Login) -> Self {
        if login.dual_audio.is_some() || login.audio_local_pitch.is_empty() { Self::V44 } else { Self::V46 }
    }
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) app_key: String,
    pub(super) channel: String,
    pub(super) began: Instant,
    pub(super) closing: bool,
    /// Whether another gateway process had it before, so that more members may come back.
    pub(super) rebuilt: bool,
    pub(super) members: BTreeMap<Uid, Member>,
    /// What the operator has muted. Leaving and coming back does not change it.
    pub(super) silenced: BTreeMap<Uid, MediaSet>,
    pub(super) interruptions: Interruptions,
    pub(super) tasks: Vec<Kept>,
}

/// What a login turned out to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrival {
    New,
    Return { replaced: Option<ConnectionId>, unconfirmed: MediaSet, new_stay: bool },
}

impl Room {
    pub(super) fn new(ticket: LoginTicket, now: Instant) -> Self {
        Self {
            app_key: ticket.app_key,
            channel: ticket.channel,
            began: now,
            closing: false,
            rebuilt: false,
            members: BTreeMap::new(),
            silenced: BTreeMap::new(),
            interruptions: Interruptions::default(),
            tasks: Vec::new(),
        }
    }

    pub(super) fn enter(
        &mut self,
        connection: ConnectionId,
        uid: Uid,
        login: &Login,
        stay: u64,
        permit: Option<Permit>,
        now: Instant,
    ) -> Arrival {
        let client = Generation::of(login);
        let Some(member) = self.members.get_mut(&uid) else {
            let member = Member {
                presence: Presence::online(connection, MediaSet::default()),
                joined: now,
                stay,
                ticket: stay,
                permit,
                returns_until: 0,
                client,
                role: login.role,
                mode: login.mode.unwrap_or(0),
                published: MediaSet::default(),
                muted: MediaSet::default(),
                flows: BTreeMap::new(),
                quality: MemberQuality::default(),
            };
            self.members.insert(uid, member);
            return Arrival::New;
        };
        let unconfirmed = member.published;
        let replaced = member.presence.connection();
        let new_stay = member.stay != stay;
        member.presence = Presence::online(connection, unconfirmed);
        (member.stay, member.client, member.permit) = (stay, client, permit);
        if new_stay {
            member.joined = now;
        }
        Arrival::Return { replaced, unconfirmed, new_stay }
    }

    /// With its members from the uid after this one on.
    pub(super) fn status(&self, cid: Cid, after: Option<Uid>, limit: usize) -> RoomStatus {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = self.members.range((first, Bound::Unbounded));
        let page = Page::of(
            members.map(|(uid, member)| (uid.0, 1 + member.quality.samples(), (*uid, member))),
            limit,
            |(uid, member)| member.status(uid, self),
        );
        let tasks = self.tasks.iter().map(Kept::status).collect();
        RoomStatus { summary: self.summary(cid), members: page.items, next: page.next, tasks }
    }

    pub(super) fn summary(&self, cid: Cid) -> RoomSummary {
        RoomSummary {
            cid,
            appkey: self.app_key.clone(),
            channel: self.channel.clone(),
            began: self.began.as_millis(),
            closing: self.closing,
            size: self.members.len(),
            publishing: self.members.values().filter(|member| !member.published.is_empty()).count(),
        }
    }

    pub(super) fn silenced(&self, uid: Uid) -> MediaSet {
        self.silenced.get(&uid).copied().unwrap_or_default()
    }

    /// What of a member is muted, as others are told.
    pub(super) fn muted(&self, uid: Uid, member: &Member) -> MediaSet {
        let mut muted = member.muted;
        for media in self.silenced(uid).iter() {
            muted.set(media, true);
        }
        muted
    }

    /// Whether a member may do what it asks, and what it asks to know.
    #[allow(clippy::wildcard_enum_match_arm)] // a refusal is the exception; `Hub::command` thinks of each command
    pub(super) fn answer(&self, uid: Uid, packet: &ClientPacket) -> Ack {
        let Some(member) = self.members.get(&uid) else {
            return Ack::refused(NOT_LOGGED_IN, "not in the room");
        };
        match &packet.command {
            Command::Login(_) => {
                Ack { userlist: Some(vec![]), ..Ack::refused(BAD_PARAMETER, "already logged in") }
            }
            Command::UploadUserList => {
                let publishing = self.members.iter().filter(|(_, member)| !member.published.is_empty());
                let entries = publishing.map(|(uid, member)| member.entry_without_urls(*uid));
                Ack { userlist: Some(entries.collect()), ..Ack::ok() }
            }
            Command::PushMode(mode) if *mode > MAX_MODE => Ack::refused(BAD_PARAMETER, "no such mode"),
            Command::Publish(_, true) if member.role == Role::Audience => {
                Ack::refused(FORBIDDEN, "the audience cannot publish")
            }
            Command::Publish(media, true)
                if !member.privileges().allows(Action::Publish, sense_of(*media)) =>
            {
                Ack::refused(FORBIDDEN, "the permission key does not allow to send this")
            }
            Command::Subscribe(_, media, true)
                if !member.privileges().allows(Action::Play, sense_of(*media)) =>
            {
                Ack::refused(FORBIDDEN, "the permission key does not allow to receive this")
            }
            Command::Mute(..) if packet.uid != uid => {
                Ack::refused(FORBIDDEN, "only the member itself can mute its media")
            }
            Command::Subscribe(source, _, true) | Command::DualAudio(source, _)
                if *source == uid || !self.members.contains_key(source) =>
            {
                Ack::refused(NOT_FOUND, "no such member")
            }
            Command::StartCaptions { source_lang, target_lang }
                if source_lang.len().max(target_lang.len()) > MAX_LANGUAGE =>
            {
                Ack::refused(BAD_PARAMETER, "no such language")
            }
            _granted => Ack::ok(),
        }
    }

    /// Who can be told something.
    pub(super) fn online(&self) -> impl Iterator<Item = (Uid, ConnectionId)> {
        self.members.iter().filter_map(|(uid, member)| Some((*uid, member.presence.connection()?)))
    }

    /// Tells everybody, except the member that a notice is about: the original would take itself for a remote
    /// user.
    pub(super) fn tell(
        &self,
        notice: &Notice,
        cid: Cid,
        about: Option<Uid>,
        outputs: &mut VecDeque<HubOutput>,
    ) {
        let text: Arc<str> = ServerPacket::encode_notice(notice, cid).into();
        let told = self.online().filter(|(uid, _)| Some(*uid) != about);
        outputs.extend(told.map(|(_, connection)| HubOutput::Send(connection, Arc::clone(&text))));
    }
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) presence: Presence,
    /// When its stay began, as far as this process has seen it.
    pub(super) joined: Instant,
    /// When the ticket expires, or did, that its stay began with: what its grants say, and what tells a
    /// reconnect from another join, and a later join from an earlier.
    pub(super) stay: u64,
    /// When the ticket expires that it logged in with last.
    pub(super) ticket: u64,
    /// What its permission key allows, where the application asks for one.
    pub(super) permit: Option<Permit>,
    /// When the ticket expires that it was last given for coming back.
    pub(super) returns_until: u64,
    pub(super) client: Generation,
    pub(super) role: Role,
    pub(super) mode: u32,
    pub(super) published: MediaSet,
    pub(super) muted: MediaSet,
    /// What the media server has told of its streams.
    pub(super) flows: BTreeMap<Stream, Flow>,
    pub(super) quality: MemberQuality,
}

/// Whether somebody publishes a stream at the media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing was heard of it.
    Untold,
    /// Somebody does.
    Live,
    /// Somebody did, and the member says that it publishes.
    Stopped,
}

#[derive(Debug)]
pub(super) enum Presence {
    /// Reachable; what it published on an earlier connection may still wait for confirmation. It asks for
    /// captions anew on every connection.
    Online { connection: ConnectionId, unconfirmed: MediaSet, captions: Option<CaptionWish> },
    /// Expected back.
    Lost,
}

impl Presence {
    const fn online(connection: ConnectionId, unconfirmed: MediaSet) -> Self {
        Self::Online { connection, unconfirmed, captions: None }
    }

    pub(super) const fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Online { connection, .. } => Some(*connection),
            Self::Lost => None,
        }
    }
}

impl Member {
    pub(super) fn privileges(&self) -> Privileges {
        self.permit.map_or(Privileges::ALL, |permit| permit.privileges)
    }

    /// The member as others see it. The main URL is there from the first moment, because cmd 26 does
    /// not carry it into an old client's records (3.3).
    pub(super) fn entry(&self, uid: Uid, pull: impl Fn(Stream) -> Url) -> UserEntry {
        let when_open = |media: Media| self.published.contains(media).then(|| pull(media.stream()));
        UserEntry {
            url: Some(pull(Stream::Main)),
            screen_url: when_open(Media::ScreenShare),
            slave_audio_url: when_open(Media::SlaveAudio),
            ..self.entry_without_urls(uid)
        }
    }

    pub(super) fn entry_without_urls(&self, uid: Uid) -> UserEntry {
        let mut stalled = MediaSet::default();
        for media in self.published.iter().filter(|media| self.flow(media.stream()) == Flow::Stopped) {
            stalled.set(media, true);
        }
        UserEntry { uid, role: self.role, published: self.published, stalled, ..UserEntry::default() }
    }

    pub(super) fn flow(&self, stream: Stream) -> Flow {
        self.flows.get(&stream).copied().unwrap_or(Flow::Untold)
    }

    fn status(&self, uid: Uid, room: &Room) -> MemberStatus {
        MemberStatus {
            uid,
            id: uid.to_string(),
            joined: self.joined.as_millis(),
            role: self.role,
            online: self.presence.connection().is_some(),
            client: self.client,
            published: self.published.iter().collect(),
            muted: room.muted(uid, self).iter().collect(),
            silenced: room.silenced(uid).iter().collect(),
            captions: match &self.presence {
                Presence::Online { captions, .. } => captions.clone(),
                Presence::Lost => None,
            },
            pushes: self
                .flows
                .iter()
                .filter(|(_, flow)| **flow == Flow::Live)
                .map(|(stream, _)| stream.name())
                .collect(),
            quality: self.quality.clone(),
        }
    }
}

/// Why a channel's name does not say which room is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOneRoom {
    /// No room has this name.
    #[error("no such room")]
    None,
    /// Rooms of several applications have it.
    #[error("several applications have a room of this name")]
    Several,
}

/// Why a member cannot enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// The ticket itself is no good.
    #[error(transparent)]
    Ticket(#[from] TokenError),
    /// The ticket is somebody else's, or for another room.
    #[error("the token is for another user or room")]
    OtherTicket,
    /// A mode that there is not.
    #[error("mode must be 0, 1, 2 or 3")]
    NoSuchMode,
    /// No place in the room.
    #[error("the room is full")]
    RoomFull,
    /// No place for another room.
    #[error("too many rooms")]
    TooManyRooms,
    /// The gateway takes no more rooms.
    #[error("this gateway is about to stop: join again, on another one or when it is back")]
    Stopping,
    /// The room is being closed.
    #[error("the room has been closed")]
    RoomClosing,
    /// The permission key does not allow to join, or not a room that is not there yet.
    #[error("the permission key does not allow to {0}")]
    NotPermitted(&'static str),
    /// The operator has removed the user, and wants it to stay out.
    #[error("the operator keeps this user out of the room")]
    Banned,
    /// The same user came into the room later, from another device.
    #[error("the user has joined from another device")]
    Replaced,
}

impl LoginRefusal {
    /// The code of a gateway that is about to stop; HTTP's own, so that a proxy may ask another one.
    pub const STOPPING: i32 = 503;

    /// The code in bootstrap and login answers (docs/protocol.md 1.4, 3.2).
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Ticket(_) | Self::OtherTicket => 401,
            Self::NoSuchMode => BAD_PARAMETER,
            Self::RoomFull => 4003,
            Self::TooManyRooms => 500,
            Self::Stopping => Self::STOPPING,
            Self::RoomClosing => 417,
            Self::Banned | Self::NotPermitted(_) => FORBIDDEN,
            Self::Replaced => Ack::REPLACED,
        }
    }

    /// The same in a word, for counting.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ticket(error) => error.reason(),
            Self::OtherTicket => "other-ticket",
            Self::NoSuchMode => "malformed",
            Self::RoomFull => "room-full",
            Self::TooManyRooms => "too-many-rooms",
            Self::Stopping => "stopping",
            Self::RoomClosing => "room-closing",
            Self::Banned => "banned",
            Self::NotPermitted(_) => "not-permitted",
            Self::Replaced => "replaced",
        }
    }

    /// What is told after it, so that the vendor's clients end.
    pub(super) const fn notice(self) -> Notice {
        match self {
            Self::Ticket(_) | Self::OtherTicket => Notice::Refused(PERMISSION_EXPIRED),
            Self::RoomFull
            | Self::TooManyRooms
            | Self::Stopping
            | Self::NoSuchMode
            | Self::NotPermitted(_) => Notice::Refused(REMOVED),
            Self::RoomClosing => Notice::Refused(ROOM_CLOSED),
            Self::Banned => Notice::Kicked(REMOVED),
            Self::Replaced => Notice::Kicked(Notice::REPLACED),
        }
    }
}

pub(super) const fn sense_of(media: Media) -> Sense {
    match media {
        Media::Audio | Media::SlaveAudio => Sense::Sound,
        Media::Video | Media::ScreenShare => Sense::Picture,
    }
}

/// Codes of refused commands (docs/protocol.md 3.2, 7.1).
pub(super) const BAD_PARAMETER: i32 = 400;
pub(super) const NOT_LOGGED_IN: i32 = 401;
pub(super) const FORBIDDEN: i32 = 403;
pub(super) const NOT_FOUND: i32 = 404;

/// Reasons in cmd 23, 24 and 25 (2.5).
pub(super) const ROOM_CLOSED: Reason = Some(1);
pub(super) const REMOVED: Reason = Some(2);
pub(super) const PERMISSION_EXPIRED: Reason = Some(5);

/// The highest `NETCALL_MODE` (7.3).
pub(super) const MAX_MODE: u8 = 3;
