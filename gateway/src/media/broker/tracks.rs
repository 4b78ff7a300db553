//! The tracks of a stream, each by itself: its header, its clock, and whether it flows.
//!
//! Hides how time is told. A publisher's tracks begin, pause and end on their own, and their clocks may be
//! apart, drift, jump or go back; none of that moves the other track. Stream time never goes back on a
//! track, whatever publishers come and go.

use bytes::Bytes;

use super::packet::{Packet, Track};
use crate::media::amf::{self, Property};

/// The tracks of a stream.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    metadata: Option<Metadata>,
    audio: Flow,
    video: Flow,
}

/// Which tracks a player is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) audio: bool,
    pub(super) video: bool,
}

impl Told {
    pub(super) fn of(self, track: Track) -> bool {
        match track {
            Track::Metadata => true,
            Track::Audio => self.audio,
            Track::Video => self.video,
        }
    }

    pub(super) fn and(self, track: Track) -> Self {
        Self { audio: self.audio || track == Track::Audio, video: self.video || track == Track::Video }
    }
}

/// The stream time that is zero for a player.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) audio: i64,
    pub(super) video: i64,
}

impl Origin {
    /// The player's time for a stream time.
    pub(super) fn shift(self, track: Track, time: i64) -> i64 {
        let zero = match track {
            Track::Audio | Track::Metadata => self.audio,
            Track::Video => self.video,
        };
        (time - zero).max(0)
    }
}

impl Tracks {
    /// Forgets all of a publisher but the time it has reached.
    pub(super) fn end(&mut self) {
        self.metadata = None;
        for flow in [&mut self.audio, &mut self.video] {
            *flow = Flow { time: flow.time, ..Flow::default() };
        }
    }

    /// Keeps a header, and says whether it is news. Encoders repeat headers before key frames.
    pub(super) fn learn(&mut self, packet: &Packet, now_ms: u64) -> bool {
        // A copy, or a few bytes would pin the whole block they were read into.
        let copy = || Packet { body: Bytes::copy_from_slice(&packet.body), ..*packet };
        if packet.track == Track::Metadata {
            let is_news = self.metadata.as_ref().is_none_or(|known| known.whole.body != packet.body);
            if is_news {
                self.metadata = Some(Metadata::new(copy()));
            }
            return is_news;
        }
        let flow = self.flow_mut(packet.track);
        flow.announced = Some(now_ms);
        let is_news = flow.header.as_ref().is_none_or(|known| known.body != packet.body);
        if is_news {
            flow.header = Some(copy());
        }
        is_news
    }

    /// The stream time of a packet with the publisher's time `raw`.
    pub(super) fn place(&mut self, track: Track, raw: u32, now_ms: u64) -> i64 {
        let latest = self.audio.time.max(self.video.time);
        let (own, other) = match track {
            Track::Video => (&mut self.video, &self.audio),
            Track::Audio | Track::Metadata => (&mut self.audio, &self.video),
        };
        let there = other.clock.as_ref().map(|clock| (clock, other.reached(now_ms)));
        // The other track tells where a new one begins, and one that paused by itself goes on. If both
        // paused, the network may have held up both.
        let pauses = !own.flows(now_ms) && other.flows(now_ms);
        // Where it should be: as long after the last packet as it came. Without any, this is a publisher's
        // first packet.
        let expected = match (&own.clock, there) {
            (Some(_), Some((_, reached))) if pauses => reached,
            (Some(_), _) => own.reached(now_ms).max(own.time.unwrap_or(0) + 1),
            (None, Some((_, reached))) => reached,
            (None, None) => latest.map_or(0, |latest| latest + SEAM_MS),
        };
        let is_near = |time: &i64| (time - expected).abs() <= APART_MS;
        // By its own clock if that goes on, and did not stand still in a pause. Else by the other's, which is
        // most often the same, so that picture and sound stay together.
        let by_own = own.clock.as_ref().and_then(|clock| clock.goes_on(raw, now_ms));
        let by_own = by_own.filter(|time| !pauses || is_near(time));
        let by_other = || there.map(|(clock, _)| clock.read(raw)).filter(is_near);
        let time = by_own.or_else(by_other).unwrap_or(expected);
        own.went(raw, time, now_ms)
    }

    /// The tracks that flow, or are about to.
    pub(super) fn flowing(&self, now_ms: u64) -> Told {
        let comes = |flow: &Flow| flow.flows(now_ms) || flow.begins(now_ms);
        Told { audio: comes(&self.audio), video: comes(&self.video) }
    }

    /// What stands before the media of a track.
    pub(super) fn header(&self, track: Track) -> Option<&Packet> {
        match track {
            Track::Metadata => None,
            Track::Audio => self.audio.header.as_ref(),
            Track::Video => self.video.header.as_ref(),
        }
    }

    /// The metadata, without promises of tracks that a player is not told of: some wait for ever for one.
    pub(super) fn metadata(&self, told: Told) -> Option<&Packet> {
        let Metadata { whole, of_sound, of_pictures } = self.metadata.as_ref()?;
        Some(match (told.audio, told.video) {
            (true, true) => whole,
            (true, false) => of_sound,
            (false, _) => of_pictures,
        })
    }

    /// The last time on a track; zero, when the stream began, if it had nothing yet.
    pub(super) fn last(&self, track: Track) -> i64 {
        match track {
            Track::Audio | Track::Metadata => self.audio.time.unwrap_or(0),
            Track::Video => self.video.time.unwrap_or(0),
        }
    }

