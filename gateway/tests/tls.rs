//! TLS in the process: what is served over it, who comes without, and certificates that change.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod program;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{Certificate, CertificateParams, KeyPair, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, WantsVerifier,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::program::{Member, PATIENCE, Program, ask, bootstrap, command};

#[tokio::test]
async fn all_that_clients_need_is_served_with_one_certificate() {
    let files = Files::new(&["localhost"]);
    let gateway = files.start(&["--rtmps-listen", "127.0.0.1:0"]).await;
    let answer = bootstrap(files.connect(&gateway, "http").await, "", "room", 1).await;
    let rtmps = gateway.addr("rtmps");
    assert_eq!(answer["ips"]["wechatapparray"][0], gateway.addr("http"));
    assert_eq!(answer["ips"]["turnaddrs"][0][0], rtmps);
    let mut alice = files.join(&gateway, 1, &answer).await;
    let bob = bootstrap(files.connect(&gateway, "http").await, "", "room", 2).await;
    let bob = files.join(&gateway, 2, &bob).await;
    let pushing = alice.push_url().to_owned();
    assert!(pushing.starts_with(&format!("rtmps://{rtmps}/live/")), "{pushing}");

    let _pusher = push(&pushing);
    let pulling = bob.ack["body"]["userlist"][1]["url"].as_str().unwrap();
    let (path, query) = pulling.strip_prefix(&format!("rtmps://{rtmps}")).unwrap().split_once('?').unwrap();
    let head = format!("GET {path}.flv?{query} HTTP/1.1\r\nHost: test");
    let (status, _, _) = ask(files.connect(&gateway, "http").await, &head, "").await;
    assert_eq!(status, 200);
    let player = pull(pulling).wait_with_output();
    let played = timeout(PATIENCE, player).await.expect("nothing is played").unwrap();
    assert!(played.status.success(), "{played:?}");
    assert!(alice.is_there().await);
}

#[tokio::test]
async fn who_comes_without_tls_is_told_so() {
    let files = Files::new(&["localhost"]);
    let gateway = files.start(&["--rtmps-listen", "127.0.0.1:0"]).await;
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
    let gateway = files.start(&flags).await;
    for (door, places) in [("http", 4), ("rtmps", 1)] {
        let mut slow = Vec::new();
        for _ in 0..places {
            let mut socket = TcpStream::connect(gateway.addr(door)).await.unwrap();
            // The beginning of a hello.
            socket.write_all(&[22, 3, 1, 1, 0, 1, 0]).await.unwrap();
            slow.push(socket);
        }
        let _newcomer = timeout(PATIENCE, files.connect(&gateway, door)).await.expect("it is kept out");
        let end = timeout(PATIENCE, slow[0].read(&mut [0; 16])).await.expect("the first is kept");
        assert!(matches!(end, Ok(0) | Err(_)), "{door}: {end:?}");
    }
}

#[tokio::test]
async fn another_certificate_is_taken_over_and_nobody_dropped() {
    let files = Files::new(&["localhost"]);
    let mut gateway = files.start(&[]).await;
    let answer = bootstrap(files.connect(&gateway, "http").await, "", "room", 1).await;
    let mut alice = files.join(&gateway, 1, &answer).await;
    let first = files.shown(&gateway).await;

    let renewed = files.write(&["localhost"], 2099);
    gateway.hears("tls-certificate: what the file holds is another one").await;
    let second = files.shown(&gateway).await;
    assert!(second != first && second == *renewed.der());
    assert!(alice.is_there().await);

    std::fs::write(&files.certificate, "no certificate").unwrap();
    let said =
        gateway.hears("the settings stay as they are: tls-certificate: it must be a file of PEM").await;
    assert!(said.contains("certificate.pem"), "{said}");
    assert_eq!(files.shown(&gateway).await, second);
    std::fs::remove_file(&files.certificate).unwrap();
    gateway.signal("-HUP");
    gateway.hears("the settings stay as they are: tls-certificate: it must be a file that can be read").await;

    let expired = files.write(&["localhost"], 2020);
    gateway.hears("tls-certificate: clients refuse it, for it has expired").await;
    assert_eq!(files.shown(&gateway).await, *expired.der());
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
        let gateway = files.start(&flags).await;
        let answer = bootstrap(files.connect(&gateway, "http").await, "", "room", 1).await;
        let alice = files.join(&gateway, 1, &answer).await;
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

/// A certificate and its key, in a folder of its own.
struct Files {
    folder: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new(names: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("nertc-tls-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let files = Self { folder, certificate, key };
        files.write(names, 2099);
        files
    }

    /// Writes a fresh one that signs itself.
    fn write(&self, names: &[&str], last_year: i32) -> Certificate {
        let mut wanted =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        wanted.not_before = date_time_ymd(2019, 1, 1);
        wanted.not_after = date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = wanted.self_signed(&key).unwrap();
        std::fs::write(&self.key, key.serialize_pem()).unwrap();
        std::fs::write(&self.certificate, certificate.pem()).unwrap();
        certificate
    }

    async fn start(&self, flags: &[&str]) -> Program {
        let files = ["--tls-certificate", path(&self.certificate), "--tls-key", path(&self.key)];
        Program::start(&[&files, flags].concat()).await
    }

    /// A handshake with a door that must show the certificate in the file.
    async fn connect(&self, gateway: &Program, door: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.certificate).unwrap()).unwrap();
        shake_hands(builder().with_root_certificates(roots).with_no_client_auth(), gateway, door).await
    }

    /// The certificate that a client is shown, good or not.
    async fn shown(&self, gateway: &Program) -> CertificateDer<'static> {
        let config = builder().dangerous().with_custom_certificate_verifier(Arc::new(Blind));
        let socket = shake_hands(config.with_no_client_auth(), gateway, "http").await;
        socket.get_ref().1.peer_certificates().unwrap()[0].clone()
    }

    async fn join(&self, gateway: &Program, uid: u64, answer: &Value) -> Member<TlsStream<TcpStream>> {
        let socket = self.connect(gateway, "http").await;
        Member::log_in(socket, "wss://localhost/", uid, answer, &Value::Null).await
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let provider = Arc::new(ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

async fn shake_hands(config: ClientConfig, gateway: &Program, door: &str) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(gateway.addr(door)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

/// Takes any certificate.
#[derive(Debug)]
struct Blind;

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Whether the settings can be used, and what is said of them.
fn check(flags: &[&str]) -> (bool, String, String) {
    let mut program = command(flags);
    let Output { status, stdout, stderr } = program.as_std_mut().arg("--check-config").output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.success(), stdout, stderr)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
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
