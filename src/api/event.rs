//! What the application is told, by name and payload (docs/protocol.md 6).

use crate::api::error::{Code, Error};
use crate::api::native::{Component, Device, Remedy, Severity};
use crate::api::picture::Patch;
use crate::api::quality::{Leg, Quality};
use crate::wire::json::{Fields, Json, Writer, serialize_as_json};
use crate::wire::model::{AppUid, Cid, Media, Role, Stream, Uid, Url};
use crate::wire::protocol::{Caption, Reason};

/// Something to tell the application. Written as the event's payload, `null` where there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A stay in a room failed for good (`disconnect` follows when a socket had been open), or
    /// something could not be restored after an outage (the stay goes on).
    Error(Error),
    /// A socket is open: the first one, and each one after an outage.
    Open {
        /// Always 200.
        code: u16,
    },
    /// A broadcaster came.
    ClientJoin(Who),
    /// A broadcaster left.
    ClientLeave(Who),
    /// A member publishes a medium that can be subscribed to.
    StreamAdded(StreamOf),
    /// A member stopped publishing a medium.
    StreamRemoved(StreamOf),
    /// The URL of a main stream changed: our own push URL or a member's pull URL.
    SyncDone(SyncDone),
    /// The connection was lost; another attempt follows.
    WillReconnect {
        /// How many attempts of this outage have failed.
        count: u32,
    },
    /// The connection is back and everything the application wants is restored.
    Reconnected,
    /// The stay in the room is over. The last event, once.
    Disconnect {
        /// `"0"` left, `"403"` reconnecting failed, `"405"` kicked, `"406"` refused, `"401"` never
        /// connected, `"417"` login refused.
        code: &'static str,
        /// The same for people.
        reason: String,
    },
    /// Removed from the room.
    Kicked(Ended),
    /// The room was dissolved.
    LiveRoomClose(Ended),
    /// A `join` has found its gateway.
    SessionStart,
    /// A member changed its mode.
    ClientUpdate(ClientUpdate),
    /// A member muted its microphone or camera.
    Mute(StreamOf),
    /// A member unmuted its microphone or camera.
    Unmute(StreamOf),
    /// A member changed its role.
    RoleChanged(RoleChanged),
    /// The media of a published stream flow, or stopped flowing.
    MediaStatus(MediaStatus),
    /// The gateway cannot do something for a member.
    AbilityNotSupport(AbilityNotSupport),
    /// An RTMP task started, failed or ended.
    RtmpTasksStatus(Box<RtmpTasksStatus>),
    /// A piece of a caption.
    AsrCaptions(AsrCaptions),
    /// Ours: what the page has to change (`setData` takes it as it is).
    View(Patch),
    /// A media component of the page is in trouble, or says what nobody knows.
    NativeStatus(Box<NativeStatus>),
    /// How well media travel has changed.
    NetworkQuality(NetworkQuality),
    /// The gateway did not acknowledge a command.
    SendCommandOverTime {
        /// The command's name.
        cmd: &'static str,
        /// Its number on the socket.
        seq: u32,
    },
}

impl Event {
    /// Every event name there is.
    pub const NAMES: [&'static str; 27] = [
        "error",
        "open",
        "clientJoin",
        "clientLeave",
        "stream-added",
        "stream-removed",
        "syncDone",
        "willreconnect",
        "reconnected",
        "disconnect",
        "kicked",
        "liveRoomClose",
        "sendCommandOverTime",
        "sessionStart",
        "clientUpdate",
        "mute-audio",
        "unmute-audio",
        "mute-video",
        "unmute-video",
        "role-Changed",
        "media-status",
        "ability-not-support",
        "rtmp-tasks-status",
        "asr-captions",
        "view",
        "native-status",
        "network-quality",
    ];

