//! Enhanced RTMP as players here know it: version 2 becomes version 1, and codecs that have an older form
//! take that.
//!
//! Hides prefixes and wrappers of version 2. Never looks at pictures or sound.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use thiserror::Error;

use crate::media::broker::Track;

/// Why media cannot be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum MediaError {
    /// It ends too early, or contradicts itself.
    #[error("a packet of Enhanced RTMP cannot be read")]
    Unreadable,
    /// A kind of packet that came after version 2.
    #[error("packets of type {0} of Enhanced RTMP are not known here")]
    Unknown(u8),
    /// Players have room for one picture and one sound.
    #[error("a stream has one picture and one sound: send one track of each (multitrack off)")]
    SecondTrack,
}

/// A packet as players know it, and the number of its track. `None` in place of the body: it says nothing
/// that older players need.
pub(super) fn plain(track: Track, body: Bytes) -> Result<(u8, Option<Bytes>), MediaError> {
    match track {
        Track::Video if body.first().is_some_and(|first| first & VIDEO_MARK != 0) => video(body),
        Track::Audio if body.first().is_some_and(|first| first & 0xf0 == AUDIO_MARK) => audio(body),
        Track::Video | Track::Audio | Track::Metadata => Ok((0, Some(body))),
    }
}

fn video(body: Bytes) -> Result<(u8, Option<Bytes>), MediaError> {
    let frame = body[0] & 0x70;
    let Packet { kind, track, codec, data, is_wrapped } = match unwrap(&body, VIDEO_MULTITRACK)? {
        // A command to the player, such as the start of a seek, in place of a picture.
        (kind, _) if frame == COMMAND_FRAME && kind != VIDEO_METADATA => return Ok((0, Some(body))),
        (kind, rest) => packet(kind, rest, VIDEO_MULTITRACK)?,
    };
    if kind > LAST_VIDEO_KIND {
        return Err(MediaError::Unknown(kind));
    }
    let key = KEY_FRAME | AVC;
    let plain = match (&codec, kind) {
        (b"avc1", START) => Some(join(&[key, 0, 0, 0, 0], &data)),
        (b"avc1", FRAMES) => Some(join(&[frame | AVC, 1], &data)),
        (b"avc1", FRAMES_X) => Some(join(&[frame | AVC, 1, 0, 0, 0], &data)),
        (b"avc1", END) => Some(join(&[key, 2, 0, 0, 0], &data)),
        (b"avc1", _) => None,
        _ if is_wrapped => Some(version_1(VIDEO_MARK | frame | kind, codec, &data)),
        _ => Some(body),
    };
    Ok((track, plain))
}

fn audio(body: Bytes) -> Result<(u8, Option<Bytes>), MediaError> {
    let (kind, rest) = unwrap(&body, AUDIO_MULTITRACK)?;
    let Packet { kind, track, codec, data, is_wrapped } = packet(kind, rest, AUDIO_MULTITRACK)?;
    if kind > LAST_AUDIO_KIND || kind == 3 {
        return Err(MediaError::Unknown(kind));
    }
    let plain = match (&codec, kind) {
        (b"mp4a", START) => Some(join(&[AAC, 0], &data)),
        (b"mp4a", FRAMES) => Some(join(&[AAC, 1], &data)),
        (b".mp3", FRAMES) => Some(join(&[MP3], &data)),
        (b"mp4a" | b".mp3", _) => None,
        _ if is_wrapped => Some(version_1(AUDIO_MARK | kind, codec, &data)),
        _ => Some(body),
    };
    Ok((track, plain))
}

/// The kind of a packet, and what follows, behind the prefixes of version 2. The only one there is, a
/// finer time, is of no use to players that count milliseconds.
fn unwrap(body: &Bytes, multitrack: u8) -> Result<(u8, Unwrapped), MediaError> {
    let mut rest = body.clone();
    let mut kind = rest.get_u8() & 0x0f;
    let mut is_wrapped = kind == multitrack;
    while kind == MODIFIER {
        is_wrapped = true;
        let mut length = usize::from(rest.try_get_u8().map_err(unreadable)?) + 1;
        if length == 256 {
            length = usize::from(rest.try_get_u16().map_err(unreadable)?) + 1;
        }
        if rest.len() <= length {
            return Err(MediaError::Unreadable);
        }
        rest.advance(length);
        kind = rest.get_u8() & 0x0f;
    }
    Ok((kind, Unwrapped { rest, is_wrapped }))
}

