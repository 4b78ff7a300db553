//! The gateway over real sockets, as unmodified clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod loopback;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::rights::BasicToken;
use nertc_gateway::rooms::HubConfig;
use nertc_gateway::{App, Apps, Config, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use self::loopback::{config, http, now_ms, pull, push, refuses, start, wait_for};

const LARGEST: u64 = u64::MAX;

#[tokio::test]
async fn two_members_see_each_other_come_publish_mute_change_role_and_go() {
    let gateway = start(config()).await;
    let mut alice = Client::join(&gateway, "room", 100).await;
    let mut bob = Client::join(&gateway, "room", LARGEST).await;
    let own = bob.user(LARGEST).clone();
    assert!(own["url"].as_str().unwrap().starts_with(&format!("rtmp://{}/live/", gateway.rtmp_addr)));
    assert_eq!(bob.user(100)["role"], 0);

    let join = alice.notice(20).await;
    assert_eq!(join["uid"].as_u64(), Some(LARGEST), "a uid is exact");
    assert!(join["url"].as_str().unwrap().contains("?grant="));

    assert_eq!(bob.command(10, json!({"mediaType": "video", "status": "open"})).await, 200);
    let published = alice.notice(26).await;
    assert_eq!(
        (published["mediaType"].as_str(), published["status"].as_str()),
        (Some("video"), Some("open"))
    );
    assert_eq!(published["url"], join["url"], "the URL of a session does not change");
    assert_eq!(alice.command(16, json!({"srcUid": LARGEST, "mediaType": "video", "sub": true})).await, 200);
    assert_eq!(alice.command(16, json!({"srcUid": 7, "mediaType": "video", "sub": true})).await, 404);

    assert_eq!(bob.command(11, json!({"mediaType": "video", "mute": true})).await, 200);
    assert_eq!(alice.notice(15).await["mute"], true);
    assert_eq!(bob.command(12, json!({"role": 1})).await, 200);
    assert_eq!(alice.notice(26).await["status"], "close");
    assert_eq!(alice.notice(27).await["role"], 1);
    assert_eq!(bob.command(10, json!({"mediaType": "audio", "status": "open"})).await, 403);

    let seq = bob.send(4, json!({"statistic": {}})).await;
    let ack = bob.packet().await.unwrap();
    assert_eq!((ack["cmd"].as_u64(), ack["seq"].as_u64()), (Some(9), Some(seq)));
    assert_eq!(bob.closed().await, 1000);
    assert_eq!(alice.notice(21).await["uid"].as_u64(), Some(LARGEST));
}

#[tokio::test]
async fn what_was_asked_before_a_connection_is_half_closed_is_answered() {
    let gateway = start(config()).await;
    let mut alice = Client::join(&gateway, "room", 100).await;
    let mut asked = Vec::new();
    for _ in 0..50 {
        asked.push(alice.send(2, json!({})).await);
    }
    alice.socket.get_mut().shutdown().await.unwrap();
    for seq in asked {
        assert_eq!(alice.packet().await.expect("closed before the answers")["seq"], seq);
    }
}

#[tokio::test]
async fn the_bootstrap_answers_what_every_generation_needs() {
    let gateway = start(Config { public_address: "call.example.com/ws?node=1".into(), ..config() }).await;
    let answer = bootstrap(&gateway, &debug_form("room", "100")).await;
    assert_eq!(answer["code"], 200);
    assert_eq!(answer["cid"].as_u64().unwrap().to_string().len(), 15);
    assert_eq!(answer["ips"]["wechatapparray"], json!(["call.example.com/ws?node=1"]));
    assert_eq!(answer["ips"]["turnaddrs"], json!([[gateway.rtmp_addr.to_string()]]));
    assert!(
        !answer["token"].as_str().unwrap().is_empty() && !answer["ips"]["token"].as_str().unwrap().is_empty()
    );
    assert_eq!(answer["time"]["t1"], 1_700_000_000_000_u64);
    assert!(answer["time"]["t2"].as_u64() <= answer["time"]["t3"].as_u64());

    let again = bootstrap(&gateway, &debug_form("room", "7")).await;
    assert_eq!(again["cid"], answer["cid"], "a room is a room");
    let quoted = bootstrap(&gateway, &debug_form("room", "\"100\"")).await;
    assert_eq!(quoted["code"], 200);
    let json_body = json!({"uid": 100, "appkey": "ak", "channelName": "room", "secureType": "2", "nrtcg2": 1,
        "curtime": 1_700_000_000_000_u64, "checksum": debug_checksum("ak", Uid(100), 1_700_000_000_000)});
    let as_json = post(&gateway, "/nrtcproxy/nrtc/getChannelInfos.action", &json_body.to_string()).await;
    assert_eq!(as_json.1["cid"], answer["cid"]);
}

#[tokio::test]
async fn a_bootstrap_that_makes_no_sense_is_refused_with_a_code() {
    let gateway = start(config()).await;
    for (form, code) in [
        (String::new(), 414),
        ("{".into(), 414),
        ("{\"uid\":{}}".into(), 414),
        ("%ff%00&&&==".into(), 414),
        (debug_form("room", "-1"), 414),
        (debug_form("room", "18446744073709551616"), 414),
        (debug_form("", "100"), 414),
        (debug_form(&"r".repeat(257), "100"), 414),
        (debug_form("room", "100").replace("appkey=ak", "appkey="), 417),
        (debug_form("room", "100").replace("checksum=", "checksum=0"), 414),
        (debug_form("room", "100").replace("curtime=1", "curtime=x"), 414),
        ("x".repeat(65 * 1024), 414),
    ] {
        let (status, answer) = post(&gateway, BOOTSTRAP, &form).await;
        assert_eq!((status, answer["code"].as_i64()), (200, Some(code)), "{:.80}", form);
        assert!(!answer["desc"].as_str().unwrap().is_empty());
    }
    assert_eq!(bootstrap(&gateway, &debug_form("room", "100")).await["code"], 200);
}

#[tokio::test]
async fn secure_mode_wants_the_token_of_this_user_and_room() {
    let app = App { secret: Some("app secret".into()), secure: true, ..App::default() };
    let debug_app = App::default();
    let apps = BTreeMap::from([("ak".to_owned(), app), ("debug".to_owned(), debug_app)]);
    let gateway = start(Config { apps: Apps::Listed(apps), dev: true, ..config() }).await;
    let now = now_ms();
    let token = |room, uid, ttl, at| BasicToken::sign("ak", "app secret", room, uid, ttl, at);

    let good = token("room", 100, 60, now);
    assert_eq!(bootstrap(&gateway, &secure_form("room", 100, &good)).await["code"], 200);
    for (form, code) in [
        (debug_form("room", "100"), 403),
        (secure_form("room", 100, ""), 403),
        (secure_form("room", 100, "rubbish"), 414),
        (secure_form("room", 101, &good), 414),
        (secure_form("room2", 100, &good), 414),
        (secure_form("room", 100, &token("room", 100, 60, now - 61_000)), 414),
        (secure_form("room", 100, &BasicToken::sign("ak", "guessed", "room", 100, 60, now)), 414),
        (secure_form("room", 100, &good).replace("appkey=ak", "appkey=other"), 417),
        (secure_form("room", 100, &good).replace("appkey=ak", "appkey=debug"), 414),
    ] {
        assert_eq!(bootstrap(&gateway, &form).await["code"], code, "{form}");
    }

    for (form, words) in [
        (secure_form("room", 100, &token("room", 100, 60, now / 1000)), "seconds"),
        (secure_form("room", 100, &token("room", 100, 60, now * 1000)), "microseconds"),
        (secure_form("room", 100, &token("room", 100, 60, now + 400 * 86_400_000)), "clock"),
        (secure_form("room", 101, &good), "uid and channelName"),
        (secure_form("room", 100, "rubbish"), "base64"),
        (debug_form("room", "100"), "secure mode"),
        (secure_form("room", 100, &good).replace("appkey=ak", "appkey=debug"), "leave it out"),
    ] {
        let answer = bootstrap(&gateway, &form).await;
        assert!(answer["desc"].as_str().unwrap().contains(words), "{form}: {answer}");
    }

    let wanted = json!({"appkey": "ak", "channelName": "room", "uid": "100"}).to_string();
    let (_, answer) = post(&gateway, "/v1/dev/token", &wanted).await;
    let signed = answer["token"].as_str().unwrap();
    assert_eq!(bootstrap(&gateway, &secure_form("room", 100, signed)).await["code"], 200);
}

#[tokio::test]
async fn a_full_room_is_refused_by_the_bootstrap_already() {
    let hub = HubConfig { max_members: 1, ..HubConfig::default() };
    let gateway = start(Config { hub, ..config() }).await;
    let _alice = Client::join(&gateway, "room", 1).await;
    assert_eq!(bootstrap(&gateway, &debug_form("room", "2")).await["code"], 4003);
    assert_eq!(bootstrap(&gateway, &debug_form("room", "1")).await["code"], 200);
}

#[tokio::test]
async fn a_login_without_a_good_ticket_is_refused_in_the_way_old_clients_understand() {
    let gateway = start(config()).await;
    let answer = bootstrap(&gateway, &debug_form("room", "100")).await;
    let mut client = Client::connect(&gateway, "/", 101).await;
    client.cid = answer["cid"].as_u64().unwrap();
    let seq = client.send(0, login_body(answer["token"].as_str().unwrap())).await;
    let ack = client.packet().await.unwrap();
    assert_eq!((ack["cmd"].as_u64(), ack["seq"].as_u64()), (Some(1), Some(seq)));
    assert_eq!((&ack["body"]["code"], &ack["body"]["userlist"]), (&json!(401), &json!([])));
    client.notice(25).await;
    client.send(4, json!({})).await;
    assert_eq!(client.closed().await, 1000);
}

#[tokio::test]
async fn a_login_in_the_shape_of_4_4_1_is_served() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let answer = bootstrap(&gateway, &debug_form("room", "100").replace("4.6.11.0", "4.4.1.0")).await;
    let mut old = Client::connect(&gateway, "/ws", 100).await;
    old.cid = answer["cid"].as_u64().unwrap();
    let body = json!({"token": answer["token"], "scene": 1, "usertype": 3, "liveEnable": 0, "webrtc": 1,
        "recordAudio": 0, "recordVideo": 0, "rtmpRecord": 0, "recordType": "0", "role": 0,
        "isHostSpeaker": 0, "edgeAddr": "192.0.2.1:80", "newprotocol": 2, "dualAudio": 0});
    assert_eq!(old.command(0, body).await, 200);
    let mut bob = Client::join(&gateway, "room", 200).await;
    old.notice(20).await;
    bob.command(10, json!({"mediaType": "audio", "status": "open"})).await;
    old.notice(26).await;
    assert_eq!(old.command(16, json!({"srcUid": 200, "mediaType": "audio", "sub": true})).await, 200);
    assert_eq!(old.command(17, json!({"srcUid": 200, "dualAudio": 0})).await, 200, "4.4.1 waits for this");
    let rooms = get(&gateway, "/v1/rooms", ADMIN).await.1;
    assert_eq!(rooms["rooms"][0]["members"][0]["client"], "4.4");
}

