//! What the application asks for and what it gets: calls, their arguments as plain JSON values,
//! and replies. All checking of arguments happens here; the session trusts what it is given.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::bootstrap::DEFAULT_CHANNEL_SERVER;
use crate::error::Error;
use crate::info::UserInfo;
use crate::model::{AppUid, Cid, Media, MediaSet, Role, Uid, Url, event_uid};
use crate::report::Report;
use crate::tasks::TaskOrder;
use crate::voice::VoiceChange;

/// A call of the application.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Enter a room.
    Join(Box<JoinParams>),
    /// Leave it; harmless outside.
    Leave,
    /// Leave it, if the stay under way has this name.
    LeaveStay(String),
    /// Publish microphone, camera or both.
    Publish(MediaSet),
    /// Stop publishing them.
    Unpublish(MediaSet),
    /// Receive a medium of a member.
    Subscribe(AppUid, Media),
    /// Stop receiving it.
    Unsubscribe(AppUid, Media),
    /// Tell everybody that media of ours are muted, or no longer.
    Mute(MediaSet, bool),
    /// Ask the gateway to mute media of another member, or no longer.
    MuteOther(Uid, MediaSet, bool),
    /// Change role; also outside of a room.
    SetRole(Role),
    /// Change the voice; also outside of a room. The name is the method's.
    SetVoice(&'static str, VoiceChange),
    /// Change the push mode (`NETCALL_MODE`).
    SwitchMode(u8),
    /// Who publishes?
    UploadUserList,
    /// Recognise what is said, and translate it. Languages as the servers name them.
    StartCaptions(String, String),
    /// No longer.
    StopCaptions,
    /// Stop an agent that speaks; without a uid, the first member that publishes.
    Interrupt(Option<Uid>),
    /// Add, update or delete RTMP tasks.
    Tasks(TaskOrder),
    /// Report what a component told.
    Report(Report),
}

impl Call {
    /// Reads a call from its name and plain arguments.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] says which argument is wrong and what it must be.
    pub fn parse(name: &str, arguments: &[Value]) -> Result<Self, Error> {
        let argument = |index: usize| arguments.get(index).unwrap_or(&Value::Null);
        let (first, second) = (argument(0), argument(1));
        let voice =
            |name, change: Result<VoiceChange, Error>| change.map(|change| Self::SetVoice(name, change));
        match name {
            "join" => JoinParams::parse(first).map(Box::new).map(Self::Join),
            // The original takes no argument and real applications give one.
            "leave" => Ok(match first.get("stay").and_then(Value::as_str) {
                Some(name) => Self::LeaveStay(name.into()),
                None => Self::Leave,
            }),
            "publish" => main_media(first).map(Self::Publish),
            "unpublish" => main_media(first).map(Self::Unpublish),
            "subscribe" => Ok(Self::Subscribe(app_uid(first)?, any_media(second)?)),
            "unsubscribe" => Ok(Self::Unsubscribe(app_uid(first)?, any_media(second)?)),
            "mute" => Self::muting(first, second, true),
            "unmute" => Self::muting(first, second, false),
            "setRole" => role(first).map(Self::SetRole),
            "setAudioEffectPreset" => voice("setAudioEffectPreset", VoiceChange::effect(first.as_f64())),
            "setVoiceBeautifierPreset" => {
                voice("setVoiceBeautifierPreset", VoiceChange::beautifier(first.as_f64()))
            }
            "setLocalVoicePitch" => voice("setLocalVoicePitch", VoiceChange::pitch(first.as_f64())),
            "setLocalVoiceEqualization" => {
                let change = VoiceChange::equalizer(first.as_f64(), second.as_f64());
                voice("setLocalVoiceEqualization", change)
            }
            "switchMode" => match first.as_u64() {
                Some(mode @ 0..=3) => Ok(Self::SwitchMode(mode as u8)),
                Some(_) | None => invalid("the mode must be 0, 1, 2 or 3"),
            },
            "getUploadUserList" => Ok(Self::UploadUserList),
            "startAsrCaptions" => Ok(Self::StartCaptions(language(first, "AUTO")?, language(second, "")?)),
            "stopAsrCaptions" => Ok(Self::StopCaptions),
            "aiManualInterrupt" if first.is_null() => Ok(Self::Interrupt(None)),
            "aiManualInterrupt" => Ok(Self::Interrupt(Some(app_uid(first)?.uid()))),
            "addTasks" => TaskOrder::add(first).map(Self::Tasks),
            "updateTasks" => TaskOrder::update(first).map(Self::Tasks),
            "deleteTasks" => TaskOrder::delete(first).map(Self::Tasks),
            "dataReporter" => Ok(Self::Report(Report::new(first, second, argument(2), argument(3)))),
            unknown => invalid(format!("there is no method \"{unknown}\"")),
        }
    }

