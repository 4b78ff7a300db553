//! The wire protocol, both ways: what a packet looks like, and nothing about when it is sent.
//!
//! Shared by the SDK and the gateway, so that neither can drift. Facts and section numbers are
//! those of `docs/protocol.md`. Reading is lenient where real peers differ (truthy flags, missing
//! lists, extra fields), writing is byte-for-byte what the original SDK sends: key order as
//! declared there, and no key whose value is falsy and not exactly 0.

pub use crate::wire::caption::Caption;
use crate::wire::entry::JoinBody;
pub use crate::wire::entry::UserEntry;
use crate::wire::json::{self, Document, Writer, object};
use crate::wire::lenient::Fields;
pub use crate::wire::login::Login;
use crate::wire::model::{Cid, Media, Role, Seq, Uid, Url};

/// A packet from a client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientPacket {
    /// Its number on this socket; 0 when the client sent none.
    pub seq: Seq,
    /// The sender.
    pub uid: Uid,
    /// The sender's channel.
    pub cid: Cid,
    /// What it asks for.
    pub command: Command,
}

/// What a client can ask for (2.4).
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// 0: enter the room on this socket.
    Login(Box<Login>),
    /// 2: still here.
    Heartbeat,
    /// 4: leave the room.
    Logout,
    /// 5: who publishes?
    UploadUserList,
    /// 7: change the push mode (`NETCALL_MODE`).
    PushMode(u8),
    /// 10: a medium of ours starts or stops.
    Publish(Media, bool),
    /// 11: mute or unmute a medium, ours or that of the member named by the packet's uid.
    Mute(Media, bool),
    /// 12: change role.
    Role(Role),
    /// 16: receive a medium of another member, or stop.
    Subscribe(Uid, Media, bool),
    /// 17: which audio of another member to receive: 0 main, 1 secondary, 2 both (4.4.1 only).
    DualAudio(Uid, u8),
    /// 40: voice effects off (0), changer or pitch (1), beautifier or equaliser (2).
    AudioChangeMode(u8),
    /// 41: pitch as decimal text.
    Pitch(String),
    /// 42: voice changer preset.
    AudioEffect(u8),
    /// 43: voice beautifier preset.
    Beautifier(u8),
    /// 44: ten gains, joined by commas.
    Equalization(String),
    /// 1000, ours (12): be sent captions from now on.
    StartCaptions {
        /// The language that is spoken; empty leaves it to the recogniser.
        source_lang: String,
        /// The language to translate into; empty means no translation.
        target_lang: String,
    },
    /// 1001, ours: be sent no more captions.
    StopCaptions,
    /// 1002, ours: cut an artificial speaker short; nobody named means the first one.
    Interrupt(Option<Uid>),
}

impl Command {
    /// The number on the wire.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.row().0
    }

    /// The number of the acknowledgement (2.4).
    #[must_use]
    pub const fn ack_number(&self) -> u32 {
        self.row().1
    }

    /// The name that errors and events use.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.row().2
    }

    /// Number, number of the acknowledgement, name.
    const fn row(&self) -> (u32, u32, &'static str) {
        match self {
            Self::Login(_) => (0, 1, "login"),
            Self::Heartbeat => (2, 3, "heartbeat"),
            Self::Logout => (4, 9, "logout"),
            Self::UploadUserList => (5, 6, "getUploadUserList"),
            Self::PushMode(_) => (7, 8, "updatePushMode"),
            Self::Publish(_, true) => (10, 14, "publish"),
            Self::Publish(_, false) => (10, 14, "unpublish"),
            Self::Mute(_, true) => (11, 14, "mute"),
            Self::Mute(_, false) => (11, 14, "unmute"),
            Self::Role(_) => (12, 14, "changeRole"),
            Self::Subscribe(_, _, true) => (16, 14, "subscribe"),
            Self::Subscribe(_, _, false) => (16, 14, "unsubscribe"),
            Self::DualAudio(..) => (17, 14, "dualAudio"),
            Self::AudioChangeMode(_) => (40, 14, "updateAudioChangeMode"),
            Self::Pitch(_) => (41, 14, "updateLocalVoicePitch"),
            Self::AudioEffect(_) => (42, 14, "updateAudioEffectPreset"),
            Self::Beautifier(_) => (43, 14, "updateVoiceBeautifierPreset"),
            Self::Equalization(_) => (44, 14, "updateLocalVoiceEqualization"),
            Self::StartCaptions { .. } => (1000, 14, "startAsrCaptions"),
            Self::StopCaptions => (1001, 14, "stopAsrCaptions"),
            Self::Interrupt(_) => (1002, 14, "aiManualInterrupt"),
        }
    }
}