#[tokio::test]
async fn heartbeats_are_answered_and_keep_a_member_alive() {
    let hub = HubConfig { silence: Duration::from_millis(400), ..HubConfig::default() };
    let gateway = start(Config { hub, ..config() }).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    let mut bob = Client::join(&gateway, "room", 2).await;
    for _ in 0..8 {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(alice.command(2, json!({})).await, 200);
    }
    assert_eq!(bob.closed().await, 1008, "who is silent is closed");
}

#[tokio::test]
async fn a_connection_that_never_logs_in_is_closed() {
    let hub = HubConfig { login_timeout: Duration::from_millis(200), ..HubConfig::default() };
    let gateway = start(Config { hub, ..config() }).await;
    let mut client = Client::connect(&gateway, "/", 1).await;
    assert_eq!(client.closed().await, 1008);
}

#[tokio::test]
async fn garbage_is_dropped_and_an_unknown_command_fails_at_once() {
    let gateway = start(config()).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    for text in ["", "{", "null", "[[[[", r#"{"cmd":-1}"#, r#"{"cmd":10,"body":7}"#, "\u{0}"] {
        alice.raw(Message::text(text)).await;
    }
    alice.raw(Message::binary(vec![0xff; 100])).await;
    assert_eq!(alice.command(99, json!({})).await, 400);
    assert_eq!(alice.command(2, json!({})).await, 200, "nothing else happened");
    for _ in 0..60 {
        alice.raw(Message::text("{")).await;
    }
    assert_eq!(alice.closed().await, 1008);
}

