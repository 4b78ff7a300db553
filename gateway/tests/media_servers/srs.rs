//! SRS: its requests, as one was seen to make them (7.0.18), and a server that stands for its API only.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nertc_gateway::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::loopback::{start, wait_for};
use crate::room::{Member, counted, hook, kick, pushes, settings, until};

#[tokio::test]
async fn requests_as_captured_are_answered_as_srs_wants_it() {
    let (_api, gateway) = bench("600").await;
    let alice = Member::join(&gateway, "room", 1).await;
    let bob = Member::join(&gateway, "room", 2).await;
    assert!(alice.push.starts_with("rtmp://media.example.com/live/"), "{}", alice.push);
    assert!(bob.pull[&1].starts_with("https://media.example.com/live/"), "{}", bob.pull[&1]);
    assert!(bob.pull[&1].contains(".flv?grant="), "{}", bob.pull[&1]);

    let say = |body: Value| {
        let gateway = &gateway;
        async move {
            let (status, answer) = hook(gateway.hooks_addr.unwrap(), "/hooks", &body.to_string()).await;
            assert_eq!(status, 200, "any other is a refusal without a reason in its log");
            serde_json::from_str::<Value>(&answer).unwrap()["code"].as_u64().unwrap()
        }
    };
    let (stream, grant) = parts(&alice.push);
    let (_, play) = parts(&bob.pull[&1]);
    let publish = captured("on_publish", "3dgu8785", &stream, &format!("?{grant}"));
    assert_eq!(say(publish.clone()).await, 0);
    wait_for(&gateway, "publishers", 1).await;
    assert_eq!(pushes(&gateway, 1).await, json!(["main"]));
    // Over HTTP-FLV, and over WebRTC, which has no question mark and the names besides.
    assert_eq!(say(captured("on_play", "vnxvo3ca", &stream, &format!("?{play}"))).await, 0);
    let webrtc = format!("app=live&stream={stream}&{play}");
    assert_eq!(say(captured("on_play", "aaaaaaa1", &stream, &webrtc)).await, 0);
    wait_for(&gateway, "players", 2).await;

    for (what, body) in [
        ("no grant", captured("on_play", "bbbbbbb1", &stream, "")),
        ("another's", captured("on_publish", "bbbbbbb2", &stream, &format!("?{play}"))),
        ("another stream", captured("on_play", "bbbbbbb3", "1-1", &format!("?{play}"))),
        ("not ours", captured("on_publish", "bbbbbbb4", "../../x", &format!("?{grant}"))),
    ] {
        assert_eq!(say(body).await, 403, "{what}");
    }
    let mut elsewhere = publish.clone();
    elsewhere["app"] = json!("other");
    assert_eq!(say(elsewhere).await, 403, "another application");

    let mut stop = captured("on_stop", "vnxvo3ca", &stream, "");
    stop["service_id"] = publish["service_id"].clone();
    for _ in 0..2 {
        assert_eq!(say(stop.clone()).await, 0, "repeated");
        wait_for(&gateway, "players", 1).await;
    }
    for (what, body) in [
        ("nothing", String::new()),
        ("no JSON", "action=on_publish".to_owned()),
        ("no client", r#"{"action":"on_publish"}"#.to_owned()),
        ("a client that is none", publish.to_string().replace("3dgu8785", "../summaries")),
        ("half of it", publish.to_string()[..60].to_owned()),
    ] {
        assert_eq!(hook(gateway.hooks_addr.unwrap(), "/hooks", &body).await.0, 400, "{what}");
    }
    assert_eq!(counted(&gateway, "hook-malformed").await, 5);
    let older = r#"{"action":"on_close","client_id":1985,"ip":"192.168.1.10","vhost":"video.test.com"}"#;
    assert_eq!(hook(gateway.hooks_addr.unwrap(), "/hooks", older).await.0, 200, "ids that are numbers");
}

#[tokio::test]
async fn whose_right_has_ended_is_dropped_by_its_id_and_again_until_srs_answers() {
    let (api, gateway) = bench("600").await;
    let alice = Member::join(&gateway, "room", 1).await;
    let bob = Member::join(&gateway, "room", 2).await;
    let addr = gateway.hooks_addr.unwrap();
    let (stream, grant) = parts(&alice.push);
    let (_, play) = parts(&bob.pull[&1]);
    let publish = captured("on_publish", "pub", &stream, &format!("?{grant}")).to_string();
    hook(addr, "/hooks", &publish).await;
    hook(addr, "/hooks", &captured("on_play", "play", &stream, &format!("?{play}")).to_string()).await;
    wait_for(&gateway, "players", 1).await;

    api.fails(2);
    kick(&gateway, "room", 2).await;
    until("it is dropped", || async { api.dropped() == ["play"; 3] }).await;
    let (_, refused) =
        hook(addr, "/hooks", &captured("on_play", "again", &stream, &format!("?{play}")).to_string()).await;
    assert!(refused.contains("403"), "{refused}");
    hook(addr, "/hooks", &captured("on_stop", "play", &stream, "").to_string()).await;
    wait_for(&gateway, "players", 0).await;

    // A busy stream: SRS has called, refuses it itself, and never says that it ended.
    let second = captured("on_publish", "second", &stream, &format!("?{grant}")).to_string();
    hook(addr, "/hooks", &second).await;
    until("the older one makes way", || async { api.dropped().contains(&"pub".to_owned()) }).await;
    kick(&gateway, "room", 1).await;
    until("both are dropped", || async { api.dropped().contains(&"second".to_owned()) }).await;
}

#[tokio::test]
async fn the_list_of_srs_says_who_is_gone_and_who_was_never_let_in() {
    let (api, gateway) = bench("0").await;
    api.has(&[]);
    let mut alice = Member::join(&gateway, "room", 1).await;
    let mut bob = Member::join(&gateway, "room", 2).await;
    alice.publish().await;
    let (stream, grant) = parts(&alice.push);
    hook(
        gateway.hooks_addr.unwrap(),
        "/hooks",
        &captured("on_publish", "kept", &stream, &format!("?{grant}")).to_string(),
    )
    .await;
    wait_for(&gateway, "publishers", 1).await;
    // One as of a gateway before this one.
    api.has(&["kept", "older"]);
    until("it is dropped", || async { api.dropped() == ["older"] }).await;
    wait_for(&gateway, "publishers", 1).await;
    // SRS was started again, or a hook was lost.
    api.has(&[]);
    assert_eq!(bob.notice(30).await["status"], "off");
    wait_for(&gateway, "publishers", 0).await;
}

#[tokio::test]
async fn a_hook_that_waits_for_a_member_after_a_restart_does_not_wait_until_srs_gives_up() {
    let (_api, gateway) = bench("60").await;
    let other = start(settings(&["--secret", SECRET])).await;
    let alice = Member::join(&other, "room", 1).await;
    let (stream, grant) = parts(&alice.push);
    let publish = captured("on_publish", "early", &stream, &format!("?{grant}")).to_string();
    let before = Instant::now();
    let (_, refused) = hook(gateway.hooks_addr.unwrap(), "/hooks", &publish).await;
    assert!(refused.contains("403") && before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    let waiting = hook(gateway.hooks_addr.unwrap(), "/hooks", &publish);
    let (answer, _member) = tokio::join!(waiting, Member::join(&gateway, "room", 1));
    // Its stay is another one there, and that is told at once.
    assert!(answer.1.contains("403") && counted(&gateway, "other-stay").await == 1, "{}", answer.1);
}

/// As SRS 7.0.18 wrote it, with other names.
fn captured(action: &str, client: &str, stream: &str, param: &str) -> Value {
    let mut body = json!({
        "server_id": "vid-84nlpr2", "service_id": "61480l45", "action": action, "client_id": client,
        "ip": "127.0.0.1", "vhost": "__defaultVhost__", "app": "live", "tcUrl": "rtmp://127.0.0.1:1935/live",
        "stream": stream, "param": param, "stream_url": format!("/live/{stream}"), "stream_id": "vid-dfpu527",
    });
    if action == "on_play" {
        body["pageUrl"] = json!("");
    }
    body
}

/// The stream and the query of a URL.
fn parts(url: &str) -> (String, String) {
    let (path, query) = url.split_once('?').unwrap();
    (path.rsplit('/').next().unwrap().trim_end_matches(".flv").to_owned(), query.to_owned())
}

/// Notes which clients it is to drop, and lists those that it is told to.
#[derive(Clone, Default)]
struct Api(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    listed: Vec<String>,
    dropped: Vec<String>,
    /// How many more are answered with a hang-up.
    failures: usize,
}

impl Api {
    async fn start() -> (Self, SocketAddr) {
        let (api, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (addr, own) = (listener.local_addr().unwrap(), api.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let api = own.clone();
                tokio::spawn(async move {
                    let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
                    while !request.ends_with(b"\r\n\r\n") {
                        match socket.read(&mut buffer).await {
                            Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                            Ok(0) | Err(_) => return,
                        }
                    }
                    let Some(body) = api.answer(&String::from_utf8(request).unwrap()) else { return };
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    let _gone = socket.write_all(format!("{head}{body}").as_bytes()).await;
                });
            }
        });
        (api, addr)
    }

    /// Hangs up the first times.
    fn answer(&self, request: &str) -> Option<String> {
        let Noted { listed, dropped, failures } = &mut *self.0.lock().unwrap();
        let run = json!({"code": 0, "server": "vid-84nlpr2", "service": "61480l45", "pid": "1"});
        let Some(rest) = request.strip_prefix("DELETE /api/v1/clients/") else {
            assert!(request.starts_with("GET /api/v1/clients/?start=0&count=1000 "), "{request}");
            let mut list = run;
            list["clients"] = listed.iter().map(|id| json!({"id": id, "publish": false})).collect();
            return Some(list.to_string());
        };
        dropped.push(rest.split(' ').next().unwrap().to_owned());
        if *failures > 0 {
            *failures -= 1;
            return None;
        }
        Some(run.to_string())
    }

    fn has(&self, ids: &[&str]) {
        self.0.lock().unwrap().listed = ids.iter().map(|id| (*id).to_owned()).collect();
    }

    fn fails(&self, times: usize) {
        self.0.lock().unwrap().failures = times;
    }

    fn dropped(&self) -> Vec<String> {
        self.0.lock().unwrap().dropped.clone()
    }
}

/// A gateway that knows for so many seconds that members may still come back, and what stands for SRS's API.
async fn bench(settling: &str) -> (Api, Running) {
    let (api, addr) = Api::start().await;
    let addr = format!("http://{addr}");
    let own = ["--media-engine", "srs", "--media-push", "rtmp://media.example.com/live", "--secret", SECRET];
    let pull = ["--media-pull", "https://media.example.com/live", "--media-api", &addr];
    let more = ["--hook-listen", "127.0.0.1:0", "--settling", settling];
    // Whoever is not on the list is gone.
    api.has(&["3dgu8785", "vnxvo3ca", "aaaaaaa1", "pub", "play", "second"]);
    (api, start(settings(&[&own[..], &pull, &more].concat())).await)
}

const SECRET: &str = "signs what both know";
