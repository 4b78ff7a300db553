//! Accepts TCP connections and speaks HTTP/1 on them, within limits.
//!
//! Stands in for `axum::serve`, which sets no time limit on a request's head and cannot be told how
//! many connections to hold.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::listener::{Connection, Listener};
use crate::vital::Vital;

/// The accepting task.
#[derive(Debug)]
pub(crate) struct Server {
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(vital: &Vital, listener: Listener, router: Router) -> Self {
        let stop = CancellationToken::new();
        let accepting = vital.spawn("http", accept(listener, router, stop.clone()));
        Self { stop, accepting }
    }

    /// Takes no more connections, and lets those without a request go.
    pub(crate) fn stop_accepting(&self) {
        self.stop.cancel();
    }

    /// Returns when the last connection is closed.
    pub(crate) async fn finish(self) {
        if let Err(error) = self.accepting.await {
            warn!("the accepting task failed: {error}");
        }
    }
}

async fn accept(mut listener: Listener, router: Router, stopped: CancellationToken) {
    let open = TaskTracker::new();
    let places = Arc::new(Semaphore::new(MAX_SOCKETS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            let (socket, _peer) = listener.accept().await;
            Some((socket, place))
        };
        let (socket, place) = tokio::select! {
            next = next => match next {
                Some(next) => next,
                None => break,
            },
            () = stopped.cancelled() => break,
        };
        open.spawn(speak(socket, router.clone(), stopped.clone(), place));
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// Serves one connection until it closes, becomes a WebSocket, or has answered its last request.
async fn speak(socket: Connection, router: Router, stopped: CancellationToken, _place: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let connection = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    let mut connection = pin!(connection.with_upgrades());
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopped.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!("an HTTP connection broke: {error}");
    }
}

/// HTTP connections at once; those that became WebSockets are the hub's to limit. More than there may be
/// players, each of which may use HTTP-FLV: a bootstrap must find a place beside them.
const MAX_SOCKETS: usize = 8192;
/// How long a request's head may take, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEAD: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::BrokerLimits;

    #[test]
    fn there_is_a_place_for_a_bootstrap_beside_all_players() {
        assert!(MAX_SOCKETS >= 2 * BrokerLimits::default().players);
    }
}
