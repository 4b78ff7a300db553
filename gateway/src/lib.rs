//! Signalling and media gateway for nertc-miniapp and the NERTC mini-program SDK.
//!
//! ```text
//! door/ ── bootstrap, operator ──┐                          ┌─ rights/ (tokens, grants, URLs)
//!          sockets, clock ───────┴─► rooms/ (Hub) ──────────┤
//! media/ ─ RTMP, HTTP-FLV ◄───────── who is there, ends ────┘
//! ```
//!
//! [`rooms::Hub`] decides everything about rooms and does nothing; [`Gateway`] gives it sockets, a
//! clock and a media engine. `docs/protocol.md` has the wire facts, `ARCHITECTURE.md` who may know whom.

pub mod clock;
pub mod config;
pub mod door;
pub mod log;
pub mod media;
mod net;
pub mod rights;
pub mod rooms;
pub mod vital;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::{Authority, Base, MediaScheme};
pub use crate::config::{Config, ConfigError, Settings};
use crate::door::http::Policy;
use crate::door::listener::Listener;
use crate::door::metrics::Metrics;
use crate::door::serve::Server;
use crate::door::shell::HubHandle;
use crate::door::{faults, flows, http};
use crate::media::MediaEngine;
use crate::media::embedded::{Announced, Embedded, EmbeddedConfig, EmbeddedLimits};
use crate::media::external::{External, ExternalConfig};
use crate::net::Crowd;
pub use crate::net::{Proxies, Tls};
use crate::rights::{Action, Authorizer, Grants, MediaUrls, Roster, Secret};
pub use crate::rights::{App, Apps};
use crate::rooms::{Hub, HubInput};
use crate::vital::Vital;

/// Parsers and writers without their sockets, for fuzzers (`tests/fuzz/`); no interface for anybody else.
#[doc(hidden)]
pub mod dry {
    pub use crate::media::flv::file as flv_file;
    pub use crate::media::rtmp::dry::DryConnection;
}

