//! The nouns of the protocol: identities, roles, media and addresses. Parsed at the edge, trusted inside.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::wire::json::{Json, Writer};

/// A member's id: an unsigned 64-bit integer, exact. On the wire a bare integer literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Uid(pub u64);

impl Uid {
    /// True when the original SDK would have read the wire literal as a BigNumber: more than 15
    /// digits (docs/protocol.md 2.2). Applications then get the uid as a decimal string.
    #[must_use]
    pub const fn is_big(self) -> bool {
        self.0 >= 1_000_000_000_000_000
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Uid {
    type Err = NotAUid;

    fn from_str(text: &str) -> Result<Self, NotAUid> {
        // `u64::from_str` also takes a leading plus sign, which is not a decimal literal.
        if text.starts_with('+') {
            return Err(NotAUid);
        }
        text.parse().map(Uid).map_err(|_| NotAUid)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UidVisitor)
    }
}

/// The text or number is not an integer in `0..=2^64-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a uid is an integer from 0 to 18446744073709551615")]
pub struct NotAUid;

/// A uid as the application wrote it: replies give it back in the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppUid {
    /// Written as a number; safe integers only.
    Number(Uid),
    /// Written as a decimal string, a BigInt or a BigNumber, or chosen by us.
    Text(Uid),
}

impl AppUid {
    /// The uid itself.
    #[must_use]
    pub const fn uid(self) -> Uid {
        match self {
            Self::Number(uid) | Self::Text(uid) => uid,
        }
    }
}

impl Json for AppUid {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Number(uid) => uid.write(to),
            Self::Text(uid) => {
                to.raw("\"");
                uid.write(to);
                to.raw("\"");
            }
        }
    }
}

/// The uid of somebody else as events tell it: a number up to 15 digits, above that a decimal string.
impl From<Uid> for AppUid {
    fn from(uid: Uid) -> Self {
        if uid.is_big() { Self::Text(uid) } else { Self::Number(uid) }
    }
}

/// The same for a channel.
impl From<Cid> for AppUid {
    fn from(cid: Cid) -> Self {
        Uid(cid.0).into()
    }
}

impl Json for Uid {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
    }
}

impl Json for Cid {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
    }
}

impl Json for Role {
    fn write(&self, to: &mut Writer) {
        (*self as u8).write(to);
    }
}

impl Json for Media {
    fn write(&self, to: &mut Writer) {
        self.name().write(to);
    }
}

impl Json for Url {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
    }
}

/// A channel id, as the bootstrap handed it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Cid(pub u64);

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UidVisitor).map(|number| Self(number.0))
    }
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Role {
    /// Publishes and subscribes (wire value 0).
    #[default]
    Broadcaster,
    /// Only subscribes (wire value 1); nobody is told that it came.
    Audience,
}

impl Role {
    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broadcaster => "broadcaster",
            Self::Audience => "audience",
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

/// A kind of media, in the order in which a login reports them (docs/protocol.md 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Media {
    /// The microphone, in the main stream.
    Audio,
    /// A second audio source, with a stream of its own.
    SlaveAudio,
    /// The camera, in the main stream.
    Video,
    /// A shared screen, with a stream of its own.
    ScreenShare,
}

impl Media {
    /// Every kind, in login order.
    pub const ALL: [Self; 4] = [Self::Audio, Self::SlaveAudio, Self::Video, Self::ScreenShare];

    /// The name on the wire and in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::SlaveAudio => "slaveAudio",
            Self::Video => "video",
            Self::ScreenShare => "screenShare",
        }
    }

    /// The kind with this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }

    /// The stream that carries this kind.
    #[must_use]
    pub const fn stream(self) -> Stream {
        match self {
            Self::Audio | Self::Video => Stream::Main,
            Self::SlaveAudio => Stream::SlaveAudio,
            Self::ScreenShare => Stream::ScreenShare,
        }
    }
}

/// One of the three streams that a member can have, each with a URL of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Microphone and camera together.
    Main,
    /// The shared screen.
    ScreenShare,
    /// The second audio source.
    SlaveAudio,
}

impl Stream {
    /// What a player of it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::ScreenShare => "screenShare",
            Self::SlaveAudio => "slaveAudio",
        }
    }
}

/// A set of media kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediaSet(u8);

impl MediaSet {
    /// Microphone and camera.
    pub const MAIN: Self = Self(1 << Media::Audio as u8 | 1 << Media::Video as u8);

    /// Whether `media` is in the set.
    #[must_use]
    pub const fn contains(self, media: Media) -> bool {
        self.0 & (1 << media as u8) != 0
    }

