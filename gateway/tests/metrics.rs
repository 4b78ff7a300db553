//! What is seen from outside: numbers, as a real Prometheus scrapes them, and whether the gateway lives and serves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod loopback;

use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_gateway::{Config, Running};
use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use self::loopback::{config, http, now_ms, pull, push, refuses, start, wait_for};

#[tokio::test]
async fn prometheus_scrapes_what_has_happened() {
    let gateway = start(config()).await;
    let (mut alice, url) = join(&gateway, 1).await;
    let (_bob, _) = join(&gateway, 2).await;
    for _ in 0..10 {
        say(&mut alice, json!({"cmd": 2, "body": {"uid": 1, "cid": 0}, "seq": 7})).await;
    }
    assert_eq!(bootstrap(&gateway, &form(3).replace("checksum=", "checksum=0")).await["code"], 414);
    let (mut stranger, _) = connect_async(format!("ws://{}/", gateway.http_addr)).await.unwrap();
    say(&mut stranger, json!({"cmd": 0, "body": {"uid": 3, "cid": 7, "token": "forged"}, "seq": 1})).await;
    let _pusher = push(&url);
    wait_for(&gateway, "publishers", 1).await;
    assert!(refuses(pull(&url)).await, "it is for pushing");

    let prometheus = Prometheus::start(&gateway).await;
    for (query, least) in [
        ("up", 1.0),
        ("nertc_rooms", 1.0),
        ("nertc_members", 2.0),
        ("nertc_members_away", 0.0),
        ("nertc_connections", 2.0),
        ("nertc_bootstraps_total{result=\"ok\"}", 2.0),
        ("nertc_bootstraps_total{result=\"checksum\"}", 1.0),
        ("nertc_logins_total{result=\"ok\"}", 2.0),
        ("nertc_logins_total{result=\"token-malformed\"}", 1.0),
        ("nertc_media_requests_total{result=\"ok\"}", 1.0),
        ("nertc_media_requests_total{result=\"grant-for-publishing\"}", 1.0),
        ("nertc_media_publishers", 1.0),
        ("nertc_media_streams", 1.0),
        ("nertc_media_bytes_in_total", 100.0),
        ("nertc_media_bytes_out_total", 0.0),
        ("nertc_media_packets_dropped_total", 0.0),
        ("nertc_hub_queue", 0.0),
        ("nertc_log_lines_lost_total", 0.0),
        ("nertc_slow_connections_total", 0.0),
        ("nertc_command_seconds_count", 12.0),
        ("histogram_quantile(0.5, nertc_command_seconds_bucket)", 0.000_001),
    ] {
        prometheus.until(query, |value| value >= least).await;
    }
    prometheus.until("nertc_bootstraps_total{result=\"ok\"}", |value| value == 2.0).await;
}

#[tokio::test]
async fn the_alert_rules_are_good_and_each_fires_when_it_should() {
    for (what, file) in [("check", "alerts.yml"), ("test", "alerts.test.yml")] {
        promtool(what, &format!("{DEPLOY}/{file}")).await;
    }
}

#[tokio::test]
async fn every_query_of_the_dashboard_can_be_asked() {
    let mut rules = json!({ "groups": [{ "name": "dashboard", "rules": [] }] });
    let text = deployed("dashboard.json").replace("$__rate_interval", "1m");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let targets =
        dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| json!({ "record": "a:rule", "expr": target["expr"] }));
    let queries: Vec<_> = queries
        .enumerate()
        .map(|(index, mut rule)| {
            rule["labels"] = json!({ "query": index.to_string() });
            rule
        })
        .collect();
    assert!(queries.len() > 10, "{queries:?}");
    rules["groups"][0]["rules"] = Value::Array(queries);
    let file = std::env::temp_dir().join(format!("nertc-dashboard-{}.yml", std::process::id()));
    std::fs::write(&file, rules.to_string()).unwrap();
    promtool("check", file.to_str().unwrap()).await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn alerts_and_dashboard_name_what_there_is() {
    let gateway = start(config()).await;
    let page = metrics(&gateway).await;
    for file in ["alerts.yml", "dashboard.json"] {
        let text = deployed(file);
        let names = text.match_indices("nertc_").map(|(at, _)| {
            let name = &text[at..];
            let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            &name[..end.unwrap_or(name.len())]
        });
        let names: Vec<_> = names.collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            let family = ["_total", "_bucket"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(page.contains(&format!("# TYPE {family} ")), "{file}: {name} is not in {page}");
        }
    }
}

#[tokio::test]
async fn the_page_holds_no_name_of_a_room_an_app_or_a_user_and_is_the_operators() {
    let gateway = start(config()).await;
    let _alice = join(&gateway, 987_654_321).await;
    let page = metrics(&gateway).await;
    assert!(page.ends_with("# EOF\n"), "{page}");
    for name in ["a-room-of-ours", "987654321", "the-app"] {
        assert!(!page.contains(name), "{name} is in {page}");
    }
    assert_eq!(get(gateway.http_addr, "/metrics").await.0, 404, "not at the clients' door");
}

