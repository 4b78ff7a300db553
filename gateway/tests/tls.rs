//! TLS in the process: what is served over it, who comes without, and certificates that change.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod program;

use std::process::{Output, Stdio};

use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use self::program::certificate::{self, Files, path};
use self::program::{Member, PATIENCE, Program, ask, bootstrap, command};

#[tokio::test]
async fn all_that_clients_need_is_served_with_one_certificate() {
    let files = Files::new(&["localhost"]);
    let gateway = serve(&files, &["--rtmps-listen", "127.0.0.1:0"]).await;
    let answer = bootstrap(connect(&files, &gateway, "http").await, "", "room", 1).await;
    let rtmps = gateway.addr("rtmps");
    assert_eq!(answer["ips"]["wechatapparray"][0], gateway.addr("http"));
    assert_eq!(answer["ips"]["turnaddrs"][0][0], rtmps);
    let mut alice = join(&files, &gateway, 1, &answer).await;
    let bob = bootstrap(connect(&files, &gateway, "http").await, "", "room", 2).await;
    let bob = join(&files, &gateway, 2, &bob).await;
    let pushing = alice.push_url().to_owned();
    assert!(pushing.starts_with(&format!("rtmps://{rtmps}/live/")), "{pushing}");

    let _pusher = push(&pushing);
    let pulling = bob.ack["body"]["userlist"][1]["url"].as_str().unwrap();
    let (path, query) = pulling.strip_prefix(&format!("rtmps://{rtmps}")).unwrap().split_once('?').unwrap();
    let head = format!("GET {path}.flv?{query} HTTP/1.1\r\nHost: test");
    let (status, _, _) = ask(connect(&files, &gateway, "http").await, &head, "").await;
    assert_eq!(status, 200);
    let player = pull(pulling).wait_with_output();
    let played = timeout(PATIENCE, player).await.expect("nothing is played").unwrap();
    assert!(played.status.success(), "{played:?}");
    assert!(alice.is_there().await);
}

