//! The sample of `deploy/nginx-rtmp`, run by nginx as Debian has it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nertc_gateway::Running;
use nertc_gateway::rights::{Action, Grants, Secret};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::loopback::{pull, push, refuses, start, wait_for};
use crate::room::{Member, WAIT, ask, counted, hook, kick, pushes, settings, until};

#[tokio::test]
async fn who_may_publish_and_play_does_and_whoever_is_removed_is_dropped_and_refused_when_it_comes_back() {
    let (nginx, gateway) = bench(&[]).await;
    let mut alice = Member::join(&gateway, "room", 1).await;
    let mut bob = Member::join(&gateway, "room", 2).await;
    alice.publish().await;
    assert_eq!(bob.notice(26).await["status"], "open");

    let mut player = pull(&bob.pull[&1]);
    wait_for(&gateway, "players", 1).await;
    let mut pusher = push(&alice.push);
    wait_for(&gateway, "publishers", 1).await;
    until("the operator sees what is pushed", || async { pushes(&gateway, 1).await == json!(["main"]) })
        .await;
    assert_eq!(frames(&bob.pull[&1]).await, 3);
    assert!(player.try_wait().unwrap().is_none(), "it waited for the publisher");

    // The phone dies.
    pusher.kill().await.unwrap();
    let off = bob.notice(30).await;
    assert_eq!((&off["uid"], &off["mediaType"], &off["status"]), (&json!(1), &json!("video"), &json!("off")));
    let carol = Member::join(&gateway, "room", 3).await;
    let entry = carol.entries.iter().find(|entry| entry["uid"] == 1).unwrap();
    assert_eq!(entry["video_status"], "off", "{entry}");
    let mut pusher = push(&alice.push);
    assert_eq!(bob.notice(30).await["status"], "on");

    let removed = Instant::now();
    kick(&gateway, "room", 1).await;
    timeout(WAIT, pusher.wait()).await.expect("it publishes on").unwrap();
    let took = removed.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(refuses(push(&alice.push)).await, "it came back");
    // Of a stream that has ended for good.
    timeout(WAIT, player.wait()).await.expect("it plays on").unwrap();

    let mut other = pull(&bob.pull[&1]);
    wait_for(&gateway, "players", 1).await;
    kick(&gateway, "room", 2).await;
    timeout(WAIT, other.wait()).await.expect("it plays on").unwrap();
    assert!(refuses(pull(&bob.pull[&1])).await);
    until("the last hook", || async { counted(&gateway, "not-a-member").await >= 2 }).await;
    drop(nginx);
}

#[tokio::test]
async fn whoever_has_no_right_is_refused_before_the_first_byte() {
    let (_nginx, gateway) = bench(&[]).await;
    let alice = Member::join(&gateway, "room", 1).await;
    let bob = Member::join(&gateway, "room", 2).await;
    let eve = Member::join(&gateway, "elsewhere", 3).await;
    let bare = |url: &str| url.split('?').next().unwrap().to_owned();
    let with = |url: &str, other: &str| format!("{}?{}", bare(url), other.split('?').nth(1).unwrap());
    let stream = bare(&alice.push).rsplit('/').next().unwrap().to_owned();
    let old = Grants::new(Secret::from_text(SECRET).unwrap()).issue(Action::Play, &stream, 2, 1);
    for (what, reason, url) in [
        ("no grant", "grant-missing", bare(&alice.push)),
        ("a forged one", "grant-forged", alice.push.replace("grant=", "grant=A").replace("AA", "A")),
        ("one for another stream", "grant-forged", with(&alice.push, &bob.push)),
        ("one of another room", "grant-forged", with(&alice.push, &eve.push)),
        ("one for playing", "grant-for-playing", bob.pull[&1].clone()),
    ] {
        let before = counted(&gateway, reason).await + counted(&gateway, "grant-malformed").await;
        assert!(refuses(push(&url)).await, "{what}");
        let after = counted(&gateway, reason).await + counted(&gateway, "grant-malformed").await;
        assert!(after > before, "{what}: not {reason}");
    }
    for (what, reason, url) in [
        ("no grant", "grant-missing", bare(&alice.push)),
        ("one for pushing", "grant-for-publishing", alice.push.clone()),
        ("an expired one", "expired", format!("{}?grant={old}", bare(&alice.push))),
        ("another application", "bad-name", bob.pull[&1].replace("/live/", "/live2/")),
    ] {
        assert!(refuses(pull(&url)).await, "{what}");
        if what != "another application" {
            let seen = counted(&gateway, reason).await + counted(&gateway, "grant-expired").await;
            assert!(seen > 0, "{what}: not {reason}");
        }
    }
    assert_eq!(gateway_media(&gateway).await, (0, 0));
}

