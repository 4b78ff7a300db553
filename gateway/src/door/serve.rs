//! Accepts TCP connections and speaks HTTP/1 on them, within limits.
//!
//! Stands in for `axum::serve`, which sets no time limit on a request's head and cannot be told how
//! many connections to hold.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode, header};
use axum::serve::Listener as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinHandle;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::listener::{Connection, Listener};
use crate::net::{Crowd, Handover, Stranger, Tls, TlsStream};
use crate::vital::Vital;

/// The accepting task.
#[derive(Debug)]
pub(crate) struct Server {
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Whoever connects is one of `strangers` until a handler says that it proved a right. With `tls`, nobody is
    /// served without.
    pub(crate) fn start(
        vital: &Vital,
        name: &'static str,
        listener: Listener,
        tls: Option<Tls>,
        router: Router,
        strangers: Arc<Crowd>,
    ) -> Self {
        let stop = CancellationToken::new();
        let accepting = vital.spawn(name, accept(listener, tls, router, strangers, stop.clone()));
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

async fn accept(
    mut listener: Listener,
    tls: Option<Tls>,
    router: Router,
    strangers: Arc<Crowd>,
    stopped: CancellationToken,
) {
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
        let (stranger, router) = (Arc::new(stranger), router.clone());
        let socket = socket.of(Arc::clone(&stranger));
        let (tls, stopped, tracker) = (tls.clone(), stopped.clone(), open.clone());
        open.spawn(async move {
            let secured = match tls {
                Some(tls) => tokio::select! {
                    secured = secure(tls, socket, router, &stranger) => secured,
                    () = stopped.cancelled() => return,
                },
                None => Ok((Either::Left(socket), router)),
            };
            match secured {
                Ok((socket, router)) => speak(socket, router, stranger, stopped, tracker).await,
                Err(error) => debug!("a TLS handshake failed: {error}"),
            }
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// Waits for a handshake. Whoever comes without is told so, whatever it asks for.
async fn secure(
    tls: Tls,
    mut socket: Connection,
    router: Router,
    stranger: &Stranger,
) -> io::Result<(Secured, Router)> {
    if !socket.begins_tls().await? {
        let refused = (StatusCode::BAD_REQUEST, [(header::CONNECTION, "close")], PLAIN);
        return Ok((Either::Left(socket), Router::new().fallback(async move || refused)));
    }
    stranger.allow(MAX_HANDSHAKE);
    let secured = tls.shake_hands(socket).await?;
    stranger.allow(usize::MAX);
    Ok((Either::Right(secured), router))
}

/// A connection, over TLS or not.
type Secured = Either<Connection, TlsStream<Connection>>;

/// Who asks, as far as proxies that are known say so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

/// Serves one connection until it closes, becomes a WebSocket, or has answered its last request.
async fn speak(
    socket: Secured,
    router: Router,
    stranger: Arc<Stranger>,
    stopped: CancellationToken,
    open: TaskTracker,
) {
    let pulse = match &socket {
        Either::Left(socket) => socket.pulse(),
        Either::Right(secured) => secured.get_ref().0.pulse(),
    };
    let socket = TokioIo::new(socket);
    let handover = Handover::default();
    let (offered, inner) = (handover.clone(), TowerToHyperService::new(router));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let forwarded_for = request.headers().get_all(FORWARDED_FOR).iter();
        let client = stranger.client(forwarded_for.filter_map(|value| value.to_str().ok()));
        stranger.renew(client);
        request.extensions_mut().insert(Client(client));
        request.extensions_mut().insert(Arc::clone(&stranger));
        request.extensions_mut().insert(offered.clone());
        inner.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let mut connection = Box::pin(http.serve_connection(socket, service).with_upgrades());
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        workers = handover.taken() => {
            workers.spawn(open.track_future(async move {
                tokio::select! {
                    outcome = connection => conclude(outcome),
                    () = pulse.stops() => debug!("a player is gone"),
                }
            }));
            return;
        }
        () = stopped.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    conclude(outcome);
}

fn conclude(outcome: Result<(), hyper::Error>) {
    if let Err(error) = outcome {
        debug!("an HTTP connection broke: {error}");
    }
}

const FORWARDED_FOR: &str = "x-forwarded-for";
/// How long a request's head may take, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// As much as hyper's smallest buffer: of all strangers together it is not little.
const MAX_HEAD: usize = 8 * 1024;
/// Bytes of a handshake: a hello with everything that clients put into it has less than four thousand.
const MAX_HANDSHAKE: usize = 32 * 1024;
const PLAIN: &str = "This port speaks TLS only: use https:// or wss://.\n";