/// The whole gateway.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// Starts signalling and media; both accept connections when this returns.
    ///
    /// # Errors
    ///
    /// Fails when an address cannot be listened on, a certificate cannot be used, or no secret can be drawn.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let acme = config.acme()?;
        let certificate = match &acme {
            Some(acme) => {
                acme.prepare().map_err(|error| StartError::NoFolder(acme.folder.clone(), error))?;
                acme.kept()
            }
            None => config.certificate()?,
        };
        let has_tls = certificate.is_some() || acme.is_some();
        let tls = has_tls.then(|| Tls::new(certificate.as_ref(), acme.is_some())).transpose()?;
        for doubt in config.doubts().into_iter().chain(config.doubts_about_tls()?) {
            warn!("{doubt}");
        }
        let policy = Arc::new(ArcSwap::from_pointee(policy(&config)));
        let (media_limits, strangers) = limits(&config);
        let external = config.external()?;
        let admin_listen = config.admin_address();
        let secret = match &config.secret {
            Some(secret) => secret.clone(),
            None => Secret::random().map_err(StartError::NoSecret)?,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(StartError::http(config.listen))?;
        let http_addr = listener.local_addr().map_err(StartError::http(config.listen))?;
        let admin = TcpListener::bind(admin_listen).await.map_err(StartError::admin(admin_listen))?;
        let admin_addr = admin.local_addr().map_err(StartError::admin(admin_listen))?;
        let grants = Arc::new(Grants::new(secret.clone()));
        let clock = Clock::new();
        let roster = Arc::new(Roster::new(config.hub.settling, clock));
        let asked = Arc::clone(&roster) as Arc<dyn Authorizer>;
        let vital = Vital::default();
        let (media, edge) = match external {
            Some(external) => {
                let edge = config.media_server.push.as_ref().map_or("", Base::authority).to_owned();
                (MediaServer::beside(external, Arc::clone(&grants), asked, &vital).await?, edge)
            }
            None => {
                let media_config = EmbeddedConfig {
                    listen: config.rtmp_listen,
                    secure: config.rtmps_listen.zip(tls.clone()),
                    announced: announced(&config),
                    limits: media_limits,
                };
                let media = Embedded::start(media_config, Arc::clone(&grants), asked, &vital).await;
                let media = media.map_err(|(addr, error)| StartError::Rtmp(addr, error))?;
                let edge = media.edge().to_owned();
                (MediaServer::Embedded(Arc::new(media)), edge)
            }
        };

        let engine = media.engine();
        let urls = MediaUrls::new(grants, move |action, stream, grant| match action {
            Action::Publish => engine.push_url(stream, grant),
            Action::Play => engine.pull_url(stream, grant),
        });
        let metrics = Metrics::new();
        let hub = Hub::new(config.hub, secret.clone(), urls);
        let engine = media.engine();
        let hub = HubHandle::start(
            &vital,
            hub,
            clock,
            config.send_queue,
            roster,
            Arc::clone(&engine),
            metrics.clone(),
        );
        drop(vital.spawn("media state", flows::follow(hub.clone(), Arc::clone(&engine))));
        let gateway = if config.public_address.is_empty() {
            reachable(http_addr).to_string()
        } else {
            config.public_address
        };
        let public = gateway.clone();
        let context = http::Context {
            hub: hub.clone(),
            clock,
            latest_ticket: AtomicU64::new(0),
            secret,
            gateway,
            edge,
            dev: config.dev,
            policy: Arc::clone(&policy),
            media: engine,
            metrics,
            reports: AtomicU64::new(0),
            reading: Semaphore::new(1),
        };
        let context = Arc::new(context);
        let mut router = http::router(Arc::clone(&context));
        if config.allow_faults {
            router = faults::allow(router).merge(faults::ends(hub.clone(), vital.clone()));
        }
        if let MediaServer::Embedded(media) = &media {
            router = router.merge(media.flv_router());
        }
        let router = http::with_public_path(router, public);
        let strangers = Crowd::new(strangers, config.max_strangers_per_address);
        strangers.trust(config.trusted_proxies);
        let listener = Listener::new(listener, STALLED);
        if let (Some(acme), Some(tls)) = (acme, &tls) {
            drop(vital.spawn("acme", acme.keep(tls.clone())));
        }
        let server = Server::start(&vital, "http", listener, tls.clone(), router, Arc::clone(&strangers));
        // No crowd at the other door keeps the operator out.
        let (admin, operators) = (Listener::new(admin, STALLED), Crowd::new(OPERATORS, 0));
        let admin = Server::start(&vital, "admin", admin, None, http::operator_router(context), operators);
        let how = if tls.is_some() { " over TLS" } else { "" };
        info!(%http_addr, "signalling is served{how}");
        info!(%admin_addr, "the operator is served");
        let Addresses { rtmp: rtmp_addr, rtmps: rtmps_addr, hooks: hooks_addr } = media.addresses();
        Ok(Running {
            http_addr,
            rtmp_addr,
            rtmps_addr,
            hooks_addr,
            admin_addr,
            hub,
            media,
            tls,
            strangers,
            policy,
            server,
            admin,
            vital,
        })
    }
}

/// A started gateway.
#[derive(Debug)]
pub struct Running {
    /// Where HTTP and WebSocket connections are accepted.
    pub http_addr: SocketAddr,
    /// Where RTMP connections are accepted; at no port where another media server does.
    pub rtmp_addr: SocketAddr,
    /// Where RTMP connections over TLS are accepted, if they are.
    pub rtmps_addr: Option<SocketAddr>,
    /// Where another media server's hooks are accepted, if there is one.
    pub hooks_addr: Option<SocketAddr>,
    /// Where the operator's calls are accepted.
    pub admin_addr: SocketAddr,
    hub: HubHandle,
    media: MediaServer,
    tls: Option<Tls>,
    strangers: Arc<Crowd>,
    policy: Arc<ArcSwap<Policy>>,
    server: Server,
    admin: Server,
    vital: Vital,
}

