//! How well the media travel, from what `bindnetstatus` of the page's components tells.
//!
//! A report becomes a score from 0 to 100 and a reason; scores become a level from 0 to 6 that does
//! not flutter. The levels are those of `onNetworkQuality` in NERTC's other SDKs: 0 unknown,
//! 1 excellent, 2 good, 3 poor, 4 bad, 5 very bad, 6 down; `netQualityLevel` of the components has
//! the same scale. Every limit here errs on the side of silence, since a report does not tell how
//! good the sender meant it to be.

use std::time::Duration;

use crate::api::quality::{Flows, Leg, Quality, Reason};
use crate::time::Instant;
use crate::wire::json::Value;
use crate::wire::lenient::{inner, whole};

/// The qualities of every leg of a call, at most [`Qualities::MOST`].
#[derive(Debug, Clone, Default)]
pub struct Qualities {
    meters: Vec<Meter>,
}

impl Qualities {
    /// How many legs are remembered. One more takes the place of the one that has been silent for longest.
    pub const MOST: usize = 64;

    /// Takes in what `bindnetstatus` told: the event, its `detail`, or the `info` in it. Gives what
    /// to tell the application: a level that has changed, at most every two seconds for each leg.
    #[must_use]
    pub fn report(&mut self, leg: Leg, report: Value<'_>, flows: Flows, now: Instant) -> Option<Quality> {
        let index = match self.meters.iter().position(|meter| meter.leg == leg) {
            Some(index) => index,
            None => self.add(leg),
        };
        self.meters[index].report(Sample::read(report), flows, now)
    }

    /// Forgets every leg but those to keep.
    pub fn retain(&mut self, mut keep: impl FnMut(Leg) -> bool) {
        self.meters.retain(|meter| keep(meter.leg));
    }

    /// How a leg is doing, by its latest report.
    #[must_use]
    pub fn quality(&self, leg: Leg) -> Option<Quality> {
        self.meters.iter().find(|meter| meter.leg == leg)?.quality
    }

    /// The score of a report alone, 0 to 100, and what cost most of it; nothing if the report tells
    /// nothing of use. No field that gets worse raises it.
    #[must_use]
    pub fn score(leg: Leg, report: Value<'_>, flows: Flows) -> Option<(u8, Reason)> {
        Sample::read(report).score(leg, flows)
    }

    fn add(&mut self, leg: Leg) -> usize {
        if self.meters.len() >= Self::MOST {
            let silent = self.meters.iter().enumerate().min_by_key(|(_, meter)| meter.since);
            if let Some((silent, _)) = silent {
                self.meters.swap_remove(silent);
            }
        }
        self.meters.push(Meter::new(leg));
        self.meters.len() - 1
    }
}

/// One leg.
#[derive(Debug, Clone)]
struct Meter {
    leg: Leg,
    sample: Sample,
    /// When the sample was begun.
    since: Option<Instant>,
    steady: Steady,
    /// What `steady` was before the sample.
    before: Steady,
    told: Option<(u8, Instant)>,
    quality: Option<Quality>,
}

impl Meter {
    const fn new(leg: Leg) -> Self {
        let steady = Steady { level: 0, streak: 0 };
        let sample = Sample([None; FIELDS.len()]);
        Self { leg, sample, since: None, steady, before: steady, told: None, quality: None }
    }

    fn report(&mut self, sample: Sample, flows: Flows, now: Instant) -> Option<Quality> {
        if self.since.is_some_and(|since| now.since(since) < DOUBLE) {
            // iOS tells some things twice: the second completes the first, and both count as one.
            self.sample.amend(sample);
        } else {
            self.sample = sample;
            self.since = Some(now);
            self.before = self.steady;
        }
        let (score, reason) = self.sample.score(self.leg, flows)?;
        self.steady = self.before.after(score);
        let level = self.steady.level;
        let quality = Quality { level, score, reason };
        self.quality = Some(quality);
        let (told, earliest) = self.told.map_or((0, now), |(level, at)| (level, at + PAUSE));
        if level == told || now < earliest {
            return None;
        }
        self.told = Some((level, now));
        Some(quality)
    }
}

/// A level that changes only when several reports in a row say so.
#[derive(Debug, Clone, Copy)]
struct Steady {
    level: u8,
    /// How many reports in a row have been worse (above zero) or better (below) than `level`.
    streak: i8,
}

impl Steady {
    fn after(self, score: u8) -> Self {
        let worse = level_of(score);
        // Better must be better by a margin, or a score at a limit would flutter.
        let better = level_of(score.saturating_sub(MARGIN));
        let (level, streak) = if worse > self.level {
            (worse, self.streak.max(0) + 1)
        } else if better < self.level {
            (better, self.streak.min(0) - 1)
        } else {
            (self.level, 0)
        };
        if streak >= WORSE || streak <= -BETTER { Self { level, streak: 0 } } else { Self { streak, ..self } }
    }
}

/// What a report says in each of `FIELDS`, where it says something.
#[derive(Debug, Clone, Copy)]
struct Sample([Option<u32>; FIELDS.len()]);

