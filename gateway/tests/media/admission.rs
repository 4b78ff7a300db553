//! Who may publish and play, and when that ends.

use nertc_gateway::media::{MediaEngine as _, MediaStatistics};
use nertc_gateway::rights::Action;

use crate::bench::*;

#[tokio::test]
async fn a_bad_grant_is_refused_for_rtmp_publish_before_any_media() {
    let bench = Bench::start().await;
    for (case, grant) in bench.bad_grants(Action::Publish) {
        let url = bench.media.push_url("s", &grant);
        let refused = output(push(&url)).await;
        assert!(!refused.success, "{case}");
        assert!(refused.says("Server error: "), "{case}: {}", refused.text);
        assert_eq!(bench.media.statistics(), MediaStatistics::default(), "{case}");
    }
}

#[tokio::test]
async fn a_bad_grant_is_refused_for_rtmp_play_before_any_media() {
    let bench = Bench::start().await;
    let _publisher = Client::publish(&bench, "s", 1).await.unwrap();
    for (case, grant) in bench.bad_grants(Action::Play) {
        let url = bench.media.pull_url("s", &grant);
        let player = ffmpeg().args(["-i", &url, "-f", "null", "-"]).spawn();
        let refused = output(player.expect(NO_FFMPEG)).await;
        assert!(!refused.success, "{case}");
        assert!(refused.says("Server error: "), "{case}: {}", refused.text);
        let now = bench.media.statistics();
        assert_eq!((now.players, now.bytes_out), (0, 0), "{case}");
    }
}

#[tokio::test]
async fn a_bad_grant_is_refused_for_flv_play_before_any_media() {
    let bench = Bench::start().await;
    let _publisher = Client::publish(&bench, "s", 1).await.unwrap();
    for (case, grant) in bench.bad_grants(Action::Play) {
        let path = format!("/live/s.flv?grant={grant}");
        let (head, body) = get(bench.flv_addr, &path).await;
        assert!(head.starts_with("HTTP/1.0 403"), "{case}: {head}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["code"], 403, "{case}");
        assert!(body["reason"].is_string(), "{case}");
        let now = bench.media.statistics();
        assert_eq!((now.players, now.bytes_out), (0, 0), "{case}");
    }
    for path in ["/live/s", "/live/.flv", "/live/a%20b.flv"] {
        let (head, _) = get(bench.flv_addr, path).await;
        assert!(head.starts_with("HTTP/1.0 404"), "{path}: {head}");
    }
}

#[tokio::test]
async fn ending_a_stream_disconnects_its_publisher_and_players() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut by_rtmp = Client::play(&bench, "s", 2).await.unwrap();
    let mut by_flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 3)).await;
    bench.until(|now| now.players == 2).await;
    bench.media.end_stream("s");
    publisher.closed().await;
    by_rtmp.closed().await;
    by_flv.closed().await;
    assert_eq!(bench.media.statistics().streams, 0);
}

#[tokio::test]
async fn a_good_grant_is_worth_nothing_outside_the_room() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut by_rtmp = Client::play(&bench, "s", 2).await.unwrap();
    let mut by_flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let _other = Client::play(&bench, "s", 3).await.unwrap();
    bench.until(|now| now.players == 3).await;
    bench.media.review(2);
    assert_eq!(bench.media.statistics().players, 3, "still in the room");

    *bench.stranger.lock().unwrap() = Some(2);
    bench.media.review(2);
    by_rtmp.closed().await;
    by_flv.closed().await;
    assert_eq!(Client::play(&bench, "s", 2).await.err().unwrap(), "NetStream.Play.Failed");
    let (head, _) = get(bench.flv_addr, &bench.flv_path("s", 2)).await;
    assert!(head.starts_with("HTTP/1.0 403"), "{head}");
    let now = bench.media.statistics();
    assert_eq!((now.publishers, now.players), (1, 1), "the others go on");

    *bench.stranger.lock().unwrap() = Some(1);
    bench.media.review(1);
    publisher.closed().await;
    assert_eq!(Client::publish(&bench, "s", 1).await.err().unwrap(), "NetStream.Publish.Denied");
}
