//! A hub, its connections, and what they were told.

use super::*;

pub(super) const CID: Cid = Cid(123_456_789_012_345);
pub(super) const ALICE: Uid = Uid(100);
pub(super) const BOB: Uid = Uid(18_446_744_073_709_551_615);
pub(super) const CAROL: Uid = Uid(300);

/// A hub, and everything that came out of it.
pub(super) struct Bench {
    pub(super) hub: Hub,
    pub(super) now: Instant,
    pub(super) connections: u64,
    pub(super) seq: u32,
    pub(super) uids: BTreeMap<ConnectionId, Uid>,
    pub(super) texts: BTreeMap<ConnectionId, Vec<String>>,
    pub(super) closes: BTreeMap<ConnectionId, u16>,
    pub(super) roster: BTreeMap<(Cid, Uid), (Role, u64)>,
    pub(super) carried: BTreeMap<Uid, Privileges>,
    pub(super) ended: Vec<String>,
    pub(super) interrupts: Vec<(Cid, Uid, Option<Uid>)>,
    pub(super) logs: Vec<String>,
    pub(super) transcript: Vec<HubOutput>,
    pub(super) ticket_cid: Cid,
    pub(super) ticket_expires: u64,
    pub(super) ticket_permit: Option<Permit>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(HubConfig::default())
    }

    pub(super) fn with(config: HubConfig) -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        Self {
            hub: Hub::new(
                config,
                secret(),
                MediaUrls::below("rtmp://media/live", Grants::new(secret()).into()),
            ),
            now,
            connections: 0,
            seq: 0,
            uids: BTreeMap::new(),
            texts: BTreeMap::new(),
            closes: BTreeMap::new(),
            roster: BTreeMap::new(),
            carried: BTreeMap::new(),
            ended: Vec::new(),
            interrupts: Vec::new(),
            logs: Vec::new(),
            transcript: Vec::new(),
            ticket_cid: CID,
            ticket_expires: now.as_millis() + 86_400_000,
            ticket_permit: None,
        }
    }

    pub(super) fn input(&mut self, input: HubInput) {
        self.hub.handle(input, self.now);
        while let Some(output) = self.hub.poll_output() {
            self.transcript.push(output.clone());
            match output {
                HubOutput::Send(id, text) => {
                    assert!(!self.closes.contains_key(&id), "a frame for a closed connection: {text}");
                    self.texts.entry(id).or_default().push(text.as_ref().into());
                }
                HubOutput::Close(id, code, _) => {
                    assert_eq!(self.closes.insert(id, code), None, "closed twice");
                }
                HubOutput::Admit(cid, uid, role, stay, _) => {
                    self.roster.insert((cid, uid), (role, stay));
                }
                HubOutput::Carry(cid, uid, only) => {
                    assert!(self.roster.contains_key(&(cid, uid)), "{uid} is not there");
                    self.carried.insert(uid, only);
                }
                HubOutput::Expel(cid, uid) => drop(self.roster.remove(&(cid, uid))),
                HubOutput::EndStream(name) => self.ended.push(name),
                HubOutput::Interrupt { cid, from, target } => self.interrupts.push((cid, from, target)),
                HubOutput::Drained => {}
                HubOutput::Log(_, line) => self.logs.push(line),
            }
        }
        assert!(self.hub.poll_timeout().is_none_or(|(at, _)| at > self.now), "a deadline in the past");
    }

    pub(super) fn open(&mut self) -> ConnectionId {
        self.connections += 1;
        let id = ConnectionId(self.connections);
        self.input(HubInput::Opened(id));
        id
    }

    pub(super) fn join(&mut self, uid: Uid) -> ConnectionId {
        let id = self.open();
        self.login(id, |_| {}, uid);
        id
    }

    pub(super) fn login(&mut self, id: ConnectionId, mutate: impl Fn(&mut Login), uid: Uid) {
        let cid = self.ticket_cid;
        let text = format!(
            r#"{{"cmd":0,"body":{{"uid":{uid},"cid":{cid},"token":"{}","audioChangeMode":0,"audioLocalPitch":"1.25"}}}}"#,
            self.ticket(uid)
        );
        let Command::Login(mut login) = ClientPacket::decode(&text).unwrap().command else { unreachable!() };
        mutate(&mut login);
        self.uids.insert(id, login.uid);
        self.seq += 1;
        let packet = ClientPacket {
            seq: Seq(self.seq),
            uid: login.uid,
            cid: login.cid,
            command: Command::Login(login),
        };
        self.text(id, &packet.encode());
    }

    /// So many members with everything on, and everything muted.
    pub(super) fn crowd(&mut self, members: usize) {
        let (cid, session) = (self.ticket_cid, self.ticket_expires);
        let ticket = LoginTicket {
            cid: cid.0,
            uid: 0,
            channel: "room".into(),
            app_key: "app".into(),
            expires_ms: 0,
            good_until: None,
            began: None,
            permit: None,
        };
        let mut room = Room::new(ticket, self.now);
        for index in 0..members {
            let (uid, id) = (Uid(u64::MAX - index as u64), self.open());
            self.login(id, |_| {}, uid);
            let Some(mut member) = self.hub.rooms.remove(&cid).and_then(|mut one| one.members.remove(&uid))
            else {
                unreachable!()
            };
            member.stay = session;
            for media in Media::ALL {
                member.published.set(media, true);
                member.muted.set(media, true);
            }
            room.members.insert(uid, member);
        }
        self.hub.rooms.insert(cid, room);
    }

    pub(super) fn ticket(&self, uid: Uid) -> String {
        let ticket = LoginTicket {
            cid: self.ticket_cid.0,
            uid: uid.0,
            channel: "room".into(),
            app_key: "app".into(),
            expires_ms: self.ticket_expires,
            good_until: None,
            began: None,
            permit: self.ticket_permit,
        };
        ticket.sign(&secret())
    }

    pub(super) fn text(&mut self, id: ConnectionId, text: &str) {
        self.input(HubInput::Text(id, text.into()));
    }

    /// Sends a command; the number and code of its acknowledgement, if there is one.
    pub(super) fn send(&mut self, id: ConnectionId, command: Command) -> Option<(u32, i32)> {
        self.seq += 1;
        let packet = ClientPacket { seq: Seq(self.seq), uid: self.uids[&id], cid: CID, command };
        self.text(id, &packet.encode());
        let ack = format!(r#""seq":{}}}"#, self.seq);
        let heard = &self.texts[&id];
        heard.iter().rev().find(|text| text.ends_with(&ack)).and_then(|text| parse_ack(text))
    }

    /// Sends a command on whatever connection, answered or not.
    pub(super) fn command(&mut self, id: ConnectionId, command: Command) {
        self.seq += 1;
        let uid = self.uids.get(&id).copied().unwrap_or_default();
        self.text(id, &ClientPacket { seq: Seq(self.seq), uid, cid: CID, command }.encode());
    }

    /// Every member that is online has a connection that knows it, and the other way round. Who is a
    /// member has been told to the media engine.
    pub(super) fn check(&self) {
        let hub = &self.hub;
        let rooms = hub.rooms.iter();
        let members = rooms.flat_map(|(cid, room)| {
            room.members.iter().map(|(uid, one)| ((*cid, *uid), (one.role, one.stay)))
        });
        assert_eq!(self.roster, members.collect());
        let mut online = 0;
        for (cid, room) in &hub.rooms {
            assert!(!room.members.is_empty() && room.members.len() <= hub.config.max_members);
            for (uid, member) in &room.members {
                let waits = hub.timers.is_set(HubTimer::Grace(*cid, *uid));
                match member.presence {
                    Presence::Online { connection, unconfirmed, .. } => {
                        online += 1;
                        assert_eq!(hub.connections[&connection].state, State::Member(*cid, *uid));
                        assert_eq!(unconfirmed.is_empty(), !hub.timers.is_set(HubTimer::Confirm(*cid, *uid)));
                        assert!(unconfirmed.iter().all(|media| member.published.contains(media)) && !waits);
                    }
                    Presence::Lost => assert!(waits),
                }
                assert!(member.role == Role::Broadcaster || member.published.is_empty());
            }
        }
        let places =
            hub.connections.values().filter(|connection| matches!(connection.state, State::Member(..)));
        assert_eq!(places.count(), online);
        assert!(hub.connections.len() <= hub.config.max_connections);
    }

    pub(super) fn publish(&mut self, id: ConnectionId, media: Media, open: bool) {
        assert_eq!(self.send(id, Command::Publish(media, open)), Some((14, 200)));
    }

    pub(super) fn lose(&mut self, id: ConnectionId) {
        self.input(HubInput::Closed(id));
    }

    pub(super) fn kick(&mut self, uid: Uid) {
        self.input(HubInput::Kick(CID, uid));
    }

    pub(super) fn ban(&mut self, uid: Uid, how_long: Option<Duration>) -> Result<(), TooManyBans> {
        let banned = self.hub.ban(CID, uid, how_long, self.now);
        self.input(HubInput::Timeout);
        banned
    }

    pub(super) fn pass(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while let Some((at, _)) = self.hub.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = at;
            self.input(HubInput::Timeout);
        }
        self.now = end;
        self.input(HubInput::Timeout);
    }

    pub(super) fn keep_alive(&mut self, one: ConnectionId, other: ConnectionId, secs: u64) {
        for _ in 0..secs {
            for id in [one, other] {
                self.text(id, &heartbeat(self.uids[&id]));
            }
            self.pass(1);
        }
    }

    /// Takes what a connection was sent.
    pub(super) fn texts(&mut self, id: ConnectionId) -> Vec<String> {
        self.texts.remove(&id).unwrap_or_default()
    }

    /// Takes what a connection was sent, and gives the notices in it.
    pub(super) fn notices(&mut self, id: ConnectionId) -> Vec<Notice> {
        let texts = self.texts(id);
        let packets = texts.iter().map(|text| ServerPacket::decode(text).unwrap());
        packets
            .filter_map(|packet| match packet {
                ServerPacket::Ack(..) => None,
                ServerPacket::Notice(notice) => Some(notice),
            })
            .collect()
    }

    pub(super) fn userlist(&self, id: ConnectionId) -> Vec<UserEntry> {
        let acks =
            self.texts[&id].iter().rev().filter_map(|text| match ServerPacket::decode(text).unwrap() {
                ServerPacket::Ack(_, ack) => ack.userlist,
                ServerPacket::Notice(_) => None,
            });
        acks.take(1).next().expect("no userlist")
    }

    /// What the answer to the login called the stay.
    pub(super) fn stay(&self, id: ConnectionId) -> String {
        let Ok(ServerPacket::Ack(_, ack)) = ServerPacket::decode(&self.texts[&id][0]) else { panic!() };
        ack.resume
    }

    pub(super) fn last_ack(&self, id: ConnectionId) -> Option<(u32, i32)> {
        self.texts.get(&id)?.iter().rev().find_map(|text| parse_ack(text))
    }

    pub(super) fn close_code(&self, id: ConnectionId) -> Option<u16> {
        self.closes.get(&id).copied()
    }

    pub(super) fn ended(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ended)
    }
}

