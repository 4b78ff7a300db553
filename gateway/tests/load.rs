//! A short form of `npm run load`: whatever is asked of the gateway's process is answered, and everybody is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use clap::Parser as _;
use nertc_load::{Load, Report};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_members_are_answered_and_told_everything() {
    let kinds = ["--mutes", "50", "--storms", "5", "--churn", "10"];
    let crowd = ["signalling", "--members", "200", "--room-size", "20", "--heartbeat", "500"];
    let report = measure(&[&crowd[..], &kinds[..]].concat()).await;
    let [figures] = &report.signalling[..] else { panic!("{report:?}") };
    assert_eq!((figures.heartbeats.due, figures.join.due), (800, 200));
    // 19 others in each room.
    assert_eq!(figures.mutes.as_ref().map(|mutes| mutes.due), Some(100 * 19));
    assert_eq!(figures.storms.as_ref().map(|storms| storms.due), Some(10 * 20 * 19));
    assert_eq!(figures.churn.as_ref().map(|churn| churn.due), Some(20));
    assert!(figures.heartbeats.cpu > Duration::ZERO && figures.memory > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn players_of_both_kinds_are_given_every_packet() {
    let report = measure(&["media", "--publishers", "2", "--players", "4", "--gop", "1"]).await;
    assert_eq!(report.media.len(), 2, "RTMP and HTTP-FLV");
    for figures in &report.media {
        // 25 pictures and 43 sounds a second.
        assert!((2 * 4 * 2 * 60..2 * 4 * 2 * 70).contains(&figures.due), "{}", figures.due);
        assert_eq!((figures.players, figures.first_key.count()), (8, 8));
        let longest = figures.first_key.permille(1000);
        assert!(longest < Duration::from_secs(1), "a late player waits for no key frame: {longest:?}");
    }
}

async fn measure(words: &[&str]) -> Report {
    let gateway = ["--gateway", env!("CARGO_BIN_EXE_nertc-gateway"), "--vs", "none", "--seconds", "2"];
    let load = Load::parse_from([&["load"], words, &gateway].concat());
    let report = load.run().await.unwrap();
    assert_eq!(report.complaints(), [""; 0]);
    report
}
