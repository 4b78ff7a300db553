//! Permission keys from the bootstrap to the media, over real sockets, with ffmpeg as phones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod loopback;
#[path = "loopback/member.rs"]
mod member;

use std::collections::BTreeMap;

use nertc_gateway::rights::{PermissionKey, Privileges};
use nertc_gateway::{App, Apps, Config, Running};
use serde_json::json;

use self::loopback::{config, http, now_ms, pull, push, push_clip, refuses, start, wait_for};
use self::member::{Member, bootstrap};

const SECRET: &str = "0123456789abcdef";
const JOIN: u8 = 32 | 16;

#[tokio::test]
async fn nobody_comes_in_without_a_key_of_its_own() {
    let gateway = start(gateway()).await;
    let (now, all) = (now_ms(), Privileges::ALL);
    let key = |secret, room, uid, privileges, now| {
        PermissionKey::sign("ak", secret, room, uid, privileges, 60, now)
    };
    for (what, key, code) in [
        ("none", String::new(), 403),
        ("rubbish", "rubbish".to_owned(), 414),
        ("forged", key("another secret...", "room", 1, all, now), 414),
        ("expired", key(SECRET, "room", 1, all, now - 61_000), 414),
        ("of another user", key(SECRET, "room", 2, all, now), 414),
        ("of another room", key(SECRET, "other", 1, all, now), 414),
        ("to do anything but join", key(SECRET, "room", 1, Privileges(31), now), 403),
        ("to join and not to create", key(SECRET, "room", 1, Privileges(47), now), 403),
        ("good", key(SECRET, "room", 1, all, now), 200),
    ] {
        let answer = bootstrap(&gateway, 1, &key).await;
        assert_eq!(answer["code"], code, "{what}: {answer}");
        assert_eq!(answer["token"].as_str().is_some_and(|token| !token.is_empty()), code == 200, "{what}");
    }
}

#[tokio::test]
async fn a_member_publishes_and_plays_what_its_key_allows_and_nothing_else() {
    let gateway = start(gateway()).await;
    let mut anchor = Member::join(&gateway, 9, &key(9, 63)).await;
    assert_eq!(anchor.command(10, json!({"mediaType": "video", "status": "open"})).await, 200);
    let _pusher = push(&anchor.url);
    wait_for(&gateway, "publishers", 1).await;

    let mut mute = Member::join(&gateway, 1, &key(1, JOIN | 4 | 8)).await;
    assert_eq!(mute.command(10, json!({"mediaType": "video", "status": "open"})).await, 403);
    assert_eq!(mute.command(10, json!({"mediaType": "audio", "status": "open"})).await, 403);
    assert!(refuses(push(&mute.url)).await);
    assert_eq!(mute.command(16, json!({"srcUid": 9, "mediaType": "video", "sub": true})).await, 200);
    let _player = pull(&mute.others[&9]);
    wait_for(&gateway, "players", 1).await;

    let mut deaf = Member::join(&gateway, 2, &key(2, JOIN | 1 | 2)).await;
    assert_eq!(deaf.command(16, json!({"srcUid": 9, "mediaType": "video", "sub": true})).await, 403);
    assert_eq!(deaf.command(16, json!({"srcUid": 9, "mediaType": "audio", "sub": true})).await, 403);
    assert!(refuses(pull(&deaf.others[&9])).await);
    assert_eq!(deaf.command(10, json!({"mediaType": "video", "status": "open"})).await, 200);
    let _second = push(&deaf.url);
    wait_for(&gateway, "publishers", 2).await;
}

#[tokio::test]
async fn pictures_of_who_may_send_sound_only_go_nowhere() {
    let gateway = start(gateway()).await;
    let speaker = Member::join(&gateway, 1, &key(1, JOIN | 1)).await;
    // The camera alone: not a byte of it may count as media.
    push_clip(&speaker.url).await;
    wait_for(&gateway, "publishers", 0).await;
    // What describes the stream may pass: some hundred bytes of a clip of twenty pictures.
    assert!(bytes_in(&gateway).await < 1000);

    let sender = Member::join(&gateway, 2, &key(2, JOIN | 2)).await;
    push_clip(&sender.url).await;
    wait_for(&gateway, "publishers", 0).await;
    assert!(bytes_in(&gateway).await > 1000, "who may send pictures does");
}

async fn bytes_in(gateway: &Running) -> u64 {
    let (_, health) = http(gateway, "GET /healthz HTTP/1.1\r\n", "").await;
    health["media"]["bytes_in"].as_u64().unwrap()
}

fn gateway() -> Config {
    let app = App { permission_secret: Some(SECRET.to_owned()), ..App::default() };
    Config { apps: Apps::Listed(BTreeMap::from([("ak".to_owned(), app)])), ..config() }
}

fn key(uid: u64, bits: u8) -> String {
    PermissionKey::sign("ak", SECRET, "room", uid, Privileges(bits), 60, now_ms())
}
