//! What every handler needs to know.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::extract::State;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::door::metrics::Metrics;
use crate::door::shell::HubHandle;
use crate::media::MediaEngine;
use crate::rights::{Apps, Secret};

/// What the HTTP side needs to know.
pub(crate) struct Context {
    pub(crate) hub: HubHandle,
    pub(crate) clock: Clock,
    /// When the ticket expires that lasts longest: each next one lasts longer, because that is how the later
    /// of a user's stays is told from the earlier.
    pub(crate) latest_ticket: AtomicU64,
    pub(crate) secret: Secret,
    /// Where clients reach the signalling: `host:port`, perhaps with a path; no scheme.
    pub(crate) gateway: String,
    /// Where clients reach the media server: `host:port`.
    pub(crate) edge: String,
    pub(crate) dev: bool,
    pub(crate) policy: Arc<ArcSwap<Policy>>,
    pub(crate) media: Arc<dyn MediaEngine>,
    pub(crate) metrics: Metrics,
    pub(crate) reports: AtomicU64,
    /// Whose report is read.
    pub(crate) reading: Semaphore,
}

/// Who may do what, which may change while the gateway runs.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) apps: Apps,
    pub(crate) ticket_ttl: Duration,
    pub(crate) admin_token: Option<String>,
}

/// As handlers are given it.
pub(super) type Shared = State<Arc<Context>>;
