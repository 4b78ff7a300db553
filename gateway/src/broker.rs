//! Who publishes, who plays, and what each player still has to be sent.
//!
//! Hides the stream clock, the cache that lets a late player start at a key frame, and what a slow
//! player misses. [`Broker`] is a plain state machine: no socket, no clock, no task. [`Hall`] lets
//! connections share one, and wakes them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::media::{MediaStatistics, Refusal};

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

    fn part(&self) -> Part {
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

enum Part {
    /// Needed before anything else, by every player.
    Header,
    KeyFrame,
    Frame,
    Sound,
}

/// How much the broker holds.
#[derive(Debug, Clone)]
pub struct BrokerLimits {
    /// Streams that have a publisher or a player.
    pub streams: usize,
    /// Players of one stream.
    pub players_per_stream: usize,
    /// Players that wait for a publisher, over all streams.
    pub waiting_players: usize,
    /// Packets kept since the last key frame. A longer group of pictures is not kept at all: late
    /// players then start at the next key frame.
    pub cached_packets: usize,
    /// Bytes kept since the last key frame.
    pub cached_bytes: usize,
    /// Packets a player may fall behind before it skips to the next key frame; at least twice
    /// `cached_packets`, or late players could not keep what they start with.
    pub queued_packets: usize,
    /// Bytes a player may fall behind before it skips to the next key frame; at least twice
    /// `cached_bytes`.
    pub queued_bytes: usize,
    /// How long a player may take nothing, while something is there for it, before it is dropped.
    pub stalled_ms: u64,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            streams: 1000,
            players_per_stream: 500,
            waiting_players: 1000,
            cached_packets: 1024,
            cached_bytes: 4 << 20,
            queued_packets: 2048,
            queued_bytes: 8 << 20,
            stalled_ms: 10_000,
        }
    }
}

/// Every stream of the server.
#[derive(Debug)]
pub struct Broker {
    limits: BrokerLimits,
    streams: BTreeMap<String, Stream>,
    next_id: u64,
    is_closed: bool,
    bytes_in: u64,
    bytes_out: u64,
    dropped: u64,
}

impl Broker {
    /// Makes an empty one.
    #[must_use]
    pub fn new(mut limits: BrokerLimits) -> Self {
        limits.queued_packets = limits.queued_packets.max(2 * limits.cached_packets);
        limits.queued_bytes = limits.queued_bytes.max(2 * limits.cached_bytes);
        Self {
            limits,
            streams: BTreeMap::new(),
            next_id: 0,
            is_closed: false,
            bytes_in: 0,
            bytes_out: 0,
            dropped: 0,
        }
    }

    /// Lets `holder` publish. The same holder's new connection replaces the old one: a phone that
    /// changes networks comes back long before its old connection is known to be dead.
    ///
    /// # Errors
    ///
    /// Refuses a second holder, and one stream more than the limit.
    pub fn publish(
        &mut self,
        name: &str,
        holder: u64,
        wake: Arc<Notify>,
    ) -> Result<ConnectionId, Refusal> {
        let id = self.mint();
        let stream = self.stream(name)?;
        if let Some(old) = &stream.publisher {
            if old.holder != holder {
                return Err(Refusal::Busy);
            }
            old.wake.notify_one();
        }
        stream.publisher = Some(Publisher { id, holder, wake });
        stream.headers = Headers::default();
        stream.cache.close();
        stream.clock.begin();
        for player in stream.players.values_mut() {
            player.phase = Phase::Fresh;
        }
        Ok(id)
    }

    /// Takes a packet from the publisher `id` and queues it for every player.
    ///
    /// # Errors
    ///
    /// Says that the publisher was replaced or ended.
    pub fn push(
        &mut self,
        name: &str,
        id: ConnectionId,
        packet: &Packet,
        now_ms: u64,
    ) -> Result<(), Ended> {
        let stream = self.streams.get_mut(name).ok_or(Ended)?;
        if stream.publisher.as_ref().is_none_or(|p| p.id != id) {
            return Err(Ended);
        }
        self.bytes_in += packet.body.len() as u64;
        let part = packet.part();
        let time = stream.clock.place(packet, &part);
        match part {
            Part::Header => {
                if !stream.headers.learn(packet) {
                    return Ok(());
                }
                // The cached pictures belong to the header before this one.
                if packet.track != Track::Metadata {
                    stream.cache.close();
                }
            }
            Part::KeyFrame => stream.cache.open(time, packet),
            Part::Frame | Part::Sound => stream.cache.push(time, packet, &self.limits),
        }
        let (headers, limits) = (&stream.headers, &self.limits);
        stream.players.retain(|_, player| {
            match (&part, player.phase) {
                (Part::Header, Phase::Fresh) | (Part::Frame, Phase::Fresh | Phase::Listening) => {}
                (Part::KeyFrame, Phase::Fresh) => {
                    player.start(headers, time, now_ms);
                    player.phase = Phase::Flowing;
                    player.push(time, packet, now_ms);
                }
                (Part::KeyFrame, Phase::Listening) => {
                    player.phase = Phase::Flowing;
                    player.push(time, packet, now_ms);
                }
                // Sound does not wait for a picture: the camera may be off.
                (Part::Sound, Phase::Fresh) => {
                    player.start(headers, time, now_ms);
                    player.phase = Phase::Listening;
                    player.push(time, packet, now_ms);
                }
                (Part::Header | Part::Sound, Phase::Listening)
                | (Part::Header | Part::KeyFrame | Part::Frame | Part::Sound, Phase::Flowing) => {
                    player.push(time, packet, now_ms)
                }
            }
            self.dropped += player.skip_if_behind(limits);
            player.wake.notify_one();
            !player.is_stalled(limits, now_ms)
        });
        Ok(())
    }

