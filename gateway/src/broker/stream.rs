//! What a stream remembers for the players still to come: headers, time, and the last pictures.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::player::Player;
use super::{BrokerLimits, ConnectionId, Packet, Part, Track};

#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) publisher: Option<Publisher>,
    pub(super) headers: Headers,
    pub(super) clock: StreamClock,
    pub(super) cache: Cache,
    pub(super) players: BTreeMap<ConnectionId, Player>,
}

impl Stream {
    pub(super) fn end_publisher(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            publisher.wake.notify_one();
        }
        self.cache.close();
        self.headers = Headers::default();
    }

    pub(super) fn wake_all(&self) {
        for player in self.players.values() {
            player.wake.notify_one();
        }
        if let Some(publisher) = &self.publisher {
            publisher.wake.notify_one();
        }
    }
}

#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) id: ConnectionId,
    pub(super) holder: u64,
    pub(super) wake: Arc<Notify>,
}

/// What a decoder must have before any media.
#[derive(Debug, Default)]
pub(super) struct Headers {
    metadata: Option<Packet>,
    video: Option<Packet>,
    audio: Option<Packet>,
}

impl Headers {
    pub(super) fn all(&self) -> impl Iterator<Item = &Packet> {
        let all = [&self.metadata, &self.video, &self.audio];
        all.into_iter().flatten()
    }

    /// Keeps the packet, and says whether it is news. Encoders repeat headers before key frames.
    pub(super) fn learn(&mut self, packet: &Packet) -> bool {
        let slot = match packet.track {
            Track::Metadata => &mut self.metadata,
            Track::Video => &mut self.video,
            Track::Audio => &mut self.audio,
        };
        if slot.as_ref().is_some_and(|known| known.body == packet.body) {
            return false;
        }
        // A copy, or a few bytes would pin the whole block they were read into.
        let body = Bytes::copy_from_slice(&packet.body);
        *slot = Some(Packet { body, ..*packet });
        true
    }
}

/// The stream's own time: it never goes back, whatever publishers come and go.
#[derive(Debug, Default)]
pub(super) struct StreamClock {
    /// The last timestamp of the present publisher, and the stream time it stands for.
    anchor: Option<(u32, i64)>,
    audio: Option<i64>,
    video: Option<i64>,
}

impl StreamClock {
    pub(super) fn begin(&mut self) {
        self.anchor = None;
    }

    pub(super) fn place(&mut self, packet: &Packet, part: &Part) -> i64 {
        // Headers carry whatever the encoder likes, mostly zero.
        if matches!(part, Part::Header) {
            return self.last(packet.track);
        }
        let latest = self.audio.max(self.video);
        let step = self.anchor.map(|(raw, time)| {
            let step = packet.timestamp.wrapping_sub(raw).cast_signed();
            (step, time + i64::from(step))
        });
        let time = match step {
            Some((step, time)) if step.abs() < LARGEST_STEP_MS => time,
            // Another publisher, or an encoder that started over.
            Some(_) | None => latest.map_or(0, |latest| latest + SEAM_MS),
        };
        self.anchor = Some((packet.timestamp, time));
        let track = match packet.track {
            Track::Video => &mut self.video,
            Track::Audio | Track::Metadata => &mut self.audio,
        };
        let time = track.map_or(time, |last| last.max(time));
        *track = Some(time);
        time
    }

    /// The last time on a track; zero, when the stream began, if it had nothing yet.
    pub(super) fn last(&self, track: Track) -> i64 {
        match track {
            Track::Audio => self.audio.unwrap_or(0),
            Track::Video => self.video.unwrap_or(0),
            Track::Metadata => self.audio.min(self.video).unwrap_or(0),
        }
    }
}

/// Everything since the last key frame; empty while that is unknown or too much to keep.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) packets: Vec<(i64, Packet)>,
    bytes: usize,
}

impl Cache {
    pub(super) fn open(&mut self, time: i64, packet: &Packet) {
        self.packets.clear();
        self.packets.push((time, packet.clone()));
        self.bytes = packet.body.len();
    }

    pub(super) fn push(&mut self, time: i64, packet: &Packet, limits: &BrokerLimits) {
        if self.packets.is_empty() {
            return;
        }
        self.bytes += packet.body.len();
        if self.packets.len() >= limits.cached_packets || self.bytes > limits.cached_bytes {
            return self.close();
        }
        self.packets.push((time, packet.clone()));
    }

    pub(super) fn close(&mut self) {
        self.packets = Vec::new();
        self.bytes = 0;
    }
}

/// A larger step of a publisher's clock is a new clock.
const LARGEST_STEP_MS: i32 = 10_000;
/// What a player sees between one publisher's last packet and the next one's first.
const SEAM_MS: i64 = 40;