#[tokio::test]
async fn who_sends_too_fast_is_read_more_slowly_and_answered_in_full() {
    let silence = Duration::from_millis(400);
    let hub = HubConfig {
        max_members: 2,
        spare_packets: 12,
        packets_per_second: 200,
        silence,
        grace: Duration::from_millis(1),
        ..HubConfig::default()
    };
    let gateway = start(Config { hub, ..config() }).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    let begun = Instant::now();
    // Pings count as well; the login was the first of twenty packets.
    let mut sent = Vec::new();
    for _ in 0..100 {
        sent.push(alice.send(2, json!({})).await);
        alice.raw(Message::Ping("".into())).await;
    }
    alice.raw(Message::text("{")).await;
    sent.push(alice.send(99, json!({})).await);
    for seq in sent {
        assert_eq!(alice.ack(seq).await["seq"], seq, "in order, and none is missing");
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(182 * 5), "{took:?} for 202 packets");
    assert!(took > 2 * silence, "it was busy for longer than it may be silent");
}

#[tokio::test]
async fn a_client_that_subscribes_to_a_whole_full_room_at_once_gets_it_and_one_more_is_refused() {
    let gateway = start(config()).await;
    let others = 1..HubConfig::default().max_members as u64;
    let mut crowd = Vec::new();
    for uid in others.clone() {
        let mut member = Client::join(&gateway, "room", uid).await;
        for media in MEDIA {
            member.send(10, json!({"mediaType": media, "status": "open"})).await;
            member.send(11, json!({"mediaType": media, "mute": true})).await;
        }
        crowd.push(member);
    }
    // As the original does it: everything at once, and no window.
    let mut newcomer = Client::join(&gateway, "room", 1000).await;
    let mut sent = Vec::new();
    for uid in others {
        for media in MEDIA {
            sent.push(newcomer.send(16, json!({"srcUid": uid, "mediaType": media, "sub": true})).await);
        }
    }
    for seq in sent {
        assert_eq!(newcomer.ack(seq).await["body"]["code"], 200);
    }
    let muted = newcomer.waiting.iter().filter(|notice| notice["cmd"] == 15).count();
    assert_eq!(muted, crowd.len() * MEDIA.len(), "all are told at once");
    assert_eq!(bootstrap(&gateway, &debug_form("room", "1001")).await["code"], 4003);
}

#[tokio::test]
async fn a_packet_may_have_64_kib_and_not_a_byte_more() {
    let gateway = start(config()).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    let mut bob = Client::join(&gateway, "room", 2).await;
    let padded = |size: usize| {
        let start = r#"{"cmd":2,"body":{"uid":1,"cid":1},"seq":900,"pad":""#;
        format!("{start}{}\"}}", "x".repeat(size - start.len() - 2))
    };
    alice.raw(Message::text(padded(64 * 1024))).await;
    assert_eq!(alice.ack(900).await["cmd"], 3);
    alice.raw(Message::text(padded(64 * 1024 + 1))).await;
    assert_eq!(alice.closed().await, 1009);

    let mut huge = Client::join(&gateway, "room", 3).await;
    huge.raw(Message::text(padded(8 << 20))).await;
    huge.gone().await;
    assert_eq!(bob.command(2, json!({})).await, 200, "others are unaffected");
}

#[tokio::test]
async fn a_second_login_takes_over_and_others_see_nothing() {
    let gateway = start(config()).await;
    let mut bob = Client::join(&gateway, "room", 2).await;
    let mut first = Client::join(&gateway, "room", 1).await;
    bob.notice(20).await;
    first.command(10, json!({"mediaType": "audio", "status": "open"})).await;
    bob.notice(26).await;

    let mut second = Client::join(&gateway, "room", 1).await;
    assert_eq!(first.notice(24).await["reason"], 3, "the vendor's SDK comes back for ever unless it is told");
    assert_eq!(first.closed().await, 1000);
    second.command(10, json!({"mediaType": "audio", "status": "open"})).await;
    second.command(11, json!({"mediaType": "audio", "mute": true})).await;
    let next = bob.next_notice().await;
    assert_eq!(next["cmd"], 15, "neither join nor leave nor publish: {next}");
}