#[tokio::test]
async fn who_comes_without_tls_is_told_so() {
    let files = Files::new(&["localhost"]);
    let gateway = serve(&files, &["--rtmps-listen", "127.0.0.1:0"]).await;
    for head in [
        "GET /readyz HTTP/1.1\r\nHost: test",
        "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade",
    ] {
        let socket = TcpStream::connect(gateway.addr("http")).await.unwrap();
        let (status, _, body) = ask(socket, head, "").await;
        assert_eq!((status, body.as_str()), (400, "This port speaks TLS only: use https:// or wss://.\n"));
    }
    for door in ["http", "rtmps"] {
        let mut socket = TcpStream::connect(gateway.addr(door)).await.unwrap();
        socket.write_all(&[3; 1537]).await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("it is kept");
        assert!(end.is_err() || answer.len() < 200, "{door}: {answer:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_end_keeps_nobody_out() {
    let files = Files::new(&["localhost"]);
    let flags = ["--max-strangers", "4", "--rtmps-listen", "127.0.0.1:0"];
    let gateway = serve(&files, &flags).await;
    for (door, places) in [("http", 4), ("rtmps", 1)] {
        let mut slow = Vec::new();
        for _ in 0..places {
            let mut socket = TcpStream::connect(gateway.addr(door)).await.unwrap();
            // The beginning of a hello.
            socket.write_all(&[22, 3, 1, 1, 0, 1, 0]).await.unwrap();
            slow.push(socket);
        }
        let _newcomer = timeout(PATIENCE, connect(&files, &gateway, door)).await.expect("it is kept out");
        let end = timeout(PATIENCE, slow[0].read(&mut [0; 16])).await.expect("the first is kept");
        assert!(matches!(end, Ok(0) | Err(_)), "{door}: {end:?}");
    }
}

#[tokio::test]
async fn another_certificate_is_taken_over_and_nobody_dropped() {
    let files = Files::new(&["localhost"]);
    let mut gateway = serve(&files, &[]).await;
    let answer = bootstrap(connect(&files, &gateway, "http").await, "", "room", 1).await;
    let mut alice = join(&files, &gateway, 1, &answer).await;
    let first = shown(&gateway).await;

    let renewed = files.write(&["localhost"], 2099);
    gateway.hears("tls-certificate: what the file holds is another one").await;
    let second = shown(&gateway).await;
    assert!(second != first && second == *renewed.der());
    assert!(alice.is_there().await);

    std::fs::write(&files.certificate, "no certificate").unwrap();
    let said =
        gateway.hears("the settings stay as they are: tls-certificate: it must be a file of PEM").await;
    assert!(said.contains("certificate.pem"), "{said}");
    assert_eq!(shown(&gateway).await, second);
    std::fs::remove_file(&files.certificate).unwrap();
    gateway.signal("-HUP");
    gateway.hears("the settings stay as they are: tls-certificate: it must be a file that can be read").await;

    let expired = files.write(&["localhost"], 2020);
    gateway.hears("tls-certificate: clients refuse it, for it has expired").await;
    assert_eq!(shown(&gateway).await, *expired.der());
    assert!(alice.is_there().await);
}

#[test]
fn what_is_wrong_with_a_certificate_is_found_before_a_client_does() {
    let (files, other) =
        (Files::new(&["call.example.com", "*.media.example.com"]), Files::new(&["localhost"]));
    let (certificate, key) = (path(&files.certificate), path(&files.key));
    let nowhere = files.folder.join("nowhere.pem");
    let nowhere = path(&nowhere);
    for (flags, said) in [
        (vec!["--tls-certificate", certificate], "tls-key: tls-certificate needs it, not nothing"),
        (vec!["--tls-key", key], "tls-certificate: tls-key needs it, not nothing"),
        (vec!["--rtmps-listen", "127.0.0.1:0"], "tls-certificate: rtmps-listen needs it, not nothing"),
        (
            vec!["--tls-certificate", nowhere, "--tls-key", key],
            "tls-certificate: it must be a file that can be read (No such file or directory",
        ),
        (
            vec!["--tls-certificate", certificate, "--tls-key", nowhere],
            "tls-key: it must be a file that can be",
        ),
        (
            vec!["--tls-certificate", key, "--tls-key", key],
            "tls-certificate: it must be a file of PEM with the",
        ),
        (
            vec!["--tls-certificate", certificate, "--tls-key", certificate],
            "tls-key: it must be a file of PEM with a private key",
        ),
        (
            vec!["--tls-certificate", certificate, "--tls-key", path(&other.key)],
            "tls-key: it must be the key of the certificate in tls-certificate",
        ),
        (
            vec!["--listen", "127.0.0.1:7", "--rtmps-listen", "127.0.0.1:7"],
            "rtmps-listen: it must differ from listen",
        ),
    ] {
        let (is_good, _, error) = check(&flags);
        assert!(!is_good && error.contains(said), "{flags:?}: {error}");
    }
    let with = |more: &[&'static str]| {
        let (is_good, _, said) =
            check(&[&["--tls-certificate", certificate, "--tls-key", key], more].concat());
        assert!(is_good, "{said}");
        said.lines().filter(|line| line.starts_with("tls-")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (host, rtmps) =
        (["--public-address", "call.example.com:8443/rtc"], ["--rtmps-listen", "127.0.0.1:0"]);
    assert_eq!(with(&host), [""; 0]);
    assert_eq!(
        with(&["--public-address", "other.example.com"]),
        ["tls-certificate: clients refuse it, for it is not for other.example.com"]
    );
    assert_eq!(with(&["--public-address", "[2001:db8::1]:8443"]).len(), 1);
    let media = |media, more: &[&'static str]| with(&[&host[..], &["--public-media", media], more].concat());
    assert_eq!(media("a.media.example.com", &rtmps), [""; 0]);
    assert_eq!(media("elsewhere.example.com", &rtmps).len(), 1);
    assert_eq!(media("rtmp://elsewhere.example.com", &rtmps), [""; 0], "it is not asked for it");
    assert_eq!(media("rtmps://elsewhere.example.com", &[]), [""; 0], "nor where somebody else shows one");
    files.write(&["call.example.com"], 2020);
    assert_eq!(with(&host), ["tls-certificate: clients refuse it, for it has expired"]);
}

#[tokio::test]
async fn clients_are_told_how_media_travel() {
    let files = Files::new(&["localhost"]);
    let rtmps = ["--rtmps-listen", "127.0.0.1:0"];
    for (flags, told) in [
        (vec![], "rtmp://{rtmp}/"),
        (rtmps.to_vec(), "rtmps://{rtmps}/"),
        (vec!["--public-media", "call.example.com"], "rtmp://call.example.com:{port of rtmp}/"),
        (vec!["--public-media", "rtmps://call.example.com"], "rtmps://call.example.com:443/"),
        (vec!["--public-media", "rtmps://call.example.com:1"], "rtmps://call.example.com:1/"),
        ([&rtmps[..], &["--public-media", "h:5"]].concat(), "rtmps://h:5/"),
        ([&rtmps[..], &["--public-media", "h"]].concat(), "rtmps://h:{port of rtmps}/"),
        ([&rtmps[..], &["--public-media", "rtmp://h"]].concat(), "rtmp://h:{port of rtmp}/"),
    ] {
        let gateway = serve(&files, &flags).await;
        let answer = bootstrap(connect(&files, &gateway, "http").await, "", "room", 1).await;
        let alice = join(&files, &gateway, 1, &answer).await;
        let mut expected = told.to_owned();
        for door in ["rtmp", "rtmps"].into_iter().filter(|door| told.contains(&format!("{door}}}"))) {
            let addr = gateway.addr(door);
            let port = addr.rsplit(':').next().unwrap();
            expected = expected.replace(&format!("{{{door}}}"), &addr);
            expected = expected.replace(&format!("{{port of {door}}}"), port);
        }
        assert!(alice.push_url().starts_with(&expected), "{flags:?}: {}", alice.push_url());
        let edge = expected.split("://").nth(1).unwrap().trim_end_matches('/');
        assert_eq!(answer["ips"]["turnaddrs"][0][0], edge, "{flags:?}");
    }
}

async fn serve(files: &Files, flags: &[&str]) -> Program {
    let tls = ["--tls-certificate", path(&files.certificate), "--tls-key", path(&files.key)];
    Program::start(&[&tls, flags].concat()).await
}

async fn connect(files: &Files, gateway: &Program, door: &str) -> TlsStream<TcpStream> {
    files.secure(TcpStream::connect(gateway.addr(door)).await.unwrap()).await
}

async fn shown(gateway: &Program) -> CertificateDer<'static> {
    certificate::shown(TcpStream::connect(gateway.addr("http")).await.unwrap()).await
}

async fn join(files: &Files, gateway: &Program, uid: u64, answer: &Value) -> Member<TlsStream<TcpStream>> {
    let socket = connect(files, gateway, "http").await;
    Member::log_in(socket, "wss://localhost/", uid, answer, &Value::Null).await
}

/// Whether the settings can be used, and what is said of them.
fn check(flags: &[&str]) -> (bool, String, String) {
    let mut program = command(flags);
    let Output { status, stdout, stderr } = program.as_std_mut().arg("--check-config").output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.success(), stdout, stderr)
}

fn push(url: &str) -> Child {
    let source = "testsrc=size=64x64:rate=10";
    ffmpeg(&["-re", "-f", "lavfi", "-i", source, "-c:v", "flv", "-f", "flv", url])
}

/// Plays five pictures.
fn pull(url: &str) -> Child {
    ffmpeg(&["-i", url, "-frames:v", "5", "-f", "null", "-"])
}

fn ffmpeg(arguments: &[&str]) -> Child {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error"]).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    ffmpeg.spawn().expect("ffmpeg is needed")
}
