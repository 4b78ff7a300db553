//! A member as logins and join notices describe it. Hides the key names of all SDK generations.

use serde::{Serialize, Serializer};

use crate::wire::lenient::{Fields, is_false};
use crate::wire::model::{Cid, Media, MediaSet, Role, Stream, Uid, Url};

/// A member, as a login answer or a join notice describes it (3.3).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserEntry {
    /// The member.
    pub uid: Uid,
    /// The main stream: the push URL for oneself, the pull URL for others.
    pub url: Option<Url>,
    /// The pull URL of the shared screen.
    pub screen_url: Option<Url>,
    /// The pull URL of the second audio source.
    pub slave_audio_url: Option<Url>,
    /// The member's role.
    pub role: Role,
    /// What the member publishes.
    pub published: MediaSet,
    /// What it publishes without media flowing at the moment.
    pub stalled: MediaSet,
}

impl UserEntry {
    /// The URL of one of the member's streams.
    #[must_use]
    pub const fn url(&self, stream: Stream) -> Option<&Url> {
        match stream {
            Stream::Main => self.url.as_ref(),
            Stream::ScreenShare => self.screen_url.as_ref(),
            Stream::SlaveAudio => self.slave_audio_url.as_ref(),
        }
    }

    /// Reads one; `None` when it does not say who it is.
    pub(crate) fn read(entry: Fields<'_>) -> Option<Self> {
        let mut published = MediaSet::default();
        published.set(Media::Audio, entry.flag("audio_on"));
        published.set(Media::Video, entry.flag("video_on"));
        published.set(Media::ScreenShare, entry.flag("screen_on"));
        published.set(Media::SlaveAudio, entry.flag("sa_on") || entry.flag("slaveAudio_on"));
        let mut stalled = MediaSet::default();
        stalled.set(Media::Audio, entry.is("audio_status", OFF));
        stalled.set(Media::Video, entry.is("video_status", OFF));
        stalled.set(Media::ScreenShare, entry.is("screen_status", OFF));
        stalled.set(Media::SlaveAudio, entry.is("sa_status", OFF));
        Some(Self {
            uid: entry.uid("uid")?,
            url: entry.url("url"),
            screen_url: entry.url("screen_url").or_else(|| entry.url("screenUrl")),
            slave_audio_url: entry.url("slaveaudio_url").or_else(|| entry.url("sa_url")),
            role: entry.role("role"),
            published,
            stalled,
        })
    }
}

/// The body of cmd 20: an entry, and the channel.
pub(crate) struct JoinBody<'a> {
    pub(crate) cid: Cid,
    pub(crate) entry: &'a UserEntry,
}

/// [`UserEntry`] as it travels: flags one by one, and the names of all SDK generations.
#[derive(Default, Serialize)]
struct EntryOnWire {
    uid: Uid,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<Cid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
    role: Role,
    #[serde(skip_serializing_if = "is_false")]
    audio_on: bool,
    #[serde(skip_serializing_if = "is_false")]
    video_on: bool,
    #[serde(skip_serializing_if = "is_false")]
    screen_on: bool,
    #[serde(skip_serializing_if = "is_false")]
    sa_on: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen_url: Option<Url>,
    /// The declared name in cmd 20, which the original then fails to read: both are sent (2.5).
    #[serde(rename = "screenUrl", skip_serializing_if = "Option::is_none")]
    screen_url_declared: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sa_url: Option<Url>,
    #[serde(skip_serializing_if = "String::is_empty")]
    audio_status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    video_status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    screen_status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sa_status: String,
}

impl From<&UserEntry> for EntryOnWire {
    fn from(entry: &UserEntry) -> Self {
        let status = |media| if entry.stalled.contains(media) { OFF.to_owned() } else { String::new() };
        Self {
            uid: entry.uid,
            url: entry.url.clone(),
            role: entry.role,
            audio_on: entry.published.contains(Media::Audio),
            video_on: entry.published.contains(Media::Video),
            screen_on: entry.published.contains(Media::ScreenShare),
            sa_on: entry.published.contains(Media::SlaveAudio),
            screen_url: entry.screen_url.clone(),
            sa_url: entry.slave_audio_url.clone(),
            audio_status: status(Media::Audio),
            video_status: status(Media::Video),
            screen_status: status(Media::ScreenShare),
            sa_status: status(Media::SlaveAudio),
            ..Self::default()
        }
    }
}

impl Serialize for UserEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        EntryOnWire::from(self).serialize(serializer)
    }
}

impl Serialize for JoinBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = EntryOnWire::from(self.entry);
        wire.cid = Some(self.cid);
        wire.screen_url_declared.clone_from(&wire.screen_url);
        wire.serialize(serializer)
    }
}

/// The only value of a `*_status` key with a meaning (3.3).
const OFF: &str = "off";