impl ClientPacket {
    /// Writes the packet as one text frame.
    #[must_use]
    pub fn encode(&self) -> String {
        envelope(self.command.number(), self, Some(self.seq))
    }

    /// Reads one text frame.
    pub fn decode(text: &str) -> Result<Self, PacketError> {
        let document = read(text)?;
        let frame = Frame::of(&document)?;
        Self::read(&frame).map_err(|error| match error {
            PacketError::Malformed(why) => PacketError::Unusable(why, frame.cmd, frame.seq),
            known @ (PacketError::Unusable(..) | PacketError::UnknownCommand(..)) => known,
        })
    }

    fn read(frame: &Frame<'_>) -> Result<Self, PacketError> {
        let (seq, body) = (frame.seq, frame.body()?);
        let (member, cid) = (uid(body, "uid")?, body.cid("cid").ok_or_else(|| missing("cid"))?);
        let command = match frame.cmd {
            0 => Command::Login(Box::new(Login::read(member, cid, body))),
            2 => Command::Heartbeat,
            4 => Command::Logout,
            5 => Command::UploadUserList,
            7 => Command::PushMode(small(body, "mode")?),
            10 => Command::Publish(media(body)?, body.is("status", "open")),
            11 => Command::Mute(media(body)?, body.flag("mute")),
            12 => Command::Role(body.role("role")),
            16 => Command::Subscribe(uid(body, "srcUid")?, media(body)?, body.flag("sub")),
            17 => Command::DualAudio(uid(body, "srcUid")?, small(body, "dualAudio")?),
            40 => Command::AudioChangeMode(small(body, "mode")?),
            41 => Command::Pitch(body.text("pitch")),
            42 => Command::AudioEffect(small(body, "type")?),
            43 => Command::Beautifier(small(body, "type")?),
            44 => Command::Equalization(body.text("equa")),
            1000 => Command::StartCaptions {
                source_lang: body.text("sourceLang"),
                target_lang: body.text("targetLang"),
            },
            1001 => Command::StopCaptions,
            1002 if body.below("dstUid").0.is_null() => Command::Interrupt(None),
            1002 => Command::Interrupt(Some(uid(body, "dstUid")?)),
            unknown => return Err(PacketError::UnknownCommand(unknown, seq)),
        };
        Ok(Self { seq, uid: member, cid, command })
    }
}

impl json::Fields for ClientPacket {
    fn fields(&self, to: &mut Writer) {
        if let Command::Login(login) = &self.command {
            return login.fields(to);
        }
        to.field("uid", &self.uid);
        to.field("cid", &self.cid);
        match &self.command {
            Command::Login(_) | Command::Heartbeat | Command::UploadUserList | Command::StopCaptions => {}
            Command::Logout => {
                to.key("statistic");
                to.raw("{}");
            }
            Command::PushMode(mode) | Command::AudioChangeMode(mode) => to.field("mode", mode),
            Command::Publish(media, open) => {
                to.field("mediaType", media);
                to.field("status", status(*open));
            }
            Command::Mute(media, mute) => {
                to.field("mediaType", media);
                to.truth("mute", *mute);
            }
            Command::Role(role) => to.field("role", role),
            Command::Subscribe(source, media, wanted) => {
                to.field("srcUid", source);
                to.field("mediaType", media);
                to.truth("sub", *wanted);
            }
            Command::DualAudio(source, which) => {
                to.field("srcUid", source);
                to.field("dualAudio", which);
            }
            Command::Pitch(pitch) => to.filled("pitch", pitch),
            Command::AudioEffect(preset) | Command::Beautifier(preset) => to.field("type", preset),
            Command::Equalization(gains) => to.filled("equa", gains),
            Command::StartCaptions { source_lang, target_lang } => {
                to.filled("sourceLang", source_lang);
                to.filled("targetLang", target_lang);
            }
            Command::Interrupt(target) => to.option("dstUid", target.as_ref()),
        }
    }
}