pub(super) const TASK: &str = r#"{"taskId":"t","streamUrl":"rtmp://cdn.example/live/key"}"#;

pub(super) fn secret() -> Secret {
    Secret::from_text("a secret for tests").unwrap()
}

pub(super) fn heartbeat(uid: Uid) -> String {
    ClientPacket { seq: Seq(0), uid, cid: CID, command: Command::Heartbeat }.encode()
}

pub(super) fn logout(uid: Uid) -> String {
    ClientPacket { seq: Seq(4), uid, cid: CID, command: Command::Logout }.encode()
}

pub(super) fn as_4_4_1(login: &mut Login) {
    (login.dual_audio, login.audio_change_mode) = (Some(0), None);
    login.audio_local_pitch.clear();
}

pub(super) fn captions(source: &str, target: &str) -> Command {
    Command::StartCaptions { source_lang: source.into(), target_lang: target.into() }
}

pub(super) fn caption(text: &str) -> Caption {
    Caption { timestamp: 1.0.into(), src_uid: BOB, text: text.into(), ..Caption::default() }
}

pub(super) fn parse_ack(text: &str) -> Option<(u32, i32)> {
    let ServerPacket::Ack(_, ack) = ServerPacket::decode(text).unwrap() else { return None };
    Some((text[7..].split(',').next()?.parse().ok()?, ack.code?))
}

pub(super) fn published(notice: Notice) -> Option<(Uid, Media, bool)> {
    if let Notice::Published(uid, media, open, _) = notice { Some((uid, media, open)) } else { None }
}

pub(super) fn path(url: Option<&Url>) -> String {
    let (path, grant) = url.unwrap().as_str().split_once("?grant=").unwrap();
    assert_eq!(grant.len(), 40);
    path.into()
}

pub(super) fn streams(uid: Uid) -> Vec<String> {
    [Stream::Main, Stream::ScreenShare, Stream::SlaveAudio].map(|stream| stream_name(CID, uid, stream)).into()
}
