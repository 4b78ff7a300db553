//! Room logic: who is in which room, what each member publishes, and who is told about it.
//!
//! Hides the lives of connections, members and rooms. Has no clock, no socket, no random source and no
//! async: everything that happens comes in through [`Hub::handle`], everything to do goes out
//! through [`Hub::poll_output`], and [`Hub::poll_timeout`] says when to wake it. Same inputs, same
//! outputs.
//!
//! A member is not a connection: it outlives a lost socket by [`HubConfig::grace`], and a second
//! login takes it over. What it published before is kept for [`HubConfig::confirm_within`], in which the
//! client is expected to publish again (docs/protocol.md 4.4); others see nothing of this.

mod bans;
mod captions;
mod flow;
mod login;
mod operator;
mod stay;
mod tasks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Media, Role, Seq, Stream, Uid};
use nertc_miniapp::wire::protocol::{Ack, ClientPacket, Command, Notice, PacketError, ServerPacket};

pub use self::bans::{Banned, TooManyBans};
pub use self::operator::RoomFilter;
use super::doors::{ConnectionId, HubInput, HubOutput, Level};
use super::limits::{HubConfig, HubTimer, Timers};
use super::quality::QualityReport;
use super::room::{self, LoginRefusal, Member, NotOneRoom, Presence, Room, RoomStatus};
use super::wish::CaptionWish;
use crate::rights::{MediaUrls, Secret, stream_name};

/// All rooms of one gateway.
///
/// The contract: `handle`, then `poll_output` until `None`, then arm one timer for `poll_timeout`.
/// Outputs are in the order in which they must happen.
#[derive(Debug)]
pub struct Hub {
    config: HubConfig,
    secret: Secret,
    urls: MediaUrls,
    phase: Phase,
    connections: BTreeMap<ConnectionId, Connection>,
    rooms: BTreeMap<Cid, Room>,
    /// Who may not come in; each has a timer.
    bans: BTreeSet<(Cid, Uid)>,
    timers: Timers,
    outputs: VecDeque<HubOutput>,
    /// When the first thing happened.
    begun: Option<Instant>,
    /// How far the machine's clock is ahead of ours, in milliseconds.
    clock_ahead: i64,
    /// Logins so far, by what came of them.
    logins: BTreeMap<&'static str, u64>,
}

/// What the hub holds at the moment, and has counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct HubStatistics {
    /// Connections, logged in or not.
    pub connections: usize,
    /// Rooms.
    pub rooms: usize,
    /// Members of all rooms.
    pub members: usize,
    /// Those in their grace period.
    pub away: usize,
    /// Users that are kept out of a room.
    pub bans: usize,
    /// Logins, by what came of them.
    pub logins: BTreeMap<&'static str, u64>,
}

impl Hub {
    /// Makes an empty hub. Tickets must be signed with `secret`.
    #[must_use]
    pub fn new(config: HubConfig, secret: Secret, urls: MediaUrls) -> Self {
        Self {
            config,
            secret,
            urls,
            phase: Phase::Running,
            connections: BTreeMap::new(),
            rooms: BTreeMap::new(),
            bans: BTreeSet::new(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            begun: None,
            clock_ahead: 0,
            logins: BTreeMap::new(),
        }
    }

    /// Takes in what happened, and whatever has become due.
    pub fn handle(&mut self, input: HubInput, now: Instant) {
        self.begun.get_or_insert(now);
        match input {
            HubInput::Opened(id) => self.opened(id, now),
            HubInput::Text(id, text) => self.text(id, &text, now),
            HubInput::Closed(id) => self.closed(id, now),
            HubInput::Kick(cid, uid) => self.kick(cid, uid, now),
            HubInput::Dissolve(cid) => self.dissolve(cid, now),
            HubInput::Captions(cid, captions) => self.captions(cid, &captions),
            HubInput::Report(cid, uid, report) => self.report(cid, uid, report, now),
            HubInput::Flow(cid, uid, stream, is_live) => self.flow(cid, uid, stream, is_live),
            HubInput::ClockSet(ahead) => self.clock_ahead = ahead,
            HubInput::Drain => self.phase = self.phase.draining(),
            HubInput::Shutdown => self.shut_down(),
            HubInput::Timeout => {}
        }
        while let Some(timer) = self.timers.pop_due(now) {
            self.expire(timer, now);
        }
        if matches!(self.phase, Phase::Draining) && self.rooms.is_empty() {
            self.phase = Phase::Drained;
            self.outputs.push_back(HubOutput::Drained);
        }
    }

    /// The next thing to do, until `None`.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<HubOutput> {
        self.outputs.pop_front()
    }