/// A packet from the gateway.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerPacket {
    /// The answer to the command with this number (1, 3, 6, 8, 9, 14).
    Ack(Seq, Ack),
    /// Something happened; carries no number.
    Notice(Notice),
}

/// The body of an acknowledgement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ack {
    /// 200 means yes. A code that is not a JSON number counts as a refusal.
    pub code: Option<i32>,
    /// Why not.
    pub errmsg: String,
    /// The room's members, in the answer to a login.
    pub userlist: Option<Vec<UserEntry>>,
    /// A new push URL, in the answer to a role change of our own gateway.
    pub url: Option<Url>,
    /// What the stay goes on with when its ticket does not do any more, in the answer to a login of our own
    /// gateway, and now and then to a heartbeat (12).
    pub resume: String,
    /// For how many milliseconds members may still come back, in the answer to a login of our own gateway
    /// when it has just started, or did not know us any more (12).
    pub settling: Option<u32>,
}

impl Ack {
    /// The code that refuses a login because the same user came later from another device (12).
    pub const REPLACED: i32 = 405;

    /// The plain yes.
    #[must_use]
    pub fn ok() -> Self {
        Self { code: Some(200), ..Self::default() }
    }

    /// A no, with its reason.
    #[must_use]
    pub fn refused(code: i32, errmsg: impl Into<String>) -> Self {
        Self { code: Some(code), errmsg: errmsg.into(), ..Self::default() }
    }

    /// Whether the answer is yes.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == Some(200)
    }

    /// One bad member costs only itself.
    fn read(body: Fields<'_>) -> Self {
        let is_list = body.below("userlist").0.is_array();
        Self {
            code: body.code("code"),
            errmsg: body.text("errmsg"),
            userlist: is_list.then(|| body.items("userlist").filter_map(UserEntry::read).collect()),
            url: body.url("url"),
            resume: body.text("resume"),
            settling: body.number("settling"),
        }
    }
}

impl json::Fields for Ack {
    fn fields(&self, to: &mut Writer) {
        to.option("code", self.code.as_ref());
        to.filled("errmsg", &self.errmsg);
        to.option("userlist", self.userlist.as_deref());
        to.option("url", self.url.as_ref());
        to.filled("resume", &self.resume);
        to.option("settling", self.settling.as_ref());
    }
}

/// What the gateway tells without being asked (2.5). The channel is that of the socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// 15: a member muted or unmuted a medium.
    Mute(Uid, Media, bool),
    /// 20: a member came.
    Join(UserEntry),
    /// 21: a member left.
    Leave(Uid),
    /// 22: a member changed its mode.
    Update(Uid, u32),
    /// 23: the room was dissolved.
    RoomClosed(Reason),
    /// 24: we were removed.
    Kicked(Reason),
    /// 25: we were refused.
    Refused(Reason),
    /// 26: a medium of a member started or stopped, with the stream's URL where it is known.
    Published(Uid, Media, bool, Option<Url>),
    /// 27: a member changed its role.
    RoleChanged(Uid, Role),
    /// 28: a member's client cannot do what the room needs.
    AbilityNotSupported {
        /// The member.
        uid: Uid,
        /// What is wrong; 406 is the native SDKs' "channel ability mismatch".
        code: Option<i32>,
        /// The same in words.
        msg: String,
    },
    /// 30: the media of a publishing member stop or flow again.
    MediaStatus {
        /// The member.
        uid: Uid,
        /// The medium.
        media: Media,
        /// `"off"` is the only value with a known meaning.
        status: String,
        /// The stream's pull URL, where the gateway sends it.
        url: Option<Url>,
    },
    /// 31: what became of an RTMP task (9).
    TaskStatus {
        /// The member that the notice is about.
        uid: Uid,
        /// The task's host.
        hots_uid: Option<Uid>,
        /// Where the task pushes to.
        stream_url: String,
        /// The task.
        task_id: String,
        /// 505 pushing, 506 failed, 511 ended.
        code: Option<i32>,
        /// The same in words.
        msg: String,
    },
    /// 1010, ours (12): what was said.
    Captions(Vec<Caption>),
}