#[tokio::test]
async fn what_a_client_writes_into_its_url_is_not_taken_for_the_servers_word() {
    let (_nginx, gateway) = bench(&[]).await;
    let alice = Member::join(&gateway, "room", 1).await;
    let bob = Member::join(&gateway, "room", 2).await;
    let stranger = bob.pull[&1].split('?').next().unwrap().to_owned();
    // As of a relay of nginx's own, which needs no grant.
    assert!(refuses(pull(&format!("{stranger}?addr=127.0.0.1:1/live&call=play_done"))).await);
    let forged = Command::new("ffmpeg")
        .args(["-loglevel", "quiet", "-rtmp_flashver", "x&addr=127.0.0.1:1/live", "-rtmp_pageurl"])
        .args(["http://h/&addr=127.0.0.1:1/live&call=play_done", "-i", &stranger, "-f", "null", "-"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert!(refuses(forged).await);
    // A right one with such words besides is what it is.
    let _pusher = push(&format!("{}&call=publish_done&clientid=1&name=other", alice.push));
    wait_for(&gateway, "publishers", 1).await;
}

#[tokio::test]
async fn a_phone_that_comes_back_takes_its_stream_over_from_a_connection_that_is_not_known_to_be_dead() {
    let (_nginx, gateway) = bench(&[]).await;
    let alice = Member::join(&gateway, "room", 1).await;
    let mut old = push(&alice.push);
    wait_for(&gateway, "publishers", 1).await;
    let mut new = push(&alice.push);
    timeout(WAIT, old.wait()).await.expect("the old one goes on").unwrap();
    let pull = Member::join(&gateway, "room", 2).await.pull[&1].clone();
    assert_eq!(frames(&pull).await, 3);
    assert!(new.try_wait().unwrap().is_none());
    wait_for(&gateway, "publishers", 1).await;
}

#[tokio::test]
async fn a_client_that_could_not_be_dropped_is_when_it_is_asked_for_again() {
    // An API that nobody listens at.
    let nowhere = free().to_string();
    let (_nginx, gateway) = bench(&["--media-api", &format!("http://{nowhere}/control")]).await;
    let alice = Member::join(&gateway, "room", 1).await;
    let mut pusher = push(&alice.push);
    wait_for(&gateway, "publishers", 1).await;
    kick(&gateway, "room", 1).await;
    timeout(WAIT, pusher.wait()).await.expect("it publishes on").unwrap();
}

#[tokio::test]
async fn a_gateway_that_starts_again_knows_its_clients_after_their_next_update() {
    let (doorway, current) = doorway().await;
    let nginx = Nginx::start(doorway, "/hooks").await;
    let first = start(settings(&nginx.flags(&["--hook-listen", "127.0.0.1:0"]))).await;
    current.send_replace(first.hooks_addr);
    let alice = Member::join(&first, "room", 1).await;
    let mut pusher = push(&alice.push);
    wait_for(&first, "publishers", 1).await;
    // nginx drops whose update nobody answers: these wait.
    current.send_replace(None);
    first.shutdown().await;

    let second = start(settings(&nginx.flags(&["--hook-listen", "127.0.0.1:0"]))).await;
    assert_eq!(gateway_media(&second).await, (0, 0));
    let _again = alice.resume(&second).await;
    current.send_replace(second.hooks_addr);
    wait_for(&second, "publishers", 1).await;
    assert!(pusher.try_wait().unwrap().is_none(), "it was dropped");
    kick(&second, "room", 1).await;
    timeout(WAIT, pusher.wait()).await.expect("it publishes on").unwrap();
}

#[tokio::test]
async fn a_media_server_that_dies_keeps_nobody_from_joining_and_its_streams_are_told_off() {
    let (mut nginx, gateway) = bench(&[]).await;
    let mut alice = Member::join(&gateway, "room", 1).await;
    let mut bob = Member::join(&gateway, "room", 2).await;
    alice.publish().await;
    let _pusher = push(&alice.push);
    wait_for(&gateway, "publishers", 1).await;
    nginx.kill().await;
    let before = Instant::now();
    let _carol = Member::join(&gateway, "room", 3).await;
    kick(&gateway, "room", 3).await;
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    assert_eq!(bob.notice(30).await["status"], "off");
    assert_eq!(gateway_media(&gateway).await, (0, 0));
}

#[tokio::test]
async fn hooks_of_strangers_are_refused_and_a_storm_of_them_delays_no_login() {
    let secret = "0123456789abcdef0123";
    let (nginx, gateway) = bench(&["--hook-secret", secret]).await;
    let addr = gateway.hooks_addr.unwrap();
    let form = "app=live&addr=127.0.0.1&clientid=9&call=publish&name=1-1";
    for path in ["/hooks", "/hooks/0123456789abcdef0124", "/hooks/"] {
        assert_eq!(hook(addr, path, form).await.0, 404, "{path}");
    }
    let path = format!("/hooks/{secret}");
    for (what, body, status, reason) in [
        ("no grant", form.to_owned(), 403, "grant-missing"),
        ("an empty body", String::new(), 400, "hook-malformed"),
        ("no number", form.replace("clientid=9", "clientid=../9"), 400, "hook-malformed"),
        ("too long a body", format!("{form}&x={}", "x".repeat(20_000)), 413, "hook-too-long"),
        ("an end of nobody", form.replace("call=publish", "call=publish_done"), 200, ""),
        ("something unheard of", form.replace("call=publish", "call=dance"), 200, ""),
    ] {
        assert_eq!(hook(addr, &path, &body).await.0, status, "{what}");
        assert!(reason.is_empty() || counted(&gateway, reason).await > 0, "{what}");
    }
    let unfinished = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
    assert_eq!(ask(addr, &unfinished).await.0, 408);

    let storm: Vec<_> = (0..64)
        .map(|_| {
            let (path, form) = (path.clone(), form.to_owned());
            tokio::spawn(async move {
                loop {
                    hook(addr, &path, &form).await;
                }
            })
        })
        .collect();
    let before = Instant::now();
    for uid in 1..=10 {
        Member::join(&gateway, "room", uid).await;
    }
    let took = before.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let alice = Member::join(&gateway, "room", 99).await;
    let _pusher = push(&alice.push);
    wait_for(&gateway, "publishers", 1).await;
    storm.iter().for_each(tokio::task::JoinHandle::abort);
    drop(nginx);
}

/// nginx with the sample's text, but for its ports and paths.
struct Nginx {
    rtmp: SocketAddr,
    api: SocketAddr,
    folder: PathBuf,
    child: Child,
}

impl Nginx {
    async fn start(hooks: SocketAddr, path: &str) -> Self {
        let sample = fs::read_to_string(SAMPLE).unwrap();
        let (rtmp, api) = (free(), free());
        let folder = std::env::temp_dir().join(format!("nertc-nginx-{}-{}", std::process::id(), rtmp.port()));
        fs::create_dir_all(&folder).unwrap();
        let own = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {own}/{what};"))
            .join(" ");
        let mut text = format!("daemon off;\n{sample}");
        for (theirs, ours) in [
            ("listen 1935;", format!("listen {rtmp};")),
            ("listen 127.0.0.1:8088;", format!("listen {api};")),
            ("http://127.0.0.1:8397/hooks;", format!("http://{hooks}{path};")),
            ("/run/nertc-nginx-rtmp.pid", format!("{own}/pid")),
            ("/var/log/nginx/nertc-rtmp.log", format!("{own}/log")),
            ("access_log off;", format!("access_log off; {temporary}")),
            // Nobody waits for that long here.
            ("notify_update_timeout 10s;", "notify_update_timeout 1s;".to_owned()),
        ] {
            assert!(text.contains(theirs), "the sample has no {theirs}");
            text = text.replace(theirs, &ours);
        }
        let file = folder.join("nginx.conf");
        fs::write(&file, text).unwrap();
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .args(["-e", &format!("{own}/log")])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx is needed (apt install nginx-light libnginx-mod-rtmp)");
        until("nginx listens", || async { TcpStream::connect(rtmp).await.is_ok() }).await;
        Self { rtmp, api, folder, child }
    }

    /// What a gateway is told of it.
    fn flags<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let base = &*Box::leak(format!("rtmp://{}/live", self.rtmp).into_boxed_str());
        let api = &*Box::leak(format!("http://{}/control", self.api).into_boxed_str());
        let own =
            ["--media-engine", "nginx-rtmp", "--media-push", base, "--media-pull", base, "--secret", SECRET];
        let api = if more.contains(&"--media-api") { vec![] } else { vec!["--media-api", api] };
        [&own[..], &api, more].concat()
    }

    /// All of it: the process that has the connections is a child of the one we started.
    async fn kill(&mut self) {
        let master = self.child.id().unwrap();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
        self.child.kill().await.unwrap();
        for worker in children.split_whitespace() {
            assert!(Command::new("kill").args(["-9", worker]).status().await.unwrap().success());
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A worker of a master that is killed lives on.
        if let Some(master) = self.child.id() {
            let _gone = std::process::Command::new("kill").arg(master.to_string()).status();
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// Hands hooks on to the gateway of the moment, once there is one.
async fn doorway() -> (SocketAddr, watch::Sender<Option<SocketAddr>>) {
    let (current, mut news) = watch::channel(None);
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = door.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut hook, _)) = door.accept().await {
            let Ok(gateway) = news.wait_for(Option::is_some).await.map(|addr| addr.unwrap()) else { return };
            tokio::spawn(async move {
                let mut gateway = TcpStream::connect(gateway).await.unwrap();
                copy_bidirectional(&mut hook, &mut gateway).await
            });
        }
    });
    (addr, current)
}

async fn bench(more: &[&str]) -> (Nginx, Running) {
    let hooks = free();
    let secret = more.iter().position(|flag| *flag == "--hook-secret").map(|at| format!("/{}", more[at + 1]));
    let nginx = Nginx::start(hooks, &format!("/hooks{}", secret.unwrap_or_default())).await;
    let hooks = hooks.to_string();
    // A room whose members do not wait for those of an earlier gateway.
    let more = [more, &["--hook-listen", &hooks, "--settling", "0"]].concat();
    let gateway = start(settings(&nginx.flags(&more))).await;
    (nginx, gateway)
}

/// Publishers and players.
async fn gateway_media(gateway: &Running) -> (u64, u64) {
    let (_, health) = ask(gateway.http_addr, "GET /healthz HTTP/1.0\r\n\r\n").await;
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    let count = |what: &str| health["media"][what].as_u64().unwrap();
    (count("publishers"), count("players"))
}

/// Pictures of the first three that come.
async fn frames(url: &str) -> usize {
    let probe = Command::new("ffprobe")
        .args(["-v", "quiet", "-select_streams", "v", "-show_entries", "packet=size"])
        .args(["-read_intervals", "%+#3", "-of", "csv=p=0", url])
        .kill_on_drop(true)
        .output();
    let output = timeout(WAIT, probe).await.expect("no picture").unwrap();
    String::from_utf8_lossy(&output.stdout).lines().count()
}

/// Free for the moment.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nginx-rtmp/nginx.conf");
const SECRET: &str = "signs what both know";
