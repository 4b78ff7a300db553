//! The servers that are measured, each a process of its own on free ports of the loopback device. Dropping one ends it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use serde_json::Value;

use crate::{Failure, usage};

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// What it is called in the table.
    pub name: &'static str,
    /// Where it takes HTTP and WebSocket connections.
    pub(crate) http: SocketAddr,
    /// Where it takes RTMP connections.
    pub(crate) rtmp: SocketAddr,
    child: Child,
    /// Most of them end when this is closed, even if we are killed.
    _stdin: Option<ChildStdin>,
    _folder: Option<Folder>,
}

impl Server {
    /// The gateway, with limits that no load of ours reaches.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn gateway(name: &'static str, program: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--rtmp-listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ]);
        command.args(["--log", "error", "--exit-on-stdin-close", "--dev", "--max-members", "1000"]);
        command.args(["--max-connections", "100000", "--max-rooms", "100000", "--max-players", "10000"]);
        command.args(["--max-players-per-stream", "10000", "--max-players-per-user", "10000"]);
        // Only the members that are asked to send heartbeats.
        command.args(["--silence-timeout", "3600"]);
        Self::that_says_where_it_is(name, command)
    }

    /// The same in Node, on the package `ws`.
    pub(crate) fn node(script: &Path) -> Result<Self, Failure> {
        if !script.exists() {
            return Err(format!("{} is not there; name it with --peer", script.display()).into());
        }
        let mut command = Command::new("node");
        command.arg(script);
        Self::that_says_where_it_is("Node", command)
    }

    /// A server that gives back what it is sent.
    pub(crate) fn echo() -> Result<Self, Failure> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("echo");
        Self::that_says_where_it_is("echo", command)
    }

    /// nginx with its RTMP module, in one process.
    pub(crate) fn nginx() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let settings = format!(
            "load_module {MODULE};\nworker_rlimit_nofile 20000;\npid {pid};\nevents {{ worker_connections 15000; }}\n\
             rtmp {{ server {{ listen {port}; chunk_size 4096; application live {{ live on; }} }} }}\n",
            pid = folder.0.join("pid").display(),
        );
        let file = folder.0.join("nginx.conf");
        fs::write(&file, settings)?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder.0).arg("-c").arg(file);
        command.args(["-e", "stderr", "-g", "daemon off; master_process off;"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|error| missing("nginx", &error))?;
        let mut server =
            Self { name: "nginx", http: port, rtmp: port, child, _stdin: None, _folder: Some(folder) };
        let begin = Instant::now();
        while TcpStream::connect(port).is_err() {
            let ended = server.child.try_wait()?;
            if ended.is_some() || begin.elapsed() > START {
                let why = ended.map_or("it does not listen".to_owned(), |status| status.to_string());
                return Err(format!("nginx did not start: {why}; {INSTALL_NGINX}").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// The time on a processor that it has had.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        usage::cpu(self.child.id()).map_err(|error| self.gone(&error))
    }

    /// Bytes of it in memory.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        usage::memory(self.child.id()).map_err(|error| self.gone(&error))
    }

    fn gone(&self, error: &io::Error) -> Failure {
        format!("what {} costs cannot be read, so it has ended, or this is no Linux: {error}", self.name)
            .into()
    }

    fn that_says_where_it_is(name: &'static str, mut command: Command) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(|error| missing(&program, &error))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let said: Value =
            line.strip_prefix("ready ").and_then(|said| serde_json::from_str(said).ok()).unwrap_or_default();
        let at = |what: &str| said[what].as_str().and_then(|text| text.parse::<SocketAddr>().ok());
        let stdin = child.stdin.take();
        let Some(http) = at("http") else {
            let _ended = child.kill().and_then(|()| child.wait());
            return Err(format!("{program} did not start; what it said is above").into());
        };
        Ok(Self { name, http, rtmp: at("rtmp").unwrap_or(http), child, _stdin: stdin, _folder: None })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A folder of our own, which goes with us.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("nertc-load-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn missing(program: &str, error: &io::Error) -> Failure {
    let remedy = match program {
        "nginx" => INSTALL_NGINX,
        "node" => "install Node.js 20 or newer, or leave it out: --vs echo,nginx",
        _ => "build it: cargo build --profile server -p nertc-gateway",
    };
    format!("{program} cannot be started ({error}); {remedy}").into()
}

const START: Duration = Duration::from_secs(5);
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
const INSTALL_NGINX: &str = "apt-get install nginx-light libnginx-mod-rtmp, or leave it out: --vs node,echo";
