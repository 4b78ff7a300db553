//! What stands between the gateway and a browser: proxies that buffer, compress or cache, and origins.

use std::time::Duration;

use nertc_gateway::media::MediaEngine as _;

use crate::bench::*;

#[tokio::test]
async fn a_stream_asks_proxies_to_pass_it_on_at_once_and_unchanged() {
    let bench = Bench::start().await;
    let _publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let (status, head) = player.head().await;
    assert_eq!(status, 200);
    for line in
        ["x-accel-buffering: no", "cache-control: no-store, no-transform", "access-control-allow-origin: *"]
    {
        assert!(head.lines().any(|l| l == line), "{line} is not in {head}");
    }
    // A refusal that a cache keeps would outlive its reason.
    for path in ["/live/s", "/live/s.flv?grant=x"] {
        let (head, _) = get(bench.flv_addr, path).await;
        assert!(head.contains("cache-control: no-store"), "{path}: {head}");
        assert!(head.contains("access-control-allow-origin: *"), "{path}: {head}");
    }
}

#[tokio::test]
async fn a_browser_of_another_origin_may_ask_first() {
    let bench = Bench::start().await;
    let path = bench.flv_path("s", 2);
    let asked = "origin: https://app.example\r\naccess-control-request-method: GET\r\n\
                 access-control-request-headers: range, x-trace\r\n";
    let (head, body) = ask(bench.flv_addr, "OPTIONS", &path, asked).await;
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    for line in [
        "access-control-allow-origin: *",
        "access-control-allow-methods: get,head",
        "access-control-allow-headers: range, x-trace",
        "access-control-max-age: 86400",
    ] {
        assert!(head.lines().any(|l| l == line), "{line} is not in {head}");
    }
    assert_eq!(body, "");
    assert_eq!(bench.media.statistics().players, 0, "a question is no player");
    let (head, _) = ask(bench.flv_addr, "POST", &path, "content-length: 0\r\n").await;
    assert!(head.starts_with("HTTP/1.0 405") && head.contains("allow: get,head"), "{head}");
}

#[tokio::test]
async fn a_player_that_waits_is_never_silent_for_long_and_plays_when_something_comes() {
    let bench = Bench::start_with(|config| config.limits.quiet = Duration::from_millis(300)).await;
    let watching = tokio::spawn(decode(bench.flv_url("s", 2), 10));
    let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 3)).await;
    assert_eq!(player.begin().await, 0, "nothing is promised");
    for _ in 0..2 {
        let tag = player.tag().await;
        assert_eq!((tag.kind, tag.timestamp), (18, 0));
        assert_eq!(tag.body, b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09");
    }
    let _pusher = push(&bench.push_url("s", 1));
    while player.tag().await.kind != 9 {}
    assert!(watching.await.unwrap().moves());
}
