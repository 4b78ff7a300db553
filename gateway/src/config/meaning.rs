//! What settings mean: everything the gateway needs to know.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::address::MediaAddress;
use super::error::ConfigError;
use super::media_server::MediaServer;
use crate::media::embedded::EmbeddedLimits;
use crate::media::external::ExternalConfig;
use crate::net::Proxies;
use crate::rights::{Apps, Secret};
use crate::rooms::HubConfig;

/// Everything the gateway needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP and WebSocket connections are accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where RTMP connections are accepted; port 0 takes a free one.
    pub rtmp_listen: SocketAddr,
    /// Where the operator's calls are accepted; [`Config::admin_address`] when absent.
    pub admin_listen: Option<SocketAddr>,
    /// Where clients reach the signalling, without scheme; the listening address when empty.
    pub public_address: String,
    /// Where clients reach RTMP; the listening address when absent.
    pub public_media: Option<MediaAddress>,
    /// The certificate that clients are shown, with its chain; without one they are served in the clear.
    pub tls_certificate: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// Where certificates are kept that the gateway gets by itself; without it, it gets none.
    pub acme_folder: Option<PathBuf>,
    /// From whom.
    pub acme_directory: String,
    /// Whom that one may write to.
    pub acme_contact: Option<String>,
    /// Where RTMP connections over TLS are accepted, if anywhere.
    pub rtmps_listen: Option<SocketAddr>,
    /// Which media server there is.
    pub media_server: MediaServer,
    /// Signs tickets and grants; drawn at the start when absent, which ends them with the process.
    pub secret: Option<Secret>,
    /// Who may use the gateway.
    pub apps: Apps,
    /// Opens the operator's calls to whoever knows it.
    pub admin_token: Option<String>,
    /// Signs application tokens for whoever asks.
    pub dev: bool,
    /// Lets clients ask for misbehaviour; never in production.
    pub allow_faults: bool,
    /// How long a login ticket lasts.
    pub ticket_ttl: Duration,
    /// How long calls may go on when the gateway is told to stop.
    pub drain_time: Duration,
    /// Frames that may wait for one connection before it counts as too slow, besides those that a full room
    /// may bring at once.
    pub send_queue: usize,
    /// HTTP connections, WebSockets included, that have not proved a right yet, and a quarter as many of
    /// RTMP. For one more, the oldest goes.
    pub max_strangers: usize,
    /// Those of one address, loopback and private networks excepted; 0 is no limit.
    pub max_strangers_per_address: usize,
    /// Who is believed about whom it speaks for.
    pub trusted_proxies: Proxies,
    /// The limits and times of the rooms.
    pub hub: HubConfig,
    /// The limits and times of the media.
    pub media: EmbeddedLimits,
    /// What is logged: a level, or a tracing filter.
    pub log: String,
    /// Whether each line of the log is a JSON object.
    pub log_json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8395)),
            rtmp_listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            admin_listen: None,
            public_address: String::new(),
            public_media: None,
            tls_certificate: None,
            tls_key: None,
            acme_folder: None,
            acme_directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            acme_contact: None,
            rtmps_listen: None,
            media_server: MediaServer::default(),
            secret: None,
            apps: Apps::Any,
            admin_token: None,
            dev: false,
            allow_faults: false,
            ticket_ttl: Duration::from_secs(86_400),
            drain_time: Duration::ZERO,
            send_queue: 1024,
            max_strangers: 4096,
            max_strangers_per_address: 512,
            trusted_proxies: Proxies::default(),
            hub: HubConfig::default(),
            media: EmbeddedLimits::default(),
            log: "info".to_owned(),
            log_json: false,
        }
    }
}

impl Config {
    /// Where the operator's calls are accepted: on this machine alone unless the settings say otherwise, and at a
    /// free port where several gateways may be.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        let is_usual = self.listen.port() == Self::default().listen.port();
        let port = if is_usual { self.listen.port() + 1 } else { 0 };
        self.admin_listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// The media server that is not in this process, if there is one.
    ///
    /// # Errors
    ///
    /// Says what is missing, or does not fit.
    pub fn external(&self) -> Result<Option<ExternalConfig>, ConfigError> {
        self.media_server.external(self.hub.settling, &self.media)
    }

    /// The log filter. A plain level is ours alone: other crates' details may quote tokens.
    #[must_use]
    pub fn log_filter(&self) -> String {
        let plain = self.log.bytes().all(|byte| byte.is_ascii_alphabetic());
        if plain { format!("warn,nertc_gateway={}", self.log) } else { self.log.clone() }
    }
}