    /// The name under which listeners are registered.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Open { .. } => "open",
            Self::ClientJoin(_) => "clientJoin",
            Self::ClientLeave(_) => "clientLeave",
            Self::StreamAdded(_) => "stream-added",
            Self::StreamRemoved(_) => "stream-removed",
            Self::SyncDone(_) => "syncDone",
            Self::WillReconnect { .. } => "willreconnect",
            Self::Reconnected => "reconnected",
            Self::Disconnect { .. } => "disconnect",
            Self::Kicked(_) => "kicked",
            Self::LiveRoomClose(_) => "liveRoomClose",
            Self::SendCommandOverTime { .. } => "sendCommandOverTime",
            Self::SessionStart => "sessionStart",
            Self::ClientUpdate(_) => "clientUpdate",
            Self::Mute(stream) => match stream.media_type {
                Media::Audio | Media::SlaveAudio => "mute-audio",
                Media::Video | Media::ScreenShare => "mute-video",
            },
            Self::Unmute(stream) => match stream.media_type {
                Media::Audio | Media::SlaveAudio => "unmute-audio",
                Media::Video | Media::ScreenShare => "unmute-video",
            },
            Self::RoleChanged(_) => "role-Changed",
            Self::MediaStatus(_) => "media-status",
            Self::AbilityNotSupport(_) => "ability-not-support",
            Self::RtmpTasksStatus(_) => "rtmp-tasks-status",
            Self::AsrCaptions(_) => "asr-captions",
            Self::View(_) => "view",
            Self::NativeStatus(_) => "native-status",
            Self::NetworkQuality(_) => "network-quality",
        }
    }

    /// Whether the application is told even when it has left, or entered another room.
    #[must_use]
    pub const fn outlasts_its_stay(&self) -> bool {
        matches!(self, Self::Disconnect { .. } | Self::View(_))
    }

    /// The end of a stay, for the reason that `error` names.
    pub(crate) fn disconnect(error: &Error) -> Self {
        let code = match error.code() {
            Code::Text(code) => code,
            // Applications compare the codes of `disconnect` as text; a server's own number, or that
            // of a wrong call, is none of them.
            Code::Number(_) if matches!(error, Error::LoginRefused { .. }) => "417",
            Code::Number(_) => "401",
        };
        Self::Disconnect { code, reason: error.reason() }
    }
}

/// A member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// A number up to 15 digits, else a decimal string.
    pub uid: Uid,
    /// Whether `uid` is a string.
    pub is_big_number: bool,
}

impl From<Uid> for Who {
    fn from(uid: Uid) -> Self {
        Self { uid, is_big_number: uid.is_big() }
    }
}

/// A medium of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOf {
    /// The member.
    pub who: Who,
    /// The medium.
    pub media_type: Media,
}

impl StreamOf {
    pub(crate) fn new(uid: Uid, media_type: Media) -> Self {
        Self { who: uid.into(), media_type }
    }
}

/// A changed URL, in the shapes that the document, the API reference and the vendor's demo expect (6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncDone {
    entry: SyncEntry,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SyncEntry {
    who: Who,
    url: Url,
}

impl SyncDone {
    pub(crate) fn new(uid: Uid, url: Url) -> Self {
        Self { entry: SyncEntry { who: uid.into(), url } }
    }

    /// Whose URL changed.
    #[must_use]
    pub const fn uid(&self) -> Uid {
        self.entry.who.uid
    }

    /// The new URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.entry.url
    }
}

/// A member's new mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientUpdate {
    who: Who,
    cid: Cid,
    /// `NETCALL_MODE`.
    mode: u32,
}

impl ClientUpdate {
    pub(crate) fn new(uid: Uid, cid: Cid, mode: u32) -> Self {
        Self { who: uid.into(), cid, mode }
    }
}

/// A member's new role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChanged {
    who: Who,
    role: Role,
}

impl RoleChanged {
    pub(crate) fn new(uid: Uid, role: Role) -> Self {
        Self { who: uid.into(), role }
    }
}

/// Whether the media of a stream flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaStatus {
    stream: StreamOf,
    /// `off` when nothing flows though it is published.
    status: String,
    url: Option<Url>,
}

impl MediaStatus {
    pub(crate) fn new(uid: Uid, media_type: Media, status: String, url: Option<Url>) -> Self {
        Self { stream: StreamOf::new(uid, media_type), status, url }
    }
}

/// What the gateway cannot do for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbilityNotSupport {
    who: Who,
    code: Option<i32>,
    msg: String,
}

impl AbilityNotSupport {
    pub(crate) fn new(uid: Uid, code: Option<i32>, msg: String) -> Self {
        Self { who: uid.into(), code, msg }
    }
}

/// How an RTMP task is doing: 505 pushing, 506 failed, 511 ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtmpTasksStatus {
    who: Who,
    host_uid: Option<Uid>,
    stream_url: String,
    task_id: String,
    code: Option<i32>,
    msg: String,
}

impl RtmpTasksStatus {
    pub(crate) fn new(
        uid: Uid,
        host_uid: Option<Uid>,
        stream_url: String,
        task_id: String,
        code: Option<i32>,
        msg: String,
    ) -> Self {
        Self { who: uid.into(), host_uid, stream_url, task_id, code, msg }
    }
}

/// A piece of a caption.
#[derive(Debug, Clone, PartialEq)]
pub struct AsrCaptions(Box<Caption>);

impl From<Caption> for AsrCaptions {
    fn from(caption: Caption) -> Self {
        Self(Box::new(caption))
    }
}

