//! Proxies before the gateway: the samples in `deploy/`, run by the real programs, and whom the gateway believes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod program;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use self::program::certificate::{Files, path};
use self::program::{Member, PATIENCE, Program, ask, bootstrap};

#[tokio::test]
async fn a_call_is_made_through_nginx() {
    let gateway = behind("localhost").await;
    let proxy = Proxy::nginx(&gateway).await;
    call_through(&proxy, gateway, "").await;
}

#[tokio::test]
async fn a_call_is_made_through_caddy() {
    let gateway = behind("localhost").await;
    let proxy = Proxy::caddy(&gateway).await;
    call_through(&proxy, gateway, "").await;
}

#[tokio::test]
async fn a_path_works_as_public_address_has_it() {
    let gateway = behind("localhost/rtc").await;
    let proxy = Proxy::nginx(&gateway).await;
    let (status, _, said) =
        ask(proxy.connect().await, "GET /call/readyz HTTP/1.1\r\nHost: localhost", "").await;
    assert_eq!(status, 404);
    assert!(
        said.contains("this gateway is at localhost/rtc, and its channel server at localhost/rtc/nrtc/"),
        "{said}"
    );
    let (status, _, _) = ask(proxy.connect().await, "GET /rtcreadyz HTTP/1.1\r\nHost: localhost", "").await;
    assert_eq!(status, 404);
    // As a proxy passes it on that takes the path away.
    let (status, _, _) = ask(proxy.connect().await, "GET /readyz HTTP/1.1\r\nHost: localhost", "").await;
    assert_eq!(status, 200);
    call_through(&proxy, gateway, "/rtc").await;
}

#[tokio::test]
async fn only_proxies_that_are_named_are_believed() {
    let mut gateway = behind("localhost").await;
    let addr = gateway.addr("http");
    for (from, said, client) in [
        ("127.0.0.3", "192.0.2.66", "127.0.0.3"),
        ("127.0.0.1", "192.0.2.66", "192.0.2.66"),
        ("127.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),
    ] {
        refused(connect_from(from, &addr).await, said).await;
        gateway.hears(&format!("room \"the-room\", from {client}")).await;
    }
}

/// Everything that clients do, over TLS.
async fn call_through(proxy: &Proxy, mut gateway: Program, path: &str) {
    let answer = bootstrap(proxy.connect().await, path, "room", 1).await;
    assert_eq!(answer["ips"]["wechatapparray"][0], format!("localhost{path}"));
    let url = format!("wss://localhost{path}");
    let mut alice = Member::log_in(proxy.connect().await, &url, 1, &answer, &Value::Null).await;
    let answer = bootstrap(proxy.connect().await, path, "room", 2).await;
    let mut bob = Member::log_in(proxy.connect().await, &url, 2, &answer, &Value::Null).await;
    assert!(alice.is_there().await && bob.is_there().await);

    // A picture a second: what is kept back until a buffer is full would not come in time.
    let _pusher = push_a_little(alice.push_url());
    let pulling = bob.ack["body"]["userlist"][1]["url"].as_str().unwrap();
    let (name, grant) = pulling.rsplit('/').next().unwrap().split_once('?').unwrap();
    let request = format!("GET {path}/live/{name}.flv?{grant} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut player = proxy.connect().await;
    player.write_all(request.as_bytes()).await.unwrap();
    let (mut played, mut buffer) = (Vec::new(), [0; 4096]);
    let is_played = |played: &[u8]| {
        let begin = played.windows(4).position(|bytes| bytes == b"FLV\x01");
        begin.is_some_and(|begin| played.len() > begin + 100)
    };
    while !is_played(&played) {
        let read =
            timeout(PATIENCE, player.read(&mut buffer)).await.expect("the stream is kept back").unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&played));
        played.extend_from_slice(&buffer[..read]);
    }

    refused(proxy.connect_from("127.0.0.2").await, "192.0.2.66").await;
    gateway.hears("room \"the-room\", from 127.0.0.2").await;
    assert!(alice.is_there().await && bob.is_there().await);
}