    /// Forgets the publisher `id`. Its players wait for the next one.
    pub fn unpublish(&mut self, name: &str, id: ConnectionId) {
        let Some(stream) = self.streams.get_mut(name) else {
            return;
        };
        if stream.publisher.take_if(|p| p.id == id).is_some() {
            stream.cache.close();
            stream.headers = Headers::default();
        }
        self.forget_if_empty(name);
    }

    /// Lets a player in. What it needs to start is queued at once if the stream has it.
    ///
    /// # Errors
    ///
    /// Refuses one player, one waiting player or one stream more than the limit.
    pub fn play(
        &mut self,
        name: &str,
        wake: Arc<Notify>,
        now_ms: u64,
    ) -> Result<ConnectionId, Refusal> {
        let id = self.mint();
        let live = self
            .streams
            .get(name)
            .is_some_and(|s| s.publisher.is_some());
        if !live && self.waiting() >= self.limits.waiting_players {
            return Err(Refusal::Full);
        }
        let most = self.limits.players_per_stream;
        let stream = self.stream(name)?;
        if stream.players.len() >= most {
            return Err(Refusal::Full);
        }
        let mut player = Player::new(wake);
        if let Some((time, _)) = stream.cache.packets.first() {
            player.start(&stream.headers, *time, now_ms);
            player.phase = Phase::Flowing;
            for (time, packet) in &stream.cache.packets {
                player.push(*time, packet, now_ms);
            }
        }
        stream.players.insert(id, player);
        Ok(id)
    }

    /// Hands a player the next packets of at most about `bytes`; none if there are none yet.
    ///
    /// # Errors
    ///
    /// Says that the player was dropped or its stream ended.
    pub fn take(
        &mut self,
        name: &str,
        id: ConnectionId,
        bytes: usize,
        now_ms: u64,
    ) -> Result<Vec<Packet>, Ended> {
        let player = self
            .streams
            .get_mut(name)
            .and_then(|stream| stream.players.get_mut(&id))
            .ok_or(Ended)?;
        let taken = player.take(bytes, now_ms);
        self.bytes_out += taken.iter().map(|p| p.body.len() as u64).sum::<u64>();
        Ok(taken)
    }

    /// Forgets a player.
    pub fn leave(&mut self, name: &str, id: ConnectionId) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.players.remove(&id);
        }
        self.forget_if_empty(name);
    }

    /// Ends a stream for its publisher and all its players.
    pub fn end(&mut self, name: &str) {
        if let Some(stream) = self.streams.remove(name) {
            stream.wake_all();
        }
    }

    /// Ends every stream and lets nobody in any more.
    pub fn close(&mut self) {
        self.is_closed = true;
        for (_, stream) in std::mem::take(&mut self.streams) {
            stream.wake_all();
        }
    }

    /// Counts everything.
    #[must_use]
    pub fn statistics(&self) -> MediaStatistics {
        let streams = self.streams.values();
        MediaStatistics {
            streams: self.streams.len(),
            publishers: streams.clone().filter(|s| s.publisher.is_some()).count(),
            players: streams.map(|s| s.players.len()).sum(),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            dropped: self.dropped,
        }
    }

    fn mint(&mut self) -> ConnectionId {
        self.next_id += 1;
        ConnectionId(self.next_id)
    }

    fn stream(&mut self, name: &str) -> Result<&mut Stream, Refusal> {
        let is_full = self.streams.len() >= self.limits.streams;
        if self.is_closed || (is_full && !self.streams.contains_key(name)) {
            return Err(Refusal::Full);
        }
        Ok(self.streams.entry(name.to_owned()).or_default())
    }

    fn waiting(&self) -> usize {
        let idle = self.streams.values().filter(|s| s.publisher.is_none());
        idle.map(|s| s.players.len()).sum()
    }

    fn forget_if_empty(&mut self, name: &str) {
        let empty = |s: &Stream| s.publisher.is_none() && s.players.is_empty();
        if self.streams.get(name).is_some_and(empty) {
            self.streams.remove(name);
        }
    }
}