impl Notice {
    /// The reason for which a user's older device is removed (12).
    pub const REPLACED: Reason = Some(3);

    /// The number on the wire.
    #[must_use]
    pub const fn number(&self) -> u32 {
        match self {
            Self::Mute(..) => 15,
            Self::Join(_) => 20,
            Self::Leave(_) => 21,
            Self::Update(..) => 22,
            Self::RoomClosed(_) => 23,
            Self::Kicked(_) => 24,
            Self::Refused(_) => 25,
            Self::Published(..) => 26,
            Self::RoleChanged(..) => 27,
            Self::AbilityNotSupported { .. } => 28,
            Self::MediaStatus { .. } => 30,
            Self::TaskStatus { .. } => 31,
            Self::Captions(_) => 1010,
        }
    }
}

/// Why a room or a membership ended: 1 room closed, 2 removed by the server, 5 permission expired.
pub type Reason = Option<i32>;

impl ServerPacket {
    /// Writes the packet as one text frame. `cmd` of an acknowledgement is the command's
    /// [`Command::ack_number`]; `cid` goes into notices.
    #[must_use]
    pub fn encode_ack(cmd: u32, seq: Seq, ack: &Ack) -> String {
        envelope(cmd, ack, Some(seq))
    }

    /// Writes a notice as one text frame. It never carries a number: the original SDK would take
    /// it for the answer to a pending command (2.3).
    #[must_use]
    pub fn encode_notice(notice: &Notice, cid: Cid) -> String {
        envelope(notice.number(), &NoticeBody { notice, cid }, None)
    }

    /// Reads one text frame.
    pub fn decode(text: &str) -> Result<Self, PacketError> {
        let document = read(text)?;
        let frame = Frame::of(&document)?;
        let body = frame.body()?;
        Ok(Self::Notice(match frame.cmd {
            // Only acknowledgements settle commands: a notice whose number collides must not (11.40).
            1 | 3 | 6 | 8 | 9 | 14 => return Ok(Self::Ack(frame.seq, Ack::read(body))),
            15 => Notice::Mute(uid(body, "uid")?, media(body)?, body.flag("mute")),
            20 => Notice::Join(UserEntry::read(body).ok_or_else(|| missing("uid"))?),
            21 => Notice::Leave(uid(body, "uid")?),
            22 => Notice::Update(uid(body, "uid")?, body.number("mode").unwrap_or_default()),
            23 => Notice::RoomClosed(body.code("reason")),
            24 => Notice::Kicked(body.code("reason")),
            25 => Notice::Refused(body.code("reason")),
            26 => {
                let (member, media, open) = (uid(body, "uid")?, media(body)?, body.is("status", "open"));
                let special = if media == Media::SlaveAudio { body.url("sa_url") } else { None };
                Notice::Published(member, media, open, special.or_else(|| body.url("url")))
            }
            27 => Notice::RoleChanged(uid(body, "uid")?, body.role("role")),
            28 => Notice::AbilityNotSupported {
                uid: uid(body, "uid")?,
                code: body.code("code"),
                msg: body.text("msg"),
            },
            30 => Notice::MediaStatus {
                uid: uid(body, "uid")?,
                media: media(body)?,
                status: body.text("status"),
                url: body.url("url"),
            },
            31 => Notice::TaskStatus {
                uid: uid(body, "uid")?,
                // The first is how the protocol spells it (6).
                hots_uid: body.uid("hotsUid").or_else(|| body.uid("hostUid")),
                stream_url: body.text("streamUrl"),
                task_id: body.text("taskId"),
                code: body.code("code"),
                msg: body.text("msg"),
            },
            1010 => Notice::Captions(body.items("captions").filter_map(Caption::read).collect()),
            unknown => return Err(PacketError::UnknownCommand(unknown, frame.seq)),
        }))
    }
}

