//! The server's side of one RTMP connection, after the handshake: bytes in, requests and media out.
//!
//! Hides commands and control messages. No socket and no clock. `rml_rtmp::sessions` is not used: it
//! panics on some short commands and on metadata without a name, keeps only the metadata fields it
//! knows, and answers a refusal with `_error` where clients look for `onStatus`.

use std::collections::HashMap;

use bytes::{Buf as _, Bytes, BytesMut};
use rml_rtmp::rml_amf0::{self, Amf0Value};
use thiserror::Error;

use super::chunks::{ChunkError, ChunkReader, DEFAULT_CHUNK, Message, OUR_CHUNK};
use super::enhanced::{self, MediaError};
use super::outgoing::Outgoing;
use crate::media::broker::{Packet, Track};
use crate::media::{APP, amf};
use crate::rights::Action;

/// One connection's protocol state.
#[derive(Debug)]
pub(super) struct ServerSession {
    reader: ChunkReader,
    state: State,
    outgoing: Outgoing,
    chunk_size: usize,
    /// Bytes, modulo 2^32: whoever counts so far has to wrap as well.
    received: u32,
    acknowledged: u32,
    /// How many bytes the peer sends before it waits to hear that they arrived.
    window: u32,
    /// The longest message once media may come.
    longest: usize,
    /// Messages that came and were not counted yet.
    messages: u64,
    /// What is left of a message that holds others.
    aggregate: Option<Aggregate>,
    /// The number of the one track of pictures, and of the one of sound, that come.
    video_track: Option<u8>,
    audio_track: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing asked for yet.
    Idle,
    Connected,
    /// The answer to a request is being thought about.
    Asking(Action, u32),
    Active(Action, u32),
}

/// What a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SessionEvent {
    /// It wants the named stream; answer with `accept` or `refuse` before asking for more.
    Request(Action, String),
    /// It sent media, as the publisher it was accepted as.
    Media(Packet),
    /// It answered a ping.
    Alive,
    /// It is done.
    Finished,
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A command lacks what it needs, or comes at the wrong time.
    #[error("a command makes no sense")]
    Command,
    /// There is no such application here.
    #[error("there is no such application")]
    App,
}

