//! Certificates that the gateway gets by itself, from Pebble, the authority that Let's Encrypt made for tests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod program;

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use self::program::certificate::{self, Files, path};
use self::program::{PATIENCE, Program, ask, bootstrap, command};

#[tokio::test]
async fn a_certificate_is_got_kept_and_got_anew_before_it_expires() {
    let authority = Authority::start().await;
    // What is there already is too old.
    let folder = Files::new(&[NAME]);
    folder.write(&[NAME], 2020);
    let mut gateway = authority.gateway(&folder.folder).await;
    gateway.hears("acme: a certificate for call.test is in use").await;
    let root = authority.root().await;
    let connect = async || TcpStream::connect(authority.checks).await.unwrap();
    let socket = certificate::trusting(&root, NAME, connect().await).await;
    assert_eq!(bootstrap(socket, "", "room", 1).await["code"], 200);
    let first = certificate::shown(connect().await).await;
    for file in ["certificate.pem", "key.pem", "account.json"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.folder.join(file)).unwrap().permissions().mode();
        assert!(file == "certificate.pem" || mode & 0o077 == 0, "{file}: {mode:o}");
    }

    gateway.signal("-TERM");
    assert!(gateway.ends().await.success());
    let gateway = authority.gateway(&folder.folder).await;
    assert_eq!(certificate::shown(connect().await).await, first, "it is there from the start");
    drop(gateway);

    folder.write(&[NAME], 2020);
    let mut gateway = authority.gateway(&folder.folder).await;
    gateway.hears("acme: a certificate for call.test is in use").await;
    let second = certificate::shown(connect().await).await;
    assert_ne!(second, first);
    let _socket = certificate::trusting(&root, NAME, connect().await).await;
}

#[tokio::test]
async fn without_an_authority_it_says_so_and_goes_on() {
    let folder = Files::new(&[NAME]);
    std::fs::remove_file(&folder.certificate).unwrap();
    let directory = format!("https://{}/dir", free().await);
    let flags =
        ["--acme-folder", path(&folder.folder), "--acme-directory", &directory, "--public-address", NAME];
    let mut gateway = Program::start(&flags).await;
    let said = gateway.hears("acme: no certificate for call.test: ").await;
    assert!(said.contains("cannot be reached") && said.contains("the next attempt is in 60 s"), "{said}");
    let socket = TcpStream::connect(gateway.addr("admin")).await.unwrap();
    assert_eq!(ask(socket, "GET /readyz HTTP/1.1\r\nHost: test", "").await.0, 200);
}

#[test]
fn what_cannot_be_got_is_refused() {
    let folder = ["--acme-folder", "/nonexistent"];
    for (flags, said) in [
        (&folder[..], "public-address: it must have the name that the certificate is for"),
        (
            &[&folder[..], &["--public-address", "192.0.2.1"]].concat(),
            "public-address: it must have the name",
        ),
        (
            &[&folder[..], &["--public-address", "[2001:db8::1]"]].concat(),
            "public-address: it must have the name",
        ),
        (
            &[&folder[..], &["--public-address", NAME, "--tls-key", "key.pem"]].concat(),
            "acme-folder: it must be left out beside tls-certificate and tls-key",
        ),
    ] {
        let output = command(flags).as_std_mut().arg("--check-config").output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(said), "{flags:?}: {error}");
    }
    let good = [&folder[..], &["--public-address", NAME, "--rtmps-listen", "127.0.0.1:0"]].concat();
    let output = command(&good).as_std_mut().arg("--check-config").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("the authority comes to port 443 of call.test"),
        "{said}"
    );
}

/// Pebble, and a name server for which every name is this machine.
struct Authority {
    directory: SocketAddr,
    management: SocketAddr,
    /// Where it looks for proofs.
    checks: SocketAddr,
    files: Files,
    _processes: [Child; 2],
}

impl Authority {
    async fn start() -> Self {
        let files = Files::new(&["localhost"]);
        let (directory, management, checks) = (free().await, free().await, free().await);
        let (names, names_management) = (free_udp(), free().await);
        let config = serde_json::json!({ "pebble": {
            "listenAddress": directory, "managementListenAddress": management,
            "certificate": files.certificate, "privateKey": files.key,
            "httpPort": 1, "tlsPort": checks.port(), "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        let file = files.folder.join("pebble.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let mut resolver = Command::new("pebble-challtestsrv");
        resolver.args([
            "-defaultIPv4",
            "127.0.0.1",
            "-defaultIPv6",
            "",
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
        ]);
        resolver.args(["-dns01", &names.to_string(), "-management", &names_management.to_string()]);
        let mut pebble = Command::new("pebble");
        pebble.args(["-config", path(&file), "-dnsserver", &names.to_string()]);
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
        let run = |program: &mut Command| {
            let program = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            program.kill_on_drop(true).spawn().expect("pebble is needed (apt install pebble)")
        };
        let processes = [run(&mut resolver), run(&mut pebble)];
        for addr in [directory, names_management] {
            let is_up = async {
                while TcpStream::connect(addr).await.is_err() {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(3 * PATIENCE, is_up).await.expect("the authority does not start");
        }
        Self { directory, management, checks, files, _processes: processes }
    }

    /// A gateway that trusts it.
    async fn gateway(&self, folder: &Path) -> Program {
        let (listen, directory) =
            (self.checks.to_string(), format!("https://localhost:{}/dir", self.directory.port()));
        let mut program = command(&[
            "--listen",
            &listen,
            "--public-address",
            NAME,
            "--acme-folder",
            path(folder),
            "--acme-directory",
            &directory,
            "--acme-contact",
            "somebody@example.com",
        ]);
        program.env("SSL_CERT_FILE", &self.files.certificate);
        Program::run(program).await
    }

    /// What whoever trusts it has.
    async fn root(&self) -> CertificateDer<'static> {
        let socket = self.files.secure(TcpStream::connect(self.management).await.unwrap()).await;
        let (_, _, pem) = ask(socket, "GET /roots/0 HTTP/1.1\r\nHost: localhost", "").await;
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }
}

async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn free_udp() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

const NAME: &str = "call.test";
