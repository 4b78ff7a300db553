//! The server's side of one RTMP connection, after the handshake: bytes in, requests and media out.
//!
//! Hides commands and control messages. No socket and no clock. `rml_rtmp::sessions` is not used: it
//! panics on some short commands and on metadata without a name, keeps only the metadata fields it
//! knows, and answers a refusal with `_error` where clients look for `onStatus`.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use rml_rtmp::rml_amf0::{self, Amf0Value};
use thiserror::Error;

use super::chunks::{ChunkError, ChunkReader, DEFAULT_CHUNK, Message, OUR_CHUNK, write_message};
use crate::broker::{Packet, Track};
use crate::media::APP;

/// One connection's protocol state.
#[derive(Debug)]
pub(super) struct Session {
    reader: ChunkReader,
    stage: Stage,
    out: BytesMut,
    chunk_size: usize,
    received: u32,
    acknowledged: u32,
    /// After how many bytes the peer wants to hear how much arrived, if it does.
    window: Option<u32>,
    /// The longest message once media may come.
    longest: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing asked for yet.
    Idle,
    Connected,
    /// The answer to a request is being thought about.
    Asking(Role, u32),
    Active(Role, u32),
}

/// What a client wants to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Publisher,
    Player,
}

/// What a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// It wants the named stream; answer with `accept` or `refuse` before asking for more.
    Request(Role, String),
    /// It sent media, as the publisher it was accepted as.
    Media(Packet),
    /// It is done.
    Finished,
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// A command lacks what it needs, or comes at the wrong time.
    #[error("a command makes no sense")]
    Command,
    /// There is no such application here.
    #[error("there is no such application")]
    App,
}