impl Running {
    /// Waits until a part has ended without which the gateway is none, and names it. What is left then serves
    /// nobody: the process should end.
    pub async fn failed(&self) -> &'static str {
        self.vital.first_end().await
    }

    /// Takes over what a running gateway can: applications, the operator's token, limits and times, and what the
    /// files of its certificate hold: whether that is another one. Nobody who is connected is dropped for it; what
    /// is too much only finds no successor.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the certificate's files; then nothing is taken over.
    pub async fn reconfigure(&self, config: &Config) -> Result<bool, ConfigError> {
        let certificate = config.certificate()?;
        let (media, strangers) = limits(config);
        self.policy.store(Arc::new(policy(config)));
        self.strangers.limit_to(strangers, config.max_strangers_per_address);
        self.strangers.trust(config.trusted_proxies.clone());
        self.media.limit_to(media);
        // Without a hub the gateway is stopping.
        let _stopping = self.hub.reconfigure(config.hub.clone(), config.send_queue);
        let both = self.tls.as_ref().zip(certificate);
        Ok(both.is_some_and(|(tls, certificate)| tls.replace(&certificate)))
    }

    /// Lets no room begin from now on; whose call goes on may come back to it, and be joined in it.
    pub async fn drain(&self) {
        self.hub.input(HubInput::Drain);
    }

    /// Returns when the last room is empty, after [`Running::drain`].
    pub async fn drained(&self) {
        self.hub.drained().await;
    }

    /// Tells every client to reconnect, ends every stream, and returns when all is closed, or after two
    /// seconds.
    pub async fn shutdown(self) {
        self.server.stop_accepting();
        self.admin.stop_accepting();
        let all = async {
            tokio::join!(self.hub.shut_down(), self.media.shut_down());
            tokio::join!(self.server.finish(), self.admin.finish());
        };
        if timeout(SHUTDOWN_TIMEOUT, all).await.is_err() {
            warn!("some connections did not close in time");
        }
    }
}

/// Who moves the media.
#[derive(Debug)]
enum MediaServer {
    Embedded(Arc<Embedded>),
    /// Another, its hooks' address, and who listens there.
    Beside(Arc<External>, SocketAddr, Server),
}

impl MediaServer {
    async fn beside(
        config: ExternalConfig,
        grants: Arc<Grants>,
        asked: Arc<dyn Authorizer>,
        vital: &Vital,
    ) -> Result<Self, StartError> {
        let (listen, server) = (config.hook_listen, config.server);
        let failed = StartError::hooks(listen);
        let media = External::start(config, grants, asked, vital).map_err(&failed)?;
        let (router, vital) = (media.hook_router(), vital.clone());
        // Whatever is spawned in there stays there.
        let listening = media.workers().spawn(async move {
            let listener = TcpListener::bind(listen).await?;
            let addr = listener.local_addr()?;
            let listener = Listener::new(listener, STALLED);
            Ok((addr, Server::start(&vital, "hooks", listener, None, router, Crowd::new(HOOKS, 0))))
        });
        let listening = listening.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let (addr, hooks) = listening.map_err(&failed)?;
        info!(%addr, "hooks of {server} are answered");
        Ok(Self::Beside(Arc::new(media), addr, hooks))
    }

    fn engine(&self) -> Arc<dyn MediaEngine> {
        match self {
            Self::Embedded(media) => Arc::clone(media) as Arc<dyn MediaEngine>,
            Self::Beside(media, ..) => Arc::clone(media) as Arc<dyn MediaEngine>,
        }
    }

    fn addresses(&self) -> Addresses {
        match self {
            Self::Embedded(media) => {
                Addresses { rtmp: media.rtmp_addr(), rtmps: media.rtmps_addr(), hooks: None }
            }
            Self::Beside(_, addr, _) => {
                Addresses { rtmp: SocketAddr::from(([0, 0, 0, 0], 0)), rtmps: None, hooks: Some(*addr) }
            }
        }
    }