    /// The method's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Leave | Self::LeaveStay(_) => "leave",
            Self::Publish(_) => "publish",
            Self::Unpublish(_) => "unpublish",
            Self::Subscribe(..) => "subscribe",
            Self::Unsubscribe(..) => "unsubscribe",
            Self::Mute(_, true) | Self::MuteOther(_, _, true) => "mute",
            Self::Mute(_, false) | Self::MuteOther(_, _, false) => "unmute",
            Self::SetRole(_) => "setRole",
            Self::SetVoice(name, _) => name,
            Self::SwitchMode(_) => "switchMode",
            Self::UploadUserList => "getUploadUserList",
            Self::StartCaptions(..) => "startAsrCaptions",
            Self::StopCaptions => "stopAsrCaptions",
            Self::Interrupt(_) => "aiManualInterrupt",
            Self::Tasks(order) => order.operation.name(),
            Self::Report(_) => "dataReporter",
        }
    }

    /// The uid 0 of the second argument means oneself, as in the original.
    fn muting(media: &Value, uid: &Value, mute: bool) -> Result<Self, Error> {
        let media = main_media(media)?;
        if uid.is_null() {
            return Ok(Self::Mute(media, mute));
        }
        Ok(match app_uid(uid)?.uid() {
            Uid(0) => Self::Mute(media, mute),
            other => Self::MuteOther(other, media, mute),
        })
    }
}

/// What a call resolves to. Serialises to the value that JavaScript sees.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// `undefined`.
    Nothing,
    /// `join`.
    Joined {
        /// The channel.
        #[serde(serialize_with = "reply_cid")]
        cid: Cid,
        /// Always 200.
        code: u16,
        /// The uid, in the form the application gave it.
        uid: AppUid,
    },
    /// `publish`, `unpublish`, `mute` and `unmute`: the push URL.
    PushUrl(Url),
    /// `getUploadUserList`: what the gateway answered.
    UserList {
        /// Always 200.
        code: u16,
        /// The members.
        userlist: Vec<UserInfo>,
    },
    /// `subscribe`: the pull URL.
    Subscribed {
        /// The member, in the form the application gave it.
        uid: AppUid,
        /// Where to pull the medium.
        url: Url,
    },
}

/// The argument of `join` (docs/protocol.md 1.6, 5.5). `Debug` leaves the token out.
#[derive(Clone, PartialEq)]
pub struct JoinParams {
    /// The room's name.
    pub channel_name: String,
    /// The member, or `None` for one of our choice.
    pub uid: Option<AppUid>,
    /// The application's token; empty in debug mode.
    pub token: String,
    /// `NETCALL_MODE`, when given.
    pub mode: Option<u32>,
    /// Interactive live streaming wanted.
    pub live_enable: bool,
    /// Server-side audio recording wanted.
    pub record_audio: bool,
    /// Server-side video recording wanted.
    pub record_video: bool,
    /// Recording of the interactive live stream wanted.
    pub rtmp_record: bool,
    /// `"0"`, `"1"` or `"2"`.
    pub record_type: String,
    /// This member is the host speaker.
    pub is_host_speaker: bool,
    /// What the application calls this stay; empty for a name of our choice.
    pub stay: String,
    /// The stay that this one follows without a gap, if it is still under way.
    pub replaces: String,
    /// The role of this stay alone; `None` for the one set by `setRole`.
    pub initial_role: Option<Role>,
    /// Servers that replace the client's.
    pub servers: Servers,
}