#[tokio::test]
async fn a_member_that_never_reads_is_dropped_and_nobody_waits_for_it() {
    let hub = HubConfig {
        packets_per_second: 1_000_000,
        max_members: 3,
        // Alice says nothing, and a busy machine takes its time.
        silence: Duration::from_secs(120),
        grace: Duration::from_millis(200),
        ..HubConfig::default()
    };
    let gateway = start(Config { hub, send_queue: 64, admin_token: Some(ADMIN.into()), ..config() }).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    let mut bob = Client::join(&gateway, "room", 2).await;
    alice.notice(20).await;
    let deaf = Client::join(&gateway, "room", 3).await;
    alice.notice(20).await;
    bob.notice(20).await;

    let deadline = Instant::now() + Duration::from_secs(60);
    let mut open = true;
    loop {
        let status = if open { "open" } else { "close" };
        assert_eq!(bob.command(10, json!({"mediaType": "video", "status": status})).await, 200);
        let notice = alice.next_notice().await;
        if notice["cmd"] == 21 {
            assert_eq!(notice["body"]["uid"], 3);
            break;
        }
        assert_eq!((&notice["cmd"], &notice["body"]["status"]), (&json!(26), &json!(status)));
        assert!(Instant::now() < deadline, "the deaf member is still there");
        open = !open;
    }
    drop(deaf);
}

#[tokio::test]
async fn a_shutdown_closes_everybody_with_1012_and_waits_for_no_idle_peer() {
    let gateway = start(config()).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    let mut stranger = Client::connect(&gateway, "/", 2).await;
    let _idle = TcpStream::connect(gateway.http_addr).await.unwrap();
    let http_addr = gateway.http_addr;
    let stopping = tokio::spawn(gateway.shutdown());
    assert_eq!(alice.closed().await, 1012);
    assert_eq!(stranger.closed().await, 1012);
    timeout(Duration::from_secs(20), stopping).await.expect("an idle peer holds it up").unwrap();
    assert!(TcpStream::connect(http_addr).await.is_err());
}

#[tokio::test]
async fn who_leaves_or_turns_audience_is_cut_off_the_media_too() {
    let gateway = start(config()).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    let url = alice.user(1)["url"].as_str().unwrap().to_owned();
    for (cmd, body) in [(12, json!({"role": 1})), (4, json!({}))] {
        alice.command(12, json!({"role": 0})).await;
        let mut ffmpeg = push(&url);
        wait_for(&gateway, "publishers", 1).await;
        alice.command(cmd, body).await;
        wait_for(&gateway, "publishers", 0).await;
        ffmpeg.wait().await.unwrap();
        assert!(refuses(push(&url)).await, "the grant has not expired, the right has");
    }
    let again = Client::join(&gateway, "room", 1).await;
    assert!(refuses(push(&url.replace("grant=", "grant=A"))).await);
    assert!(refuses(push(&url)).await, "an older device would take the stream for ever");
    let _pusher = push(again.user(1)["url"].as_str().unwrap());
    wait_for(&gateway, "publishers", 1).await;
}

#[tokio::test]
async fn who_is_kicked_hears_and_sees_nothing_any_more() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let alice = Client::join(&gateway, "room", 1).await;
    let mut bob = Client::join(&gateway, "room", 2).await;
    let mut carol = Client::join(&gateway, "room", 3).await;
    let _pusher = push(alice.user(1)["url"].as_str().unwrap());
    wait_for(&gateway, "publishers", 1).await;
    let urls = [&bob, &carol].map(|client| client.user(1)["url"].as_str().unwrap().to_owned());
    let mut pulls = urls.each_ref().map(|url| pull(url));
    wait_for(&gateway, "players", 2).await;

    let kick = json!({"appkey": "ak", "uid": 2}).to_string();
    assert_eq!(operate(&gateway, "/v1/rooms/room/kick", &kick, ADMIN).await, 204);
    wait_for(&gateway, "players", 1).await;
    pulls[0].wait().await.unwrap();
    assert!(refuses(pull(&urls[0])).await);
    assert!(refuses(push(bob.user(2)["url"].as_str().unwrap())).await);
    assert_eq!(bob.closed().await, 1000);
    assert!(pulls[1].try_wait().unwrap().is_none(), "carol's goes on");

    // An audience plays and does not publish.
    assert_eq!(carol.command(12, json!({"role": 1})).await, 200);
    assert!(refuses(push(carol.user(3)["url"].as_str().unwrap())).await);
    assert_eq!(get(&gateway, "/healthz", "").await.1["media"]["players"], 1);
}

