//! What the application asks for and what it gets: calls, by their names and arguments, and replies. The
//! session trusts what it is given.

use crate::api::arguments::{any_media, app_uid, invalid, language, main_media, role};
use crate::api::error::Error;
use crate::api::info::UserInfo;
use crate::api::join::JoinParams;
use crate::api::order::TaskOrder;
use crate::api::report::Report;
use crate::api::voice::VoiceChange;
use crate::wire::json::{Document, Json, Value, Writer, serialize_as_json};
use crate::wire::model::{AppUid, Cid, Media, MediaSet, Role, Uid, Url};

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
    /// Reads a call from its name and its arguments, a list in JSON.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] says which argument is wrong and what it must be.
    pub fn parse(name: &str, arguments: &str) -> Result<Self, Error> {
        let Ok(arguments) = Document::read(arguments) else { return invalid("the arguments are no JSON") };
        let argument = |place| arguments.root().item(place);
        let (first, second) = (argument(0), argument(1));
        let voice =
            |name, change: Result<VoiceChange, Error>| change.map(|change| Self::SetVoice(name, change));
        match name {
            "join" => JoinParams::parse(first).map(Box::new).map(Self::Join),
            // The original takes no argument and real applications give one.
            "leave" => Ok(match first.get("stay").as_str() {
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
            "setLocalVoicePitch" => voice("setLocalVoicePitch", VoiceChange::pitch(first)),
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
    fn muting(media: Value<'_>, uid: Value<'_>, mute: bool) -> Result<Self, Error> {
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

/// What a call resolves to. Written as the value that JavaScript sees; `null` is `undefined`.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// `undefined`.
    Nothing,
    /// `join`.
    Joined {
        /// The channel.
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

impl Json for Reply {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Nothing => to.raw("null"),
            Self::Joined { cid, code, uid } => to.object(|to| {
                to.field("cid", &AppUid::from(*cid));
                to.field("code", code);
                to.field("uid", uid);
            }),
            Self::PushUrl(url) => url.write(to),
            Self::UserList { code, userlist } => to.object(|to| {
                to.field("code", code);
                to.field("userlist", userlist.as_slice());
            }),
            Self::Subscribed { uid, url } => to.object(|to| {
                to.field("uid", uid);
                to.field("url", url);
            }),
        }
    }
}

serialize_as_json!(Reply);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
            let arguments = json!(arguments).to_string();
            let Err(Error::InvalidArgument(what)) = Call::parse(name, &arguments) else { panic!("{name}") };
            assert!(what.contains(names), "{what}");
        }
    }
}