/// Where a private deployment lives. Empty means: the default, or what the bootstrap says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Servers {
    /// Full URL of the bootstrap.
    pub channel_server: String,
    /// Full WebSocket URL; the bootstrap's gateways are then not used.
    pub address: String,
    /// Media edge, `ip:port`.
    pub edge_addr: String,
    /// Base URL of the task server.
    pub room_server: String,
    /// Full URL for reports; without one nothing is reported.
    pub statistics_server: String,
}

impl Servers {
    /// Reads the servers from an options object, also from a nested `neRtcServerAddresses`.
    ///
    /// # Errors
    /// A server that is given and not text, or not an address of its kind.
    pub fn parse(options: &Map<String, Value>) -> Result<Self, Error> {
        let nested = options.get("neRtcServerAddresses").and_then(Value::as_object);
        let find = |key| match text(options, key)? {
            found if !found.is_empty() => Ok(found),
            _empty => nested.map_or(Ok(String::new()), |nested| text(nested, key)),
        };
        let full = |key, schemes: [&str; 2]| match find(key)? {
            given if given.is_empty() || schemes.iter().any(|scheme| given.starts_with(scheme)) => Ok(given),
            _given => {
                invalid(format!("{key} must be a full URL that begins with {} or {}", schemes[0], schemes[1]))
            }
        };
        Ok(Self {
            channel_server: full("channelServer", HTTP)?,
            address: full("address", ["wss://", "ws://"])?,
            edge_addr: find("edgeAddr")?,
            room_server: full("roomServer", HTTP)?,
            statistics_server: find("statisticsServer")?,
        })
    }

    /// Where a join begins: the server that was named, else the original's.
    pub(crate) fn bootstrap(&self) -> Url {
        let given = self.channel_server.as_str();
        Url(if given.is_empty() { DEFAULT_CHANNEL_SERVER } else { given }.to_owned())
    }

    /// Where tasks go: the server that was named; else, in a private deployment, the channel server's
    /// host, since nobody else may see its token; else the original's server (9).
    pub(crate) fn task_server(&self) -> String {
        if !self.room_server.is_empty() {
            return self.room_server.trim_end_matches('/').to_owned();
        }
        let url = &self.channel_server;
        let path = url.bytes().enumerate().filter(|(_, byte)| *byte == b'/').nth(2);
        let host = path.and_then(|(path, _)| url.get(..path)).unwrap_or(url);
        let base = if host.is_empty() { "https://roomserver.netease.im" } else { host };
        format!("{base}/v2/sdk/rooms")
    }

    /// These, with `fallback` where they say nothing.
    #[must_use]
    pub fn or(&self, fallback: &Self) -> Self {
        let pick = |own: &String, other: &String| if own.is_empty() { other } else { own }.clone();
        Self {
            channel_server: pick(&self.channel_server, &fallback.channel_server),
            address: pick(&self.address, &fallback.address),
            edge_addr: pick(&self.edge_addr, &fallback.edge_addr),
            room_server: pick(&self.room_server, &fallback.room_server),
            statistics_server: pick(&self.statistics_server, &fallback.statistics_server),
        }
    }
}

impl fmt::Debug for JoinParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (channel, uid) = (&self.channel_name, &self.uid);
        f.debug_struct("JoinParams").field("channel_name", channel).field("uid", uid).finish_non_exhaustive()
    }
}

impl JoinParams {
    /// The parameters with nothing but what is necessary.
    #[must_use]
    pub fn new(channel_name: impl Into<String>, uid: Uid) -> Self {
        Self {
            channel_name: channel_name.into(),
            uid: Some(AppUid::Number(uid)),
            token: String::new(),
            mode: None,
            live_enable: false,
            record_audio: false,
            record_video: false,
            rtmp_record: false,
            record_type: "0".into(),
            is_host_speaker: false,
            stay: String::new(),
            replaces: String::new(),
            initial_role: None,
            servers: Servers::default(),
        }
    }

