//! What hooks, control and the engine share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::server::Server;
use super::sessions::Sessions;
use crate::media::Flows;
use crate::media::broker::BrokerLimits;
use crate::media::gate::Gate;

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

/// What hooks, control and the engine share.
pub(super) struct Shared {
    pub(super) config: ExternalConfig,
    pub(super) gate: Gate,
    /// Held for moments, also by the signalling's threads.
    pub(super) sessions: Mutex<Sessions>,
    pub(super) flows: Arc<Flows>,
    /// There is somebody to drop.
    pub(super) drops: Notify,
    /// Somebody has left.
    pub(super) left: watch::Sender<()>,
    /// Hooks that are answered at once.
    pub(super) hooks: Semaphore,
    pub(super) started: Instant,
}

impl Shared {
    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // Nothing is left half done where anything could panic.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits for it that streams have lost somebody.
    pub(super) fn tell_left(&self, streams: impl IntoIterator<Item = Arc<str>>) {
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