/// Why a frame could not be read. The receiver counts and drops it; the socket stays up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// No packet, or not of the shape that it needs.
    #[error("malformed packet: {0}")]
    Malformed(String),
    /// The command of this number, not of the shape that it needs; its sender waits for an answer.
    #[error("malformed command: {0}")]
    Unusable(String, u32, Seq),
    /// A command number that this side does not know.
    #[error("unknown command {0}")]
    UnknownCommand(u32, Seq),
}

fn read(text: &str) -> Result<Document<'_>, PacketError> {
    Document::read(text).map_err(|error| PacketError::Malformed(error.to_string()))
}

/// One text frame.
struct Frame<'a> {
    cmd: u32,
    /// 0 when there was none.
    seq: Seq,
    body: Fields<'a>,
}

impl<'a> Frame<'a> {
    fn of(document: &'a Document<'a>) -> Result<Self, PacketError> {
        let packet = Fields(document.root());
        let cmd = packet.number("cmd").ok_or_else(|| missing("cmd"))?;
        let seq = Seq(packet.number("seq").unwrap_or_default());
        Ok(Self { cmd, seq, body: packet.below("body") })
    }

    fn body(&self) -> Result<Fields<'a>, PacketError> {
        if self.body.0.is_null() || self.body.0.is_object() {
            Ok(self.body)
        } else {
            Err(PacketError::Malformed("the body is no object".into()))
        }
    }
}

fn uid(body: Fields<'_>, key: &str) -> Result<Uid, PacketError> {
    body.uid(key).ok_or_else(|| missing(key))
}

fn media(body: Fields<'_>) -> Result<Media, PacketError> {
    let name = body.0.get("mediaType").as_str().unwrap_or_default();
    Media::named(&name).ok_or_else(|| PacketError::Malformed(format!("unknown mediaType \"{name}\"")))
}

/// 0 when it is absent.
fn small(body: Fields<'_>, key: &str) -> Result<u8, PacketError> {
    if body.below(key).0.is_null() {
        return Ok(0);
    }
    let number = body.number(key).and_then(|number| u8::try_from(number).ok());
    number.ok_or_else(|| PacketError::Malformed(format!("{key} is out of range")))
}

fn envelope(cmd: u32, body: &impl json::Fields, seq: Option<Seq>) -> String {
    object(|to| {
        to.field("cmd", &cmd);
        to.field("body", body);
        to.option("seq", seq.map(|seq| seq.0).as_ref());
    })
}

/// A notice, and the channel that it is about.
struct NoticeBody<'a> {
    notice: &'a Notice,
    cid: Cid,
}