    /// What is zero for a player whose media begin at `time` of `track`. Where clocks have drifted apart,
    /// what comes at the same time is played at the same time.
    pub(super) fn origin(&self, track: Track, time: i64, now_ms: u64) -> Origin {
        let both = self.audio.flows(now_ms) && self.video.flows(now_ms);
        let apart = if both { self.last(Track::Video) - self.last(Track::Audio) } else { 0 };
        let apart = if apart.abs() > APART_MS { apart } else { 0 };
        match track {
            Track::Audio | Track::Metadata => Origin { audio: time, video: time + apart },
            Track::Video => Origin { audio: time - apart, video: time },
        }
    }

    fn flow_mut(&mut self, track: Track) -> &mut Flow {
        match track {
            Track::Video => &mut self.video,
            Track::Audio | Track::Metadata => &mut self.audio,
        }
    }
}

impl Told {
    fn judge(self, name: &[u8]) -> Property {
        let begins = |start: &[u8]| name.get(..start.len()).is_some_and(|n| n.eq_ignore_ascii_case(start));
        let is = |names: &[&[u8]]| names.iter().any(|n| name.eq_ignore_ascii_case(n));
        let of_video = begins(b"video") || begins(b"avc") || is(&[b"width", b"height", b"framerate", b"fps"]);
        let of_audio = begins(b"audio") || begins(b"aac") || is(&[b"stereo"]);
        if (is(&[b"hasVideo"]) && !self.video) || (is(&[b"hasAudio"]) && !self.audio) {
            Property::IsFalse
        } else if (of_video && !self.video) || (of_audio && !self.audio) {
            Property::Goes
        } else {
            Property::Stays
        }
    }
}

/// What a publisher says of its media. Edited once, however many are told.
#[derive(Debug)]
struct Metadata {
    whole: Packet,
    of_sound: Packet,
    of_pictures: Packet,
}

impl Metadata {
    fn new(whole: Packet) -> Self {
        let of = |audio, video| {
            let told = Told { audio, video };
            let body = amf::edit(&whole.body, |name| told.judge(name));
            Packet { body: body.map_or_else(|| whole.body.clone(), Into::into), ..whole }
        };
        Self { of_sound: of(true, false), of_pictures: of(false, true), whole }
    }
}

/// One track as it comes.
#[derive(Debug, Default)]
struct Flow {
    header: Option<Packet>,
    /// When the header last came.
    announced: Option<u64>,
    clock: Option<Clock>,
    /// The stream time of its last packet.
    time: Option<i64>,
    /// When its last packet came.
    seen: Option<u64>,
    /// How long after the packet before its last one came: a slow track is none that has ended.
    pace: u64,
}

impl Flow {
    fn flows(&self, now_ms: u64) -> bool {
        let most = (2 * self.pace).clamp(FLOWS_MS, SLOWEST_MS);
        self.seen.is_some_and(|seen| now_ms.saturating_sub(seen) <= most)
    }

    /// Whether its header has just come: an encoder sends all of them before the first media.
    fn begins(&self, now_ms: u64) -> bool {
        self.announced.is_some_and(|announced| now_ms.saturating_sub(announced) <= FLOWS_MS)
    }

    /// Where it would be if something came now.
    fn reached(&self, now_ms: u64) -> i64 {
        let waited = self.seen.map_or(0, |seen| now_ms.saturating_sub(seen));
        self.time.unwrap_or(0) + waited.cast_signed()
    }

    fn went(&mut self, raw: u32, time: i64, now_ms: u64) -> i64 {
        let lead = time - now_ms.cast_signed();
        let lead = self.clock.as_ref().map_or(lead, |clock| lead.max(clock.lead));
        self.clock = Some(Clock { raw, time, lead });
        if let Some(seen) = self.seen.replace(now_ms) {
            self.pace = now_ms.saturating_sub(seen);
        }
        *self.time.insert(self.time.map_or(time, |last| last.max(time)))
    }
}

/// How the publisher's time of a track is to be read.
#[derive(Debug)]
struct Clock {
    raw: u32,
    time: i64,
    /// How far it was at most before the wall clock: what was held up on its way may catch up so far.
    lead: i64,
}

impl Clock {
    fn read(&self, raw: u32) -> i64 {
        self.time + i64::from(raw.wrapping_sub(self.raw).cast_signed())
    }

    /// Reads it, unless it has jumped: back, or further than can have been lost on the way.
    fn goes_on(&self, raw: u32, now_ms: u64) -> Option<i64> {
        let time = self.read(raw);
        let step = time - self.time;
        let is_late = time - now_ms.cast_signed() <= self.lead + LARGEST_STEP_MS;
        (step >= -LARGEST_STEP_BACK_MS && (step <= LARGEST_STEP_MS || is_late)).then_some(time)
    }
}

/// A step forward that is a clock's own, whenever it comes: an encoder may send faster than time passes.
const LARGEST_STEP_MS: i64 = 1_000;
/// Encoders that reorder pictures go back a little; then time stands.
const LARGEST_STEP_BACK_MS: i64 = 500;
/// How far picture and sound that come together may be apart and still be taken at their word.
const APART_MS: i64 = 1_500;
/// How long nothing may come of a track that flows, and of one that is slow by nature.
const FLOWS_MS: u64 = 1_500;
const SLOWEST_MS: u64 = 20_000;
/// What a player sees between one publisher's last packet and the next one's first.
const SEAM_MS: i64 = 40;
