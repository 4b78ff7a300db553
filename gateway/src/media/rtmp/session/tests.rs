#![allow(clippy::unwrap_used)]

use bytes::BufMut as _;

use super::*;

#[test]
fn a_publisher_is_asked_about_before_its_media_counts() {
    let mut session = connected();
    feed(&mut session, VIDEO, 1, b"early");
    assert_eq!(session.poll_event(), Ok(None));

    feed_command(&mut session, "publish", &[Amf0Value::Null, text("s?grant=g")]);
    let request = SessionEvent::Request(Action::Publish, "s?grant=g".to_owned());
    assert_eq!(session.poll_event(), Ok(Some(request)));
    feed(&mut session, VIDEO, 1, b"hasty");
    assert_eq!(session.poll_event(), Ok(None));

    session.accept();
    feed(&mut session, VIDEO, 1, b"frame");
    let packet = Packet { track: Track::Video, timestamp: 0, body: Bytes::from_static(b"frame") };
    assert_eq!(session.poll_event(), Ok(Some(SessionEvent::Media(packet))));
    feed_command(&mut session, "deleteStream", &[Amf0Value::Null]);
    assert_eq!(session.poll_event(), Ok(Some(SessionEvent::Finished)));
}

#[test]
fn a_refusal_is_a_status_of_the_stream() {
    for (name, code) in [("publish", "NetStream.Publish.Denied"), ("play", "NetStream.Play.Failed")] {
        let mut session = connected();
        feed_command(&mut session, name, &[Amf0Value::Null, text("s")]);
        assert!(matches!(session.poll_event(), Ok(Some(SessionEvent::Request(..)))));
        sent(&mut session);
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
    let Ok(Some(SessionEvent::Media(packet))) = session.poll_event() else {
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
    let mut session = ServerSession::new(1000);
    let properties = object([("app", text("vod"))]);
    feed_command(&mut session, "connect", &[properties]);
    assert_eq!(session.poll_event(), Err(SessionError::App));
    assert!(session.outgoing().has_remaining());
}

#[test]
fn commands_that_cannot_be_read_are_ignored() {
    let mut session = connected();
    let deep = [3, 0, 1, b'x'].repeat(4000);
    for body in [&b""[..], b"\x02", b"\xff\xff", &deep] {
        feed(&mut session, AMF0_COMMAND, 0, body);
        assert_eq!(session.poll_event(), Ok(None));
    }
}

#[test]
fn a_command_nested_without_end_does_not_overflow_the_stack() {
    let mut session = connected();
    let deep = [&b"\x02\0\x01x"[..], &[3, 0, 1, b'x'].repeat(4000)].concat();
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
    assert!(matches!(session.poll_event(), Ok(Some(SessionEvent::Media(_)))));
    feed(&mut session, VIDEO, 1, &vec![0; 100_001]);
    assert_eq!(session.poll_event(), too_long);
}

#[test]
fn what_arrives_is_acknowledged_before_a_window_is_full() {
    let heard = |session: &mut ServerSession| {
        let totals = sent(session).into_iter().filter(|m| m.kind == ACKNOWLEDGEMENT);
        totals.map(|m| number(&m.body).unwrap()).collect::<Vec<_>>()
    };
    let ours = OUR_WINDOW as usize;
    // Whether the peer names a window or not, it may keep to the one it was told.
    for (named, step) in [(None, ours / 2), (Some(1000), 500), (Some(1 << 30), ours / 2), (Some(0), ours / 2)]
    {
        let mut session = connected();
        if let Some(window) = named {
            feed(&mut session, WINDOW, 0, &u32::to_be_bytes(window));
            assert_eq!(session.poll_event(), Ok(None));
        }
        session.received(step - 1);
        assert!(heard(&mut session).is_empty(), "{named:?}");
        session.received(1);
        session.received(step);
        assert_eq!(heard(&mut session), [step as u32, 2 * step as u32], "{named:?}");
    }
}

#[test]
fn acknowledgements_go_on_where_their_count_wraps() {
    let mut session = connected();
    for _ in 0..3 {
        session.received(0x7fff_ffff);
    }
    let totals: Vec<_> = sent(&mut session).into_iter().map(|m| number(&m.body).unwrap()).collect();
    assert_eq!(totals, [0x7fff_ffff, 0xffff_fffe, 0x7fff_fffd]);
}

#[test]
fn metadata_and_commands_come_in_the_newer_form_too() {
    for (zero, value) in
        [(&b"\0"[..], &b"\x03\0\x01x\x05\0\0\x09"[..]), (b"", b"\x11\x0a\x0b\x01\x03x\x01\x01")]
    {
        let mut session = publishing();
        feed(&mut session, AMF3_DATA, 1, &[zero, SET_DATA_FRAME, ON_METADATA, value].concat());
        let Ok(Some(SessionEvent::Media(packet))) = session.poll_event() else {
            unreachable!("metadata is media");
        };
        let plain = [ON_METADATA, b"\x03\0\x01x\x05\0\0\x09"].concat();
        assert_eq!((packet.track, &packet.body[..]), (Track::Metadata, &plain[..]));
    }
    for body in [
        &b"\0\x02\0\x07publish\0\0\0\0\0\0\0\0\0\x05\x02\0\x01s"[..],
        b"\0\x02\0\x07publish\x11\x04\x05\x11\x01\x11\x06\x03s",
    ] {
        let mut session = connected();
        feed(&mut session, AMF3_COMMAND, 1, body);
        let request = SessionEvent::Request(Action::Publish, "s".to_owned());
        assert_eq!(session.poll_event(), Ok(Some(request)));
    }
}

#[test]
fn messages_among_others_count_as_if_they_came_alone() {
    let mut session = publishing();
    let tag = |kind: u8, time: u8, body: &[u8]| {
        [&[kind, 0, 0, body.len() as u8, 0, 0, time, 0, 0, 0, 0], body, &[0; 4]].concat()
    };
    let body =
        [tag(AUDIO, 10, b"sound"), tag(VIDEO, 30, b"frame"), tag(AGGREGATE, 0, b""), tag(AUDIO, 40, b"")];
    let message = Message { kind: AGGREGATE, stream_id: 1, timestamp: 1000, body: body.concat().into() };
    let mut chunks = Outgoing::default();
    chunks.push(message, DEFAULT_CHUNK);
    session.buffer().put(chunks);
    feed(&mut session, AUDIO, 1, b"alone");
    let mut next = || match session.poll_event().unwrap() {
        Some(SessionEvent::Media(packet)) => (packet.timestamp, packet.body),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(next(), (1000, Bytes::from_static(b"sound")));
    assert_eq!(next(), (1020, Bytes::from_static(b"frame")));
    assert_eq!(next(), (0, Bytes::from_static(b"alone")));
}

#[test]
fn a_second_track_is_refused_at_once() {
    let mut session = publishing();
    feed(&mut session, VIDEO, 1, b"\x17\x01");
    feed(&mut session, AUDIO, 1, b"\x95\x01Opus\x01data");
    assert!(matches!(session.poll_event(), Ok(Some(SessionEvent::Media(_)))));
    assert!(
        matches!(session.poll_event(), Ok(Some(SessionEvent::Media(_)))),
        "the only sound, whatever its number"
    );
    feed(&mut session, VIDEO, 1, b"\x96\x01avc1\x01data");
    assert_eq!(session.poll_event(), Err(SessionError::Media(MediaError::SecondTrack)));
    session.refuse("because");
    let values = read_values(&sent(&mut session)[0].body).unwrap();
    assert_eq!(values[3], super::status("error", "NetStream.Publish.Denied", "because"));
}

#[test]
fn a_client_of_enhanced_rtmp_hears_what_is_passed_on() {
    let answer = |properties| {
        let mut session = ServerSession::new(1000);
        feed_command(&mut session, "connect", &[properties]);
        assert_eq!(session.poll_event(), Ok(None));
        let result = sent(&mut session).pop().unwrap();
        let Amf0Value::Object(server) = read_values(&result.body).unwrap().swap_remove(2) else {
            unreachable!("what the server is comes third");
        };
        server
    };
    let all = || object([("*", Amf0Value::Number(4.0))]);
    let server = answer(object([("app", text("live")), ("videoFourCcInfoMap", all())]));
    assert_eq!(server["videoFourCcInfoMap"], all());
    assert_eq!(server["capsEx"], Amf0Value::Number(4.0));
    assert!(!answer(object([("app", text("live"))])).contains_key("capsEx"));
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
            0 => ServerSession::new(100_000),
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
fn feed_random(session: &mut ServerSession, random: &mut Random) -> bool {
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
            Ok(Some(SessionEvent::Request(..))) if random.below(2) == 0 => session.accept(),
            Ok(Some(SessionEvent::Request(..))) => session.refuse("no"),
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

fn connected() -> ServerSession {
    let mut session = ServerSession::new(100_000);
    feed_command(&mut session, "connect", &[object([("app", text("live"))])]);
    assert_eq!(session.poll_event(), Ok(None));
    sent(&mut session);
    session
}

fn publishing() -> ServerSession {
    let mut session = connected();
    feed_command(&mut session, "publish", &[Amf0Value::Null, text("s")]);
    assert!(matches!(session.poll_event(), Ok(Some(SessionEvent::Request(..)))));
    session.accept();
    sent(&mut session);
    session
}

fn feed_command(session: &mut ServerSession, name: &str, rest: &[Amf0Value]) {
    let mut values = vec![text(name), Amf0Value::Number(1.0)];
    values.extend_from_slice(rest);
    let body = rml_amf0::serialize(&values).unwrap();
    feed(session, AMF0_COMMAND, 1, &body);
}

fn feed(session: &mut ServerSession, kind: u8, stream_id: u32, body: &[u8]) {
    let message = Message { kind, stream_id, timestamp: 0, body: Bytes::copy_from_slice(body) };
    let mut chunks = Outgoing::default();
    chunks.push(message, DEFAULT_CHUNK);
    session.buffer().put(chunks);
}

fn sent(session: &mut ServerSession) -> Vec<Message> {
    let mut reader = ChunkReader::new(100_000);
    reader.set_chunk_size(OUR_CHUNK as u32);
    reader.buffer.put(std::mem::take(session.outgoing()));
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}