    /// Whether the two have a medium in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Puts `media` in or takes it out; true when that changed the set.
    pub const fn set(&mut self, media: Media, present: bool) -> bool {
        let before = self.0;
        if present {
            self.0 |= 1 << media as u8;
        } else {
            self.0 &= !(1 << media as u8);
        }
        before != self.0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members of the set, in login order.
    pub fn iter(self) -> impl Iterator<Item = Media> {
        Media::ALL.into_iter().filter(move |media| self.contains(*media))
    }
}

impl From<Media> for MediaSet {
    fn from(media: Media) -> Self {
        Self(1 << media as u8)
    }
}

/// An address that is handed on as it came: to the platform (sockets, HTTP) or to the page (push
/// and pull URLs). Its query may carry a grant, so `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Url(pub String);

impl Url {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, with its port: what may be shown around. User, path and query may be secret.
    #[must_use]
    pub fn host(&self) -> &str {
        let bytes = self.0.as_bytes();
        let mut begin = bytes.windows(3).position(|bytes| bytes == b"://").map_or(0, |at| at + 3);
        let rest = &bytes[begin..];
        let length = rest.iter().position(|byte| b"/?#\\".contains(byte)).unwrap_or(rest.len());
        let end = begin + length;
        begin += rest[..length].iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
        self.0.get(begin..end).unwrap_or_default()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

macro_rules! minted_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);
    };
}

minted_id! {
    /// One call of the application; minted by the shell.
    CallId
}
minted_id! {
    /// One socket; minted by the session, never used twice.
    SocketId
}
minted_id! {
    /// One HTTP request; minted by the session, never used twice.
    RequestId
}
/// Who asks by HTTP, and is given the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The link asks the channel server.
    Link,
    /// A task goes to the task server.
    Tasks,
    /// Reports go to the statistics server.
    Reports,
}

impl RequestId {
    /// The id of a request: it says itself whose it is, so that nobody else takes the answer.
    pub(crate) const fn minted(asker: Asker, number: u32) -> Self {
        let mark = match asker {
            Asker::Link => 0,
            Asker::Tasks => 1,
            Asker::Reports => 2,
        };
        Self(number & NUMBER | mark << NUMBER.count_ones())
    }

    /// Whose it is; nobody's if it was not minted here.
    pub(crate) const fn asker(self) -> Option<Asker> {
        match self.0 >> NUMBER.count_ones() {
            0 => Some(Asker::Link),
            1 => Some(Asker::Tasks),
            2 => Some(Asker::Reports),
            _ => None,
        }
    }
}

/// The part of a request's id that counts.
const NUMBER: u32 = u32::MAX >> 2;

minted_id! {
    /// The number of a packet; starts at 1 on each socket.
    Seq
}

/// Accepts an integer literal, and leniently the same in quotes.
struct UidVisitor;

impl Visitor<'_> for UidVisitor {
    type Value = Uid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NotAUid}")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Uid, E> {
        Ok(Uid(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Uid, E> {
        u64::try_from(number).map(Uid).map_err(|_| E::custom(NotAUid))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Uid, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_exact_over_the_whole_range_and_nothing_else_is_one() {
        for number in [0, 1, 999_999_999_999_999, 1_000_000_000_000_000, u64::MAX] {
            let literal = number.to_string();
            assert_eq!(literal.parse(), Ok(Uid(number)));
            assert_eq!(crate::wire::json::written(&Uid(number)), literal);
            assert_eq!(serde_json::from_str::<Uid>(&literal).unwrap(), Uid(number));
            assert_eq!(serde_json::to_string(&Uid(number)).unwrap(), literal);
        }
        for text in ["", "-1", "+1", "1.0", "1e3", " 1", "NaN", "18446744073709551616"] {
            assert_eq!(text.parse::<Uid>(), Err(NotAUid), "{text:?}");
        }
    }

    #[test]
    fn a_uid_is_big_from_sixteen_digits_on() {
        assert!(!Uid(999_999_999_999_999).is_big());
        assert!(Uid(1_000_000_000_000_000).is_big());
    }

    #[test]
    fn a_host_is_all_of_a_url_that_is_no_secret() {
        for (url, host) in [
            ("https://call.example.com/nrtc/a?key=S", "call.example.com"),
            ("wss://user:S@gw.example:8443?S", "gw.example:8443"),
            ("http://[::1]:80#S", "[::1]:80"),
            ("gw.example/S", "gw.example"),
            ("", ""),
        ] {
            assert_eq!(Url(url.into()).host(), host);
        }
    }

    #[test]
    fn the_debug_form_of_a_url_hides_its_query() {
        assert_eq!(format!("{:?}", Url("rtmp://h/live/s?grant=secret".into())), "rtmp://h/live/s");
    }
}
