//! The operator's calls over real sockets: what each names when it is missing, and what comes of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[allow(dead_code, reason = "no test needs all of it")]
mod loopback;
#[path = "loopback/member.rs"]
mod member;

use std::collections::BTreeMap;
use std::time::Duration;

use nertc_gateway::{App, Apps, Config, Running};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use self::loopback::{config, http, push, start, wait_for};
use self::member::{Member, bootstrap};

#[tokio::test]
async fn each_call_names_what_is_missing_or_wrong() {
    let gateway = start(operated(Apps::Any)).await;
    let _alice = Member::join(&gateway, 1, "").await;
    for (path, body, status, code, field) in [
        ("kick", "", 400, "missing", "uid"),
        ("kick", "{}", 400, "missing", "uid"),
        ("kick", "[]", 400, "malformed", "body"),
        ("kick", r#"{"uid":-1}"#, 400, "malformed", "uid"),
        ("kick", r#"{"uid":[1]}"#, 400, "malformed", "uid"),
        ("kick", r#"{"uid":1,"ban":"for ever"}"#, 400, "malformed", "ban"),
        ("kick", r#"{"uid":1,"ban":""}"#, 400, "malformed", "ban"),
        ("kick", r#"{"uid":1,"ban":31536001}"#, 400, "malformed", "ban"),
        ("kick", r#"{"uid":1,"appkey":7.5}"#, 404, "no-such-room", ""),
        ("kick", r#"{"uid":1,"appkey":{}}"#, 400, "malformed", "appkey"),
        ("kick", r#"{"uid":2}"#, 404, "no-such-member", ""),
        ("ban", r#"{"uid":1,"seconds":-1}"#, 400, "malformed", "seconds"),
        ("mute", r#"{"uid":1,"media":"smell"}"#, 400, "malformed", "media"),
        ("unmute", r#"{"uid":2}"#, 404, "no-such-member", ""),
        ("role", r#"{"uid":1}"#, 400, "missing", "role"),
        ("role", r#"{"uid":1,"role":"king"}"#, 400, "malformed", "role"),
        ("dissolve", &json!({ "reason": "x".repeat(201) }).to_string(), 400, "malformed", "reason"),
        ("nothing", "{}", 404, "no-such-call", ""),
    ] {
        let (found, answer) = post(&gateway, &format!("room/{path}"), body).await;
        let field = Some(field).filter(|field| !field.is_empty());
        assert_eq!(
            (found, answer["code"].as_str(), answer["field"].as_str()),
            (status, Some(code), field),
            "{path} {body}"
        );
        assert!(answer["reason"].is_string() && answer["remedy"].is_string(), "{answer}");
    }
    assert_eq!(post(&gateway, "other/dissolve", "").await.1["code"], "no-such-room");
    for (query, field) in
        [("limit=0", "limit"), ("limit=1001", "limit"), ("after=x", "after"), ("brief=perhaps", "brief")]
    {
        let (status, answer) = get(&gateway, &format!("?{query}")).await;
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{query}");
    }
}

#[tokio::test]
async fn the_appkey_is_asked_for_only_where_nothing_else_tells_the_application() {
    let ban = r#"{"uid":5,"seconds":60}"#;
    let many = start(operated(Apps::Any)).await;
    let (status, answer) = post(&many, "room/ban", ban).await;
    assert_eq!(
        (status, answer["code"].as_str(), answer["field"].as_str()),
        (400, Some("missing"), Some("appkey"))
    );
    assert_eq!(post(&many, "room/ban?appkey=ak", ban).await.0, 204);
    assert_eq!(bootstrap(&many, 5, "").await["code"], 403);
    let _alice = Member::join(&many, 1, "").await;
    assert_eq!(post(&many, "room/ban", r#"{"uid":"6"}"#).await.0, 204, "the room tells");
    let (_, answer) = get(&many, "/room/bans?limit=1").await;
    assert_eq!((&answer["bans"][0]["id"], &answer["next"]), (&json!("5"), &json!("5")));
    assert_eq!(post(&many, "room/ban", r#"{"uid":5,"seconds":0}"#).await.0, 204);
    assert_eq!(bootstrap(&many, 5, "").await["code"], 200);

    let one = start(operated(Apps::Listed(BTreeMap::from([("ak".to_owned(), App::default())])))).await;
    assert_eq!(post(&one, "room/ban", ban).await.0, 204, "the settings tell");
    assert_eq!(bootstrap(&one, 5, "").await["code"], 403);
}

#[tokio::test]
async fn a_member_is_muted_cast_removed_and_its_room_dissolved() {
    let gateway = start(operated(Apps::Any)).await;
    let mut alice = Member::join(&gateway, u64::MAX, "").await;
    let _bob = Member::join(&gateway, 2, "").await;
    assert_eq!(alice.command(10, json!({"mediaType": "video", "status": "open"})).await, 200);
    let uid = u64::MAX.to_string();
    let about = |more: Value| {
        let mut body = json!({ "uid": uid, "reason": "a test" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let seen = async || get(&gateway, "/room").await.1["members"][1].clone();
    let before = seen().await;
    assert_eq!(
        (&before["id"], &before["published"], &before["silenced"]),
        (&json!(uid), &json!(["video"]), &json!([]))
    );
    assert!(before["joined"].as_u64() > Some(1_700_000_000_000));

    assert_eq!(post(&gateway, "room/mute", &about(json!({"media": "video"}))).await.0, 204);
    assert_eq!(seen().await["silenced"], json!(["video", "screenShare"]));
    assert_eq!(post(&gateway, "room/unmute", &about(json!({}))).await.0, 204);
    assert_eq!(seen().await["silenced"], json!([]));
    assert_eq!(post(&gateway, "room/role", &about(json!({"role": "audience"}))).await.0, 204);
    let after = seen().await;
    assert_eq!((&after["role"], &after["published"]), (&json!(1), &json!([])));
    assert_eq!(post(&gateway, "room/kick", &about(json!({"ban": 60}))).await.0, 204);
    assert_eq!(bootstrap(&gateway, u64::MAX, "").await["code"], 403);
    let brief = json!({"rooms": get(&gateway, "?brief=1").await.1["rooms"]});
    assert_eq!((&brief["rooms"][0]["size"], &brief["rooms"][0]["publishing"]), (&json!(1), &json!(0)));
    assert_eq!(post(&gateway, "room/dissolve", "").await.0, 204);
    wait_until(async || get(&gateway, "").await.1["total"] == 0).await;
    let counts = http(&gateway, &head("GET", "/v1/statistics"), "").await.1;
    assert_eq!((&counts["rooms"]["rooms"], &counts["rooms"]["bans"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn pictures_of_who_is_muted_go_nowhere_until_it_is_unmuted_and_its_connection_stays() {
    let gateway = start(operated(Apps::Any)).await;
    let alice = Member::join(&gateway, 1, "").await;
    let _pusher = push(&alice.url);
    wait_for(&gateway, "publishers", 1).await;
    let bytes = async || {
        http(&gateway, "GET /healthz HTTP/1.1\r\n", "").await.1["media"]["bytes_in"].as_u64().unwrap()
    };
    wait_until(async || bytes().await > 0).await;
    assert_eq!(post(&gateway, "room/mute", r#"{"uid":1}"#).await.0, 204);
    // Ten pictures a second.
    let (mut last, mut same) = (bytes().await, 0);
    while same < 15 {
        sleep(Duration::from_millis(100)).await;
        let now = bytes().await;
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    wait_for(&gateway, "publishers", 1).await;
    assert_eq!(post(&gateway, "room/unmute", r#"{"uid":1}"#).await.0, 204);
    wait_until(async || bytes().await > last).await;
}

#[tokio::test]
async fn the_description_is_that_of_this_version() {
    let gateway = start(operated(Apps::Any)).await;
    let (status, described) = http(&gateway, "GET /openapi.json HTTP/1.1\r\n", "").await;
    assert_eq!((status, &described["info"]["version"]), (200, &json!(env!("CARGO_PKG_VERSION"))));
}

fn operated(apps: Apps) -> Config {
    Config { admin_token: Some(ADMIN.to_owned()), apps, ..config() }
}

async fn get(gateway: &Running, path: &str) -> (u16, Value) {
    http(gateway, &head("GET", &format!("/v1/rooms{path}")), "").await
}

async fn post(gateway: &Running, path: &str, body: &str) -> (u16, Value) {
    let head = format!("{}Content-Length: {}\r\n", head("POST", &format!("/v1/rooms/{path}")), body.len());
    http(gateway, &head, body).await
}

fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nAuthorization: Bearer {ADMIN}\r\n")
}

async fn wait_until(reached: impl AsyncFn() -> bool) {
    let poll = async {
        while !reached().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), poll).await.expect("it did not come to that");
}

const ADMIN: &str = "operators only, please";
