//! Whole calls: what a phone pushes is seen and heard by others.

use nertc_gateway::media::MediaEngine as _;
use tokio::process::Command;

use crate::bench::*;

#[tokio::test]
async fn a_call_moves_pictures_and_sound_over_rtmp_and_flv() {
    let bench = Bench::start().await;
    let _pusher = push(&bench.push_url("s", 1));
    let (by_rtmp, by_flv) =
        tokio::join!(decode(bench.pull_url("s", 2), 30), decode(bench.flv_url("s", 3), 30));
    for seen in [by_rtmp, by_flv] {
        assert_eq!(seen.frames.len(), 30);
        assert!(seen.moves(), "the picture stands still");
        assert!(seen.loudness > -40.0, "{} dB is silence", seen.loudness);
    }
    assert!(bench.media.statistics().bytes_out > 0);
}

#[tokio::test]
async fn players_that_come_first_start_when_the_publisher_comes() {
    let bench = Bench::start().await;
    let players = [bench.pull_url("s", 2), bench.flv_url("s", 3)].map(|url| {
        let player = decode(url, 10);
        tokio::spawn(player)
    });
    bench.until(|now| now.players == 2).await;
    let _pusher = push(&bench.push_url("s", 1));
    for player in players {
        assert!(player.await.unwrap().moves());
    }
}

#[tokio::test]
async fn a_late_player_starts_with_the_headers_and_a_key_frame() {
    let bench = Bench::start().await;
    let _pusher = push(&bench.push_url("s", 1));
    // Past the first key frame, so that starting at the latest packet would not be enough.
    bench.until(|now| now.bytes_in > 60_000).await;
    let mut player = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let kinds = [player.tag().await, player.tag().await, player.tag().await].map(|tag| tag.kind);
    assert_eq!(kinds, [18, 9, 8]);
    let first = player.tag().await;
    assert_eq!((first.kind, first.body[0], first.body[1]), (9, 0x17, 1));
    assert_eq!(first.timestamp, 0);

    let packets = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=flags"])
        .args(["-read_intervals", "%+#1", "-of", "csv=p=0", &bench.pull_url("s", 3)])
        .output();
    let packets = within("ffprobe", packets).await.expect(NO_FFMPEG);
    let flags = String::from_utf8(packets.stdout).unwrap();
    assert!(flags.starts_with('K'), "{flags}");
}

#[tokio::test]
async fn a_player_goes_on_when_its_publisher_comes_back() {
    let bench = Bench::start().await;
    let mut first = push(&bench.push_url("s", 1));
    let mut player = Frames::open(&bench.pull_url("s", 2));
    let mut frames = vec![player.next().await];
    while frames.len() < 15 {
        frames.push(player.next().await);
    }
    first.kill().await.unwrap();
    bench.until(|now| now.publishers == 0).await;
    assert_eq!(bench.media.statistics().players, 1);
    // Whatever the player still had is far less than what it must show now.
    let _second = push(&bench.push_url("s", 1));
    bench.until(|now| now.publishers == 1).await;
    while frames.len() < 90 {
        frames.push(player.next().await);
    }
    let times: Vec<i64> = frames.iter().map(|frame| frame.time).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[tokio::test]
async fn the_same_holder_replaces_its_connection_and_another_is_refused() {
    let bench = Bench::start().await;
    let mut old = Client::publish(&bench, "s", 1).await.unwrap();
    old.send(KEY, 0).await;
    let refused = Client::publish(&bench, "s", 2).await.err().unwrap();
    assert_eq!(refused, "NetStream.Publish.Denied");
    let mut new = Client::publish(&bench, "s", 1).await.unwrap();
    old.closed().await;
    let before = bench.media.statistics().bytes_in;
    new.send(KEY, 0).await;
    bench.until(|now| now.bytes_in > before).await;
    assert_eq!(bench.media.statistics().publishers, 1);
}