impl json::Fields for NoticeBody<'_> {
    fn fields(&self, to: &mut Writer) {
        let cid = self.cid;
        let mut of = |uid: &Uid| {
            to.field("uid", uid);
            to.field("cid", &cid);
        };
        match self.notice {
            Notice::Join(entry) => JoinBody { cid, entry }.fields(to),
            Notice::Leave(uid) => of(uid),
            Notice::Mute(uid, media, mute) => {
                of(uid);
                to.field("mediaType", media);
                to.field("mute", mute);
            }
            Notice::Update(uid, mode) => {
                of(uid);
                to.field("mode", mode);
            }
            Notice::RoomClosed(reason) | Notice::Kicked(reason) | Notice::Refused(reason) => {
                to.field("cid", &cid);
                to.option("reason", reason.as_ref());
            }
            Notice::Published(uid, media, open, url) => {
                of(uid);
                to.field("mediaType", media);
                to.field("status", status(*open));
                to.option("url", url.as_ref());
                to.option("sa_url", url.as_ref().filter(|_| *media == Media::SlaveAudio));
            }
            Notice::RoleChanged(uid, role) => {
                of(uid);
                to.field("role", role);
            }
            Notice::AbilityNotSupported { uid, code, msg } => {
                of(uid);
                to.option("code", code.as_ref());
                to.filled("msg", msg);
            }
            Notice::MediaStatus { uid, media, status, url } => {
                of(uid);
                to.field("mediaType", media);
                to.filled("status", status);
                to.option("url", url.as_ref());
            }
            Notice::TaskStatus { uid, hots_uid, stream_url, task_id, code, msg } => {
                of(uid);
                // Spelt like this by the protocol (6).
                to.option("hotsUid", hots_uid.as_ref());
                to.filled("streamUrl", stream_url);
                to.filled("taskId", task_id);
                to.option("code", code.as_ref());
                to.filled("msg", msg);
            }
            Notice::Captions(captions) => {
                to.field("cid", &cid);
                to.option("captions", Some(captions.as_slice()).filter(|captions| !captions.is_empty()));
            }
        }
    }
}

const fn status(is_open: bool) -> &'static str {
    if is_open { "open" } else { "close" }
}

fn missing(key: &str) -> PacketError {
    PacketError::Malformed(format!("{key} is missing"))
}

