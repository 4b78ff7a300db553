//! A member as logins and join notices describe it. Hides the key names of all SDK generations.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::lenient::{is_false, role, text, truthy, url};
use crate::model::{Cid, Media, MediaSet, Role, Stream, Uid, Url};

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
}

/// The body of cmd 20: an entry, and the channel.
pub(crate) struct JoinBody<'a> {
    pub(crate) cid: Cid,
    pub(crate) entry: &'a UserEntry,
}

/// [`UserEntry`] as it travels: flags one by one, and the names of all SDK generations.
#[derive(Default, Serialize, Deserialize)]
struct EntryOnWire {
    uid: Uid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cid: Option<Cid>,
    #[serde(default, deserialize_with = "url", skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
    #[serde(default, deserialize_with = "role")]
    role: Role,
    #[serde(default, deserialize_with = "truthy", skip_serializing_if = "is_false")]
    audio_on: bool,
    #[serde(default, deserialize_with = "truthy", skip_serializing_if = "is_false")]
    video_on: bool,
    #[serde(default, deserialize_with = "truthy", skip_serializing_if = "is_false")]
    screen_on: bool,
    #[serde(default, deserialize_with = "truthy", skip_serializing_if = "is_false")]
    sa_on: bool,
    #[serde(default, rename = "slaveAudio_on", deserialize_with = "truthy", skip_serializing)]
    slave_audio_on: bool,
    #[serde(default, deserialize_with = "url", skip_serializing_if = "Option::is_none")]
    screen_url: Option<Url>,
    /// The declared name in cmd 20, which the original then fails to read: both are sent (2.5).
    #[serde(
        default,
        rename = "screenUrl",
        deserialize_with = "url",
        skip_serializing_if = "Option::is_none"
    )]
    screen_url_declared: Option<Url>,
    #[serde(default, deserialize_with = "url", skip_serializing_if = "Option::is_none")]
    sa_url: Option<Url>,
    #[serde(default, rename = "slaveaudio_url", deserialize_with = "url", skip_serializing)]
    slave_audio_url: Option<Url>,
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    audio_status: String,
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    video_status: String,
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    screen_status: String,
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    sa_status: String,
}

impl From<EntryOnWire> for UserEntry {
    fn from(wire: EntryOnWire) -> Self {
        let mut published = MediaSet::default();
        published.set(Media::Audio, wire.audio_on);
        published.set(Media::Video, wire.video_on);
        published.set(Media::ScreenShare, wire.screen_on);
        published.set(Media::SlaveAudio, wire.sa_on || wire.slave_audio_on);
        let mut stalled = MediaSet::default();
        stalled.set(Media::Audio, wire.audio_status == OFF);
        stalled.set(Media::Video, wire.video_status == OFF);
        stalled.set(Media::ScreenShare, wire.screen_status == OFF);
        stalled.set(Media::SlaveAudio, wire.sa_status == OFF);
        Self {
            uid: wire.uid,
            url: wire.url,
            screen_url: wire.screen_url.or(wire.screen_url_declared),
            slave_audio_url: wire.slave_audio_url.or(wire.sa_url),
            role: wire.role,
            published,
            stalled,
        }
    }
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

impl<'de> Deserialize<'de> for UserEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        EntryOnWire::deserialize(deserializer).map(Self::from)
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
