//! What one player still has to be sent.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cache::Cache;
use super::limits::BrokerLimits;
use super::packet::{Packet, Part, Track};
use super::place::Place;
use super::tracks::{Origin, Told, Tracks};

#[derive(Debug)]
pub(super) struct Player {
    phase: Phase,
    queue: VecDeque<Packet>,
    bytes: usize,
    origin: Option<Origin>,
    /// The player's time of what was queued last.
    latest: i64,
    /// Since when something is there for it that it does not take.
    untaken_since: Option<u64>,
    place: Arc<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Knows nothing of the stream.
    Fresh,
    /// Has the headers of the tracks it was told of. Sound it gets; pictures from a key frame on.
    Begun { told: Told, sees: bool },
}

impl Player {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self {
            phase: Phase::Fresh,
            queue: VecDeque::new(),
            bytes: 0,
            origin: None,
            latest: 0,
            untaken_since: None,
            place,
        }
    }

    /// Queues the headers and what is cached of the tracks that flow.
    pub(super) fn start_from(&mut self, cache: &Cache, tracks: &Tracks, now_ms: u64) {
        let told = tracks.flowing(now_ms);
        let Some(&(time, _)) = cache.packets.first().filter(|_| told.video) else {
            return;
        };
        let origin = tracks.origin(Track::Video, time, now_ms);
        self.origin = Some(origin);
        self.begin(told, tracks, |_| 0, now_ms);
        self.phase = Phase::Begun { told, sees: true };
        for (time, packet) in cache.packets.iter().filter(|(_, packet)| told.of(packet.track)) {
            self.push(*time, packet, now_ms);
        }
    }

    /// Everything is to be told anew: the publisher changed, or something was skipped.
    pub(super) fn start_over(&mut self) {
        self.phase = Phase::Fresh;
    }

    /// Queues a packet, and before it what this player must know and does not.
    pub(super) fn receive(&mut self, part: Part, time: i64, packet: &Packet, tracks: &Tracks, now_ms: u64) {
        let track = packet.track;
        let (told, sees) = match (part, self.phase) {
            // A header says that there may be something; only media say that there is.
            (Part::Header, Phase::Fresh) | (Part::Frame, Phase::Fresh) => return,
            (Part::Frame, Phase::Begun { sees: false, .. }) => return,
            (Part::Header, Phase::Begun { told, .. }) if !told.of(track) => return,
            (Part::Header, Phase::Begun { told, .. }) if track == Track::Metadata => {
                return self.describe(told, tracks, now_ms);
            }
            (Part::Header | Part::Frame, Phase::Begun { told, sees }) => (told, sees),
            (Part::KeyFrame | Part::Sound, Phase::Begun { told, sees }) => {
                if !told.of(track) {
                    self.begin_track(told.and(track), track, tracks, now_ms);
                }
                (told.and(track), sees || part == Part::KeyFrame)
            }
            // Sound does not wait for a picture: the camera may be off.
            (Part::KeyFrame | Part::Sound, Phase::Fresh) => {
                let origin = *self.origin.get_or_insert_with(|| tracks.origin(track, time, now_ms));
                let told = tracks.flowing(now_ms).and(track);
                // Each header is as old as what its track last had, or sound that is muxed a little behind
                // the picture would go back in time.
                self.begin(told, tracks, |track| origin.shift(track, tracks.last(track)), now_ms);
                (told, part == Part::KeyFrame)
            }
        };
        self.phase = Phase::Begun { told, sees };
        self.push(time, packet, now_ms);
    }

    /// Drops everything not sent yet once that is too much, and says how many packets that was.
    pub(super) fn skip_if_behind(&mut self, limits: &BrokerLimits) -> u64 {
        if self.queue.len() <= limits.queued_packets && self.bytes <= limits.queued_bytes {
            return 0;
        }
        let dropped = self.queue.len() as u64;
        self.queue.clear();
        self.bytes = 0;
        self.start_over();
        dropped
    }

    /// Tells its connection that there is something for it.
    pub(super) fn wake(&self) {
        if !self.queue.is_empty() {
            self.place.wake.notify_one();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.place.is_over()
    }

    pub(super) fn take(&mut self, bytes: usize, now_ms: u64) -> Vec<Packet> {
        let mut taken = Vec::new();
        let mut size = 0;
        while size < bytes
            && let Some(packet) = self.queue.pop_front()
        {
            size += packet.body.len() + PACKET_OVERHEAD;
            self.bytes -= packet.body.len();
            taken.push(packet);
        }
        self.untaken_since = (!self.queue.is_empty()).then_some(now_ms);
        taken
    }

    pub(super) fn is_stalled(&self, limits: &BrokerLimits, now_ms: u64) -> bool {
        self.untaken_since.is_some_and(|since| now_ms.saturating_sub(since) >= limits.stalled_ms)
    }

    fn begin(&mut self, told: Told, tracks: &Tracks, age: impl Fn(Track) -> i64, now_ms: u64) {
        self.describe(told, tracks, now_ms);
        for track in [Track::Video, Track::Audio].into_iter().filter(|track| told.of(*track)) {
            if let Some(header) = tracks.header(track) {
                self.enqueue(age(track), header, now_ms);
            }
        }
    }

    /// Tells it of one track more.
    fn begin_track(&mut self, told: Told, track: Track, tracks: &Tracks, now_ms: u64) {
        self.describe(told, tracks, now_ms);
        if let Some(header) = tracks.header(track) {
            self.push(tracks.last(track), header, now_ms);
        }
    }

    fn describe(&mut self, told: Told, tracks: &Tracks, now_ms: u64) {
        if let Some(metadata) = tracks.metadata(told) {
            self.enqueue(self.latest, metadata, now_ms);
        }
    }

    fn push(&mut self, time: i64, packet: &Packet, now_ms: u64) {
        let time = self.origin.map_or(0, |origin| origin.shift(packet.track, time));
        self.enqueue(time, packet, now_ms);
    }

    fn enqueue(&mut self, time: i64, packet: &Packet, now_ms: u64) {
        self.untaken_since.get_or_insert(now_ms);
        self.latest = self.latest.max(time);
        self.bytes += packet.body.len();
        // RTMP time is 32 bits and wraps after 49 days.
        self.queue.push_back(Packet { timestamp: time as u32, ..packet.clone() });
    }
}

/// What a packet costs beyond its body, roughly.
const PACKET_OVERHEAD: usize = 32;