impl ServerSession {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            reader: ChunkReader::new(LONGEST_COMMAND),
            state: State::Idle,
            outgoing: Outgoing::default(),
            chunk_size: DEFAULT_CHUNK,
            received: 0,
            acknowledged: 0,
            window: OUR_WINDOW,
            longest,
            messages: 0,
            aggregate: None,
            video_track: None,
            audio_track: None,
        }
    }

    /// Where received bytes go; say with `received` how many came.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.reader.buffer
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.received = self.received.wrapping_add(bytes as u32);
        let unheard = self.received.wrapping_sub(self.acknowledged);
        // Half of it, or a peer whose next message is longer than what is left would wait for us, and we
        // for it.
        if unheard >= (self.window / 2).max(1) {
            self.acknowledged = self.received;
            self.control(ACKNOWLEDGEMENT, &self.received.to_be_bytes());
        }
    }

    /// How many messages came since this was asked last, whatever they were.
    pub(super) fn take_messages(&mut self) -> u64 {
        std::mem::take(&mut self.messages)
    }

    /// Reads on until the client said something that matters; `None` needs more bytes.
    pub(super) fn poll_event(&mut self) -> Result<Option<SessionEvent>, SessionError> {
        while let Some(message) = self.next()? {
            let event = match message.kind {
                SET_CHUNK_SIZE => {
                    self.reader.set_chunk_size(number(&message.body)?);
                    None
                }
                ABORT => {
                    self.reader.abort(number(&message.body)?);
                    None
                }
                WINDOW => {
                    // Whatever it says of itself, it may keep to the limit that we set.
                    self.window = match number(&message.body)? {
                        0 => OUR_WINDOW,
                        window => window.min(OUR_WINDOW),
                    };
                    None
                }
                USER_CONTROL => {
                    if let Some(moment) = message.body.strip_prefix(&PING_REQUEST) {
                        let pong = [&PING_RESPONSE[..], &moment[..moment.len().min(4)]].concat();
                        self.control(USER_CONTROL, &pong);
                    }
                    message.body.starts_with(&PING_RESPONSE).then_some(SessionEvent::Alive)
                }
                AUDIO => self.media(Track::Audio, message)?,
                VIDEO => self.media(Track::Video, message)?,
                AMF0_DATA | AMF3_DATA => self.data(message),
                AMF0_COMMAND | AMF3_COMMAND => self.command(&message.body, message.stream_id)?,
                AGGREGATE => {
                    let Message { stream_id, timestamp, body, .. } = message;
                    self.aggregate = Some(Aggregate { stream_id, timestamp, first: None, rest: body });
                    None
                }
                // Acknowledgements, bandwidth hints, shared objects and whatever else there is.
                _ => None,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// What must be sent.
    pub(super) fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Bytes held for the peer: what came of messages that are not whole, and what waits to be sent.
    pub(super) fn held(&self) -> usize {
        let aggregate = self.aggregate.as_ref().map_or(0, |aggregate| aggregate.rest.len());
        self.reader.held() + aggregate + self.outgoing.remaining()
    }

    /// Gives up what came and is not understood yet.
    pub(super) fn let_go(&mut self) {
        (self.reader, self.aggregate) = (ChunkReader::new(0), None);
    }

    /// How much is worth reading at once: only publishers say much.
    pub(super) fn appetite(&self) -> usize {
        match self.state {
            State::Active(Action::Publish, _) => 64 * 1024,
            State::Asking(..) | State::Connected | State::Idle => 4 * 1024,
            State::Active(Action::Play, _) => 512,
        }
    }

    pub(super) fn accept(&mut self) {
        let State::Asking(action, stream_id) = self.state else {
            return;
        };
        self.state = State::Active(action, stream_id);
        match action {
            Action::Publish => {
                self.reader.set_longest(self.longest);
                self.status(stream_id, "status", "NetStream.Publish.Start", "Go ahead.");
            }
            Action::Play => {
                let begin = [&STREAM_BEGIN[..], &stream_id.to_be_bytes()].concat();
                self.control(USER_CONTROL, &begin);
                self.status(stream_id, "status", "NetStream.Play.Reset", "Starting over.");
                self.status(stream_id, "status", "NetStream.Play.Start", "Go ahead.");
            }
        }
    }

    /// Says why it goes no further: with what was asked for, or with the connection as a whole.
    pub(super) fn refuse(&mut self, reason: &str) {
        let (stream_id, code) = match self.state {
            State::Idle | State::Connected => (0, "NetConnection.Connect.Failed"),
            State::Asking(action, stream_id) | State::Active(action, stream_id) => match action {
                Action::Publish => (stream_id, "NetStream.Publish.Denied"),
                Action::Play => (stream_id, "NetStream.Play.Failed"),
            },
        };
        if self.state != State::Idle {
            self.state = State::Connected;
        }
        self.status(stream_id, "error", code, reason);
    }

    /// Asks whether anybody is there; `poll_event` tells of the answer.
    pub(super) fn ping(&mut self) {
        self.control(USER_CONTROL, &[&PING_REQUEST[..], &[0; 4]].concat());
    }

    /// Queues a packet for a player.
    pub(super) fn send(&mut self, packet: Packet) {
        let State::Active(Action::Play, stream_id) = self.state else {
            return;
        };
        let kind = match packet.track {
            Track::Metadata => AMF0_DATA,
            Track::Audio => AUDIO,
            Track::Video => VIDEO,
        };
        let Packet { timestamp, body, .. } = packet;
        self.outgoing.push(Message { kind, stream_id, timestamp, body }, self.chunk_size);
    }

    /// Tells a publisher that it is none any more.
    pub(super) fn unpublish(&mut self) {
        let State::Active(Action::Publish, stream_id) = self.state else {
            return;
        };
        let code = "NetStream.Unpublish.Success";
        self.status(stream_id, "status", code, "The stream is not published any more.");
    }

    /// Tells a player that the stream is over.
    pub(super) fn finish(&mut self) {
        let State::Active(Action::Play, stream_id) = self.state else {
            return;
        };
        let code = "NetStream.Play.UnpublishNotify";
        self.status(stream_id, "status", code, "The stream has ended.");
        let end = [&STREAM_EOF[..], &stream_id.to_be_bytes()].concat();
        self.control(USER_CONTROL, &end);
    }

    /// The next message, whether it came by itself or among others.
    fn next(&mut self) -> Result<Option<Message>, ChunkError> {
        let inner = self.aggregate.as_mut().and_then(Aggregate::next);
        if inner.is_none() {
            self.aggregate = None;
        }
        let message = match inner {
            Some(message) => Some(message),
            None => self.reader.next()?,
        };
        self.messages += u64::from(message.is_some());
        Ok(message)
    }

    fn media(&mut self, track: Track, message: Message) -> Result<Option<SessionEvent>, MediaError> {
        let State::Active(Action::Publish, _) = self.state else {
            return Ok(None);
        };
        let (number, body) = enhanced::plain(track, message.body)?;
        let known = match track {
            Track::Video => &mut self.video_track,
            Track::Audio => &mut self.audio_track,
            Track::Metadata => &mut None,
        };
        if *known.get_or_insert(number) != number {
            return Err(MediaError::SecondTrack);
        }
        let timestamp = message.timestamp;
        Ok(body.map(|body| SessionEvent::Media(Packet { track, timestamp, body })))
    }

    /// Keeps metadata as it came, unless no player could read it: players know fields that we do not.
    fn data(&self, message: Message) -> Option<SessionEvent> {
        let State::Active(Action::Publish, _) = self.state else {
            return None;
        };
        if message.body.len() > LONGEST_COMMAND {
            return None;
        }
        let is_newer = message.kind == AMF3_DATA;
        let body = if is_newer { amf::plain(&message.body).into() } else { message.body };
        let body = body.strip_prefix(SET_DATA_FRAME).unwrap_or(&body);
        let is_metadata = body.starts_with(ON_METADATA) && body.len() > ON_METADATA.len();
        let (track, timestamp) = (Track::Metadata, message.timestamp);
        let packet = || Packet { track, timestamp, body: Bytes::copy_from_slice(body) };
        is_metadata.then(|| SessionEvent::Media(packet()))
    }

    fn command(&mut self, body: &[u8], stream_id: u32) -> Result<Option<SessionEvent>, SessionError> {
        let mut values = read_values(body).unwrap_or_default().into_iter();
        let (Some(Amf0Value::Utf8String(name)), Some(Amf0Value::Number(transaction))) =
            (values.next(), values.next())
        else {
            return Ok(None);
        };
        match (name.as_str(), self.state) {
            ("connect", State::Idle) => self.connect(transaction, values.next())?,
            ("createStream", State::Connected) => {
                let answer = [Amf0Value::Null, Amf0Value::Number(STREAM.into())];
                self.invoke(0, "_result", transaction, &answer);
            }
            // Encoders that ask for these may wait for an answer.
            ("releaseStream" | "FCPublish" | "FCSubscribe", State::Connected) => {
                let answer = [Amf0Value::Null, Amf0Value::Undefined];
                self.invoke(0, "_result", transaction, &answer);
            }
            ("publish" | "play", State::Connected) => {
                let action = match name.as_str() {
                    "publish" => Action::Publish,
                    _ => Action::Play,
                };
                let Some(Amf0Value::Utf8String(stream)) = values.nth(1) else {
                    return Err(SessionError::Command);
                };
                // Who leaves it out, or never created one, means the only one there is.
                self.state = State::Asking(action, stream_id.max(STREAM));
                return Ok(Some(SessionEvent::Request(action, stream)));
            }
            ("connect" | "publish" | "play", _) => return Err(SessionError::Command),
            ("closeStream" | "deleteStream" | "FCUnpublish", State::Active(..)) => {
                return Ok(Some(SessionEvent::Finished));
            }
            // Pause, volume, bandwidth checks, private commands: none needs an answer.
            _ => {}
        }
        Ok(None)
    }

    fn connect(&mut self, transaction: f64, properties: Option<Amf0Value>) -> Result<(), SessionError> {
        let Some(Amf0Value::Object(properties)) = properties else {
            return Err(SessionError::Command);
        };
        let app = match properties.get("app") {
            Some(Amf0Value::Utf8String(app)) => app.split('?').next().unwrap_or(""),
            Some(_) | None => "",
        };
        if app.trim_matches('/') != APP {
            let code = "NetConnection.Connect.Rejected";
            let status = status("error", code, "There is no such application.");
            self.invoke(0, "_error", transaction, &[Amf0Value::Null, status]);
            return Err(SessionError::App);
        }
        self.state = State::Connected;
        self.control(WINDOW, &OUR_WINDOW.to_be_bytes());
        let dynamic = [&OUR_WINDOW.to_be_bytes()[..], &[2]].concat();
        self.control(PEER_BANDWIDTH, &dynamic);
        self.control(SET_CHUNK_SIZE, &(OUR_CHUNK as u32).to_be_bytes());
        self.chunk_size = OUR_CHUNK;
        let (version, capabilities) = (text("FMS/3,5,3,888"), Amf0Value::Number(31.0));
        let server = if ENHANCED.iter().any(|key| properties.contains_key(*key)) {
            let forwards = || object([("*", Amf0Value::Number(CAN_FORWARD))]);
            let [_, video, audio, extensions] = ENHANCED;
            object([
                ("fmsVer", version),
                ("capabilities", capabilities),
                (video, forwards()),
                (audio, forwards()),
                (extensions, Amf0Value::Number(READS_MODIFIERS)),
            ])
        } else {
            object([("fmsVer", version), ("capabilities", capabilities)])
        };
        let code = "NetConnection.Connect.Success";
        let status = status("status", code, "Connection succeeded.");
        self.invoke(0, "_result", transaction, &[server, status]);
        Ok(())
    }

    fn status(&mut self, stream_id: u32, level: &str, code: &str, description: &str) {
        let status = status(level, code, description);
        self.invoke(stream_id, "onStatus", 0.0, &[Amf0Value::Null, status]);
    }

    fn invoke(&mut self, stream_id: u32, name: &str, transaction: f64, values: &[Amf0Value]) {
        let mut all = vec![text(name), Amf0Value::Number(transaction)];
        all.extend_from_slice(values);
        #[expect(clippy::expect_used, reason = "it fails on texts of 64 KiB, and all are ours")]
        let body = rml_amf0::serialize(&all).expect("our own texts are short");
        self.write(AMF0_COMMAND, stream_id, body.into());
    }

    fn control(&mut self, kind: u8, body: &[u8]) {
        self.write(kind, 0, Bytes::copy_from_slice(body));
    }

    fn write(&mut self, kind: u8, stream_id: u32, body: Bytes) {
        self.outgoing.push(Message { kind, stream_id, timestamp: 0, body }, self.chunk_size);
    }
}

/// A message that holds others, framed as FLV tags. The first of them has the time of the whole.
#[derive(Debug)]
struct Aggregate {
    stream_id: u32,
    timestamp: u32,
    first: Option<u32>,
    rest: Bytes,
}

impl Aggregate {
    fn next(&mut self) -> Option<Message> {
        let Self { stream_id, timestamp, first, rest } = self;
        if rest.len() < TAG_HEAD {
            return None;
        }
        let kind = rest.get_u8();
        let length = rest.get_uint(3) as usize;
        let time = rest.get_uint(3) as u32 | u32::from(rest.get_u8()) << 24;
        rest.advance(3);
        // Nothing but media belongs there. One in another would be no end, and a few megabytes hold more
        // questions than there is time to answer.
        if rest.len() < length || !matches!(kind, AUDIO | VIDEO | AMF0_DATA | AMF3_DATA) {
            return None;
        }
        // A copy, or one of them would keep all of them.
        let body = Bytes::copy_from_slice(&rest[..length]);
        rest.advance(length);
        rest.advance(rest.len().min(TAG_TAIL));
        let step = time.wrapping_sub(*first.get_or_insert(time));
        let timestamp = timestamp.wrapping_add(step);
        Some(Message { kind, stream_id: *stream_id, timestamp, body })
    }
}

/// Reads the values of a command, as many as can be read.
fn read_values(body: &[u8]) -> Option<Vec<Amf0Value>> {
    if body.len() > LONGEST_COMMAND {
        return None;
    }
    rml_amf0::deserialize(&mut &amf::plain(body)[..]).ok()
}

fn number(body: &[u8]) -> Result<u32, SessionError> {
    let bytes = body.first_chunk().ok_or(SessionError::Command)?;
    Ok(u32::from_be_bytes(*bytes))
}

fn status(level: &str, code: &str, description: &str) -> Amf0Value {
    object([("level", text(level)), ("code", text(code)), ("description", text(description))])
}

fn object<const N: usize>(properties: [(&str, Amf0Value); N]) -> Amf0Value {
    let properties = properties.map(|(name, value)| (name.to_owned(), value));
    Amf0Value::Object(HashMap::from(properties))
}

fn text(text: &str) -> Amf0Value {
    Amf0Value::Utf8String(text.to_owned())
}

const SET_CHUNK_SIZE: u8 = 1;
const ABORT: u8 = 2;
const ACKNOWLEDGEMENT: u8 = 3;
const USER_CONTROL: u8 = 4;
const WINDOW: u8 = 5;
const PEER_BANDWIDTH: u8 = 6;
const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
const AMF3_DATA: u8 = 15;
const AMF3_COMMAND: u8 = 17;
const AMF0_DATA: u8 = 18;
const AMF0_COMMAND: u8 = 20;
const AGGREGATE: u8 = 22;
/// What stands before and after a message among others.
const TAG_HEAD: usize = 11;
const TAG_TAIL: usize = 4;

const STREAM_BEGIN: [u8; 2] = [0, 0];
const STREAM_EOF: [u8; 2] = [0, 1];
const PING_REQUEST: [u8; 2] = [0, 6];
const PING_RESPONSE: [u8; 2] = [0, 7];

/// How a client says that it speaks Enhanced RTMP, and we that any codec is passed on, prefixes of version
/// 2 are read, and several tracks are not.
const ENHANCED: [&str; 4] = ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"];
const CAN_FORWARD: f64 = 4.0;
const READS_MODIFIERS: f64 = 4.0;

const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";
const ON_METADATA: &[u8] = b"\x02\x00\x0aonMetaData";
const OUR_WINDOW: u32 = 2_500_000;
/// The longest command, and the longest message of any kind from someone not yet admitted.
const LONGEST_COMMAND: usize = 16 * 1024;
/// The one message stream of a connection.
const STREAM: u32 = 1;

#[cfg(test)]
mod tests;