#[tokio::test]
async fn a_gateway_that_lives_and_serves_says_so_at_both_doors_and_a_dead_hub_is_not_ready() {
    let gateway = start(Config { allow_faults: true, ..config() }).await;
    let doors = [gateway.http_addr, gateway.admin_addr];
    for door in doors {
        assert_eq!((get(door, "/livez").await.0, get(door, "/readyz").await.0), (200, 200));
    }
    assert_eq!(http(&gateway, "POST /v1/faults/end/hub HTTP/1.1\r\nContent-Length: 0\r\n", "").await.0, 503);
    for door in doors {
        assert_eq!((get(door, "/livez").await.0, get(door, "/readyz").await.0), (200, 503));
    }
}

/// The program of that name, with this gateway as its one target.
struct Prometheus {
    addr: std::net::SocketAddr,
    folder: std::path::PathBuf,
    _child: tokio::process::Child,
}

impl Prometheus {
    async fn start(gateway: &Running) -> Self {
        let folder = std::env::temp_dir().join(format!("nertc-prometheus-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let settings = folder.join("prometheus.yml");
        let text = json!({
            "global": { "scrape_interval": "500ms" },
            "scrape_configs": [{ "job_name": "nertc", "static_configs": [{ "targets": [gateway.admin_addr] }] }],
        });
        std::fs::write(&settings, text.to_string()).unwrap();
        // Free for the moment.
        let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={addr}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect(NEEDED);
        Self { addr, folder, _child: child }
    }

    /// Waits until the one value that a query has is such a one.
    async fn until(&self, query: &str, is_it: impl Fn(f64) -> bool) {
        let mut last = Value::Null;
        let asking = async {
            loop {
                let query: String =
                    form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
                if TcpStream::connect(self.addr).await.is_ok() {
                    last = get(self.addr, &format!("/api/v1/query?{query}")).await.1;
                    let value = last["data"]["result"][0]["value"][1].as_str();
                    if value.and_then(|value| value.parse().ok()).is_some_and(&is_it) {
                        return;
                    }
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        assert!(timeout(WAIT, asking).await.is_ok(), "{query}: {last}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn promtool(what: &str, file: &str) {
    let done = Command::new("promtool").args([what, "rules", file]).output().await.expect(NEEDED);
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(done.status.success(), "{what} {file}: {said:?}");
}

fn deployed(file: &str) -> String {
    std::fs::read_to_string(format!("{DEPLOY}/{file}")).unwrap()
}

async fn metrics(gateway: &Running) -> String {
    let (status, head, body) = ask(gateway.admin_addr, "/metrics").await;
    assert_eq!(status, 200);
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    body
}

async fn get(addr: std::net::SocketAddr, path: &str) -> (u16, Value) {
    let (status, _, body) = ask(addr, path).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Status, head and body.
async fn ask(addr: std::net::SocketAddr, path: &str) -> (u16, String, String) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.write_all(format!("GET {path} HTTP/1.0\r\nHost: test\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(WAIT, socket.read_to_string(&mut answer)).await.expect("no answer").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

async fn bootstrap(gateway: &Running, form: &str) -> Value {
    let head = format!("POST /nrtc/getChannelInfos.action HTTP/1.1\r\nContent-Length: {}\r\n", form.len());
    http(gateway, &head, form).await.1
}

fn form(uid: u64) -> String {
    let now = now_ms();
    let sum = debug_checksum("the-app", Uid(uid), now);
    format!("uid={uid}&appkey=the-app&channelName=a-room-of-ours&secureType=2&curtime={now}&checksum={sum}")
}

/// A member, and where it pushes.
async fn join(gateway: &Running, uid: u64) -> (Socket, String) {
    let answer = bootstrap(gateway, &form(uid)).await;
    let (mut socket, _) = connect_async(format!("ws://{}/", gateway.http_addr)).await.unwrap();
    let body = json!({"uid": uid, "cid": answer["cid"], "token": answer["token"], "role": 0});
    say(&mut socket, json!({"cmd": 0, "body": body, "seq": 1})).await;
    let Some(Ok(Message::Text(ack))) = socket.next().await else { unreachable!("no answer to the login") };
    let ack: Value = serde_json::from_str(&ack).unwrap();
    let url = ack["body"]["userlist"][0]["url"].as_str().unwrap().to_owned();
    (socket, url)
}

async fn say(socket: &mut Socket, packet: Value) {
    socket.send(Message::text(packet.to_string())).await.unwrap();
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prometheus");
const NEEDED: &str = "prometheus and promtool are needed (apt install prometheus)";
const WAIT: Duration = Duration::from_secs(30);
