//! The media engine inside the gateway: RTMP and HTTP-FLV from the process that does the signalling.
//!
//! Hides how the parts are put together, started and stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::select_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

pub use super::engine::EmbeddedLimits;
use super::engine::Engine;
use super::workers::Workers;
use crate::media::{APP, Flows, MediaEngine, MediaStatistics, flv, rtmp};
use crate::net::{Crowd, Tls};
use crate::rights::{Authorizer, Grants};
use crate::vital::Vital;

/// Where the engine listens and what it lets clients do.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// Where RTMP connections are accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where RTMP connections over TLS are accepted, if anywhere, and with what.
    pub secure: Option<(SocketAddr, Tls)>,
    /// What clients are told.
    pub announced: Announced,
    /// How much of everything.
    pub limits: EmbeddedLimits,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            secure: None,
            announced: Announced { is_secure: false, host: "127.0.0.1".to_owned(), port: None },
            limits: EmbeddedLimits::default(),
        }
    }
}

/// How clients reach this server.
#[derive(Debug, Clone)]
pub struct Announced {
    /// Over TLS, whoever does it.
    pub is_secure: bool,
    /// An IPv6 address in brackets.
    pub host: String,
    /// The port that clients see, if it is not the one listened on.
    pub port: Option<u16>,
}

/// The running engine.
#[derive(Debug)]
pub struct Embedded {
    engine: Arc<Engine>,
    strangers: Arc<Crowd>,
    _workers: Workers,
    rtmp_addr: SocketAddr,
    rtmps_addr: Option<SocketAddr>,
    edge: String,
    rtmp_url: String,
    stop: watch::Sender<bool>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Listens for RTMP. HTTP-FLV is served once [`Embedded::flv_router`] is part of a server. `vital` hears of
    /// it when the engine ends.
    ///
    /// # Errors
    ///
    /// Says which address cannot be listened on, and why.
    pub async fn start(
        config: EmbeddedConfig,
        grants: Arc<Grants>,
        authorizer: Arc<dyn Authorizer>,
        vital: &Vital,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let at = |addr| move |error| (addr, error);
        let workers = Workers::start().map_err(at(config.listen))?;
        let handle = workers.handle.clone();
        let (listener, rtmp_addr) = listen(&handle, config.listen).await.map_err(at(config.listen))?;
        let mut doors = vec![(listener, None)];
        let mut rtmps_addr = None;
        if let Some((addr, tls)) = config.secure {
            let (listener, bound) = listen(&handle, addr).await.map_err(at(addr))?;
            rtmps_addr = Some(bound);
            doors.push((listener, Some(tls)));
        }
        let Announced { is_secure, host, port } = config.announced;
        let (scheme, usual) = match (is_secure, rtmps_addr) {
            (false, _) => ("rtmp", rtmp_addr.port()),
            (true, Some(rtmps_addr)) => ("rtmps", rtmps_addr.port()),
            // Somebody before us does it.
            (true, None) => ("rtmps", RTMPS_PORT),
        };
        let edge = format!("{host}:{}", port.unwrap_or(usual));
        let strangers = Crowd::new(config.limits.strangers, config.limits.strangers_per_address);
        let engine = Arc::new(Engine::new(config.limits, handle.clone(), grants, authorizer));
        let (stop, stopped) = watch::channel(false);
        let accepting = vital.spawn_on(
            &handle,
            "rtmp",
            accept(doors, Arc::clone(&engine), Arc::clone(&strangers), stopped),
        );
        tracing::info!(%rtmp_addr, "media is served");
        Ok(Self {
            engine,
            strangers,
            _workers: workers,
            rtmp_addr,
            rtmps_addr,
            rtmp_url: format!("{scheme}://{edge}/{APP}"),
            edge,
            stop,
            listener: Mutex::new(Some(accepting)),
        })
    }

    /// Keeps to other limits from now on. Whoever publishes or plays goes on.
    pub fn limit_to(&self, limits: EmbeddedLimits) {
        self.strangers.limit_to(limits.strangers, limits.strangers_per_address);
        self.engine.limit_to(limits);
    }

    /// Where RTMP is listened on.
    #[must_use]
    pub fn rtmp_addr(&self) -> SocketAddr {
        self.rtmp_addr
    }

    /// Where RTMP over TLS is listened on, if it is.
    #[must_use]
    pub fn rtmps_addr(&self) -> Option<SocketAddr> {
        self.rtmps_addr
    }

    /// Where clients reach media: host and port.
    #[must_use]
    pub fn edge(&self) -> &str {
        &self.edge
    }

