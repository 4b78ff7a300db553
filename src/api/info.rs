//! What the application may look at: a snapshot of the session (docs/protocol.md 5.1, Appendix D).

use crate::api::join::JoinParams;
use crate::wire::entry::UserEntry;
use crate::wire::json::{Fields, Writer, serialize_as_json};
use crate::wire::model::{AppUid, Cid, Media, Role, Uid, Url};

/// A session as it is now. Written as what real software reads from `_info`.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// The channel, 0 outside of a room.
    pub cid: Cid,
    /// Who we are, in the form that the application gave.
    pub uid: Option<AppUid>,
    /// Where we push.
    pub push_url: Option<Url>,
    /// `broadcaster` or `audience`.
    pub role: &'static str,
    /// `idle`, `joining`, `joined`, `reconnecting` or `leaving`.
    pub state: &'static str,
    /// What `join` was given.
    pub join_channel_param: Option<JoinedWith>,
    /// Everybody else.
    pub userlist: Vec<UserInfo>,
    /// Whether the microphone is published.
    pub publish_audio: bool,
    /// Whether the camera is published.
    pub publish_video: bool,
}

/// The part of `join`'s parameter that software reads back.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub struct UserInfo {
    uid: Uid,
    role: Role,
    url: Option<Url>,
    screen_url: Option<Url>,
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

impl Fields for Info {
    fn fields(&self, to: &mut Writer) {
        to.field("cid", &AppUid::from(self.cid));
        to.option("uid", self.uid.as_ref());
        to.option("pushUrl", self.push_url.as_ref());
        to.field("role", self.role);
        to.field("state", self.state);
        to.option("joinChannelParam", self.join_channel_param.as_ref());
        to.field("userlist", self.userlist.as_slice());
        to.field("publishAudio", &self.publish_audio);
        to.field("publishVideo", &self.publish_video);
    }
}

impl Fields for JoinedWith {
    fn fields(&self, to: &mut Writer) {
        to.field("channelName", &self.channel_name);
        to.field("uid", &self.uid);
        to.field("token", &self.token);
    }
}

impl Fields for UserInfo {
    fn fields(&self, to: &mut Writer) {
        to.field("uid", &AppUid::from(self.uid));
        to.field("isBigNumber", &self.uid.is_big());
        to.field("role", &self.role);
        to.option("url", self.url.as_ref());
        to.option("screen_url", self.screen_url.as_ref());
        to.option("sa_url", self.sa_url.as_ref());
        to.field("audio_on", &self.audio_on);
        to.field("video_on", &self.video_on);
        to.field("screen_on", &self.screen_on);
        to.field("sa_on", &self.sa_on);
    }
}

serialize_as_json!(Info);
