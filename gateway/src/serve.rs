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
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::listener::{Connection, Listener};
use crate::strangers::{Crowd, Stranger};

/// The accepting task.
#[derive(Debug)]
pub(crate) struct Server {
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Whoever connects is one of `strangers` until a handler says that it proved a right.
    pub(crate) fn start(listener: Listener, router: Router, strangers: Arc<Crowd>) -> Self {
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, router, strangers, stop.clone()));
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

async fn accept(mut listener: Listener, router: Router, strangers: Arc<Crowd>, stopped: CancellationToken) {
    let open = TaskTracker::new();
    loop {
        let next = async {
            let (socket, peer) = listener.accept().await;
            (socket, strangers.enter(peer.ip()).await)
        };
        let (socket, stranger) = tokio::select! {
            next = next => next,
            () = stopped.cancelled() => break,
        };
        open.spawn(speak(socket, router.clone(), Arc::new(stranger), stopped.clone()));
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// Serves one connection until it closes, becomes a WebSocket, or has answered its last request.
async fn speak(socket: Connection, router: Router, stranger: Arc<Stranger>, stopped: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let socket = TokioIo::new(socket.of(Arc::clone(&stranger)));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        stranger.renew();
        request.extensions_mut().insert(Arc::clone(&stranger));
        router.call(request)
    });
    let mut connection = pin!(http.serve_connection(socket, service).with_upgrades());
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

/// How long a request's head may take, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// As much as hyper's smallest buffer: of all strangers together it is not little.
const MAX_HEAD: usize = 8 * 1024;