    fn limit_to(&self, limits: EmbeddedLimits) {
        match self {
            Self::Embedded(media) => media.limit_to(limits),
            Self::Beside(media, ..) => media.limit_to(&limits.broker),
        }
    }

    /// Ends every stream of our own. Another server's go on without us.
    async fn shut_down(self) {
        match self {
            Self::Embedded(media) => media.shutdown().await,
            Self::Beside(_, _, hooks) => {
                hooks.stop_accepting();
                hooks.finish().await;
            }
        }
    }
}

/// Where who moves the media listens.
struct Addresses {
    rtmp: SocketAddr,
    rtmps: Option<SocketAddr>,
    hooks: Option<SocketAddr>,
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The certificate, or another media server, cannot be used like this.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no place for certificates.
    #[error("acme-folder: {0:?} cannot be made: {1}")]
    NoFolder(PathBuf, io::Error),
    /// There can be no TLS.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// No random numbers.
    #[error("cannot draw a secret: {0}")]
    NoSecret(getrandom::Error),
    /// The HTTP address is taken or not ours.
    #[error("cannot listen on {0} for HTTP: {1}; choose another with --listen")]
    Http(SocketAddr, io::Error),
    /// The operator's address is taken or not ours.
    #[error("cannot listen on {0} for the operator: {1}; choose another with --admin-listen")]
    Admin(SocketAddr, io::Error),
    /// The address for hooks is taken or not ours.
    #[error("cannot listen on {0} for the media server's hooks: {1}; choose another with --hook-listen")]
    Hooks(SocketAddr, io::Error),
    /// The RTMP address is taken or not ours.
    #[error("cannot listen on {0} for RTMP: {1}; choose another with --rtmp-listen or --rtmps-listen")]
    Rtmp(SocketAddr, io::Error),
}

impl StartError {
    fn http(addr: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |error| Self::Http(addr, error)
    }

    fn admin(addr: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |error| Self::Admin(addr, error)
    }

    fn hooks(addr: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |error| Self::Hooks(addr, error)
    }
}

/// What clients are told of the media: as the settings say, or where they are listened for.
fn announced(config: &Config) -> Announced {
    let (public, secure) = (config.public_media.as_ref(), config.rtmps_listen);
    let is_secure = match public.and_then(|public| public.scheme) {
        Some(MediaScheme::Rtmps) => true,
        Some(MediaScheme::Rtmp) => false,
        None => secure.is_some(),
    };
    let listen = secure.filter(|_| is_secure).unwrap_or(config.rtmp_listen);
    let authority = public.map_or_else(|| reachable(listen), |public| public.authority.clone());
    // The port that is listened on may be known only then.
    let port = public.and_then(|public| public.authority.port());
    Announced { is_secure, host: authority.host().to_owned(), port }
}

fn policy(config: &Config) -> Policy {
    let Config { apps, ticket_ttl, admin_token, .. } = config.clone();
    Policy { apps, ticket_ttl, admin_token }
}

/// Those of media, and how many strangers there may be at the door for HTTP.
fn limits(config: &Config) -> (EmbeddedLimits, usize) {
    let strangers = at_most(config.max_strangers);
    let media = EmbeddedLimits {
        strangers: strangers.div_ceil(4),
        strangers_per_address: config.max_strangers_per_address,
        ..config.media.clone()
    };
    (media, strangers)
}

/// Strangers must leave files for everybody else, however few the system allows.
fn at_most(strangers: usize) -> usize {
    let files = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    strangers.min(usize::try_from(files / 4).unwrap_or(usize::MAX))
}

/// Where a client on this machine reaches a listener; "every address" is none that it could call.
fn reachable(mut addr: SocketAddr) -> Authority {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Authority::of(addr)
}

/// How long an HTTP peer may take nothing while something is there for it.
const STALLED: Duration = Duration::from_secs(10);
/// Connections of the operator at once that do nothing; for one more, the oldest goes.
const OPERATORS: usize = 256;
/// The same of another media server.
const HOOKS: usize = 1024;
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(1800);
