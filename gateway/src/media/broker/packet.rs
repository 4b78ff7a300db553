//! What a packet is to a decoder. Hides the first bytes of every codec's framing.

use bytes::Bytes;

/// One piece of media: the body of an RTMP message, which is also the body of an FLV tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What it carries.
    pub track: Track,
    /// Milliseconds: the publisher's clock on the way in, the player's on the way out.
    pub timestamp: u32,
    /// The body.
    pub body: Bytes,
}

impl Packet {
    /// Whether a decoder can start here.
    #[must_use]
    pub fn is_key_frame(&self) -> bool {
        matches!(self.part(), Part::KeyFrame)
    }

    /// Whether it describes what follows, and is no media itself.
    pub(crate) fn is_header(&self) -> bool {
        matches!(self.part(), Part::Header)
    }

    pub(super) fn part(&self) -> Part {
        let first = self.body.first().copied().unwrap_or(0);
        let second = self.body.get(1).copied();
        match self.track {
            Track::Metadata => Part::Header,
            Track::Audio => {
                let header = match first >> 4 {
                    AAC => second == Some(0),
                    EXTENDED_AUDIO => first & 0x0f == 0,
                    _ => false,
                };
                if header { Part::Header } else { Part::Sound }
            }
            Track::Video => {
                let (header, coded) = if first & EXTENDED_VIDEO != 0 {
                    (first & 0x0f == 0, matches!(first & 0x0f, 1 | 3))
                } else if matches!(first & 0x0f, AVC | HEVC) {
                    (second == Some(0), second == Some(1))
                } else {
                    (false, true)
                };
                match first >> 4 & 0x07 {
                    _ if header => Part::Header,
                    KEY_FRAME if coded => Part::KeyFrame,
                    _ => Part::Frame,
                }
            }
        }
    }
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// `onMetaData` and its properties, as AMF0.
    Metadata,
    /// Sound, or what a decoder needs to know before it.
    Audio,
    /// Picture, or what a decoder needs to know before it.
    Video,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Needed before anything else, by every player.
    Header,
    KeyFrame,
    Frame,
    Sound,
}

const AAC: u8 = 10;
/// Enhanced RTMP marks its sound with an audio format of its own, and its picture with a bit.
const EXTENDED_AUDIO: u8 = 9;
const EXTENDED_VIDEO: u8 = 0x80;
const AVC: u8 = 7;
/// Not in Adobe's list, but what phones and domestic servers agreed on.
const HEVC: u8 = 12;
const KEY_FRAME: u8 = 1;