/// What a media component told, if it is an error or not documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeStatus {
    who: Who,
    component: &'static str,
    /// Absent for what no component reports.
    code: Option<i32>,
    /// What it is in one word, where no code says it.
    name: Option<&'static str>,
    /// Absent for a code that is not documented.
    severity: Option<&'static str>,
    advice: &'static str,
    /// What of the phone cannot be used, if that is the trouble.
    device: Option<&'static str>,
    /// What alone is missing, if the rest came.
    media_type: Option<Media>,
}

impl NativeStatus {
    /// A player of this member connected twice and showed nothing.
    #[must_use]
    pub fn no_first_frame(uid: Uid) -> Self {
        let (component, severity) = (Component::Player.name(), Some(Severity::Error.name()));
        let (name, advice) = (Some("no-first-frame"), Remedy::Resubscribe.name());
        let who = uid.into();
        Self { who, component, code: None, name, severity, advice, device: None, media_type: None }
    }

    /// A player of this member connected twice and showed everything but this.
    #[must_use]
    pub fn never_came(uid: Uid, media: Media) -> Self {
        Self { media_type: Some(media), ..Self::no_first_frame(uid) }
    }

    /// What to tell of a code, if anything. `uid` is whose media the component carries.
    #[must_use]
    pub fn new(component: Component, code: i32, uid: Uid) -> Option<Self> {
        let meaning = component.meaning(code);
        if meaning.is_some_and(|meaning| meaning.severity < Severity::Error) {
            return None;
        }
        Some(Self {
            who: uid.into(),
            component: component.name(),
            code: Some(code),
            name: None,
            severity: meaning.map(|meaning| meaning.severity.name()),
            advice: meaning.map_or(Remedy::None, |meaning| meaning.advice).name(),
            device: meaning.and_then(|meaning| meaning.device).map(Device::name),
            media_type: None,
        })
    }
}

/// How well media travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkQuality {
    who: Who,
    direction: &'static str,
    /// Which of the member's streams, as its player is called.
    kind: &'static str,
    level: u8,
    score: u8,
    reason: &'static str,
}

impl NetworkQuality {
    /// `own` is who we are.
    #[must_use]
    pub fn new(leg: Leg, quality: Quality, own: Uid) -> Self {
        let (direction, uid, stream) = match leg {
            Leg::Up => ("up", own, Stream::Main),
            Leg::Down(uid, stream) => ("down", uid, stream),
        };
        let kind = stream.name();
        let Quality { level, score, reason } = quality;
        Self { who: uid.into(), direction, kind, level, score, reason: reason.name() }
    }
}

/// Why the server ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    body: EndedBody,
    cmd: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EndedBody {
    cid: Cid,
    reason: Reason,
}

impl Ended {
    pub(crate) const fn new(cmd: &'static str, cid: Cid, reason: Reason) -> Self {
        Self { cmd, body: EndedBody { cid, reason } }
    }
}

/// Payloads, as the application has them.
impl Json for Event {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Error(error) => error.write(to),
            Self::Open { code } => to.object(|to| to.field("code", code)),
            Self::ClientJoin(who) | Self::ClientLeave(who) => who.write(to),
            Self::StreamAdded(stream)
            | Self::StreamRemoved(stream)
            | Self::Mute(stream)
            | Self::Unmute(stream) => stream.write(to),
            Self::SyncDone(done) => done.write(to),
            Self::WillReconnect { count } => to.object(|to| to.field("count", count)),
            Self::Reconnected | Self::SessionStart => to.raw("null"),
            Self::Disconnect { code, reason } => to.object(|to| {
                to.field("code", *code);
                to.field("reason", reason);
            }),
            Self::Kicked(ended) | Self::LiveRoomClose(ended) => ended.write(to),
            Self::ClientUpdate(update) => update.write(to),
            Self::RoleChanged(changed) => changed.write(to),
            Self::MediaStatus(status) => status.write(to),
            Self::AbilityNotSupport(ability) => ability.write(to),
            Self::RtmpTasksStatus(status) => status.write(to),
            Self::AsrCaptions(caption) => caption.write(to),
            Self::View(patch) => patch.write(to),
            Self::NativeStatus(status) => status.write(to),
            Self::NetworkQuality(quality) => quality.write(to),
            Self::SendCommandOverTime { cmd, seq } => to.object(|to| {
                to.field("cmd", *cmd);
                to.field("seq", seq);
            }),
        }
    }
}

impl Fields for Who {
    fn fields(&self, to: &mut Writer) {
        to.field("uid", &AppUid::from(self.uid));
        to.field("isBigNumber", &self.is_big_number);
    }
}

impl Fields for StreamOf {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.field("mediaType", &self.media_type);
    }
}

