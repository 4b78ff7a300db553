//! What one player is told of a stream, and when.

use std::sync::Arc;

use super::cache::Cache;
use super::limits::BrokerLimits;
use super::packet::{Packet, Part, Track};
use super::place::Place;
use super::tracks::{Origin, Told, Tracks};

#[derive(Debug)]
pub(super) struct Player {
    phase: Phase,
    origin: Option<Origin>,
    /// The player's time of what was queued last.
    latest: i64,
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
        Self { phase: Phase::Fresh, origin: None, latest: 0, place }
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
        let dropped = {
            let mut outbox = self.place.outbox();
            if !outbox.is_behind(limits) {
                return 0;
            }
            outbox.clear()
        };
        self.start_over();
        dropped
    }

    /// Tells its connection if there is something for it, and says whether it took nothing for too long.
    pub(super) fn wake(&self, limits: &BrokerLimits, now_ms: u64) -> bool {
        let (has_news, is_stalled) = {
            let outbox = self.place.outbox();
            (!outbox.is_empty(), outbox.is_stalled(limits, now_ms))
        };
        if has_news {
            self.place.tell();
        }
        is_stalled
    }

    pub(super) fn is_over(&self) -> bool {
        self.place.is_over()
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
        self.latest = self.latest.max(time);
        // RTMP time is 32 bits and wraps after 49 days.
        let packet = Packet { timestamp: time as u32, ..packet.clone() };
        self.place.outbox().push(packet, now_ms);
    }
}

impl Drop for Player {
    /// Whatever its connection is busy with, and for however long: nothing is kept for it.
    fn drop(&mut self) {
        self.place.outbox().clear();
    }
}