    /// `GET /live/<stream>.flv?grant=<grant>`.
    pub fn flv_router(&self) -> Router {
        flv::router(Arc::clone(&self.engine))
    }

    /// Tells every client that its stream is over, and returns when all connections are closed.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        self.engine.streams.broker().close();
        if let Some(accepting) = self.listener.lock().await.take() {
            // It fails only if it was aborted or panicked, and is over either way.
            let _ = accepting.await;
        }
    }
}

impl MediaEngine for Embedded {
    fn push_url(&self, stream: &str, grant: &str) -> String {
        format!("{}/{stream}?grant={grant}", self.rtmp_url)
    }

    fn pull_url(&self, stream: &str, grant: &str) -> String {
        self.push_url(stream, grant)
    }

    fn end_stream(&self, stream: &str) {
        self.engine.streams.broker().end(stream);
    }

    fn review(&self, holder: u64) {
        self.engine.review(holder);
    }

    fn is_live(&self, stream: &str) -> bool {
        self.engine.streams.broker().is_live(stream)
    }

    fn flows(&self) -> &Arc<Flows> {
        self.engine.streams.flows()
    }

    fn statistics(&self) -> MediaStatistics {
        self.engine.streams.broker().statistics()
    }

    fn requests(&self) -> Vec<(&'static str, u64)> {
        self.engine.requests()
    }
}

/// On threads of the engine's own.
async fn listen(workers: &Handle, addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = workers.spawn(TcpListener::bind(addr)).await??;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

async fn accept(
    doors: Vec<(TcpListener, Option<Tls>)>,
    engine: Arc<Engine>,
    strangers: Arc<Crowd>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut was_full = false;
    loop {
        let accepted = tokio::select! {
            accepted = next(&doors) => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((socket, peer, tls)) if connections.len() < engine.limits().connections => {
                was_full = false;
                let engine = Arc::clone(&engine);
                let stranger = strangers.enter(peer.ip()).await;
                connections.spawn(async move {
                    if let Err(cut) = rtmp::serve(socket, tls, &engine, stranger).await {
                        tracing::debug!(%peer, "an RTMP connection ends: {cut}");
                    }
                });
            }
            // Once for a whole crowd.
            Ok((_, peer, _)) if !was_full => {
                was_full = true;
                tracing::warn!(%peer, "an RTMP connection too many");
            }
            Ok(_) => {}
            // Out of file descriptors, mostly: trying again at once would only heat the room.
            Err(error) => {
                tracing::warn!("no RTMP connection could be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(doors);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(SHUTDOWN, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// Whoever comes next, at whichever door.
async fn next(doors: &[(TcpListener, Option<Tls>)]) -> io::Result<(TcpStream, SocketAddr, Option<Tls>)> {
    let accepted = doors.iter().map(|(listener, tls)| {
        Box::pin(async { listener.accept().await.map(|(socket, peer)| (socket, peer, tls.clone())) })
    });
    select_all(accepted).await.0
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Where clients look for RTMP over TLS when no port is named.
const RTMPS_PORT: u16 = 443;
/// Less than what the gateway as a whole allows itself.
const SHUTDOWN: Duration = Duration::from_secs(1);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::clock::Clock;
    use crate::rights::Roster;
    use crate::rights::{Action, Secret};

    #[tokio::test]
    async fn who_waits_for_its_member_after_a_restart_takes_no_strangers_place() {
        const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let grants = Arc::new(Grants::new(Secret::from_text("the same as before").unwrap()));
        let authorizer = Arc::new(Roster::new(Duration::from_secs(60), Clock::new()));
        let limits = EmbeddedLimits { waiting: 1, ..EmbeddedLimits::default() };
        let listen = SocketAddr::from((HERE, 0));
        let config = EmbeddedConfig { listen, limits, ..EmbeddedConfig::default() };
        let vital = Vital::default();
        let media = Embedded::start(config, Arc::clone(&grants), authorizer, &vital).await.unwrap();
        let asked = format!("s?grant={}", grants.issue(Action::Play, "s", 1, 1));

        let crowd = Crowd::new(2, 0);
        let (first, second) = (crowd.enter(HERE).await, crowd.enter(HERE).await);
        let mut waiting = pin!(media.engine.play(&asked, Some(&first)));
        assert!(waiting.as_mut().now_or_never().is_none() && first.is_proved());
        let refused = media.engine.play(&asked, Some(&second)).await;
        assert!(refused.is_err() && !second.is_proved(), "no place to wait in");
    }
}