/// A gateway that believes proxies at 127.0.0.1.
async fn behind(public: &str) -> Program {
    Program::start(&["--public-address", public, "--trusted-proxies", "127.0.0.1"]).await
}

/// Is refused in a room of that name, and says for whom it asks.
async fn refused<S: program::Socket>(socket: S, forwarded_for: &str) {
    let head = format!(
        "POST /nrtc/getChannelInfos.action HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded_for}"
    );
    let form = "uid=1&appkey=ak&channelName=the-room&secureType=2&curtime=1&checksum=wrong";
    let (status, _, body) = ask(socket, &head, form).await;
    assert_eq!(status, 200);
    assert!(body.contains("\"code\":414"), "{body}");
}

/// A proxy process with a sample of ours, and the certificate that it shows.
struct Proxy {
    addr: SocketAddr,
    files: Files,
    _child: Child,
}

impl Proxy {
    async fn nginx(gateway: &Program) -> Self {
        let (files, addr) = (Files::new(&["localhost"]), free().await);
        let folder = path(&files.folder);
        let site = deployed("nginx/nertc.conf")
            .replace("listen 443 ssl", &format!("listen {addr} ssl"))
            .replace("    listen [::]:443 ssl;\n", "")
            .replace("server_name call.example.com", "server_name localhost")
            .replace("/etc/ssl/nertc", folder)
            .replace("127.0.0.1:8395", &gateway.addr("http"));
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {folder}/{kind};"))
            .join(" ");
        let whole = format!(
            "daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {temporary} {site} }}"
        );
        let file = files.folder.join("nginx.conf");
        std::fs::write(&file, whole).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.args(["-p", folder, "-c", path(&file)]);
        Self::run(nginx, files, addr).await
    }

    async fn caddy(gateway: &Program) -> Self {
        let (files, addr) = (Files::new(&["localhost"]), free().await);
        let site = format!(
            "https://localhost:{} {{\n\tbind 127.0.0.1\n\ttls {} {}\n",
            addr.port(),
            path(&files.certificate),
            path(&files.key)
        );
        let site = deployed("caddy/Caddyfile")
            .replace("call.example.com {\n", &site)
            .replace("127.0.0.1:8395", &gateway.addr("http"));
        let whole = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}");
        let file = files.folder.join("Caddyfile");
        std::fs::write(&file, whole).unwrap();
        let mut caddy = Command::new("caddy");
        caddy.args(["run", "--adapter", "caddyfile", "--config", path(&file)]);
        caddy.env("XDG_DATA_HOME", &files.folder).env("XDG_CONFIG_HOME", &files.folder);
        Self::run(caddy, files, addr).await
    }

    async fn run(mut program: Command, files: Files, addr: SocketAddr) -> Self {
        program.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = program
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx and caddy are needed (apt install nginx caddy)");
        let proxy = Self { addr, files, _child: child };
        let is_up = async {
            while TcpStream::connect(addr).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, is_up).await.expect("the proxy does not start");
        proxy
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_from("127.0.0.1").await
    }

    async fn connect_from(&self, from: &str) -> TlsStream<TcpStream> {
        self.files.secure(connect_from(from, &self.addr.to_string()).await).await
    }
}

async fn connect_from(from: &str, to: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to.parse().unwrap()).await.unwrap()
}

/// An address that nobody listens on.
async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn deployed(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)).unwrap()
}

/// Sends a small picture a second.
fn push_a_little(url: &str) -> Child {
    let source = "testsrc=size=64x64:rate=1";
    let arguments =
        ["-loglevel", "quiet", "-re", "-f", "lavfi", "-i", source, "-c:v", "flv", "-f", "flv", url];
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    ffmpeg.spawn().expect("ffmpeg is needed")
}
