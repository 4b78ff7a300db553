//! A gateway on loopback, what is asked of it over HTTP, and ffmpeg as phones.

use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nertc_gateway::{Config, Gateway, Running};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

pub(crate) async fn start(config: Config) -> Running {
    Gateway::start(config).await.unwrap()
}

/// On free ports.
pub(crate) fn config() -> Config {
    let any = "127.0.0.1:0".parse().unwrap();
    Config { listen: any, rtmp_listen: any, ..Config::default() }
}

/// Asks the door that the path belongs to: the status, and the body where it is JSON. A stream's is not waited for.
pub(crate) async fn http(gateway: &Running, head: &str, body: &str) -> (u16, Value) {
    let is_operators =
        [" /v1/rooms", " /v1/statistics", " /openapi.json"].iter().any(|path| head.contains(path));
    let addr = if is_operators { gateway.admin_addr } else { gateway.http_addr };
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let request = format!("{head}Host: test\r\nConnection: close\r\n\r\n{body}");
    // The server may answer, and close, before it has read a body that is too big.
    let _sent = socket.write_all(request.as_bytes()).await;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    let is_stream = |answer: &[u8]| answer.windows(11).any(|text| text == b"video/x-flv");
    while !is_stream(&answer) {
        let read = timeout(WAIT, socket.read(&mut buffer)).await.expect("no answer");
        let Ok(length @ 1..) = read else { break };
        answer.extend_from_slice(&buffer[..length]);
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Waits until the media engine has so many of something.
pub(crate) async fn wait_for(gateway: &Running, what: &str, count: u64) {
    let reached = async {
        while http(gateway, "GET /healthz HTTP/1.1\r\n", "").await.1["media"][what] != count {
            sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(timeout(WAIT, reached).await.is_ok(), "there are not {count} {what}");
}

/// Plays the part of a live-pusher.
pub(crate) fn push(url: &str) -> Child {
    let source = "testsrc=size=64x64:rate=10";
    ffmpeg(&["-re", "-f", "lavfi", "-i", source, "-c:v", "flv", "-f", "flv", url])
}

/// Pushes so much that there can be no doubt whether it arrived, and returns when all of it was sent.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) async fn push_clip(url: &str) {
    let source = "testsrc=size=64x64:rate=10";
    let clip = ["-f", "lavfi", "-i", source, "-frames:v", "20", "-c:v", "flv", "-f", "flv", url];
    let sent = timeout(WAIT, ffmpeg(&clip).wait()).await.expect("the clip is not taken").unwrap();
    assert!(sent.success(), "the clip is refused");
}

/// Plays the part of a live-player.
pub(crate) fn pull(url: &str) -> Child {
    ffmpeg(&["-i", url, "-f", "null", "-"])
}

fn ffmpeg(arguments: &[&str]) -> Child {
    Command::new("ffmpeg")
        .args(["-loglevel", "quiet"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg is needed")
}

/// Whether a client is sent away, and not at the end of its stream.
pub(crate) async fn refuses(mut client: Child) -> bool {
    !timeout(WAIT, client.wait()).await.expect("not refused").unwrap().success()
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

const WAIT: Duration = Duration::from_secs(20);
