//! Everything has a limit, and what is beyond it harms nobody else.

use std::time::Duration;

use nertc_gateway::media::MediaEngine as _;
use nertc_gateway::media::embedded::EmbeddedLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::bench::*;

#[tokio::test]
async fn a_slow_player_is_dropped_and_the_others_miss_nothing() {
    let bench = Bench::start_with(|config| {
        config.limits.stalled = Duration::from_secs(4);
        config.limits.broker.cached_packets = 50;
        config.limits.broker.cached_bytes = 1 << 20;
        config.limits.broker.queued_bytes = 8 << 20;
    })
    .await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    let mut slow_rtmp = Client::play(&bench, "s", 2).await.unwrap();
    let mut slow_flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 3)).await;
    let mut quick = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 4)).await;
    let (progress, mut read) = watch::channel(0);
    let reading = tokio::spawn(async move {
        let mut last = quick.tag().await.timestamp;
        while last < 59_000 {
            let tag = quick.tag().await;
            assert!(tag.timestamp <= last + 40, "{} after {last}", tag.timestamp);
            last = tag.timestamp;
            progress.send_replace(last);
        }
        quick
    });
    bench.until(|now| now.players == 3).await;

    // 150 MB, more than the sockets of the slow ones can swallow, at the pace of the quick one.
    let body = [KEY, &[0; 100_000]].concat();
    for timestamp in (0..60_000).step_by(40) {
        publisher.send(&body, timestamp).await;
        let keeps_up = read.wait_for(|read| timestamp < read + 1000);
        within("the quick player", keeps_up).await.unwrap();
    }
    let _quick = within("the quick player", reading).await.unwrap();
    publisher.keep_sending_until(&bench, |now| now.players == 1).await;
    assert!(bench.media.statistics().dropped > 0);
    slow_rtmp.closed().await;
    slow_flv.closed().await;
}

#[tokio::test]
async fn other_limits_hold_for_who_comes_and_end_nobody_who_is_there() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    let mut player = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let mut limits = EmbeddedLimits::default();
    (limits.broker.streams, limits.broker.players, limits.message_bytes) = (1, 1, 1000);
    bench.media.limit_to(limits);
    assert!(Client::publish(&bench, "t", 3).await.is_err(), "a stream too many");
    assert!(Client::play(&bench, "s", 4).await.is_err(), "a player too many");
    // Longer than a message may be of who comes now.
    publisher.send(&[KEY, &[0; 5000]].concat(), 40).await;
    while player.tag().await.timestamp < 40 {}

    bench.media.limit_to(EmbeddedLimits::default());
    Client::publish(&bench, "t", 3).await.unwrap();
}

#[tokio::test]
async fn garbage_on_the_rtmp_port_harms_nobody() {
    let bench = Bench::start().await;
    let mut seed = 1_u32;
    for round in 0..30 {
        let mut socket = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
        let mut bytes = vec![3; if round % 2 == 0 { 1 } else { 1 + 2 * 1536 }];
        bytes.extend((0..5000).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        }));
        // The server may close before all of it is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let _ = within("the close", socket.read_to_end(&mut answer)).await;
    }
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    bench.until(|now| now.bytes_in > 0).await;
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() {
    let bench = Bench::start_with(|config| {
        config.limits.first_byte = Duration::from_millis(300);
        config.limits.negotiation = Duration::from_secs(2);
        config.limits.idle_publisher = Duration::from_millis(600);
        config.limits.idle_player = Duration::from_millis(300);
    })
    .await;
    for first in [&b""[..], &[3]] {
        let mut silent = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
        silent.write_all(first).await.unwrap();
        // As much of a handshake as was asked for, at most.
        let _ = within("the close", silent.read_to_end(&mut Vec::new())).await;
    }
    let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 1)).await;
    player.closed().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.closed().await;
    bench.until(|now| now.streams == 0).await;
}

#[tokio::test]
async fn when_memory_is_short_the_connection_that_holds_the_most_is_cut_off() {
    const LONG: usize = 1_000_000;
    /// The size that the client's session names.
    const CHUNK: usize = 4096;
    let bench = Bench::start_with(|config| config.limits.memory = 3_000_000).await;
    let mut hog = Client::publish(&bench, "hog", 1).await.unwrap();
    let mut modest = Client::publish(&bench, "modest", 2).await.unwrap();
    let mut other = Client::publish(&bench, "other", 3).await.unwrap();
    let half = |length: usize| {
        let head = [7, 0, 0, 0, 0x0f, 0x42, 0x40, 9, 1, 0, 0, 0];
        let chunks = vec![0xc7; 1 + CHUNK].repeat(length / CHUNK);
        [&head[..], &chunks[1..]].concat()
    };
    hog.write_raw(&half(LONG * 9 / 10)).await;
    modest.write_raw(&half(LONG / 2)).await;
    // A ping is answered when all before it was read.
    modest.write_raw(&[2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 1, 2, 3, 4]).await;
    other.write_raw(&half(LONG / 2)).await;
    let said = hog.last_words().await;
    assert!(said.contains("NetStream.Publish.Denied") && said.contains("short of memory"), "{said}");
    bench.until(|now| now.publishers == 2).await;
    drop((hog, other));
    modest.send(KEY, 0).await;
    bench.until(|now| now.publishers == 1 && now.bytes_in > 0).await;
}

#[tokio::test]
async fn everything_has_a_limit() {
    let bench = Bench::start_with(|config| {
        config.limits.connections = 2;
        config.limits.message_bytes = 1000;
        config.limits.broker.players_per_stream = 1;
        config.limits.broker.waiting_players = 1;
        config.limits.broker.streams = 2;
    })
    .await;
    let status = async |path: String| {
        let mut reader = FlvReader::request(bench.flv_addr, &path).await;
        (reader.status().await, reader)
    };
    let (first, _waiting) = status(bench.flv_path("a", 1)).await;
    assert_eq!(first, 200);
    assert_eq!(status(bench.flv_path("b", 1)).await.0, 503, "waiting players");
    assert_eq!(status(bench.flv_path("a", 2)).await.0, 503, "players of a stream");

    let mut publisher = Client::publish(&bench, "b", 1).await.unwrap();
    let full = Client::publish(&bench, "c", 1).await.err().unwrap();
    assert_eq!(full, "NetStream.Publish.Denied", "streams");

    let _other = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
    let mut third = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
    assert_eq!(within("the close", third.read(&mut [0; 1])).await.unwrap(), 0);

    // A limit below that for commands holds for media only from the first media message on.
    publisher.send(&[KEY, &[0; 1000]].concat(), 0).await;
    publisher.closed().await;
}

#[tokio::test]
async fn shutting_down_closes_everything_soon() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut player = Client::play(&bench, "s", 2).await.unwrap();
    let mut waiting = FlvReader::request(bench.flv_addr, &bench.flv_path("t", 3)).await;
    bench.until(|now| now.players == 2).await;
    within("the shutdown", bench.media.shutdown()).await;
    publisher.closed().await;
    player.closed().await;
    waiting.closed().await;
    assert!(TcpStream::connect(bench.media.rtmp_addr()).await.is_err());
    let (head, _) = get(bench.flv_addr, &bench.flv_path("s", 2)).await;
    assert!(head.starts_with("HTTP/1.0 503"), "{head}");
}