struct Unwrapped {
    rest: Bytes,
    is_wrapped: bool,
}

struct Packet {
    kind: u8,
    track: u8,
    codec: [u8; 4],
    data: Bytes,
    is_wrapped: bool,
}

/// Takes a packet of one track out of the wrapper for several, if it is in one.
fn packet(kind: u8, unwrapped: Unwrapped, multitrack: u8) -> Result<Packet, MediaError> {
    let Unwrapped { mut rest, is_wrapped } = unwrapped;
    if kind != multitrack {
        let codec = fourcc(&mut rest)?;
        return Ok(Packet { kind, track: 0, codec, data: rest, is_wrapped });
    }
    let first = rest.try_get_u8().map_err(unreadable)?;
    let (form, kind) = (first >> 4, first & 0x0f);
    if form > MANY_CODECS || kind == multitrack || kind == MODIFIER {
        return Err(MediaError::Unreadable);
    }
    let codec = fourcc(&mut rest)?;
    let track = rest.try_get_u8().map_err(unreadable)?;
    if form != ONE_TRACK {
        let length = rest.try_get_uint(3).map_err(unreadable)? as usize;
        if rest.len() > length {
            return Err(MediaError::SecondTrack);
        }
        if rest.len() < length {
            return Err(MediaError::Unreadable);
        }
    }
    Ok(Packet { kind, track, codec, data: rest, is_wrapped: true })
}

fn fourcc(rest: &mut Bytes) -> Result<[u8; 4], MediaError> {
    rest.try_get_u32().map(u32::to_be_bytes).map_err(unreadable)
}

fn unreadable(_: bytes::TryGetError) -> MediaError {
    MediaError::Unreadable
}

fn version_1(first: u8, codec: [u8; 4], data: &[u8]) -> Bytes {
    let [a, b, c, d] = codec;
    join(&[first, a, b, c, d], data)
}

fn join(head: &[u8], data: &[u8]) -> Bytes {
    let mut joined = BytesMut::with_capacity(head.len() + data.len());
    joined.put_slice(head);
    joined.put_slice(data);
    joined.freeze()
}

/// How version 1 marks its own: a bit beside the frame type, and an audio format.
const VIDEO_MARK: u8 = 0x80;
const AUDIO_MARK: u8 = 0x90;

const START: u8 = 0;
const FRAMES: u8 = 1;
const END: u8 = 2;
/// Frames that are shown when they are decoded.
const FRAMES_X: u8 = 3;
const VIDEO_METADATA: u8 = 4;
const LAST_VIDEO_KIND: u8 = 5;
const LAST_AUDIO_KIND: u8 = 4;
const AUDIO_MULTITRACK: u8 = 5;
const VIDEO_MULTITRACK: u8 = 6;
const MODIFIER: u8 = 7;

const ONE_TRACK: u8 = 0;
const MANY_CODECS: u8 = 2;