impl Fields for SyncDone {
    fn fields(&self, to: &mut Writer) {
        self.entry.fields(to);
        let entries = std::slice::from_ref(&self.entry);
        to.field("userList", entries);
        to.field("userlist", entries);
    }
}

impl Fields for SyncEntry {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.field("url", &self.url);
    }
}

impl Fields for ClientUpdate {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.field("cid", &AppUid::from(self.cid));
        to.field("mode", &self.mode);
    }
}

impl Fields for RoleChanged {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.field("role", self.role.name());
        // The number that the original delivers as `role`.
        to.field("roleCode", &self.role);
    }
}

impl Fields for MediaStatus {
    fn fields(&self, to: &mut Writer) {
        self.stream.fields(to);
        to.field("status", &self.status);
        to.option("url", self.url.as_ref());
    }
}

impl Fields for AbilityNotSupport {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.option("code", self.code.as_ref());
        // The second is the name of the wire.
        to.field("errMsg", &self.msg);
        to.field("msg", &self.msg);
    }
}

impl Fields for RtmpTasksStatus {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        // The misspelling is the original's; the same under both names.
        let host = self.host_uid.map(AppUid::from);
        to.option("hotsUid", host.as_ref());
        to.option("hostUid", host.as_ref());
        to.field("streamUrl", &self.stream_url);
        to.field("taskId", &self.task_id);
        to.option("code", self.code.as_ref());
        to.field("msg", &self.msg);
    }
}

impl Fields for AsrCaptions {
    fn fields(&self, to: &mut Writer) {
        let Caption { timestamp, src_uid, language, text, is_final, has_trans, trans_language, trans_text } =
            &*self.0;
        to.field("timestamp", timestamp);
        to.field("srcUid", &AppUid::from(*src_uid));
        to.field("isBigNumber", &src_uid.is_big());
        to.field("language", language);
        to.field("text", text);
        to.field("isFinal", is_final);
        to.field("hasTrans", has_trans);
        to.field("transLanguage", trans_language);
        to.field("transText", trans_text);
    }
}

impl Fields for NativeStatus {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.field("component", self.component);
        to.option("code", self.code.as_ref());
        to.option("name", self.name);
        to.option("severity", self.severity);
        to.field("advice", self.advice);
        to.option("device", self.device);
        to.option("mediaType", self.media_type.as_ref());
    }
}

impl Fields for NetworkQuality {
    fn fields(&self, to: &mut Writer) {
        self.who.fields(to);
        to.field("direction", self.direction);
        to.field("kind", self.kind);
        to.field("level", &self.level);
        to.field("score", &self.score);
        to.field("reason", self.reason);
    }
}

impl Fields for Ended {
    fn fields(&self, to: &mut Writer) {
        self.body.fields(to);
        // What the original delivers.
        to.field("cmd", self.cmd);
        to.field("body", &self.body);
    }
}

impl Fields for EndedBody {
    fn fields(&self, to: &mut Writer) {
        to.field("cid", &AppUid::from(self.cid));
        to.option("reason", self.reason.as_ref());
    }
}

serialize_as_json!(Event, NativeStatus, NetworkQuality);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::quality;

    #[test]
    fn a_component_is_heard_of_when_it_is_in_trouble_or_not_understood() {
        let status = |component, code| NativeStatus::new(component, code, Uid(100)).map(|told| json!(told));
        for quiet in [0, 1002, 1102, 5000] {
            assert_eq!(status(Component::Pusher, quiet), None);
        }
        assert_eq!(
            status(Component::Pusher, -1307),
            Some(json!({
                "uid": 100, "isBigNumber": false, "component": "pusher", "code": -1307,
                "severity": "fatal", "advice": "restart-pusher",
            }))
        );
        assert_eq!(
            status(Component::Player, 1102),
            Some(json!({
                "uid": 100, "isBigNumber": false, "component": "player", "code": 1102, "advice": "none",
            }))
        );
    }

    #[test]
    fn a_quality_says_whose_media_travel_where() {
        let told = |leg| {
            let quality = Quality { level: 4, score: 54, reason: quality::Reason::Fps };
            json!(NetworkQuality::new(leg, quality, Uid(100)))
        };
        assert_eq!(
            told(Leg::Up),
            json!({
                "uid": 100, "isBigNumber": false, "direction": "up", "kind": "main",
                "level": 4, "score": 54, "reason": "fps",
            })
        );
        let down = told(Leg::Down(Uid(u64::MAX), Stream::ScreenShare));
        assert_eq!(down["uid"], "18446744073709551615");
        assert_eq!((&down["direction"], &down["kind"]), (&json!("down"), &json!("screenShare")));
    }
}