/// Bytes of the longest frame that a client reads.
pub const MAX_FRAME: usize = 4 << 20;
/// The most members that a room of our gateway can be allowed to have. In a room of this size everything
/// works: nobody is told more, and nobody asks for more, than the other limits let through.
pub const MOST_MEMBERS: usize = 1000;
/// Commands that a client sends before it waits for an answer. At 400 ms for a round trip, microphones and
/// cameras of the largest room fit into the time in which a call is settled.
pub const MAX_UNANSWERED: usize = 64;
/// Reports of components that wait at most, and so make one batch (8.4).
pub const MAX_REPORTS: usize = 200;
/// Bytes of a component's report that are passed on.
pub const LONGEST_VALUE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::model::MediaSet;

    /// The published exchange, docs/protocol.md Appendix C.
    const LOGIN: &str = r#"{"cmd":0,"body":{"uid":100,"cid":123456789012345,"token":"t","scene":1,"usertype":3,"liveEnable":0,"webrtc":1,"recordAudio":0,"recordVideo":0,"rtmpRecord":0,"recordType":"0","role":0,"isHostSpeaker":0,"edgeAddr":"192.0.2.1:80","newprotocol":2,"audioChangeMode":0,"audioLocalPitch":"1.25","audioChangeType":0,"audioBeautyType":0},"seq":1}"#;
    const COMMANDS: [&str; 7] = [
        LOGIN,
        r#"{"cmd":10,"body":{"uid":100,"cid":123456789012345,"mediaType":"audio","status":"open"},"seq":2}"#,
        r#"{"cmd":16,"body":{"uid":100,"cid":123456789012345,"srcUid":200,"mediaType":"audio","sub":true},"seq":3}"#,
        r#"{"cmd":2,"body":{"uid":100,"cid":123456789012345},"seq":4}"#,
        r#"{"cmd":16,"body":{"uid":100,"cid":123456789012345,"srcUid":200,"mediaType":"audio"},"seq":5}"#,
        r#"{"cmd":11,"body":{"uid":100,"cid":123456789012345,"mediaType":"audio"},"seq":6}"#,
        r#"{"cmd":4,"body":{"uid":100,"cid":123456789012345,"statistic":{}},"seq":8}"#,
    ];

    #[test]
    fn the_published_exchange_is_read_and_written_byte_for_byte() {
        for text in COMMANDS {
            assert_eq!(ClientPacket::decode(text).unwrap().encode(), text);
        }
    }

    #[test]
    fn every_command_survives_the_wire() {
        let uid = Uid(u64::MAX);
        for command in [
            Command::UploadUserList,
            Command::PushMode(0),
            Command::Publish(Media::Video, false),
            Command::Mute(Media::Video, true),
            Command::Role(Role::Audience),
            Command::Subscribe(Uid(9_007_199_254_740_993), Media::SlaveAudio, true),
            Command::DualAudio(Uid(7), 2),
            Command::AudioChangeMode(2),
            Command::Pitch("1.5".into()),
            Command::AudioEffect(8),
            Command::Beautifier(0),
            Command::Equalization("0,1,2,3,4,5,6,7,8,-15".into()),
            Command::StartCaptions { source_lang: "AUTO".into(), target_lang: "en".into() },
            Command::StopCaptions,
            Command::Interrupt(Some(Uid(9_007_199_254_740_993))),
            Command::Interrupt(None),
        ] {
            let packet = ClientPacket { seq: Seq(7), uid, cid: Cid(5), command };
            assert_eq!(ClientPacket::decode(&packet.encode()), Ok(packet));
        }
    }

    #[test]
    fn every_notice_survives_the_wire_without_a_number() {
        let entry = UserEntry {
            uid: Uid(u64::MAX),
            url: Some(Url("rtmp://h/live/a".into())),
            screen_url: Some(Url("rtmp://h/live/b".into())),
            slave_audio_url: Some(Url("rtmp://h/live/c".into())),
            role: Role::Audience,
            published: MediaSet::MAIN,
            stalled: Media::Video.into(),
        };
        let caption = Caption {
            timestamp: 1_700_000_000_000.0.into(),
            src_uid: Uid(u64::MAX),
            text: "hello".into(),
            is_final: true,
            trans_language: "zh".into(),
            trans_text: "\u{4f60}\u{597d}".into(),
            has_trans: true,
            ..Caption::default()
        };
        for notice in [
            Notice::Mute(Uid(2), Media::Audio, true),
            Notice::Mute(Uid(2), Media::Audio, false),
            Notice::Join(entry),
            Notice::Leave(Uid(1_234_567_890_123_456)),
            Notice::Update(Uid(2), 3),
            Notice::RoomClosed(Some(1)),
            Notice::Kicked(Some(2)),
            Notice::Refused(None),
            Notice::Published(Uid(2), Media::SlaveAudio, true, Some(Url("rtmp://h/live/c".into()))),
            Notice::Published(Uid(2), Media::Audio, false, None),
            Notice::RoleChanged(Uid(2), Role::Audience),
            Notice::AbilityNotSupported { uid: Uid(2), code: Some(406), msg: "no".into() },
            Notice::MediaStatus { uid: Uid(2), media: Media::SlaveAudio, status: "off".into(), url: None },
            Notice::TaskStatus {
                uid: Uid(2),
                hots_uid: Some(Uid(u64::MAX)),
                stream_url: "rtmp://cdn/live/x".into(),
                task_id: "t_1".into(),
                code: Some(505),
                msg: String::new(),
            },
            Notice::Captions(vec![caption, Caption::default()]),
            Notice::Captions(vec![]),
        ] {
            let text = ServerPacket::encode_notice(&notice, Cid(5));
            assert!(!text.contains("seq"), "{text}");
            assert_eq!(ServerPacket::decode(&text), Ok(ServerPacket::Notice(notice)));
        }
    }

    #[test]
    fn a_code_must_be_a_number_and_one_bad_entry_costs_only_itself() {
        let text = r#"{"cmd":1,"seq":1,"body":{"code":"200","userlist":[{"uid":"x"},{"uid":7,"video_on":1,"slaveAudio_on":true,"extra":{}}]}}"#;
        let Ok(ServerPacket::Ack(Seq(1), ack)) = ServerPacket::decode(text) else { panic!("not an ack") };
        assert!(!ack.is_ok());
        let userlist = ack.userlist.unwrap();
        assert_eq!(userlist.len(), 1);
        assert_eq!(userlist[0].published.iter().collect::<Vec<_>>(), [Media::SlaveAudio, Media::Video]);
    }

    #[test]
    fn our_own_commands_look_as_documented() {
        let frame = |command| ClientPacket { seq: Seq(3), uid: Uid(100), cid: Cid(5), command }.encode();
        let start = |source_lang: &str, target_lang: &str| Command::StartCaptions {
            source_lang: source_lang.into(),
            target_lang: target_lang.into(),
        };
        assert_eq!(
            frame(start("AUTO", "en")),
            r#"{"cmd":1000,"body":{"uid":100,"cid":5,"sourceLang":"AUTO","targetLang":"en"},"seq":3}"#
        );
        assert_eq!(frame(start("", "")), r#"{"cmd":1000,"body":{"uid":100,"cid":5},"seq":3}"#);
        assert_eq!(frame(Command::StopCaptions), r#"{"cmd":1001,"body":{"uid":100,"cid":5},"seq":3}"#);
        assert_eq!(
            frame(Command::Interrupt(Some(Uid(u64::MAX)))),
            r#"{"cmd":1002,"body":{"uid":100,"cid":5,"dstUid":18446744073709551615},"seq":3}"#
        );
        assert_eq!(frame(Command::Interrupt(None)), r#"{"cmd":1002,"body":{"uid":100,"cid":5},"seq":3}"#);
    }

    #[test]
    fn notices_of_other_gateways_are_read_leniently() {
        let notice = |text: &str| match ServerPacket::decode(text) {
            Ok(ServerPacket::Notice(notice)) => notice,
            other => panic!("{text}: {other:?}"),
        };
        let Notice::TaskStatus { hots_uid, task_id, code, .. } =
            notice(r#"{"cmd":31,"body":{"uid":1,"hostUid":7,"taskId":12,"code":"505","msg":null}}"#)
        else {
            panic!("not a task")
        };
        assert_eq!((hots_uid, task_id.as_str(), code), (Some(Uid(7)), "12", None));
        assert_eq!(
            notice(r#"{"cmd":30,"body":{"uid":"1","mediaType":"video","status":0,"url":""}}"#),
            Notice::MediaStatus { uid: Uid(1), media: Media::Video, status: "0".into(), url: None }
        );
        let Notice::Captions(captions) = notice(
            r#"{"cmd":1010,"body":{"captions":[{"srcUid":7,"text":"a","isFinal":1},{"text":"whose?"},9]}}"#,
        ) else {
            panic!("no captions")
        };
        assert_eq!(captions.len(), 1, "one bad caption costs only itself");
        assert!(captions[0].is_final && !captions[0].has_trans);
        assert_eq!(notice(r#"{"cmd":1010,"body":{"captions":{}}}"#), Notice::Captions(vec![]));
    }

    #[test]
    fn an_entry_names_what_is_published_and_does_not_flow() {
        let entry = r#"{
            "uid": 1, "audio_on": 1, "audio_status": "off", "video_status": "on", "screen_status": 0, "sa_status": "off"
        }"#;
        let entry = UserEntry::read(Fields(Document::read(entry).unwrap().root())).unwrap();
        assert_eq!(entry.stalled.iter().collect::<Vec<_>>(), [Media::Audio, Media::SlaveAudio]);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"cmd":-1}"#,
            r#"{"cmd":10,"body":7}"#,
            r#"{"cmd":26,"body":{"uid":1}}"#,
        ] {
            assert!(ServerPacket::decode(text).is_err(), "{text}");
            assert!(ClientPacket::decode(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(ServerPacket::decode(&deep).is_err());
        assert_eq!(
            ServerPacket::decode(r#"{"cmd":99,"body":{}}"#),
            Err(PacketError::UnknownCommand(99, Seq(0)))
        );
    }
}