/// The older forms: AVC, AAC and MP3 as everybody knows them.
const AVC: u8 = 7;
const AAC: u8 = 0xaf;
const MP3: u8 = 0x2f;
const KEY_FRAME: u8 = 0x10;
const COMMAND_FRAME: u8 = 0x50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avc_and_aac_take_the_form_that_every_player_knows() {
        for (enhanced, older) in [
            (&b"\x90avc1CONF"[..], &b"\x17\0\0\0\0CONF"[..]),
            (b"\x91avc1\0\0\x05data", b"\x17\x01\0\0\x05data"),
            (b"\xa1avc1\0\0\x05data", b"\x27\x01\0\0\x05data"),
            (b"\xa3avc1data", b"\x27\x01\0\0\0data"),
            (b"\x92avc1", b"\x17\x02\0\0\0"),
        ] {
            assert_eq!(plain_video(enhanced), Ok((0, Some(older.to_vec()))));
        }
        for (enhanced, older) in [
            (&b"\x90mp4aCONF"[..], &b"\xaf\0CONF"[..]),
            (b"\x91mp4adata", b"\xaf\x01data"),
            (b"\x91.mp3data", b"\x2fdata"),
        ] {
            assert_eq!(plain_audio(enhanced), Ok((0, Some(older.to_vec()))));
        }
        assert_eq!(plain_video(b"\x94avc1colour"), Ok((0, None)));
        assert_eq!(plain_audio(b"\x94mp4achannels"), Ok((0, None)));
    }

    #[test]
    fn version_1_and_older_media_stay_as_they_are() {
        for body in
            [&b"\x90hvc1CONF"[..], b"\xa1hvc1\0\0\0data", b"\x93av01data", b"\xd1\0", b"\x17\x01", b""]
        {
            assert_eq!(plain_video(body), Ok((0, Some(body.to_vec()))), "{body:?}");
        }
        for body in [&b"\x90OpusHEAD"[..], b"\x91Opusdata", b"\x91fLaCdata", b"\xaf\x01", b""] {
            assert_eq!(plain_audio(body), Ok((0, Some(body.to_vec()))), "{body:?}");
        }
    }

    #[test]
    fn what_version_2_puts_before_and_around_a_packet_is_taken_off() {
        let older = |body: &[u8]| Ok((0, Some(body.to_vec())));
        assert_eq!(plain_video(b"\x97\x02\0\0\x01\x01avc1\0\0\0data"), older(b"\x17\x01\0\0\0data"));
        assert_eq!(plain_video(b"\xa7\0\x09\x07\0\x08\x03hvc1data"), older(b"\xa3hvc1data"), "two prefixes");
        let long = [&b"\x97\xff\x01\x2b"[..], &[9; 300], b"\x00av01CONF"].concat();
        assert_eq!(plain_video(&long), older(b"\x90av01CONF"));
        assert_eq!(plain_audio(b"\x97\x02\0\0\x01\x01Opusdata"), older(b"\x91Opusdata"));

        let track = |id, body: &[u8]| Ok((id, Some(body.to_vec())));
        assert_eq!(plain_video(b"\x96\x01avc1\x00\0\0\0data"), track(0, b"\x17\x01\0\0\0data"));
        assert_eq!(plain_video(b"\x96\x00hvc1\x03CONF"), track(3, b"\x90hvc1CONF"));
        assert_eq!(plain_video(b"\xa6\x13vp09\x00\0\0\x04data"), track(0, b"\xa3vp09data"));
        assert_eq!(plain_video(b"\xa6\x21hvc1\x01\0\0\x04data"), track(1, b"\xa1hvc1data"));
        assert_eq!(
            plain_video(b"\x97\x02\0\0\x01\x06\x03hvc1\x00data"),
            track(0, b"\x93hvc1data"),
            "in a prefix"
        );
        assert_eq!(plain_audio(b"\x95\x01Opus\x01data"), track(1, b"\x91Opusdata"));
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused_by_name() {
        let several = b"\x96\x11avc1\0\0\0\x04data\x01\0\0\x04data";
        assert_eq!(plain_video(several), Err(MediaError::SecondTrack));
        assert_eq!(plain_audio(b"\x95\x21Opus\0\0\0\x01xmp4a\x01\0\0\x01x"), Err(MediaError::SecondTrack));
        assert_eq!(plain_video(b"\x98hvc1"), Err(MediaError::Unknown(8)));
        assert_eq!(plain_audio(b"\x93Opus"), Err(MediaError::Unknown(3)));
        let whole = b"\x97\x02\0\0\x01\x06\x11hvc1\x00\0\0\x04data";
        assert_eq!(plain_video(whole), Ok((0, Some(b"\x91hvc1data".to_vec()))));
        for cut in 1..whole.len() {
            assert_eq!(plain_video(&whole[..cut]), Err(MediaError::Unreadable), "{cut}");
        }
        for body in [&b"\x96\x06avc1\0"[..], b"\x96\x07avc1\0", b"\x96\x31avc1\0", b"\x95\x05Opus\0"] {
            assert!(plain_video(body).is_err() || plain_audio(body).is_err(), "{body:?}");
        }
    }

    type Plain = Result<(u8, Option<Vec<u8>>), MediaError>;

    fn plain_video(body: &[u8]) -> Plain {
        plain(Track::Video, Bytes::copy_from_slice(body)).map(|(track, body)| (track, body.map(Into::into)))
    }

    fn plain_audio(body: &[u8]) -> Plain {
        plain(Track::Audio, Bytes::copy_from_slice(body)).map(|(track, body)| (track, body.map(Into::into)))
    }
}