impl Sample {
    fn read(report: Value<'_>) -> Self {
        Self(FIELDS.map(|name| measured(report, name)))
    }

    fn amend(&mut self, later: Self) {
        for (field, later) in self.0.iter_mut().zip(later.0) {
            *field = later.or(*field);
        }
    }

    fn score(self, leg: Leg, flows: Flows) -> Option<(u8, Reason)> {
        let [fps, video, audio, speed, jitter, video_cache, audio_cache, native] = self.0;
        let if_video = |value: Option<u32>| value.filter(|_| flows.video);
        let if_audio = |value: Option<u32>| value.filter(|_| flows.audio);
        let fair_speed = if flows.video { FAIR_VIDEO } else { FAIR_AUDIO };
        let speed = speed.filter(|_| flows.audio || flows.video);
        let ([fair_pictures, bad_pictures], [fair_sound, bad_sound]) = match leg {
            // Frames that wait to be sent: half a second of them, and four seconds.
            Leg::Up => ([8, 60], [25, 190]),
            // Milliseconds that wait to be played. A call's players are to have 800 at most.
            Leg::Down(..) => ([1200, 5000], [1200, 5000]),
        };
        let losses = [
            (Reason::Fps, if_video(fps).map(|fps| loss(fps, 12, 0, 80))),
            // All that flows, then its parts: one that is the only one is all that matters.
            (Reason::Bitrate, speed.map(|rate| loss(rate, fair_speed, 0, 100))),
            (
                Reason::Bitrate,
                if_video(video).map(|rate| loss(rate, FAIR_VIDEO, 0, if flows.audio { 60 } else { 100 })),
            ),
            (
                Reason::Bitrate,
                if_audio(audio).map(|rate| loss(rate, FAIR_AUDIO, 0, if flows.video { 75 } else { 100 })),
            ),
            (Reason::Jitter, jitter.map(|millis| loss(millis, 50, 500, 50))),
            (Reason::Cache, video_cache.map(|cache| loss(cache, fair_pictures, bad_pictures, 60))),
            (Reason::Cache, audio_cache.map(|cache| loss(cache, fair_sound, bad_sound, 60))),
            (
                Reason::Native,
                native.filter(|level| *level > 0).and_then(|level| NATIVE.get(level as usize).copied()),
            ),
        ];
        let mut known = losses.into_iter().filter_map(|(reason, loss)| Some((loss?, reason))).peekable();
        known.peek()?;
        let (mut worst, mut sum) = ((0, Reason::None), 0);
        for (loss, reason) in known {
            sum += loss;
            if loss > worst.0 {
                worst = (loss, reason);
            }
        }
        // Several fields tell of the same trouble, so all others together take at most half of what
        // the worst leaves.
        let (most, reason) = worst;
        let others = (sum - most).min(200);
        Some((((100 - most) * (400 - others) / 400) as u8, reason))
    }
}

/// What `bindnetstatus` says in one of its fields, where it says something.
pub(crate) fn measured(report: Value<'_>, field: &str) -> Option<u32> {
    whole(inner(inner(report, "detail"), "info").get(field))?.try_into().ok()
}

/// Nothing up to `fair`, `most` from `bad` on, and in proportion in between.
const fn loss(value: u32, fair: u32, bad: u32, most: u32) -> u32 {
    let (beyond, span) = if fair > bad {
        (fair.saturating_sub(value), fair - bad)
    } else {
        (value.saturating_sub(fair), bad - fair)
    };
    if beyond < span { most * beyond / span } else { most }
}

const fn level_of(score: u8) -> u8 {
    match score {
        85.. => 1,
        70..=84 => 2,
        55..=69 => 3,
        35..=54 => 4,
        10..=34 => 5,
        ..=9 => 6,
    }
}

/// What is read of a report. Sizes, key frames and the skew between sound and picture are the
/// sender's business, not the network's.
const FIELDS: [&str; 8] = [
    "videoFPS",
    "videoBitrate",
    "audioBitrate",
    "netSpeed",
    "netJitter",
    "videoCache",
    "audioCache",
    "netQualityLevel",
];

/// Kilobits per second below which pictures suffer. Components push 200 at least unless told otherwise.
const FAIR_VIDEO: u32 = 150;
/// Kilobits per second below which speech suffers.
const FAIR_AUDIO: u32 = 12;
/// What a native level costs. Alone, each leads to the same level here.
const NATIVE: [u32; 7] = [0, 0, 20, 35, 55, 80, 100];

/// Reports closer to each other than this are one: components report about every two seconds.
const DOUBLE: Duration = Duration::from_millis(500);
/// The shortest time between two events of a leg.
const PAUSE: Duration = Duration::from_secs(2);
/// Reports in a row that make the level worse.
const WORSE: i8 = 2;
/// Reports in a row that make it better: good news may wait.
const BETTER: i8 = 3;
/// By how much a score must be beyond the limit of a better level.
const MARGIN: u8 = 5;