    fn parse(value: &Value) -> Result<Self, Error> {
        let Some(options) = value.as_object() else { return invalid("join takes an object") };
        let channel_name = text(options, "channelName")?;
        if channel_name.is_empty() {
            return invalid("channelName must be a non-empty string");
        }
        if channel_name.len() > MAX_CHANNEL_NAME {
            return invalid(format!("channelName must be at most {MAX_CHANNEL_NAME} bytes"));
        }
        let uid = match options.get("uid") {
            None | Some(Value::Null) => None,
            Some(given) => Some(app_uid(given)?),
        };
        let record_type = text(options, "recordType")?;
        Ok(Self {
            channel_name,
            uid,
            token: text(options, "token")?,
            mode: options
                .get("mode")
                .and_then(Value::as_u64)
                .filter(|mode| *mode <= 3)
                .map(|mode| mode as u32),
            live_enable: truthy(options, "liveEnable"),
            record_audio: truthy(options, "recordAudio"),
            record_video: truthy(options, "recordVideo"),
            rtmp_record: truthy(options, "rtmpRecord"),
            record_type: if record_type.is_empty() { "0".into() } else { record_type },
            is_host_speaker: truthy(options, "isHostSpeaker"),
            stay: text(options, "stay")?,
            replaces: text(options, "replaces")?,
            initial_role: options.get("initialRole").map(role).transpose()?,
            servers: Servers::parse(options)?,
        })
    }
}

/// `''`, `null` or `undefined` mean both.
fn main_media(value: &Value) -> Result<MediaSet, Error> {
    match value {
        Value::Null => return Ok(MediaSet::MAIN),
        Value::String(name) if name.is_empty() => return Ok(MediaSet::MAIN),
        Value::String(name) if name == "audio" => return Ok(Media::Audio.into()),
        Value::String(name) if name == "video" => return Ok(Media::Video.into()),
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    invalid("mediaType must be 'audio', 'video' or '' for both")
}

fn any_media(value: &Value) -> Result<Media, Error> {
    value
        .as_str()
        .and_then(Media::named)
        .map_or_else(|| invalid("mediaType must be 'audio', 'video', 'slaveAudio' or 'screenShare'"), Ok)
}

/// `undefined` is the broadcaster.
fn role(value: &Value) -> Result<Role, Error> {
    match (value, value.as_str()) {
        (Value::Null, _) | (_, Some("broadcaster")) => Ok(Role::Broadcaster),
        (_, Some("audience")) => Ok(Role::Audience),
        (_, Some(_) | None) => invalid("the role must be 'broadcaster' or 'audience'"),
    }
}

/// A language in any spelling of the docs, as the servers spell it (10.1).
fn language(value: &Value, default: &str) -> Result<String, Error> {
    let given = match value {
        Value::Null => default,
        Value::String(given) => given,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return invalid("a language must be a string such as 'CN' or 'en'");
        }
    };
    if given.len() > 16 || !given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return invalid("a language must be a code such as 'CN' or 'en'");
    }
    Ok(match given.to_ascii_lowercase().as_str() {
        "cn" => "zh".into(),
        "kh" => "km".into(),
        "la" => "lo".into(),
        other => other.to_owned(),
    })
}

pub(crate) fn app_uid(value: &Value) -> Result<AppUid, Error> {
    const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
    let found = match value {
        Value::Number(number) => {
            number.as_u64().filter(|number| *number <= MAX_SAFE_INTEGER).map(|n| AppUid::Number(Uid(n)))
        }
        Value::String(text) => text.parse().ok().map(AppUid::Text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    found.map_or_else(
        || {
            invalid(
                "uid must be an integer from 0 to 18446744073709551615; \
                 above 9007199254740991 write it as a decimal string",
            )
        },
        Ok,
    )
}

/// The text under `key`; numbers are written out, absent and `null` are empty.
fn text(options: &Map<String, Value>, key: &str) -> Result<String, Error> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            invalid(format!("{key} must be a string"))
        }
    }
}

