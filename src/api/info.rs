//! What the application may look at: a snapshot of the session (docs/protocol.md 5.1, Appendix D).

use serde::Serialize;

use crate::api::join::JoinParams;
use crate::wire::entry::UserEntry;
use crate::wire::model::{AppUid, Cid, Media, Role, Uid, Url, event_uid};

/// A session as it is now. Serialises to what real software reads from `_info`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// The channel, 0 outside of a room.
    #[serde(serialize_with = "info_cid")]
    pub cid: Cid,
    /// Who we are, in the form that the application gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<AppUid>,
    /// Where we push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_url: Option<Url>,
    /// `broadcaster` or `audience`.
    pub role: &'static str,
    /// `idle`, `joining`, `joined`, `reconnecting` or `leaving`.
    pub state: &'static str,
    /// What `join` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_channel_param: Option<JoinedWith>,
    /// Everybody else.
    pub userlist: Vec<UserInfo>,
    /// Whether the microphone is published.
    pub publish_audio: bool,
    /// Whether the camera is published.
    pub publish_video: bool,
}

/// The part of `join`'s parameter that software reads back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinedWith {
    channel_name: String,
    uid: AppUid,
    token: String,
}

impl JoinedWith {
    pub(crate) fn new(params: &JoinParams, uid: AppUid) -> Self {
        Self { channel_name: params.channel_name.clone(), uid, token: params.token.clone() }
    }
}

/// A member, under the names of the wire.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserInfo {
    #[serde(serialize_with = "event_uid")]
    uid: Uid,
    #[serde(rename = "isBigNumber")]
    is_big_number: bool,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen_url: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sa_url: Option<Url>,
    audio_on: bool,
    video_on: bool,
    screen_on: bool,
    sa_on: bool,
}

impl From<UserEntry> for UserInfo {
    fn from(entry: UserEntry) -> Self {
        let on = |media| entry.published.contains(media);
        Self {
            uid: entry.uid,
            is_big_number: entry.uid.is_big(),
            role: entry.role,
            audio_on: on(Media::Audio),
            video_on: on(Media::Video),
            screen_on: on(Media::ScreenShare),
            sa_on: on(Media::SlaveAudio),
            url: entry.url,
            screen_url: entry.screen_url,
            sa_url: entry.slave_audio_url,
        }
    }
}

fn info_cid<S: serde::Serializer>(cid: &Cid, serializer: S) -> Result<S::Ok, S::Error> {
    event_uid(&Uid(cid.0), serializer)
}
