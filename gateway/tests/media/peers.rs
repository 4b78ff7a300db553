//! RTMP as encoders speak it, which is not always as it is written.

use std::time::Duration;

use rml_rtmp::sessions::ClientSessionEvent;
use tokio::time::timeout;

use crate::bench::*;

#[tokio::test]
async fn an_encoder_that_keeps_to_the_limit_it_was_told_never_waits_for_ever() {
    const TOLD: u32 = 2_500_000;
    let bench = Bench::start().await;
    let mut encoder = Client::publish(&bench, "s", 1).await.unwrap();
    let frame = [KEY, &[0; 60_000]].concat();
    let (mut sent, mut acknowledged) = (0_u32, 0);
    for timestamp in (0..).step_by(40).take(150) {
        while sent + frame.len() as u32 - acknowledged > TOLD {
            let told = encoder.next_event("an acknowledgement").await;
            if let ClientSessionEvent::AcknowledgementReceived { bytes_received } = told {
                acknowledged = bytes_received;
            }
        }
        encoder.send(&frame, timestamp).await;
        sent += frame.len() as u32;
    }
    assert!(acknowledged > 2 * TOLD, "{acknowledged}");
}

#[tokio::test]
async fn a_chunk_stream_that_begins_with_a_short_header_is_taken_and_a_shorter_one_refused_by_name() {
    let bench = Bench::start().await;
    let mut encoder = Client::publish(&bench, "s", 1).await.unwrap();
    let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 2)).await;
    bench.until(|now| now.players == 1).await;
    let buffer_length = [0x42, 0, 0, 0, 0, 0, 10, 4, 0, 3, 0, 0, 0, 1, 0, 0, 0x0b, 0xb8];
    let sound_header = [0x48, 0, 0, 0, 0, 0, 4, 8, 0xaf, 0, 0x12, 0x10];
    let sound = [0x88, 0, 0, 20, 0xaf, 1, 7, 7];
    encoder.write_raw(&[&buffer_length[..], &sound_header, &sound].concat()).await;
    assert_eq!(player.begin().await, 4);
    let (header, first) = (player.tag().await, player.tag().await);
    assert_eq!((header.kind, &header.body[..]), (8, &sound_header[8..]));
    assert_eq!((first.kind, &first.body[..]), (8, &sound[4..]));

    encoder.write_raw(&[0xc9, 1, 2, 3]).await;
    let said = encoder.last_words().await;
    assert!(said.contains("NetStream.Publish.Denied"), "{said}");
    assert!(said.contains("type 3 on chunk stream 9"), "{said}");
    bench.until(|now| now.publishers == 0).await;
}

#[tokio::test]
async fn enhanced_rtmp_of_either_version_is_shown_by_players_that_know_neither() {
    let bench = Bench::start().await;
    for (stream, prefix) in
        [("v1", &b"\x91avc1"[..]), ("prefix", b"\x97\x02\0\0\x01\x01avc1"), ("track", b"\x96\x01avc1\0")]
    {
        let mut encoder = Client::publish(&bench, stream, 1).await.unwrap();
        let mut early = FlvReader::request(bench.flv_addr, &bench.flv_path(stream, 2)).await;
        encoder.send(b"\x90avc1CONF", 0).await;
        encoder.send(&[prefix, b"\0\0\0data"].concat(), 0).await;
        let mut late = FlvReader::open(bench.flv_addr, &bench.flv_path(stream, 3)).await;
        assert_eq!(early.begin().await, 1);
        for player in [&mut early, &mut late] {
            assert_eq!(player.tag().await.body, b"\x17\0\0\0\0CONF", "{stream}");
            assert_eq!(player.tag().await.body, b"\x17\x01\0\0\0data", "{stream}");
        }
    }
}

#[tokio::test]
async fn a_second_picture_is_refused_at_once_and_the_encoder_is_told_why() {
    let bench = Bench::start().await;
    let mut encoder = Client::publish(&bench, "s", 1).await.unwrap();
    encoder.send(KEY, 0).await;
    encoder.send(b"\x96\x01hvc1\x01\0\0\0data", 0).await;
    let said = encoder.last_words().await;
    assert!(said.contains("NetStream.Publish.Denied") && said.contains("multitrack off"), "{said}");
}

#[tokio::test]
async fn metadata_in_the_newer_form_reaches_players_in_the_older() {
    let bench = Bench::start().await;
    let mut encoder = Client::publish(&bench, "s", 1).await.unwrap();
    let body = b"\0\x02\0\x0d@setDataFrame\x02\0\x0aonMetaData\x11\x0a\x0b\x01\x0bwidth\x04\x82\x40\x01";
    let head = [5, 0, 0, 0, 0, 0, body.len() as u8, 15, 1, 0, 0, 0];
    encoder.write_raw(&[&head[..], body].concat()).await;
    encoder.send(KEY, 0).await;
    let mut player = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let metadata = player.tag().await;
    let width = [&b"\0\x05width\0"[..], &320_f64.to_be_bytes()].concat();
    let expected = [&b"\x02\0\x0aonMetaData\x03"[..], &width, b"\0\0\x09"].concat();
    assert_eq!((metadata.kind, metadata.body), (18, expected));
}

#[tokio::test]
async fn an_encoder_with_nothing_to_send_stays_as_long_as_it_answers() {
    let bench = Bench::start_with(|config| config.limits.idle_publisher = Duration::from_millis(600)).await;
    let mut encoder = Client::publish(&bench, "s", 1).await.unwrap();
    let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 2)).await;
    encoder.send(KEY, 0).await;
    player.begin().await;
    // Answers pings for three times as long as it may be silent.
    let answering = async {
        loop {
            encoder.next_event("a ping").await;
        }
    };
    let _ = timeout(Duration::from_millis(1800), answering).await;
    encoder.send(&[KEY, b"again"].concat(), 2000).await;
    while !player.tag().await.body.ends_with(b"again") {}
    encoder.closed().await;
}