#[tokio::test]
async fn media_flow_on_through_the_grace_period_and_no_longer() {
    let hub = HubConfig { grace: Duration::from_secs(3), ..HubConfig::default() };
    let gateway = start(Config { hub, admin_token: Some(ADMIN.into()), ..config() }).await;
    let alice = Client::join(&gateway, "room", 1).await;
    let bob = Client::join(&gateway, "room", 2).await;
    let mut pusher = push(alice.user(1)["url"].as_str().unwrap());
    wait_for(&gateway, "publishers", 1).await;
    drop(alice);
    let is_lost = async {
        while get(&gateway, "/v1/rooms", ADMIN).await.1["rooms"][0]["members"][0]["online"] != false {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(2), is_lost).await.expect("alice's connection is not noticed to be lost");
    let mut player = pull(bob.user(1)["url"].as_str().unwrap());
    wait_for(&gateway, "players", 1).await;
    assert_eq!(get(&gateway, "/healthz", "").await.1["media"]["publishers"], 1);
    assert!(pusher.try_wait().unwrap().is_none());

    wait_for(&gateway, "publishers", 0).await;
    pusher.wait().await.unwrap();
    player.wait().await.unwrap();
}

#[tokio::test]
async fn the_operator_lists_kicks_and_dissolves_and_nobody_else_does() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let mut alice = Client::join(&gateway, "room 1", 1).await;
    let mut bob = Client::join(&gateway, "room 1", 2).await;
    alice.notice(20).await;
    assert_eq!(get(&gateway, "/v1/rooms", "").await.0, 401);
    let mut public = TcpStream::connect(gateway.http_addr).await.unwrap();
    let asked = format!("GET /v1/rooms HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {ADMIN}\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut public, asked.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut public, &mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 404", "the public door has no such call");
    assert_eq!(get(&gateway, "/v1/rooms", "wrong").await.0, 401);
    let rooms = get(&gateway, "/v1/rooms", ADMIN).await.1;
    assert_eq!(
        (&rooms["rooms"][0]["channel"], &rooms["rooms"][0]["appkey"]),
        (&json!("room 1"), &json!("ak"))
    );

    let kick = |uid| json!({"appkey": "ak", "uid": uid}).to_string();
    assert_eq!(operate(&gateway, "/v1/rooms/room%201/kick", &kick(1), "").await, 401);
    assert_eq!(operate(&gateway, "/v1/rooms/room%201/kick", &kick(9), ADMIN).await, 404);
    assert_eq!(operate(&gateway, "/v1/rooms/room%201/kick", &kick(1), ADMIN).await, 204);
    assert_eq!(alice.notice(24).await["reason"], 2);
    assert_eq!(alice.closed().await, 1000);
    assert_eq!(bob.notice(21).await["uid"], 1);

    assert_eq!(operate(&gateway, "/v1/rooms/room%201/dissolve", r#"{"appkey":"ak"}"#, ADMIN).await, 204);
    bob.notice(23).await;
    bob.notice(25).await;
    assert_eq!(bob.closed().await, 1000);
}

#[tokio::test]
async fn a_recogniser_feeds_captions_to_those_who_asked() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let mut alice = Client::join(&gateway, "room 1", 1).await;
    let mut bob = Client::join(&gateway, "room 1", 2).await;
    alice.notice(20).await;
    assert_eq!(alice.command(1000, json!({"sourceLang": "AUTO", "targetLang": "en"})).await, 200);
    let rooms = get(&gateway, "/v1/rooms", ADMIN).await.1;
    let wish = json!({"sourceLang": "AUTO", "targetLang": "en"});
    assert_eq!(rooms["rooms"][0]["members"][0]["captions"], wish);

    let path = "/v1/rooms/room%201/captions";
    let said =
        format!(r#"{{"srcUid":"{LARGEST}","timestamp":5,"text":"hello","isFinal":true,"transText":"hi"}}"#);
    assert_eq!(operate(&gateway, path, &said, "").await, 401);
    assert_eq!(operate(&gateway, "/v1/rooms/other/captions", &said, ADMIN).await, 404);
    assert_eq!(operate(&gateway, &format!("{path}?appkey=other"), &said, ADMIN).await, 404);
    assert_eq!(operate(&gateway, &format!("{path}?appkey=ak"), &said, ADMIN).await, 204);
    let heard = alice.notice(1010).await;
    assert_eq!(heard["captions"].as_array().unwrap().len(), 1);
    let heard = &heard["captions"][0];
    assert_eq!((heard["srcUid"].as_u64(), heard["timestamp"].as_f64()), (Some(LARGEST), Some(5.0)));
    assert_eq!((&heard["text"], &heard["transText"]), (&json!("hello"), &json!("hi")));
    assert_eq!((&heard["isFinal"], &heard["hasTrans"]), (&json!(true), &json!(true)));

    let largest = json!({"srcUid": 2, "text": "\u{1}".repeat(4096), "transText": "x".repeat(4096)});
    let many = serde_json::to_string(&vec![&largest; 100]).unwrap();
    assert!(many.len() > 1 << 20);
    assert_eq!(operate(&gateway, path, &many, ADMIN).await, 413);
    let plain = json!({"srcUid": 2, "text": "x".repeat(4096), "transText": "x".repeat(4096)});
    let many = |count| serde_json::to_string(&vec![&plain; count]).unwrap();
    assert_eq!(operate(&gateway, path, &many(100), ADMIN).await, 204);
    assert_eq!(
        operate(&gateway, path, &json!(vec![json!({"srcUid": 1, "text": ""}); 101]).to_string(), ADMIN).await,
        413
    );
    let mut received = 0;
    while received < 100 {
        received += alice.notice(1010).await["captions"].as_array().unwrap().len();
    }
    assert_eq!(bob.command(2, json!({})).await, 200);
    assert!(bob.waiting.is_empty(), "bob did not ask");
}

#[tokio::test]
async fn a_caption_that_makes_no_sense_is_refused_by_field() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let _alice = Client::join(&gateway, "room", 1).await;
    for (body, field) in [
        ("", "body"),
        ("{", "body"),
        ("7", "body"),
        ("[[]]", "[0]"),
        (r#"{"text":"a"}"#, "srcUid"),
        (r#"{"text":"a","srcUid":-1}"#, "srcUid"),
        (r#"{"text":"a","srcUid":1.5}"#, "srcUid"),
        (r#"{"text":"a","srcUid":18446744073709551616}"#, "srcUid"),
        (r#"{"text":"a","srcUid":"+1"}"#, "srcUid"),
        (r#"{"srcUid":1}"#, "text"),
        (r#"{"srcUid":1,"text":7}"#, "text"),
        (r#"[{"srcUid":1,"text":"a"},{"srcUid":1,"text":"a","timestamp":"now"}]"#, "[1].timestamp"),
        (r#"{"srcUid":1,"text":"a","timestamp":-1}"#, "timestamp"),
        (r#"{"srcUid":1,"text":"a","isFinal":1}"#, "isFinal"),
        (r#"{"srcUid":1,"text":"a","hasTrans":"yes"}"#, "hasTrans"),
        (&json!({"srcUid": 1, "text": "x".repeat(4097)}).to_string(), "text"),
        (&json!({"srcUid": 1, "text": "a", "transText": "x".repeat(4097)}).to_string(), "transText"),
        (&json!({"srcUid": 1, "text": "a", "language": "x".repeat(33)}).to_string(), "language"),
        (&json!({"srcUid": 1, "text": "a", "transLanguage": "x".repeat(33)}).to_string(), "transLanguage"),
    ] {
        let (status, answer) = admin_post(&gateway, "/v1/rooms/room/captions", body).await;
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{body:.80}");
    }
    let nulls =
        r#"{"srcUid":18446744073709551615,"text":"","timestamp":null,"language":null,"isFinal":null}"#;
    assert_eq!(admin_post(&gateway, "/v1/rooms/room/captions", nulls).await.0, 204);
    assert_eq!(admin_post(&gateway, "/v1/rooms/room/captions", "[]").await.0, 204);
}

#[tokio::test]
async fn rooms_of_one_name_are_told_apart_by_appkey() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let _ours = Client::join(&gateway, "room", 1).await;
    let other = debug_form("room", "2").replace("appkey=ak", "appkey=ak2");
    let checksums =
        [debug_checksum("ak", Uid(2), 1_700_000_000_000), debug_checksum("ak2", Uid(2), 1_700_000_000_000)];
    let answer = bootstrap(&gateway, &other.replace(&checksums[0], &checksums[1])).await;
    let mut theirs = Client::connect(&gateway, "/", 2).await;
    theirs.cid = answer["cid"].as_u64().unwrap();
    assert_eq!(theirs.command(0, login_body(answer["token"].as_str().unwrap())).await, 200);
    let said = r#"{"srcUid":1,"text":"a"}"#;
    let (status, answer) = admin_post(&gateway, "/v1/rooms/room/captions", said).await;
    assert_eq!((status, &answer["field"]), (400, &json!("appkey")));
    assert_eq!(admin_post(&gateway, "/v1/rooms/room/captions?appkey=ak2", said).await.0, 204);
}

#[tokio::test]
async fn interruptions_wait_for_whoever_makes_the_speaker_speak() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let mut alice = Client::join(&gateway, "room", 1).await;
    assert_eq!(alice.command(1002, json!({"dstUid": LARGEST})).await, 200);
    assert_eq!(alice.command(1002, json!({})).await, 200);
    assert_eq!(get(&gateway, "/v1/rooms/room/interrupts", "").await.0, 401);
    assert_eq!(get(&gateway, "/v1/rooms/other/interrupts", ADMIN).await.0, 404);
    assert_eq!(get(&gateway, "/v1/rooms/room/interrupts?after=x", ADMIN).await.0, 400);
    let (_, answer) = get(&gateway, "/v1/rooms/room/interrupts", ADMIN).await;
    let both = json!([{"id": 1, "from": 1, "target": LARGEST}, {"id": 2, "from": 1, "target": null}]);
    assert_eq!(answer["interrupts"], both);
    let (_, answer) = get(&gateway, "/v1/rooms/room/interrupts?appkey=ak&after=1", ADMIN).await;
    assert_eq!(answer["interrupts"], json!([both[1]]));
}

#[tokio::test]
async fn tasks_are_accepted_from_broadcasters_of_the_room_and_shown_to_the_operator() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let answer = bootstrap(&gateway, &debug_form("room", "1")).await;
    let (token, cid) = (answer["ips"]["token"].as_str().unwrap(), answer["cid"].as_u64().unwrap());
    let task = async |path: &str, token: &str, body: Value| {
        let path = format!("/v2/sdk/rooms/{path}");
        let (status, answer) = task_post(&gateway, &path, token, &body.to_string()).await;
        assert_eq!(status, 200);
        answer["code"].as_i64().unwrap()
    };
    let (add, update) = (format!("{cid}/tasks"), format!("{cid}/task/update"));
    let delete = format!("{cid}/tasks/delete");
    let plain = |id: &str| {
        json!({"version": 1, "taskId": id, "streamUrl": "rtmp://cdn.example.com/live/key", "record": false,
            "hostUid": 1, "layout": {"canvas": {"width": 640, "height": 360, "color": 0},
            "users": [{"uid": LARGEST, "x": 0, "y": 0, "width": 640, "height": 360, "adaption": 1,
            "pushAudio": true, "pushVideo": true}]}})
    };
    assert_eq!(task(&add, token, plain("a")).await, 401, "not in the room yet");
    let mut alice = Client::join(&gateway, "room", 1).await;
    assert_eq!(task(&add, token, plain("a")).await, 200);
    assert_eq!(task(&add, token, plain("a")).await, 403);
    assert_eq!(task(&add, "", plain("b")).await, 401);
    assert_eq!(task(&add, "rubbish", plain("b")).await, 401);
    let foreign = bootstrap(&gateway, &debug_form("other", "1")).await;
    assert_eq!(task(&add, foreign["ips"]["token"].as_str().unwrap(), plain("b")).await, 401);
    assert_eq!(task(&add, token, json!({"taskId": "b"})).await, 400);
    assert_eq!(task(&add, token, json!({"taskId": "b", "streamUrl": "http://cdn/live/key"})).await, 400);
    assert_eq!(task(&add, token, json!([1])).await, 400);
    assert_eq!(task(&add, token, plain("b")).await, 200);
    assert_eq!(task(&add, token, plain("c")).await, 200);
    assert_eq!(task(&add, token, plain("d")).await, 402);
    assert_eq!(task(&update, token, plain("d")).await, 404);
    assert_eq!(task(&update, token, plain("c")).await, 200);
    assert_eq!(task(&delete, token, json!({"taskId": "c"})).await, 200);
    assert_eq!(task(&delete, token, json!({"taskId": "c"})).await, 404);

    let rooms = get(&gateway, "/v1/rooms", ADMIN).await.1;
    let shown = json!({"taskId": "a", "hostUid": 1, "target": "rtmp://cdn.example.com"});
    assert_eq!(rooms["rooms"][0]["tasks"][0], shown);
    assert_eq!(rooms["rooms"][0]["tasks"].as_array().unwrap().len(), 2);

    assert_eq!(alice.command(12, json!({"role": 1})).await, 200);
    assert_eq!(task(&add, token, plain("e")).await, 401, "the audience has no tasks");
    assert!(alice.waiting.is_empty(), "nothing runs yet, so nothing is reported");
}

#[tokio::test]
async fn tasks_lead_into_no_private_network_unless_the_settings_allow_it() {
    for allowed in [false, true] {
        let hub = HubConfig { private_targets: allowed, ..HubConfig::default() };
        let gateway = start(Config { hub, ..config() }).await;
        let answer = bootstrap(&gateway, &debug_form("room", "1")).await;
        let (token, cid) = (answer["token"].as_str().unwrap(), answer["cid"].as_u64().unwrap());
        let _alice = Client::join(&gateway, "room", 1).await;
        let add = async |stream: &str, image: &str| {
            let layout = json!({"images": [{"url": image, "x": 0, "y": 0, "width": 1, "height": 1}]});
            let task = json!({"taskId": "a", "streamUrl": stream, "layout": layout}).to_string();
            for (path, body) in [
                ("tasks/delete", json!({"taskId": "a"}).to_string()),
                ("tasks", task.clone()),
                ("task/update", task),
            ] {
                let path = format!("/v2/sdk/rooms/{cid}/{path}");
                let (_, answer) = task_post(&gateway, &path, token, &body).await;
                if path.ends_with("update") {
                    return answer;
                }
            }
            Value::Null
        };
        let (stream, image) = ("rtmp://cdn.example.com/live/k", "https://cdn.example.com/i.png");
        assert_eq!(add(stream, image).await["code"], 200);
        for (stream, image, field) in [
            ("rtmp://127.0.0.1/live/k", image, "streamUrl"),
            ("rtmp://0x7f.1:1935/live/k", image, "streamUrl"),
            ("rtmp://cdn.example.com:x@[::ffff:169.254.169.254]/live/k", image, "streamUrl"),
            ("rtmp://localhost/live/k", image, "streamUrl"),
            (stream, "http://169.254.169.254/latest/meta-data", "images"),
        ] {
            let answer = add(stream, image).await;
            let (code, words) =
                (answer["code"].as_u64().unwrap(), answer["errmsg"].as_str().unwrap_or_default());
            let expected = format!("bad request: {field} names a private or local server");
            assert_eq!(
                (code, words),
                if allowed { (200, "") } else { (400, &expected[..]) },
                "{stream} {image}"
            );
        }
        assert_eq!(
            add("rtmp://a.example#@127.0.0.1/live/k", image).await["code"],
            400,
            "readable in two ways"
        );
    }
}

#[tokio::test]
async fn without_being_asked_for_there_is_no_operator_and_no_dev_token() {
    let gateway = start(config()).await;
    assert_eq!(get(&gateway, "/v1/rooms", "").await.0, 404);
    assert_eq!(post(&gateway, "/v1/dev/token", "{}").await.0, 404);
}

#[tokio::test]
async fn reports_are_counted_and_bounded() {
    let gateway = start(config()).await;
    for path in ["/statistic/realtime/sdkFunctioninfo", "/statics/report/common/form", "/statistics"] {
        assert_eq!(post(&gateway, path, r#"{"ver":1}"#).await.0, 200);
    }
    assert_eq!(post(&gateway, "/statistics", &"x".repeat(2 << 20)).await.0, 200);
    assert_eq!(post(&gateway, "/statistics", &"x".repeat((2 << 20) + 1)).await.0, 413);
    let health = get(&gateway, "/healthz", "").await.1;
    assert_eq!((&health["status"], &health["reports"]), (&json!("ok"), &json!(4)));
}

#[tokio::test]
async fn the_operator_sees_what_members_report_of_their_media() {
    let gateway = start(Config { admin_token: Some(ADMIN.into()), ..config() }).await;
    let alice = Client::join(&gateway, "room", 100).await;
    let bob = Client::join(&gateway, "room", u64::MAX).await;
    let function = |oper: &str, name: &str, value: Value| {
        let (cid, uid) = (alice.cid.to_string(), "100");
        json!({"function": {"uid": uid, "cid": cid, "oper": oper, "name": name, "value": value.to_string(), "time": 1}})
    };
    let single = json!({"common": {}, "event": function("push", "bindstatechange", json!({"code": 1002}))});
    let batch = json!({"common": {}, "events": [
        function("push", "bindnetstatus", json!({"videoFPS": "15", "videoBitrate": 600, "password": 1})),
        function("pull", "bindnetstatus", json!({"videoFPS": 24, "pull_uid": u64::MAX.to_string()})),
        function("pull", "bindnetstatus", json!({"videoFPS": 24, "pull_uid": 7})),
        function("pull", "bindnetstatus", json!({"videoFPS": 24})),
        function("publish", "anything", json!({"videoFPS": 24})),
        {"function": 7}, 7,
    ]});
    for body in [single, batch, json!({"event": {"function": {"uid": "x"}}}), json!([]), json!(null)] {
        assert_eq!(post(&gateway, "/statistics", &body.to_string()).await.0, 200);
    }
    let rooms = get(&gateway, "/v1/rooms", ADMIN).await.1;
    let mut quality = rooms["rooms"][0]["members"][0]["quality"].clone();
    assert!(quality["push"]["at"].take().as_u64() > Some(1_700_000_000_000));
    assert!(quality["pull"][u64::MAX.to_string()]["at"].take().is_u64());
    let expected = json!({
        "push": {"at": null, "code": 1002, "videoFPS": 15.0, "videoBitrate": 600.0},
        "pull": {u64::MAX.to_string(): {"at": null, "videoFPS": 24.0}},
    });
    assert_eq!(quality, expected);

    let mut bob = bob;
    bob.command(4, json!({})).await;
    let rooms = get(&gateway, "/v1/rooms", ADMIN).await.1;
    assert_eq!(rooms["rooms"][0]["members"][0]["quality"]["pull"], json!({}), "who left is not played");
}

const MEDIA: [&str; 4] = ["audio", "video", "screenShare", "slaveAudio"];

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    uid: u64,
    cid: u64,
    seq: u64,
    users: Vec<Value>,
    /// Packets that were read while something else was awaited.
    waiting: Vec<Value>,
}

impl Client {
    async fn connect(gateway: &Running, path: &str, uid: u64) -> Self {
        let (socket, _) = connect_async(format!("ws://{}{path}", gateway.http_addr)).await.unwrap();
        Self { socket, uid, cid: 0, seq: 0, users: Vec::new(), waiting: Vec::new() }
    }

    async fn join(gateway: &Running, room: &str, uid: u64) -> Self {
        let answer = bootstrap(gateway, &debug_form(room, &uid.to_string())).await;
        let mut client = Self::connect(gateway, "/", uid).await;
        client.cid = answer["cid"].as_u64().unwrap();
        let seq = client.send(0, login_body(answer["token"].as_str().unwrap())).await;
        let ack = client.ack(seq).await;
        assert_eq!(ack["body"]["code"], 200, "{ack}");
        client.users = ack["body"]["userlist"].as_array().unwrap().clone();
        client
    }

    fn user(&self, uid: u64) -> &Value {
        self.users.iter().find(|user| user["uid"] == uid).unwrap()
    }

    /// Sends a command and gives its number.
    async fn send(&mut self, cmd: u32, mut body: Value) -> u64 {
        self.seq += 1;
        body["uid"] = self.uid.into();
        body["cid"] = self.cid.into();
        let packet = json!({"cmd": cmd, "body": body, "seq": self.seq});
        self.raw(Message::text(packet.to_string())).await;
        self.seq
    }

    /// Sends a command and gives the code of its acknowledgement.
    async fn command(&mut self, cmd: u32, body: Value) -> i64 {
        let seq = self.send(cmd, body).await;
        self.ack(seq).await["body"]["code"].as_i64().unwrap()
    }

    async fn raw(&mut self, message: Message) {
        // A closed socket shows in what is read next.
        let _sent = self.socket.send(message).await;
    }

    async fn ack(&mut self, seq: u64) -> Value {
        loop {
            let packet = self.packet().await.expect("closed before the acknowledgement");
            if packet["seq"] == seq {
                return packet;
            }
            self.waiting.push(packet);
        }
    }

    async fn next_notice(&mut self) -> Value {
        if self.waiting.is_empty() { self.packet().await.unwrap() } else { self.waiting.remove(0) }
    }

    async fn notice(&mut self, cmd: u64) -> Value {
        let notice = self.next_notice().await;
        assert_eq!(notice["cmd"], cmd, "{notice}");
        assert!(notice.get("seq").is_none());
        notice["body"].clone()
    }

    /// The next packet, or the code of the close frame.
    async fn packet(&mut self) -> Result<Value, u16> {
        loop {
            let next = timeout(Duration::from_secs(10), self.socket.next()).await.expect("nothing came");
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.packet().await {
                return code;
            }
        }
    }

    async fn gone(&mut self) {
        let code = self.closed().await;
        assert!([1002, 1006, 1009].contains(&code), "{code}");
    }
}

fn login_body(token: &str) -> Value {
    json!({"token": token, "scene": 1, "usertype": 3, "liveEnable": 0, "webrtc": 1, "recordAudio": 0,
        "recordVideo": 0, "rtmpRecord": 0, "recordType": "0", "role": 0, "isHostSpeaker": 0,
        "edgeAddr": "192.0.2.1:80", "newprotocol": 2, "audioChangeMode": 0, "audioLocalPitch": "1.25",
        "audioChangeType": 0, "audioBeautyType": 0})
}

fn debug_form(room: &str, uid: &str) -> String {
    let number = uid.trim_matches('"').parse().unwrap_or(0);
    form(room, uid, "2", &debug_checksum("ak", Uid(number), 1_700_000_000_000))
}

fn secure_form(room: &str, uid: u64, token: &str) -> String {
    form(room, &uid.to_string(), "1", token)
}

fn form(room: &str, uid: &str, secure_type: &str, checksum: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("uid", uid), ("appkey", "ak"), ("channelName", room), ("secureType", secure_type)])
        .extend_pairs([("osType", "4"), ("mode", "2"), ("netType", "0"), ("version", "4.6.11.0")])
        .extend_pairs([("curtime", "1700000000000"), ("checksum", checksum), ("nrtcg2", "1")])
        .extend_pairs([("t1", "1700000000000"), ("webrtc", "1")])
        .finish()
}

async fn bootstrap(gateway: &Running, form: &str) -> Value {
    post(gateway, BOOTSTRAP, form).await.1
}

async fn post(gateway: &Running, path: &str, body: &str) -> (u16, Value) {
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let head = format!("POST {path} HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    http(gateway, &head, body).await
}

async fn operate(gateway: &Running, path: &str, body: &str, token: &str) -> u16 {
    operator_post(gateway, path, body, token).await.0
}

async fn admin_post(gateway: &Running, path: &str, body: &str) -> (u16, Value) {
    operator_post(gateway, path, body, ADMIN).await
}

async fn operator_post(gateway: &Running, path: &str, body: &str, token: &str) -> (u16, Value) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nAuthorization: Bearer {token}\r\n",
        body.len()
    );
    http(gateway, &head, body).await
}

async fn task_post(gateway: &Running, path: &str, token: &str, body: &str) -> (u16, Value) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json;charset=utf-8\r\nContent-Length: {}\r\nToken: {token}\r\n",
        body.len()
    );
    http(gateway, &head, body).await
}

async fn get(gateway: &Running, path: &str, token: &str) -> (u16, Value) {
    http(gateway, &format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"), "").await
}

const BOOTSTRAP: &str = "/nrtc/getChannelInfos.action";
const ADMIN: &str = "operators only, please";
