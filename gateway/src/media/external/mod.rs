//! A media server beside this process: it moves the media, and asks here who may publish and play.
//!
//! Hides which server that is and how it is spoken with: its hooks come in (`hooks`), what it is told goes out
//! (`control`), and `sessions` has who is connected there.

mod control;
mod hooks;
mod nginx_rtmp;
mod server;
mod sessions;
mod srs;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

pub use self::server::Server;
use self::sessions::{Limits, Sessions};
use super::gate::Gate;
use super::workers::Workers;
use crate::media::broker::BrokerLimits;
use crate::media::{Flows, MediaEngine, MediaStatistics};
use crate::rights::{Authorizer, Grants};

/// Where the media server is, and where it finds us.
#[derive(Debug, Clone)]
pub struct ExternalConfig {
    /// Which server it is.
    pub server: Server,
    /// What is before the name of a stream in the URL that clients push to: scheme, host and application.
    pub push: String,
    /// The same for playing. What is pulled over HTTP is FLV.
    pub pull: String,
    /// The application of both.
    pub app: String,
    /// Where its hooks are accepted; port 0 takes a free one.
    pub hook_listen: SocketAddr,
    /// What the path of its hooks ends in, so that nobody else can call them.
    pub hook_secret: Option<String>,
    /// Its own address, where it is told to drop a client.
    pub api: Api,
    /// For how long after our start members may still come back.
    pub settling: Duration,
    /// How many streams and players.
    pub limits: BrokerLimits,
    /// For how many hooks at once the holder of a grant may be waited for after a restart.
    pub waiting: usize,
}

/// An HTTP address without TLS: on this machine, or in a network of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Host and port.
    pub authority: String,
    /// What is before the path of each request; without a slash at its end.
    pub path: String,
}

/// The engine that has another server do the work.
pub struct External {
    shared: Arc<Shared>,
    workers: Workers,
}

/// What hooks, control and the engine share.
struct Shared {
    config: ExternalConfig,
    gate: Gate,
    /// Held for moments, also by the signalling's threads.
    sessions: Mutex<Sessions>,
    flows: Arc<Flows>,
    /// There is somebody to drop.
    drops: Notify,
    /// Somebody has left.
    left: watch::Sender<()>,
    /// Hooks that are answered at once.
    hooks: Semaphore,
    started: Instant,
}

impl External {
    /// Begins to look after the server. Hooks are heard once [`External::hook_router`] is part of a server.
    ///
    /// # Errors
    ///
    /// Fails when the system gives no threads.
    pub fn start(
        config: ExternalConfig,
        grants: Arc<Grants>,
        authorizer: Arc<dyn Authorizer>,
    ) -> io::Result<Self> {
        let workers = Workers::start()?;
        let shared = Arc::new(Shared {
            gate: Gate::new(grants, authorizer, config.waiting),
            sessions: Mutex::new(Sessions::new(Limits::of(&config.limits))),
            flows: Arc::default(),
            drops: Notify::new(),
            left: watch::Sender::default(),
            hooks: Semaphore::new(hooks::AT_ONCE),
            started: Instant::now(),
            config,
        });
        workers.handle.spawn(control::drop_withdrawn(Arc::clone(&shared)));
        workers.handle.spawn(control::look_after(Arc::clone(&shared)));
        Ok(Self { shared, workers })
    }

    /// What the media server calls.
    pub fn hook_router(&self) -> Router {
        hooks::router(&self.shared)
    }

    /// Where hooks are answered: on threads of their own, so that no storm of them keeps the signalling waiting.
    #[must_use]
    pub fn workers(&self) -> &Handle {
        &self.workers.handle
    }

    /// Keeps to other limits from now on. Whoever publishes or plays goes on.
    pub fn limit_to(&self, limits: &BrokerLimits) {
        self.shared.sessions().limit_to(Limits::of(limits));
    }
}

impl MediaEngine for External {
    fn push_url(&self, stream: &str, grant: &str) -> String {
        format!("{}/{stream}?grant={grant}", self.shared.config.push)
    }

    fn pull_url(&self, stream: &str, grant: &str) -> String {
        let base = &self.shared.config.pull;
        let extension = if base.starts_with("http") { ".flv" } else { "" };
        format!("{base}/{stream}{extension}?grant={grant}")
    }

    fn end_stream(&self, stream: &str) {
        self.shared.sessions().withdraw_stream(stream, Instant::now());
        self.shared.drops.notify_one();
    }

    fn review(&self, holder: u64) {
        let permits = |action, stream: &str| self.shared.gate.permits(action, stream, holder);
        self.shared.sessions().review(holder, permits, Instant::now());
        self.shared.drops.notify_one();
    }

    fn is_live(&self, stream: &str) -> bool {
        self.shared.sessions().is_live(stream)
    }

    fn flows(&self) -> &Arc<Flows> {
        &self.shared.flows
    }

    fn statistics(&self) -> MediaStatistics {
        self.shared.sessions().statistics()
    }

    fn requests(&self) -> Vec<(&'static str, u64)> {
        self.shared.gate.requests()
    }
}

impl Shared {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // Nothing is left half done where anything could panic.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits for it that streams have lost somebody.
    fn tell_left(&self, streams: impl IntoIterator<Item = Arc<str>>) {
        let mut any = false;
        for stream in streams {
            any = true;
            self.flows.touch(&stream);
        }
        if any {
            self.left.send_replace(());
        }
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("server", &self.shared.config.server).finish_non_exhaustive()
    }
}