impl Session {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            reader: ChunkReader::new(LONGEST_COMMAND),
            stage: Stage::Idle,
            out: BytesMut::new(),
            chunk_size: DEFAULT_CHUNK,
            received: 0,
            acknowledged: 0,
            window: None,
            longest,
        }
    }

    /// Where received bytes go; say with `received` how many came.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.reader.buffer
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.received = self.received.wrapping_add(bytes as u32);
        let unheard = self.received.wrapping_sub(self.acknowledged);
        if self.window.is_some_and(|window| unheard >= window) {
            self.acknowledged = self.received;
            self.control(ACKNOWLEDGEMENT, &self.received.to_be_bytes());
        }
    }

    /// Reads on until the client said something that matters; `None` needs more bytes.
    pub(super) fn poll_event(&mut self) -> Result<Option<Event>, SessionError> {
        while let Some(message) = self.reader.next()? {
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
                    self.window = Some(number(&message.body)?.max(1));
                    None
                }
                USER_CONTROL => {
                    if let Some(moment) = message.body.strip_prefix(&PING_REQUEST) {
                        let pong = [&PING_RESPONSE[..], &moment[..moment.len().min(4)]].concat();
                        self.control(USER_CONTROL, &pong);
                    }
                    None
                }
                AUDIO => self.media(Track::Audio, message),
                VIDEO => self.media(Track::Video, message),
                AMF0_DATA | AMF3_DATA => self.data(message),
                AMF0_COMMAND => self.command(&message.body, message.stream_id)?,
                // Flash's newer commands are the older ones behind a zero.
                AMF3_COMMAND => {
                    let body = message.body.strip_prefix(&[0]).unwrap_or(&message.body);
                    self.command(body, message.stream_id)?
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

    /// Takes what must be sent.
    pub(super) fn take_output(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    pub(super) fn accept(&mut self) {
        let Stage::Asking(role, stream_id) = self.stage else {
            return;
        };
        self.stage = Stage::Active(role, stream_id);
        match role {
            Role::Publisher => {
                self.reader.set_longest(self.longest);
                self.status(stream_id, "status", "NetStream.Publish.Start", "Go ahead.");
            }
            Role::Player => {
                let begin = [&STREAM_BEGIN[..], &stream_id.to_be_bytes()].concat();
                self.control(USER_CONTROL, &begin);
                self.status(stream_id, "status", "NetStream.Play.Reset", "Starting over.");
                self.status(stream_id, "status", "NetStream.Play.Start", "Go ahead.");
            }
        }
    }

    pub(super) fn refuse(&mut self, reason: &str) {
        let Stage::Asking(role, stream_id) = self.stage else {
            return;
        };
        self.stage = Stage::Connected;
        let code = match role {
            Role::Publisher => "NetStream.Publish.Denied",
            Role::Player => "NetStream.Play.Failed",
        };
        self.status(stream_id, "error", code, reason);
    }

    /// Queues a packet for a player.
    pub(super) fn send(&mut self, packet: &Packet) {
        let Stage::Active(Role::Player, stream_id) = self.stage else {
            return;
        };
        let kind = match packet.track {
            Track::Metadata => AMF0_DATA,
            Track::Audio => AUDIO,
            Track::Video => VIDEO,
        };
        let message = Message { kind, stream_id, timestamp: packet.timestamp, body: packet.body.clone() };
        write_message(&mut self.out, &message, self.chunk_size);
    }

    /// Tells a player that the stream is over.
    pub(super) fn finish(&mut self) {
        let Stage::Active(Role::Player, stream_id) = self.stage else {
            return;
        };
        let code = "NetStream.Play.UnpublishNotify";
        self.status(stream_id, "status", code, "The stream has ended.");
        let end = [&STREAM_EOF[..], &stream_id.to_be_bytes()].concat();
        self.control(USER_CONTROL, &end);
    }

    fn media(&self, track: Track, message: Message) -> Option<Event> {
        let Stage::Active(Role::Publisher, _) = self.stage else {
            return None;
        };
        // A copy: a slice would keep the whole block alive that was read from the socket, and the
        // broker's limits count only what they see.
        let body = Bytes::copy_from_slice(&message.body);
        Some(Event::Media(Packet { track, timestamp: message.timestamp, body }))
    }

    /// Keeps metadata as it came: players know fields that we do not.
    fn data(&self, mut message: Message) -> Option<Event> {
        if message.body.starts_with(SET_DATA_FRAME) {
            message.body = message.body.slice(SET_DATA_FRAME.len()..);
        }
        let is_metadata = message.body.starts_with(ON_METADATA);
        if is_metadata && message.body.len() <= LONGEST_COMMAND {
            self.media(Track::Metadata, message)
        } else {
            None
        }
    }

    fn command(&mut self, body: &[u8], stream_id: u32) -> Result<Option<Event>, SessionError> {
        let mut values = read_values(body).unwrap_or_default().into_iter();
        let (Some(Amf0Value::Utf8String(name)), Some(Amf0Value::Number(transaction))) =
            (values.next(), values.next())
        else {
            return Ok(None);
        };
        match (name.as_str(), self.stage) {
            ("connect", Stage::Idle) => self.connect(transaction, values.next())?,
            ("createStream", Stage::Connected) => {
                let answer = [Amf0Value::Null, Amf0Value::Number(1.0)];
                self.invoke(0, "_result", transaction, &answer);
            }
            // Encoders that ask for these may wait for an answer.
            ("releaseStream" | "FCPublish" | "FCSubscribe", Stage::Connected) => {
                let answer = [Amf0Value::Null, Amf0Value::Undefined];
                self.invoke(0, "_result", transaction, &answer);
            }
            ("publish" | "play", Stage::Connected) => {
                let role = match name.as_str() {
                    "publish" => Role::Publisher,
                    _ => Role::Player,
                };
                let Some(Amf0Value::Utf8String(stream)) = values.nth(1) else {
                    return Err(SessionError::Command);
                };
                self.stage = Stage::Asking(role, stream_id);
                return Ok(Some(Event::Request(role, stream)));
            }
            ("connect" | "publish" | "play", _) => return Err(SessionError::Command),
            ("closeStream" | "deleteStream" | "FCUnpublish", Stage::Active(..)) => {
                return Ok(Some(Event::Finished));
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
        self.stage = Stage::Connected;
        self.control(WINDOW, &OUR_WINDOW.to_be_bytes());
        let dynamic = [&OUR_WINDOW.to_be_bytes()[..], &[2]].concat();
        self.control(PEER_BANDWIDTH, &dynamic);
        self.control(SET_CHUNK_SIZE, &(OUR_CHUNK as u32).to_be_bytes());
        self.chunk_size = OUR_CHUNK;
        let server = object([("fmsVer", text("FMS/3,5,3,888")), ("capabilities", Amf0Value::Number(31.0))]);
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
        let message = Message { kind, stream_id, timestamp: 0, body };
        write_message(&mut self.out, &message, self.chunk_size);
    }
}

/// Reads AMF0. The library recurses without a limit, and a stack that overflows ends the process:
/// no value can be nested deeper than there are bytes that could open a container.
fn read_values(mut body: &[u8]) -> Option<Vec<Amf0Value>> {
    let openers = body.iter().filter(|byte| matches!(byte, 3 | 8 | 10));
    if body.len() > LONGEST_COMMAND || openers.count() > MOST_OPENERS {
        return None;
    }
    rml_amf0::deserialize(&mut body).ok()
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

const STREAM_BEGIN: [u8; 2] = [0, 0];
const STREAM_EOF: [u8; 2] = [0, 1];
const PING_REQUEST: [u8; 2] = [0, 6];
const PING_RESPONSE: [u8; 2] = [0, 7];

const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";
const ON_METADATA: &[u8] = b"\x02\x00\x0aonMetaData";
const OUR_WINDOW: u32 = 2_500_000;
/// The longest command, and the longest message of any kind from someone not yet admitted.
const LONGEST_COMMAND: usize = 16 * 1024;
const MOST_OPENERS: usize = 256;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_is_asked_about_before_its_media_counts() {
        let mut session = connected();
        feed(&mut session, VIDEO, 1, b"early");
        assert_eq!(session.poll_event(), Ok(None));

        feed_command(&mut session, "publish", &[Amf0Value::Null, text("s?grant=g")]);
        let request = Event::Request(Role::Publisher, "s?grant=g".to_owned());
        assert_eq!(session.poll_event(), Ok(Some(request)));
        feed(&mut session, VIDEO, 1, b"hasty");
        assert_eq!(session.poll_event(), Ok(None));

        session.accept();
        feed(&mut session, VIDEO, 1, b"frame");
        let packet = Packet { track: Track::Video, timestamp: 0, body: Bytes::from_static(b"frame") };
        assert_eq!(session.poll_event(), Ok(Some(Event::Media(packet))));
        feed_command(&mut session, "deleteStream", &[Amf0Value::Null]);
        assert_eq!(session.poll_event(), Ok(Some(Event::Finished)));
    }

    #[test]
    fn a_refusal_is_a_status_of_the_stream() {
        for (name, code) in [("publish", "NetStream.Publish.Denied"), ("play", "NetStream.Play.Failed")] {
            let mut session = connected();
            feed_command(&mut session, name, &[Amf0Value::Null, text("s")]);
            assert!(matches!(session.poll_event(), Ok(Some(Event::Request(..)))));
            session.take_output();
            session.refuse("because");
            let [status] = &sent(&mut session)[..] else {
                unreachable!("one answer");
            };
            let values = read_values(&status.body).unwrap();
            assert_eq!(values[0], text("onStatus"));
            assert_eq!(values[3], super::status("error", code, "because"));
        }
    }

    #[test]
    fn metadata_keeps_every_field_and_loses_its_envelope() {
        let mut session = publishing();
        let inner = [ON_METADATA, b"\x08\0\0\0\x01\0\x01x\x05\0\0\x09"].concat();
        feed(&mut session, AMF0_DATA, 1, &[SET_DATA_FRAME, &inner].concat());
        let Ok(Some(Event::Media(packet))) = session.poll_event() else {
            unreachable!("metadata is media");
        };
        assert_eq!((packet.track, &packet.body[..]), (Track::Metadata, &inner[..]));
    }

    #[test]
    fn data_that_is_no_metadata_is_ignored() {
        let mut session = publishing();
        for body in [&b""[..], SET_DATA_FRAME, b"\x02\0\x04text", &[0xff; 9]] {
            feed(&mut session, AMF0_DATA, 1, body);
        }
        assert_eq!(session.poll_event(), Ok(None));
    }

    #[test]
    fn another_application_is_refused() {
        let mut session = Session::new(1000);
        let properties = object([("app", text("vod"))]);
        feed_command(&mut session, "connect", &[properties]);
        assert_eq!(session.poll_event(), Err(SessionError::App));
        assert!(!session.take_output().is_empty());
    }

    #[test]
    fn commands_that_cannot_be_read_are_ignored() {
        let mut session = connected();
        let deep = [3, 0, 1, b'x'].repeat(MOST_OPENERS + 1);
        for body in [&b""[..], b"\x02", b"\xff\xff", &deep] {
            feed(&mut session, AMF0_COMMAND, 0, body);
            assert_eq!(session.poll_event(), Ok(None));
        }
    }

    #[test]
    fn the_deepest_readable_command_does_not_overflow_the_stack() {
        let mut session = connected();
        let deep = [&b"\x02\0\x01x"[..], &[3, 0, 1, b'x'].repeat(MOST_OPENERS)].concat();
        feed(&mut session, AMF0_COMMAND, 0, &deep);
        assert_eq!(session.poll_event(), Ok(None));
    }

    #[test]
    fn a_long_message_is_refused_before_admission_and_taken_after() {
        let mut session = connected();
        feed(&mut session, VIDEO, 1, &vec![0; LONGEST_COMMAND + 1]);
        let too_long = Err(SessionError::Chunk(ChunkError::TooLong));
        assert_eq!(session.poll_event(), too_long);

        let mut session = publishing();
        feed(&mut session, VIDEO, 1, &vec![0; LONGEST_COMMAND + 1]);
        assert!(matches!(session.poll_event(), Ok(Some(Event::Media(_)))));
        feed(&mut session, VIDEO, 1, &vec![0; 100_001]);
        assert_eq!(session.poll_event(), too_long);
    }

    #[test]
    fn a_peer_that_wants_acknowledgements_hears_the_total() {
        let mut session = connected();
        feed(&mut session, WINDOW, 0, &1000_u32.to_be_bytes());
        assert_eq!(session.poll_event(), Ok(None));
        session.received(600);
        assert!(session.take_output().is_empty());
        session.received(600);
        session.received(1200);
        let totals: Vec<_> = sent(&mut session).into_iter().map(|m| m.body).collect();
        assert_eq!(totals, [&1200_u32.to_be_bytes()[..], &2400_u32.to_be_bytes()]);
    }

    #[test]
    fn a_ping_is_answered() {
        let mut session = connected();
        feed(&mut session, USER_CONTROL, 0, b"\0\x06\x01\x02\x03\x04");
        assert_eq!(session.poll_event(), Ok(None));
        assert_eq!(sent(&mut session)[0].body, &b"\0\x07\x01\x02\x03\x04"[..]);
    }

    #[test]
    fn no_bytes_whatever_make_it_panic_or_hold_more_than_it_may() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for round in 0..3000 {
            let mut session = match round % 3 {
                0 => Session::new(100_000),
                1 => connected(),
                _ => publishing(),
            };
            for _ in 0..20 {
                if !feed_random(&mut session, &mut random) {
                    break;
                }
                assert!(session.buffer().len() <= 100_000 + 64 * 1024);
            }
        }
    }

    /// Feeds noise, or a well-formed message with noise in it; `false` once the session gave up.
    fn feed_random(session: &mut Session, random: &mut Random) -> bool {
        let length = random.below(400);
        let noise: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        match random.below(4) {
            0 => session.buffer().extend_from_slice(&noise),
            1 => feed(session, random.below(24) as u8, random.below(3) as u32, &noise),
            2 => {
                let names = ["connect", "createStream", "publish", "play", "deleteStream", "?"];
                let name = text(names[random.below(names.len())]);
                let mut body = rml_amf0::serialize(&vec![name, Amf0Value::Number(1.0)]).unwrap();
                body.extend((0..length % 20).map(|i| [5, 2, 0, 1, 3, 8, 10][(i + length) % 7]));
                feed(session, AMF0_COMMAND, 1, &body);
            }
            _ => {
                // Metadata cut short is what the library's own session panics on.
                let cut = random.below(SET_DATA_FRAME.len() + ON_METADATA.len());
                feed(session, AMF0_DATA, 1, &[SET_DATA_FRAME, ON_METADATA].concat()[..cut]);
            }
        }
        loop {
            match session.poll_event() {
                Ok(Some(Event::Request(..))) if random.below(2) == 0 => session.accept(),
                Ok(Some(Event::Request(..))) => session.refuse("no"),
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 16) as usize % end
        }
    }

    fn connected() -> Session {
        let mut session = Session::new(100_000);
        feed_command(&mut session, "connect", &[object([("app", text("live"))])]);
        assert_eq!(session.poll_event(), Ok(None));
        session.take_output();
        session
    }

    fn publishing() -> Session {
        let mut session = connected();
        feed_command(&mut session, "publish", &[Amf0Value::Null, text("s")]);
        assert!(matches!(session.poll_event(), Ok(Some(Event::Request(..)))));
        session.accept();
        session.take_output();
        session
    }

    fn feed_command(session: &mut Session, name: &str, rest: &[Amf0Value]) {
        let mut values = vec![text(name), Amf0Value::Number(1.0)];
        values.extend_from_slice(rest);
        let body = rml_amf0::serialize(&values).unwrap();
        feed(session, AMF0_COMMAND, 1, &body);
    }

    fn feed(session: &mut Session, kind: u8, stream_id: u32, body: &[u8]) {
        let message = Message { kind, stream_id, timestamp: 0, body: Bytes::copy_from_slice(body) };
        write_message(session.buffer(), &message, DEFAULT_CHUNK);
    }

    fn sent(session: &mut Session) -> Vec<Message> {
        let mut reader = ChunkReader::new(100_000);
        reader.set_chunk_size(OUR_CHUNK as u32);
        reader.buffer.extend_from_slice(&session.take_output());
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }
}
