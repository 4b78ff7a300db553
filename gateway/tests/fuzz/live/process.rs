//! The gateway as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

/// A running gateway; it ends with this.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) http: SocketAddr,
    pub(super) rtmp: SocketAddr,
    pub(super) admin: SocketAddr,
    /// The first panic that was told of.
    panic: Arc<Mutex<Option<String>>>,
}

impl Process {
    pub(super) fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nertc-gateway"))
            .args(["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0", "--log", "info"])
            .args(["--secret", "a secret for fuzzing only, of any length", "--admin-token", ADMIN])
            // Its end is ours, even if we are killed.
            .arg("--exit-on-stdin-close")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gateway can be started");
        let panic = Arc::new(Mutex::new(None));
        let (found, stderr) = (Arc::clone(&panic), child.stderr.take().expect("it is piped"));
        thread::spawn(move || {
            // A log may quote anything.
            let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
            for line in lines {
                let line = String::from_utf8_lossy(&line);
                if line.contains("panicked at") {
                    found.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(line.into_owned());
                }
            }
        });
        let mut ready = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        stdout.read_line(&mut ready).expect("it says where it is");
        let ready: Value = serde_json::from_str(ready.trim_start_matches("ready ")).unwrap_or_default();
        let at = |what: &str| {
            let text = ready[what].as_str().unwrap_or_default();
            text.parse().unwrap_or_else(|_| panic!("the gateway did not start: {ready}"))
        };
        let (http, rtmp, admin) = (at("http"), at("rtmp"), at("admin"));
        Self { child, http, rtmp, admin, panic }
    }

    pub(super) fn check(&mut self) -> Result<(), String> {
        if let Some(line) = &*self.panic.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(format!("the gateway panicked: {line}"));
        }
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the gateway is gone: {status}")),
            Err(error) => Err(format!("the gateway cannot be asked: {error}")),
        }
    }

    /// Bytes in memory; none where the system does not tell.
    pub(super) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib << 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

pub(super) const ADMIN: &str = "operators only, please, and no one else";