/// A publisher or player, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// The publisher or player is no longer part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has ended for this connection")]
pub struct Ended;

#[derive(Debug, Default)]
struct Stream {
    publisher: Option<Publisher>,
    headers: Headers,
    clock: StreamClock,
    cache: Cache,
    players: BTreeMap<ConnectionId, Player>,
}

impl Stream {
    fn wake_all(&self) {
        for player in self.players.values() {
            player.wake.notify_one();
        }
        if let Some(publisher) = &self.publisher {
            publisher.wake.notify_one();
        }
    }
}

#[derive(Debug)]
struct Publisher {
    id: ConnectionId,
    holder: u64,
    wake: Arc<Notify>,
}

/// What a decoder must have before any media.
#[derive(Debug, Default)]
struct Headers {
    metadata: Option<Packet>,
    video: Option<Packet>,
    audio: Option<Packet>,
}

impl Headers {
    /// Keeps the packet, and says whether it is news. Encoders repeat headers before key frames.
    fn learn(&mut self, packet: &Packet) -> bool {
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
struct StreamClock {
    /// The last timestamp of the present publisher, and the stream time it stands for.
    anchor: Option<(u32, i64)>,
    audio: Option<i64>,
    video: Option<i64>,
}

impl StreamClock {
    fn begin(&mut self) {
        self.anchor = None;
    }

    fn place(&mut self, packet: &Packet, part: &Part) -> i64 {
        let latest = self.audio.max(self.video);
        // Headers carry whatever the encoder likes, mostly zero.
        if matches!(part, Part::Header) {
            return latest.unwrap_or(0);
        }
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
}

/// Everything since the last key frame; empty while that is unknown or too much to keep.
#[derive(Debug, Default)]
struct Cache {
    packets: Vec<(i64, Packet)>,
    bytes: usize,
}

impl Cache {
    fn open(&mut self, time: i64, packet: &Packet) {
        self.packets.clear();
        self.packets.push((time, packet.clone()));
        self.bytes = packet.body.len();
    }

    fn push(&mut self, time: i64, packet: &Packet, limits: &BrokerLimits) {
        if self.packets.is_empty() {
            return;
        }
        self.bytes += packet.body.len();
        if self.packets.len() >= limits.cached_packets || self.bytes > limits.cached_bytes {
            return self.close();
        }
        self.packets.push((time, packet.clone()));
    }

    fn close(&mut self) {
        self.packets = Vec::new();
        self.bytes = 0;
    }
}

#[derive(Debug)]
struct Player {
    phase: Phase,
    queue: VecDeque<(i64, Packet)>,
    bytes: usize,
    /// The stream time that is zero for this player.
    origin: Option<i64>,
    /// Since when something is there for it that it does not take.
    untaken_since: Option<u64>,
    wake: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Needs the headers, and a key frame for the picture.
    Fresh,
    /// Has the headers and gets sound; the picture waits for a key frame.
    Listening,
    /// Gets everything.
    Flowing,
}

impl Player {
    fn new(wake: Arc<Notify>) -> Self {
        Self {
            phase: Phase::Fresh,
            queue: VecDeque::new(),
            bytes: 0,
            origin: None,
            untaken_since: None,
            wake,
        }
    }

    fn start(&mut self, headers: &Headers, time: i64, now_ms: u64) {
        self.origin.get_or_insert(time);
        let headers = [&headers.metadata, &headers.video, &headers.audio];
        for header in headers.into_iter().flatten() {
            self.push(time, header, now_ms);
        }
    }

    fn push(&mut self, time: i64, packet: &Packet, now_ms: u64) {
        self.untaken_since.get_or_insert(now_ms);
        self.bytes += packet.body.len();
        self.queue.push_back((time, packet.clone()));
    }

    /// Drops everything not sent yet once that is too much, and says how many packets that was.
    fn skip_if_behind(&mut self, limits: &BrokerLimits) -> u64 {
        if self.queue.len() <= limits.queued_packets && self.bytes <= limits.queued_bytes {
            return 0;
        }
        let dropped = self.queue.len() as u64;
        self.queue.clear();
        self.bytes = 0;
        self.phase = Phase::Fresh;
        dropped
    }

    fn take(&mut self, bytes: usize, now_ms: u64) -> Vec<Packet> {
        let mut taken = Vec::new();
        let mut size = 0;
        while size < bytes
            && let Some((time, mut packet)) = self.queue.pop_front()
        {
            size += packet.body.len() + PACKET_OVERHEAD;
            self.bytes -= packet.body.len();
            let time = (time - self.origin.unwrap_or(time)).max(0);
            // RTMP time is 32 bits and wraps after 49 days.
            packet.timestamp = time as u32;
            taken.push(packet);
        }
        self.untaken_since = (!self.queue.is_empty()).then_some(now_ms);
        taken
    }

    fn is_stalled(&self, limits: &BrokerLimits, now_ms: u64) -> bool {
        self.untaken_since
            .is_some_and(|since| now_ms.saturating_sub(since) >= limits.stalled_ms)
    }
}

/// One broker, shared by the connections.
#[derive(Debug, Clone)]
pub struct Hall {
    broker: Arc<Mutex<Broker>>,
    opened: Instant,
}

impl Hall {
    /// Opens one without streams.
    #[must_use]
    pub fn new(limits: BrokerLimits) -> Self {
        Self {
            broker: Arc::new(Mutex::new(Broker::new(limits))),
            opened: Instant::now(),
        }
    }

    /// Becomes the publisher of a stream until the publication is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::publish`].
    pub fn publish(&self, name: &str, holder: u64) -> Result<Publication, Refusal> {
        let wake = Arc::new(Notify::new());
        let id = self.broker().publish(name, holder, Arc::clone(&wake))?;
        Ok(Publication {
            seat: self.seat(name, id, wake),
        })
    }

    /// Becomes a player of a stream until the subscription is dropped.
    ///
    /// # Errors
    ///
    /// As [`Broker::play`].
    pub fn play(&self, name: &str) -> Result<Subscription, Refusal> {
        let wake = Arc::new(Notify::new());
        let now = self.now_ms();
        let id = self.broker().play(name, Arc::clone(&wake), now)?;
        Ok(Subscription {
            seat: self.seat(name, id, wake),
        })
    }

    /// The broker itself. A connection that panicked with it in hand must not end all the others.
    pub fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self, name: &str, id: ConnectionId, wake: Arc<Notify>) -> Seat {
        Seat {
            hall: self.clone(),
            name: name.to_owned(),
            id,
            wake,
        }
    }

    fn now_ms(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }
}

#[derive(Debug)]
struct Seat {
    hall: Hall,
    name: String,
    id: ConnectionId,
    wake: Arc<Notify>,
}

/// The right to feed a stream.
#[derive(Debug)]
pub struct Publication {
    seat: Seat,
}

impl Publication {
    /// Feeds the stream.
    ///
    /// # Errors
    ///
    /// As [`Broker::push`].
    pub fn push(&self, packet: &Packet) -> Result<(), Ended> {
        let Seat { hall, name, id, .. } = &self.seat;
        hall.broker().push(name, *id, packet, hall.now_ms())
    }

    /// The stream.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.seat.name
    }

    /// Waits until another connection takes over, or the stream is ended.
    pub async fn ended(&self) {
        self.seat.wake.notified().await;
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        let Seat { hall, name, id, .. } = &self.seat;
        hall.broker().unpublish(name, *id);
    }
}

/// A place among the players of a stream.
#[derive(Debug)]
pub struct Subscription {
    seat: Seat,
}

impl Subscription {
    /// Waits for the next packets, of about `bytes` at most.
    ///
    /// # Errors
    ///
    /// As [`Broker::take`].
    pub async fn next(&mut self, bytes: usize) -> Result<Vec<Packet>, Ended> {
        let Seat {
            hall,
            name,
            id,
            wake,
        } = &self.seat;
        loop {
            let packets = hall.broker().take(name, *id, bytes, hall.now_ms())?;
            if !packets.is_empty() {
                return Ok(packets);
            }
            wake.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Seat { hall, name, id, .. } = &self.seat;
        hall.broker().leave(name, *id);
    }
}

const AAC: u8 = 10;
/// Enhanced RTMP marks its sound with an audio format of its own, and its picture with a bit.
const EXTENDED_AUDIO: u8 = 9;
const EXTENDED_VIDEO: u8 = 0x80;
const AVC: u8 = 7;
/// Not in Adobe's list, but what phones and domestic servers agreed on.
const HEVC: u8 = 12;
const KEY_FRAME: u8 = 1;
/// A larger step of a publisher's clock is a new clock.
const LARGEST_STEP_MS: i32 = 10_000;
/// What a player sees between one publisher's last packet and the next one's first.
const SEAM_MS: i64 = 40;
/// What a packet costs beyond its body, roughly.
const PACKET_OVERHEAD: usize = 32;
