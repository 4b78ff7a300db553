//! A media server beside this process: it moves the media, and asks here who may publish and play.
//!
//! Hides which server that is and how it is spoken with: its hooks come in (`hooks`), what it is told goes out
//! (`control`), and `sessions` has who is connected there.

mod control;
mod hooks;
mod nginx_rtmp;
mod server;
mod sessions;
mod shared;
mod srs;
mod words;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

pub use self::server::Server;
use self::sessions::{Limits, Sessions};
use self::shared::Shared;
pub use self::shared::{Api, ExternalConfig};
use super::gate::Gate;
use super::workers::Workers;
use crate::media::broker::BrokerLimits;
use crate::media::{Flows, MediaEngine, MediaStatistics};
use crate::rights::{Authorizer, Grants};
use crate::vital::Vital;

/// The engine that has another server do the work.
pub struct External {
    shared: Arc<Shared>,
    workers: Workers,
}

impl External {
    /// Begins to look after the server. Hooks are heard once [`External::hook_router`] is part of a server. `vital`
    /// hears of it when that ends.
    ///
    /// # Errors
    ///
    /// Fails when the system gives no threads.
    pub fn start(
        config: ExternalConfig,
        grants: Arc<Grants>,
        authorizer: Arc<dyn Authorizer>,
        vital: &Vital,
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
        let control = control::drop_withdrawn(Arc::clone(&shared));
        drop(vital.spawn_on(&workers.handle, "media control", control));
        let watch = control::look_after(Arc::clone(&shared));
        drop(vital.spawn_on(&workers.handle, "media watch", watch));
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

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("server", &self.shared.config.server).finish_non_exhaustive()
    }
}