/// JavaScript's idea of truth.
fn truthy(options: &Map<String, Value>, key: &str) -> bool {
    match options.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

pub(crate) fn invalid<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::InvalidArgument(what.into()))
}

fn reply_cid<S: serde::Serializer>(cid: &Cid, serializer: S) -> Result<S::Ok, S::Error> {
    event_uid(&Uid(cid.0), serializer)
}

const HTTP: [&str; 2] = ["https://", "http://"];
/// More than any server takes (NetEase: 64), little enough for a form.
const MAX_CHANNEL_NAME: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_uid_is_taken_as_number_or_decimal_text_and_given_back_in_the_same_form() {
        for (given, back) in [
            (json!(0), "0"),
            (json!(100), "100"),
            (json!("100"), "\"100\""),
            (json!(9_007_199_254_740_991_u64), "9007199254740991"),
            (json!("18446744073709551615"), "\"18446744073709551615\""),
        ] {
            assert_eq!(serde_json::to_string(&app_uid(&given).unwrap()).unwrap(), back);
        }
        let wrong =
            [json!(-1), json!(1.5), json!(9_007_199_254_740_992_u64), json!("NaN"), json!(true), json!({})];
        for given in wrong {
            assert!(matches!(app_uid(&given), Err(Error::InvalidArgument(_))), "{given}");
        }
    }

    #[test]
    fn an_unusable_argument_is_named() {
        for (name, arguments, names) in [
            ("join", vec![], "object"),
            ("join", vec![json!({})], "channelName"),
            ("join", vec![json!({"channelName": ""})], "channelName"),
            ("join", vec![json!({"channelName": "r", "uid": "x"})], "uid"),
            ("join", vec![json!({"channelName": "r", "token": {}})], "token"),
            ("join", vec![json!({"channelName": "r", "channelServer": "call.example.com"})], "channelServer"),
            (
                "join",
                vec![json!({"channelName": "r", "channelServer": "wss://call.example.com"})],
                "https://",
            ),
            ("join", vec![json!({"channelName": "r", "address": "https://gw.example"})], "address"),
            ("join", vec![json!({"channelName": "r", "roomServer": "rooms.example/v2"})], "roomServer"),
            ("publish", vec![json!("screenShare")], "mediaType"),
            ("publish", vec![json!(1)], "mediaType"),
            ("subscribe", vec![json!(7)], "mediaType"),
            ("subscribe", vec![json!(null), json!("audio")], "uid"),
            ("frobnicate", vec![], "frobnicate"),
        ] {
            let Err(Error::InvalidArgument(what)) = Call::parse(name, &arguments) else { panic!("{name}") };
            assert!(what.contains(names), "{what}");
        }
    }

    #[test]
    fn tasks_go_to_nobody_that_the_application_did_not_name() {
        let to = |servers: Servers| servers.task_server();
        let channel_server = "https://call.example.com:8443/nrtc/getChannelInfos.action".to_owned();
        assert_eq!(to(Servers::default()), "https://roomserver.netease.im/v2/sdk/rooms");
        let private = Servers { channel_server, ..Servers::default() };
        assert_eq!(to(private.clone()), "https://call.example.com:8443/v2/sdk/rooms");
        let named = Servers { room_server: "https://rooms.example.com/v2/".into(), ..private };
        assert_eq!(to(named), "https://rooms.example.com/v2");
    }

    #[test]
    fn servers_are_found_in_both_places_and_the_direct_one_wins() {
        let options = json!({
            "channelServer": "https://a",
            "neRtcServerAddresses": {"channelServer": "https://b", "edgeAddr": "1.2.3.4:5"}
        });
        let servers = Servers::parse(options.as_object().unwrap()).unwrap();
        assert_eq!(servers.channel_server, "https://a");
        assert_eq!(servers.edge_addr, "1.2.3.4:5");
    }
}
