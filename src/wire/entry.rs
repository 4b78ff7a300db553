//! A member as logins and join notices describe it. Hides the key names of all SDK generations.

use crate::wire::json::{self, Writer};
use crate::wire::lenient::Fields;
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

impl json::Fields for UserEntry {
    fn fields(&self, to: &mut Writer) {
        write(self, None, to);
    }
}

impl json::Fields for JoinBody<'_> {
    fn fields(&self, to: &mut Writer) {
        write(self.entry, Some(self.cid), to);
    }
}

/// Flags one by one, and the names of all SDK generations. With a channel, it is a join.
fn write(entry: &UserEntry, cid: Option<Cid>, to: &mut Writer) {
    to.field("uid", &entry.uid);
    to.option("cid", cid.as_ref());
    to.option("url", entry.url.as_ref());
    to.field("role", &entry.role);
    to.truth("audio_on", entry.published.contains(Media::Audio));
    to.truth("video_on", entry.published.contains(Media::Video));
    to.truth("screen_on", entry.published.contains(Media::ScreenShare));
    to.truth("sa_on", entry.published.contains(Media::SlaveAudio));
    to.option("screen_url", entry.screen_url.as_ref());
    // The declared name in cmd 20, which the original then fails to read: both are sent (2.5).
    to.option("screenUrl", entry.screen_url.as_ref().filter(|_| cid.is_some()));
    to.option("sa_url", entry.slave_audio_url.as_ref());
    let status = [
        ("audio_status", Media::Audio),
        ("video_status", Media::Video),
        ("screen_status", Media::ScreenShare),
        ("sa_status", Media::SlaveAudio),
    ];
    for (key, media) in status {
        to.option(key, Some(OFF).filter(|_| entry.stalled.contains(media)));
    }
}

/// The only value of a `*_status` key with a meaning (3.3).
const OFF: &str = "off";