    /// When to call `handle` with [`HubInput::Timeout`], and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, HubTimer)> {
        self.timers.next()
    }

    /// Whether a member could log in, as far as limits go. The bootstrap asks, because a refusal there
    /// is what old clients understand (docs/protocol.md 3.2).
    ///
    /// # Errors
    ///
    /// Says what stands in the way.
    pub fn admits(&self, cid: Cid, uid: Uid) -> Result<(), LoginRefusal> {
        match self.rooms.get(&cid) {
            _ if self.is_banned(cid, uid) => Err(LoginRefusal::Banned),
            None if matches!(self.phase, Phase::Draining | Phase::Drained) => Err(LoginRefusal::Stopping),
            None if self.rooms.len() >= self.config.max_rooms => Err(LoginRefusal::TooManyRooms),
            None => Ok(()),
            Some(room) if room.closing => Err(LoginRefusal::RoomClosing),
            Some(room) if room.members.contains_key(&uid) => Ok(()),
            Some(room) if room.members.len() >= self.config.max_members => Err(LoginRefusal::RoomFull),
            Some(_) => Ok(()),
        }
    }

    /// Keeps to other limits and times from now on. Who is here stays, and a deadline that is set remains.
    pub fn reconfigure(&mut self, config: HubConfig) {
        self.config = HubConfig { settling: self.config.settling, ..config };
    }

    /// The limits and times that it keeps.
    #[must_use]
    pub const fn config(&self) -> &HubConfig {
        &self.config
    }

    /// Whether a connection has logged in.
    #[must_use]
    pub fn is_member(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_some_and(|connection| matches!(connection.state, State::Member(..)))
    }

    /// How many rooms there are.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Whether rooms may still begin.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// What there is at the moment, and what has been counted.
    #[must_use]
    pub fn statistics(&self) -> HubStatistics {
        let members = || self.rooms.values().flat_map(|room| room.members.values());
        HubStatistics {
            connections: self.connections.len(),
            rooms: self.rooms.len(),
            members: members().count(),
            away: members().filter(|member| member.presence.connection().is_none()).count(),
            bans: self.bans.len(),
            logins: self.logins.clone(),
        }
    }

    /// Whether a room exists, and this member in it when one is named.
    #[must_use]
    pub fn has(&self, cid: Cid, uid: Option<Uid>) -> bool {
        let room = self.rooms.get(&cid);
        room.is_some_and(|room| uid.is_none_or(|uid| room.members.contains_key(&uid)))
    }

    /// All rooms with their members, for the operator.
    pub fn rooms(&self) -> impl Iterator<Item = RoomStatus> {
        self.rooms.iter().map(|(cid, room)| room.status(*cid, None, usize::MAX))
    }

    /// The room with this name; the application tells rooms of the same name apart.
    ///
    /// # Errors
    ///
    /// Says that there is none, or more than one.
    pub fn find(&self, channel: &str, app_key: Option<&str>) -> Result<Cid, NotOneRoom> {
        let fits = |room: &Room| room.channel == channel && app_key.is_none_or(|key| room.app_key == key);
        let mut found = self.rooms.iter().filter(|(_, room)| fits(room)).map(|(cid, _)| *cid);
        let cid = found.next().ok_or(NotOneRoom::None)?;
        if found.next().is_some() { Err(NotOneRoom::Several) } else { Ok(cid) }
    }

    fn opened(&mut self, id: ConnectionId, now: Instant) {
        if self.connections.len() >= self.config.max_connections
            && let Some(oldest) = self.timers.first_login()
        {
            // Who has not logged in keeps nobody out who might.
            self.close(oldest, CLOSE_TRY_LATER, "too many connections");
        }
        let close = match self.phase {
            Phase::ShutDown => Some((CLOSE_RESTART, "service restart")),
            Phase::Running | Phase::Draining | Phase::Drained
                if self.connections.len() >= self.config.max_connections =>
            {
                self.log(Level::Warn, format!("{id} refused: {} connections", self.connections.len()));
                Some((CLOSE_TRY_LATER, "too many connections"))
            }
            Phase::Running | Phase::Draining | Phase::Drained => None,
        };
        if let Some((code, reason)) = close {
            return self.outputs.push_back(HubOutput::Close(id, code, reason));
        }
        self.connections.insert(id, Connection { state: State::New, bad_packets: 0, silent_at: now });
        self.timers.set(HubTimer::Login(id), now + self.config.login_timeout);
    }

    fn text(&mut self, id: ConnectionId, text: &str, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let state = connection.state;
        // Its timer is not moved with every packet: it looks here when it is due.
        connection.silent_at = now + self.config.silence;
        let packet = match ClientPacket::decode(text) {
            Ok(packet) => packet,
            // Nothing better can come of it: who makes such a login waits for the answer to that.
            Err(error @ PacketError::Unusable(_, LOGIN, seq)) if state == State::New => {
                let why: String = error.to_string().chars().take(MAX_LOGGED).collect();
                self.log(Level::Debug, format!("{id} refused: {why}"));
                self.count_login("malformed");
                let ack = Ack::refused(room::BAD_PARAMETER, why);
                let notice = Notice::Refused(room::REMOVED);
                return self.refuse_login(id, Cid::default(), seq, ack, &notice, now);
            }
            Err(error @ (PacketError::UnknownCommand(_, seq) | PacketError::Unusable(_, _, seq))) => {
                // Any known number acknowledges any command (2.4): the caller fails now instead of
                // waiting for its deadline.
                let why: String = error.to_string().chars().take(MAX_LOGGED).collect();
                self.ack(id, 14, seq, &Ack::refused(room::BAD_PARAMETER, why.as_str()));
                return self.bad_packet(id, &why, now);
            }
            Err(error @ PacketError::Malformed(_)) => return self.bad_packet(id, &error.to_string(), now),
        };
        match state {
            State::New => self.authenticate(id, &packet, now),
            State::Member(cid, uid) => self.command(id, cid, uid, &packet, now),
            State::Leaving => {
                if packet.command == Command::Logout {
                    self.ack(id, packet.command.ack_number(), packet.seq, &Ack::ok());
                    self.close(id, CLOSE_NORMAL, "");
                }
            }
        }
    }

    fn closed(&mut self, id: ConnectionId, now: Instant) {
        let Some(connection) = self.forget(id) else { return };
        self.lose_connection(connection.state, now);
    }

    fn kick(&mut self, cid: Cid, uid: Uid, now: Instant) {
        let Some(member) = self.member(cid, uid) else { return };
        if let Some(connection) = member.presence.connection() {
            self.dismiss(connection, cid, &Notice::Kicked(room::REMOVED), now);
        }
        self.remove(cid, uid);
    }

    fn dissolve(&mut self, cid: Cid, now: Instant) {
        let Some(room) = self.rooms.get_mut(&cid) else { return };
        if room.closing {
            return;
        }
        room.closing = true;
        room.tell(&Notice::RoomClosed(room::ROOM_CLOSED), cid, None, &mut self.outputs);
        self.timers.set(HubTimer::Dissolve(cid), now + self.config.dissolve_notice);
    }

    /// Who reports is not checked, so only what a member of the room could report is kept.
    fn report(&mut self, cid: Cid, uid: Uid, report: QualityReport, now: Instant) {
        let Some(room) = self.rooms.get_mut(&cid) else { return };
        if report.source.is_some_and(|source| !room.members.contains_key(&source)) {
            return;
        }
        if let Some(member) = room.members.get_mut(&uid) {
            member.quality.learn(report, now.as_millis());
        }
    }

    fn shut_down(&mut self) {
        self.phase = Phase::ShutDown;
        for id in self.connections.keys() {
            self.outputs.push_back(HubOutput::Close(*id, CLOSE_RESTART, "service restart"));
        }
        (self.connections, self.rooms) = (BTreeMap::new(), BTreeMap::new());
        self.timers = Timers::default();
    }

    fn expire(&mut self, timer: HubTimer, now: Instant) {
        match timer {
            HubTimer::Login(id) => self.close(id, CLOSE_POLICY, "no login"),
            HubTimer::Silence(id) => {
                let Some(&Connection { state, silent_at, .. }) = self.connections.get(&id) else { return };
                if silent_at > now {
                    return self.timers.set(HubTimer::Silence(id), silent_at);
                }
                self.close(id, CLOSE_POLICY, "silent for too long");
                self.lose_connection(state, now);
            }
            HubTimer::Farewell(id) => self.close(id, CLOSE_NORMAL, ""),
            HubTimer::Grace(cid, uid) => {
                self.log(Level::Info, format!("room {cid}: {uid} did not come back"));
                self.remove(cid, uid);
            }
            HubTimer::Confirm(cid, uid) => {
                let Some(member) = self.member(cid, uid) else { return };
                let Presence::Online { unconfirmed, .. } = &mut member.presence else { return };
                let unpublished = std::mem::take(unconfirmed);
                for media in unpublished.iter() {
                    self.publish(cid, uid, media, false);
                }
            }
            HubTimer::Permit(cid, uid) => self.watch_permit(cid, uid, now),
            HubTimer::Ban(cid, uid) => drop(self.bans.remove(&(cid, uid))),
            HubTimer::Dissolve(cid) => {
                let Some(room) = self.rooms.remove(&cid) else { return };
                for (uid, member) in room.members {
                    if let Some(connection) = member.presence.connection() {
                        self.dismiss(connection, cid, &Notice::Refused(room::ROOM_CLOSED), now);
                    }
                    self.forget_member(cid, uid);
                }
            }
        }
    }

    /// A packet of a member. Its state says who it is; the packet's own uid matters to a mute only,
    /// because a reconnected 4.6.11 may name channel 0 (5.5).
    fn command(&mut self, id: ConnectionId, cid: Cid, uid: Uid, packet: &ClientPacket, now: Instant) {
        let Some(room) = self.rooms.get(&cid) else { return };
        let mut ack = room.answer(uid, packet);
        if packet.command == Command::Heartbeat && self.wants_return_ticket(cid, uid, now) {
            ack.resume = self.return_ticket(cid, uid, now);
        }
        let permitted = ack.is_ok();
        self.ack(id, packet.command.ack_number(), packet.seq, &ack);
        if !permitted {
            return;
        }
        match &packet.command {
            Command::Logout => {
                self.log(Level::Info, format!("room {cid}: {uid} left"));
                self.close(id, CLOSE_NORMAL, "");
                self.remove(cid, uid);
            }
            Command::PushMode(mode) => self.change_mode(cid, uid, u32::from(*mode)),
            Command::Publish(media, open) => {
                self.confirm(cid, uid, *media);
                self.publish(cid, uid, *media, *open);
            }
            Command::Mute(media, mute) => self.mute(cid, uid, *media, *mute),
            Command::Role(role) => self.change_role(cid, uid, *role),
            // Media flow from the media server, and old clients play them mixed: nothing to switch here.
            Command::Login(_)
            | Command::Heartbeat
            | Command::UploadUserList
            | Command::Subscribe(..)
            | Command::DualAudio(..)
            | Command::AudioChangeMode(_)
            | Command::Pitch(_)
            | Command::AudioEffect(_)
            | Command::Beautifier(_)
            | Command::Equalization(_) => {}
            Command::StartCaptions { source_lang, target_lang } => {
                let (source_lang, target_lang) = (source_lang.clone(), target_lang.clone());
                self.listen(cid, uid, Some(CaptionWish { source_lang, target_lang }));
            }
            Command::StopCaptions => self.listen(cid, uid, None),
            Command::Interrupt(target) => self.interrupt(cid, uid, *target),
        }
    }

    fn confirm(&mut self, cid: Cid, uid: Uid, media: Media) {
        let Some(member) = self.member(cid, uid) else { return };
        let Presence::Online { unconfirmed, .. } = &mut member.presence else { return };
        unconfirmed.set(media, false);
        if unconfirmed.is_empty() {
            self.timers.clear(HubTimer::Confirm(cid, uid));
        }
    }

    fn publish(&mut self, cid: Cid, uid: Uid, media: Media, open: bool) {
        let Some(member) = self.member(cid, uid) else { return };
        if !member.published.set(media, open) {
            return;
        }
        if !open {
            return self.tell_others(cid, uid, &Notice::Published(uid, media, false, None));
        }
        self.tell_each_other(cid, uid, |urls, expires, viewer, _| {
            let url = urls.pull(cid, uid, media.stream(), viewer, expires);
            Notice::Published(uid, media, true, Some(url))
        });
        self.learn_published(cid, uid, media);
    }

    fn mute(&mut self, cid: Cid, uid: Uid, media: Media, mute: bool) {
        let Some(room) = self.rooms.get_mut(&cid) else { return };
        let is_silenced = room.silenced(uid).contains(media);
        let Some(member) = room.members.get_mut(&uid) else { return };
        // Nobody is told anything new of what the operator has muted.
        if member.muted.set(media, mute) && !is_silenced {
            self.tell_others(cid, uid, &Notice::Mute(uid, media, mute));
        }
    }

    fn change_mode(&mut self, cid: Cid, uid: Uid, mode: u32) {
        let Some(member) = self.member(cid, uid) else { return };
        if member.mode != mode {
            member.mode = mode;
            self.tell_others(cid, uid, &Notice::Update(uid, mode));
        }
    }

    fn change_role(&mut self, cid: Cid, uid: Uid, role: Role) {
        let Some(member) = self.member(cid, uid) else { return };
        if member.role == role {
            return;
        }
        member.role = role;
        let published = member.published;
        self.admit(cid, uid);
        if role == Role::Audience {
            for media in published.iter() {
                self.confirm(cid, uid, media);
                self.publish(cid, uid, media, false);
            }
            self.end_streams(cid, uid);
        }
        self.tell_others(cid, uid, &Notice::RoleChanged(uid, role));
    }

    /// Tells the media engine what a member may do.
    fn admit(&mut self, cid: Cid, uid: Uid) {
        let Some(member) = self.member(cid, uid) else { return };
        let admitted = HubOutput::Admit(cid, uid, member.role, member.stay, member.privileges());
        self.outputs.push_back(admitted);
        self.hold_back(cid, uid);
    }

    /// Takes a member out of its room, and the room away when nobody is left.
    fn remove(&mut self, cid: Cid, uid: Uid) {
        let Some(room) = self.rooms.get_mut(&cid) else { return };
        if room.members.remove(&uid).is_none() {
            return;
        }
        for member in room.members.values_mut() {
            member.quality.pull.remove(&uid);
        }
        room.tell(&Notice::Leave(uid), cid, None, &mut self.outputs);
        if room.members.is_empty() {
            self.rooms.remove(&cid);
            self.timers.clear(HubTimer::Dissolve(cid));
        }
        self.forget_member(cid, uid);
    }

    fn forget_member(&mut self, cid: Cid, uid: Uid) {
        self.timers.clear(HubTimer::Grace(cid, uid));
        self.timers.clear(HubTimer::Confirm(cid, uid));
        self.timers.clear(HubTimer::Permit(cid, uid));
        // Before its streams end, so that it cannot start them again.
        self.outputs.push_back(HubOutput::Expel(cid, uid));
        self.end_streams(cid, uid);
    }

    fn end_streams(&mut self, cid: Cid, uid: Uid) {
        for stream in [Stream::Main, Stream::ScreenShare, Stream::SlaveAudio] {
            self.outputs.push_back(HubOutput::EndStream(stream_name(cid, uid, stream)));
        }
    }

    /// What a vanished connection leaves behind: a member in its grace period, or nothing.
    fn lose_connection(&mut self, state: State, now: Instant) {
        let State::Member(cid, uid) = state else { return };
        let Some(member) = self.member(cid, uid) else { return };
        member.presence = Presence::Lost;
        self.timers.clear(HubTimer::Confirm(cid, uid));
        self.timers.set(HubTimer::Grace(cid, uid), now + self.config.grace);
        self.log(Level::Info, format!("room {cid}: {uid} lost its connection"));
    }

    /// Says goodbye to a connection whose membership has ended, and gives it time to say so itself.
    fn dismiss(&mut self, id: ConnectionId, cid: Cid, notice: &Notice, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.state = State::Leaving;
        self.outputs.push_back(HubOutput::Send(id, ServerPacket::encode_notice(notice, cid).into()));
        self.timers.clear(HubTimer::Login(id));
        self.timers.clear(HubTimer::Silence(id));
        self.timers.set(HubTimer::Farewell(id), now + self.config.farewell);
    }

    fn bad_packet(&mut self, id: ConnectionId, why: &str, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.bad_packets += 1;
        let (count, state) = (connection.bad_packets, connection.state);
        if count == 1 {
            // The text may quote the packet, which is not ours to repeat at length.
            let why: String = why.chars().take(MAX_LOGGED).collect();
            self.log(Level::Warn, format!("{id} sent a bad packet; further ones are only counted: {why}"));
        }
        if count > self.config.max_bad_packets {
            self.log(Level::Warn, format!("{id} is closed after {count} bad packets"));
            self.close(id, CLOSE_POLICY, "too many bad packets");
            self.lose_connection(state, now);
        }
    }

    fn close(&mut self, id: ConnectionId, code: u16, reason: &'static str) {
        if self.forget(id).is_some() {
            self.outputs.push_back(HubOutput::Close(id, code, reason));
        }
    }

    fn forget(&mut self, id: ConnectionId) -> Option<Connection> {
        for timer in [HubTimer::Login(id), HubTimer::Silence(id), HubTimer::Farewell(id)] {
            self.timers.clear(timer);
        }
        self.connections.remove(&id)
    }

    fn ack(&mut self, id: ConnectionId, number: u32, seq: Seq, ack: &Ack) {
        self.outputs.push_back(HubOutput::Send(id, ServerPacket::encode_ack(number, seq, ack).into()));
    }

    fn log(&mut self, level: Level, text: String) {
        self.outputs.push_back(HubOutput::Log(level, text));
    }

    fn member(&mut self, cid: Cid, uid: Uid) -> Option<&mut Member> {
        self.rooms.get_mut(&cid)?.members.get_mut(&uid)
    }

    /// Tells everybody in the room about a member, except that member.
    fn tell_others(&mut self, cid: Cid, about: Uid, notice: &Notice) {
        if let Some(room) = self.rooms.get(&cid) {
            room.tell(notice, cid, Some(about), &mut self.outputs);
        }
    }

    /// The same where the notice differs by viewer, because URLs do.
    fn tell_each_other(
        &mut self,
        cid: Cid,
        about: Uid,
        notice: impl Fn(&MediaUrls, u64, Uid, &Member) -> Notice,
    ) {
        let Some(room) = self.rooms.get(&cid) else { return };
        let Some(subject) = room.members.get(&about) else { return };
        for (viewer, member) in room.members.iter().filter(|(viewer, _)| **viewer != about) {
            if let Some(connection) = member.presence.connection() {
                let notice = notice(&self.urls, member.stay, *viewer, subject);
                let text = ServerPacket::encode_notice(&notice, cid).into();
                self.outputs.push_back(HubOutput::Send(connection, text));
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    /// Calls go on, and none begins.
    Draining,
    /// The last one is over.
    Drained,
    ShutDown,
}

impl Phase {
    const fn draining(self) -> Self {
        match self {
            Self::Running => Self::Draining,
            Self::Draining | Self::Drained | Self::ShutDown => self,
        }
    }
}

#[derive(Debug)]
struct Connection {
    state: State,
    bad_packets: u32,
    /// When a member counts as gone, unless it says something before.
    silent_at: Instant,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not logged in.
    New,
    /// The connection of this member.
    Member(Cid, Uid),
    /// Told to go.
    Leaving,
}

/// The number of the login.
const LOGIN: u32 = 0;
/// Close codes of the WebSocket protocol.
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_POLICY: u16 = 1008;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_TRY_LATER: u16 = 1013;

/// Characters of a bad packet's error that reach its sender and the log.
const MAX_LOGGED: usize = 120;

#[cfg(test)]
mod tests;
