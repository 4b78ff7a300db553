//! Signalling and media gateway for nertc-miniapp and the NERTC mini-program SDK.
//!
//! ```text
//! http.rs ─ bootstrap, operator ─┐                       ┌─ urls.rs ─ token.rs
//! ws.rs ─── sockets, clock ──────┴─► hub.rs (rooms) ─────┤
//! embedded.rs ─ RTMP, HTTP-FLV ◄─── who is there, ends ──┘
//! ```
//!
//! [`hub::Hub`] decides everything about rooms and does nothing; [`Gateway`] gives it sockets, a
//! clock and a media engine. `docs/protocol.md` has the wire facts.

mod amf;
pub mod broker;
mod clock;
pub mod config;
mod cors;
pub mod embedded;
mod faults;
mod flv;
mod guests;
mod hall;
mod http;
pub mod hub;
pub mod listener;
pub mod media;
mod memory;
mod rtmp;
mod serve;
mod strangers;
pub mod token;
pub mod urls;
mod ws;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::clock::Clock;
pub use crate::config::{Config, ConfigError, Settings};
use crate::embedded::{Embedded, EmbeddedConfig, EmbeddedLimits};
use crate::guests::GuestList;
pub use crate::http::{App, Apps};
use crate::hub::Hub;
use crate::listener::Listener;
use crate::media::MediaEngine;
use crate::serve::Server;
use crate::strangers::Crowd;
use crate::token::{Action, Grants, Secret};
use crate::urls::MediaUrls;
use crate::ws::HubHandle;

/// The whole gateway.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// Starts signalling and media; both accept connections when this returns.
    ///
    /// # Errors
    ///
    /// Fails when an address cannot be listened on, or when no secret can be drawn.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let secret = match config.secret {
            Some(secret) => secret,
            None => {
                warn!("no secret is set: a restart ends every ticket, and no other gateway accepts ours");
                Secret::random().map_err(StartError::NoSecret)?
            }
        };
        if config.apps == Apps::Any && !config.listen.ip().is_loopback() {
            warn!("no application is listed: everybody who reaches {} may open rooms", config.listen);
        }
        let strangers = at_most(config.max_strangers);
        let listener = TcpListener::bind(config.listen).await.map_err(StartError::http(config.listen))?;
        let http_addr = listener.local_addr().map_err(StartError::http(config.listen))?;
        let grants = Arc::new(Grants::new(secret.clone()));
        let (host, port) = split_port(&config.public_media);
        let public_host =
            if host.is_empty() { reachable(config.rtmp_listen).ip().to_string() } else { host.into() };
        let media_config = EmbeddedConfig {
            listen: config.rtmp_listen,
            public_host: public_host.clone(),
            public_port: port,
            limits: EmbeddedLimits {
                strangers: strangers.div_ceil(4),
                strangers_per_address: config.max_strangers_per_address,
                ..EmbeddedLimits::default()
            },
            ..EmbeddedConfig::default()
        };
        let guests = Arc::new(GuestList::default());
        let asked = Arc::clone(&guests);
        let welcome = move |action, stream: &str, uid| asked.welcomes(action, stream, uid);
        let media = Embedded::start(media_config, Arc::clone(&grants), welcome).await;
        let media = Arc::new(media.map_err(StartError::rtmp(config.rtmp_listen))?);
        let edge = format!("{public_host}:{}", port.unwrap_or(media.rtmp_addr().port()));

        let engine = Arc::clone(&media);
        let urls = MediaUrls::new(grants, move |action, stream, grant| match action {
            Action::Publish => engine.push_url(stream, grant),
            Action::Play => engine.pull_url(stream, grant),
        });
        let hub = Hub::new(config.hub, secret.clone(), urls);
        let engine = Arc::clone(&media) as Arc<dyn MediaEngine>;
        let hub = HubHandle::start(hub, Clock::new(), config.send_queue, guests, Arc::clone(&engine));
        let gateway = if config.public_address.is_empty() {
            reachable(http_addr).to_string()
        } else {
            config.public_address
        };
        let desk = http::Desk {
            hub: hub.clone(),
            secret,
            apps: config.apps,
            gateway,
            edge,
            ticket_ttl: config.ticket_ttl,
            admin_token: config.admin_token,
            dev: config.dev,
            media: engine,
            reports: AtomicU64::new(0),
            reading: Semaphore::new(1),
        };
        let mut router = http::router(Arc::new(desk));
        if config.allow_faults {
            warn!("FAULTS ARE ALLOWED: whoever connects may ask for misbehaviour. Never in production!");
            router = faults::allow(router);
        }
        let router = router.merge(media.flv_router());
        let strangers = Crowd::new(strangers, config.max_strangers_per_address);
        let server = Server::start(Listener::new(listener, STALLED), router, strangers);
        info!(%http_addr, "signalling is served");
        Ok(Running { http_addr, rtmp_addr: media.rtmp_addr(), hub, media, server })
    }
}

/// A started gateway.
#[derive(Debug)]
pub struct Running {
    /// Where HTTP and WebSocket connections are accepted.
    pub http_addr: SocketAddr,
    /// Where RTMP connections are accepted.
    pub rtmp_addr: SocketAddr,
    hub: HubHandle,
    media: Arc<Embedded>,
    server: Server,
}

impl Running {
    /// Tells every client to reconnect, ends every stream, and returns when all is closed, or after two
    /// seconds.
    pub async fn shutdown(self) {
        self.server.stop_accepting();
        let all = async {
            tokio::join!(self.hub.shut_down(), self.media.shutdown());
            self.server.finish().await;
        };
        if timeout(SHUTDOWN_TIMEOUT, all).await.is_err() {
            warn!("some connections did not close in time");
        }
    }
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No random numbers.
    #[error("cannot draw a secret: {0}")]
    NoSecret(getrandom::Error),
    /// The HTTP address is taken or not ours.
    #[error("cannot listen on {0} for HTTP: {1}; choose another with --listen")]
    Http(SocketAddr, io::Error),
    /// The RTMP address is taken or not ours.
    #[error("cannot listen on {0} for RTMP: {1}; choose another with --rtmp-listen")]
    Rtmp(SocketAddr, io::Error),
}

impl StartError {
    fn http(addr: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |error| Self::Http(addr, error)
    }

    fn rtmp(addr: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |error| Self::Rtmp(addr, error)
    }
}

/// Where a client on this machine reaches a listener; "every address" is none that it could call.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        warn!("clients are told 127.0.0.1 for {addr}; set --public-address and --public-media");
        addr.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    addr
}

/// Strangers must leave files for everybody else, however few the system allows.
fn at_most(strangers: usize) -> usize {
    let files = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    strangers.min(usize::try_from(files / 4).unwrap_or(usize::MAX))
}

fn split_port(text: &str) -> (&str, Option<u16>) {
    let split = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    split.map_or((text, None), |(host, port)| (host, Some(port)))
}

/// How long an HTTP peer may take nothing while something is there for it.
const STALLED: Duration = Duration::from_secs(10);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(1800);
