//! What can be configured: flags before environment before file before defaults.
//!
//! Hides where a value came from. [`Settings`] is what somebody wrote, [`Config`] what it means.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use nertc_miniapp::protocol::MOST_MEMBERS;
use serde::{Deserialize, Serialize};

use crate::http::{App, Apps};
use crate::hub::HubConfig;
use crate::token::{Secret, WeakSecret};

/// Everything the gateway needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP and WebSocket connections are accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where RTMP connections are accepted; port 0 takes a free one.
    pub rtmp_listen: SocketAddr,
    /// Where clients reach the signalling, without scheme; the listening address when empty.
    pub public_address: String,
    /// Where clients reach RTMP, `host` or `host:port`; the listening address when empty.
    pub public_media: String,
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
    /// How long a login ticket and the media grants of its session last.
    pub ticket_ttl: Duration,
    /// Frames that may wait for one connection before it counts as too slow, besides those that a full room
    /// may bring at once.
    pub send_queue: usize,
    /// HTTP connections, WebSockets included, that have not proved a right yet, and a quarter as many of
    /// RTMP. For one more, the oldest goes.
    pub max_strangers: usize,
    /// Those of one address, loopback and private networks excepted; 0 is no limit.
    pub max_strangers_per_address: usize,
    /// The limits and times of the rooms.
    pub hub: HubConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8395)),
            rtmp_listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            public_address: String::new(),
            public_media: String::new(),
            secret: None,
            apps: Apps::Any,
            admin_token: None,
            dev: false,
            allow_faults: false,
            ticket_ttl: Duration::from_secs(86_400),
            send_queue: 1024,
            max_strangers: 4096,
            max_strangers_per_address: 512,
            hub: HubConfig::default(),
        }
    }
}

/// Signalling and media gateway for nertc-miniapp and the NERTC mini-program SDK
#[derive(Debug, Clone, Default, Parser, Serialize, Deserialize)]
#[command(version, about, after_help = EXAMPLES, next_line_help = true)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// TOML file with the options below (without the dashes); flags and environment win over it
    #[arg(long, env = "NERTC_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Where HTTP and WebSocket connections are accepted; port 0 takes a free one [default: 127.0.0.1:8395]
    #[arg(long, env = "NERTC_LISTEN", value_name = "IP:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,

    /// Where RTMP connections are accepted; port 0 takes a free one [default: 127.0.0.1:1935]
    #[arg(long, env = "NERTC_RTMP_LISTEN", value_name = "IP:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtmp_listen: Option<SocketAddr>,

    /// Where clients reach the signalling: host, perhaps port and path, no scheme (clients add wss://)
    /// [default: the listening address]
    #[arg(long, env = "NERTC_PUBLIC_ADDRESS", value_name = "HOST[:PORT][/PATH]")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_address: Option<String>,

    /// Where clients reach RTMP [default: the listening address]
    #[arg(long, env = "NERTC_PUBLIC_MEDIA", value_name = "HOST[:PORT]")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_media: Option<String>,

    /// Signs login tickets and media grants, at least 16 bytes. Gateways that share it accept each
    /// other's; without it a restart ends every ticket
    #[arg(long, env = "NERTC_SECRET", value_name = "TEXT", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,

    /// An application that may use the gateway; give it once per application. With a secret, its
    /// clients need a token (secure mode); without any --app, every app key may, without token
    #[arg(
        long = "app",
        env = "NERTC_APPS",
        value_name = "KEY[=SECRET]",
        value_delimiter = ',',
        hide_env_values = true
    )]
    #[serde(skip)]
    pub app: Vec<AppFlag>,

    /// Applications in the file: [apps.KEY] secret = "…", secure = true
    #[arg(skip)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<String, App>,

    /// Opens GET /v1/rooms and POST /v1/rooms/CHANNEL/kick and /dissolve to "Authorization: Bearer TEXT"
    #[arg(long, env = "NERTC_ADMIN_TOKEN", value_name = "TEXT", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_token: Option<String>,

    /// Development: POST /v1/dev/token signs application tokens for whoever asks
    #[arg(long, env = "NERTC_DEV", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<bool>,

    /// Tests only, never in production: a client may ask for faults of its own connection in the query
    /// of the bootstrap or WebSocket URL, as in ?faults=drop-after:2000,times:1; the answer to
    /// ?faults=help lists them
    #[arg(
        long,
        env = "NERTC_ALLOW_FAULTS",
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_faults: Option<bool>,

    /// How long a session's login ticket and media grants last, in seconds [default: 86400]
    #[arg(long, env = "NERTC_TICKET_TTL", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_ttl: Option<u64>,

    /// How long a member that lost its connection stays in the room, in seconds [default: 30]
    #[arg(long, env = "NERTC_GRACE", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<u64>,

    /// Signalling connections at once [default: 10000]
    #[arg(long, env = "NERTC_MAX_CONNECTIONS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<usize>,

    /// Rooms at once [default: 5000]
    #[arg(long, env = "NERTC_MAX_ROOMS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rooms: Option<usize>,

    /// Members of one room, at most 1000 [default: 200]
    #[arg(long, env = "NERTC_MAX_MEMBERS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_members: Option<usize>,

    /// Connections at once that have not proved a right: HTTP, WebSockets before their login, and a quarter
    /// as many of RTMP before their grant. For one more, the oldest goes [default: 4096]
    #[arg(long, env = "NERTC_MAX_STRANGERS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_strangers: Option<usize>,

    /// Those of one address. Loopback and private networks have no limit, for proxies are there; set 0,
    /// which is no limit, when yours has a public address [default: 512]
    #[arg(long, env = "NERTC_MAX_STRANGERS_PER_ADDRESS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_strangers_per_address: Option<usize>,

    /// Let RTMP tasks name servers of this machine and of private networks
    #[arg(
        long,
        env = "NERTC_ALLOW_PRIVATE_TARGETS",
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_private_targets: Option<bool>,

    /// What is logged to stderr: error, warn, info, debug, trace, or a tracing filter [default: info]
    #[arg(long, env = "NERTC_LOG", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,

    /// Print the settings in force as TOML, secrets left out, and exit
    #[arg(long)]
    #[serde(skip)]
    pub print_config: bool,

    /// Say whether the settings are usable, and exit
    #[arg(long)]
    #[serde(skip)]
    pub check_config: bool,

    /// Stop when standard input ends, for scripts that must leave nothing behind
    #[arg(long)]
    #[serde(skip)]
    pub exit_on_stdin_close: bool,
}

impl Settings {
    /// Fills what is not set from the file that is named, if one is.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the file, and where.
    pub fn with_file(mut self) -> Result<Self, ConfigError> {
        for AppFlag { key, app } in std::mem::take(&mut self.app) {
            self.apps.insert(key, app);
        }
        let Some(path) = self.config.clone() else { return Ok(self) };
        let file = Self::read(&path)?;
        Ok(Self {
            config: Some(path),
            listen: self.listen.or(file.listen),
            rtmp_listen: self.rtmp_listen.or(file.rtmp_listen),
            public_address: self.public_address.or(file.public_address),
            public_media: self.public_media.or(file.public_media),
            secret: self.secret.or(file.secret),
            app: Vec::new(),
            apps: if self.apps.is_empty() { file.apps } else { self.apps },
            admin_token: self.admin_token.or(file.admin_token),
            dev: self.dev.or(file.dev),
            allow_faults: self.allow_faults.or(file.allow_faults),
            ticket_ttl: self.ticket_ttl.or(file.ticket_ttl),
            grace: self.grace.or(file.grace),
            max_connections: self.max_connections.or(file.max_connections),
            max_rooms: self.max_rooms.or(file.max_rooms),
            max_members: self.max_members.or(file.max_members),
            max_strangers: self.max_strangers.or(file.max_strangers),
            max_strangers_per_address: self.max_strangers_per_address.or(file.max_strangers_per_address),
            allow_private_targets: self.allow_private_targets.or(file.allow_private_targets),
            log: self.log.or(file.log),
            print_config: self.print_config,
            check_config: self.check_config,
            exit_on_stdin_close: self.exit_on_stdin_close,
        })
    }

    /// What the settings mean.
    ///
    /// # Errors
    ///
    /// Says which of them cannot be used.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let default = Config::default();
        for (key, app) in &self.apps {
            if app.secure && app.secret.as_deref().unwrap_or_default().is_empty() {
                return Err(ConfigError::NoAppSecret(key.clone()));
            }
        }
        if self.admin_token.as_deref().is_some_and(|token| token.len() < Secret::MIN_LEN) {
            return Err(ConfigError::WeakAdminToken);
        }
        let secret = self.secret.as_deref().map(Secret::from_text).transpose();
        let public_address = self.public_address.clone().unwrap_or_default();
        if public_address.contains("://") {
            return Err(ConfigError::Scheme("public-address", public_address));
        }
        let public_media = self.public_media.clone().unwrap_or_default();
        if public_media.contains('/') {
            return Err(ConfigError::Scheme("public-media", public_media));
        }
        if self.max_members.is_some_and(|members| !(1..=MOST_MEMBERS).contains(&members)) {
            return Err(ConfigError::MaxMembers);
        }
        if self.max_strangers == Some(0) {
            return Err(ConfigError::MaxStrangers);
        }
        let hub = HubConfig {
            max_connections: self.max_connections.unwrap_or(default.hub.max_connections),
            max_rooms: self.max_rooms.unwrap_or(default.hub.max_rooms),
            max_members: self.max_members.unwrap_or(default.hub.max_members),
            grace: self.grace.map_or(default.hub.grace, Duration::from_secs),
            private_targets: self.allow_private_targets.unwrap_or(default.hub.private_targets),
            ..default.hub
        };
        Ok(Config {
            listen: self.listen.unwrap_or(default.listen),
            rtmp_listen: self.rtmp_listen.unwrap_or(default.rtmp_listen),
            public_address,
            public_media,
            secret: secret.map_err(ConfigError::WeakSecret)?,
            apps: if self.apps.is_empty() { Apps::Any } else { Apps::Listed(self.apps.clone()) },
            admin_token: self.admin_token.clone(),
            dev: self.dev.unwrap_or(false),
            allow_faults: self.allow_faults.unwrap_or(false),
            ticket_ttl: self.ticket_ttl.map_or(default.ticket_ttl, Duration::from_secs),
            send_queue: default.send_queue,
            max_strangers: self.max_strangers.unwrap_or(default.max_strangers),
            max_strangers_per_address: self
                .max_strangers_per_address
                .unwrap_or(default.max_strangers_per_address),
            hub,
        })
    }

    /// The settings in force as TOML, with defaults filled in and secrets left out.
    ///
    /// # Errors
    ///
    /// The same as [`Settings::resolve`].
    pub fn describe(&self) -> Result<String, ConfigError> {
        const HIDDEN: &str = "(set)";
        let config = self.resolve()?;
        let hidden = |value: &Option<String>| value.as_ref().map(|_| HIDDEN.to_owned());
        let apps = self
            .apps
            .iter()
            .map(|(key, app)| (key.clone(), App { secret: hidden(&app.secret), ..app.clone() }));
        let shown = Self {
            listen: Some(config.listen),
            rtmp_listen: Some(config.rtmp_listen),
            secret: hidden(&self.secret),
            admin_token: hidden(&self.admin_token),
            apps: apps.collect(),
            dev: Some(config.dev),
            allow_faults: Some(config.allow_faults),
            ticket_ttl: Some(config.ticket_ttl.as_secs()),
            grace: Some(config.hub.grace.as_secs()),
            max_connections: Some(config.hub.max_connections),
            max_rooms: Some(config.hub.max_rooms),
            max_members: Some(config.hub.max_members),
            max_strangers: Some(config.max_strangers),
            max_strangers_per_address: Some(config.max_strangers_per_address),
            allow_private_targets: Some(config.hub.private_targets),
            log: Some(self.log.clone().unwrap_or_else(|| DEFAULT_LOG.to_owned())),
            ..self.clone()
        };
        toml::to_string(&shown).map_err(|error| ConfigError::Unprintable(error.to_string()))
    }

    /// The log filter in force. A plain level is ours alone: other crates' details may quote tokens.
    #[must_use]
    pub fn log_filter(&self) -> String {
        let log = self.log.as_deref().unwrap_or(DEFAULT_LOG);
        let plain = log.bytes().all(|byte| byte.is_ascii_alphabetic());
        if plain { format!("warn,nertc_gateway={log}") } else { log.to_owned() }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            file: path.display().to_string(),
            why: error.to_string(),
        })?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            ConfigError::BadFile { file: path.display().to_string(), line, why: error.message().to_owned() }
        })
    }
}

/// `KEY` or `KEY=SECRET`, as a flag has it.
#[derive(Debug, Clone)]
pub struct AppFlag {
    key: String,
    app: App,
}

impl FromStr for AppFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, secret) = text.split_once('=').map_or((text, None), |(key, secret)| (key, Some(secret)));
        if key.is_empty() || secret == Some("") {
            return Err("expected KEY or KEY=SECRET".to_owned());
        }
        let app = App { secret: secret.map(str::to_owned), secure: secret.is_some() };
        Ok(Self { key: key.to_owned(), app })
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be opened.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// The file is not the TOML it should be.
    #[error("{file} line {line}: {why}")]
    BadFile {
        /// The file.
        file: String,
        /// Where in the file; the line's text may hold a secret.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The gateway's secret is too short.
    #[error("secret: {0}; try `openssl rand -hex 32`")]
    WeakSecret(WeakSecret),
    /// The operator's token is too short.
    #[error("admin-token: it needs at least {} bytes; try `openssl rand -hex 32`", Secret::MIN_LEN)]
    WeakAdminToken,
    /// Tokens are required that nobody can sign.
    #[error("apps.{0}: secure = true needs a secret")]
    NoAppSecret(String),
    /// An address was written as a URL.
    #[error("{0}: write {1:?} without scheme, as host or host:port")]
    Scheme(&'static str, String),
    /// No room could be entered, or a full one would not work.
    #[error("max-members: from 1 to {MOST_MEMBERS}")]
    MaxMembers,
    /// Nobody could come in.
    #[error("max-strangers: 1 or more")]
    MaxStrangers,
    /// The settings cannot be written as TOML.
    #[error("the settings cannot be printed: {0}")]
    Unprintable(String),
}

const DEFAULT_LOG: &str = "info";

const EXAMPLES: &str = "\
Examples:
  nertc-gateway
      For development on one machine: any app key, no tokens, ports 8395 and 1935.
      In the mini program, join with
        channelServer: 'http://127.0.0.1:8395/nrtc/getChannelInfos.action',
        address: 'ws://127.0.0.1:8395'

  nertc-gateway --listen 0.0.0.0:8395 --rtmp-listen 0.0.0.0:1935 \\
      --public-address call.example.com --public-media call.example.com --config gateway.toml
      For production, behind a proxy that ends TLS for https:// and wss:// on call.example.com.
      WeChat needs both, and the host among the app's request and socket domains.
      gateway.toml:
        secret = \"…\"                # openssl rand -hex 32; the same on every gateway
        admin-token = \"…\"           # optional: lists rooms, removes members
        [apps.\"your app key\"]
        secret = \"…\"                # your server signs tokens with it
        secure = true

  nertc-gateway --check-config --config gateway.toml

Precedence: flags, then NERTC_… variables, then the file, then defaults.
Once it accepts connections it prints one line on stdout:
  ready {\"http\":\"127.0.0.1:8395\",\"rtmp\":\"127.0.0.1:1935\"}
It stops on SIGINT and SIGTERM, and tells its clients to reconnect (close code 1012).";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let path = file("listen = '127.0.0.1:1'\ngrace = 7\nmax-rooms = 3\n");
        let settings = parse(&["--grace", "9", "--config", path.to_str().unwrap()]).with_file().unwrap();
        let config = settings.resolve().unwrap();
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.hub.grace, Duration::from_secs(9));
        assert_eq!((config.hub.max_rooms, config.hub.max_members), (3, 200));
    }

    #[test]
    fn nothing_set_means_any_application_on_this_machine_only() {
        let config = parse(&[]).with_file().unwrap().resolve().unwrap();
        assert_eq!(config.apps, Apps::Any);
        assert!(config.listen.ip().is_loopback() && config.rtmp_listen.ip().is_loopback());
        assert!(config.admin_token.is_none() && !config.dev);
    }

    #[test]
    fn strangers_are_limited_and_private_targets_refused_unless_the_settings_say_otherwise() {
        let config = parse(&[]).resolve().unwrap();
        assert_eq!((config.max_strangers, config.max_strangers_per_address), (4096, 512));
        assert!(!config.hub.private_targets);
        let path = file("max-strangers = 7\nmax-strangers-per-address = 0\nallow-private-targets = true\n");
        let config = parse(&["--config", path.to_str().unwrap()]).with_file().unwrap().resolve().unwrap();
        assert_eq!((config.max_strangers, config.max_strangers_per_address), (7, 0));
        assert!(config.hub.private_targets);
    }

    #[test]
    fn an_application_with_a_secret_is_secure_unless_the_file_says_otherwise() {
        let listed = |settings: Settings| match settings.with_file().unwrap().resolve().unwrap().apps {
            Apps::Any => panic!("not listed"),
            Apps::Listed(apps) => apps.into_iter().map(|(key, app)| (key, app.secure)).collect::<Vec<_>>(),
        };
        let flags = parse(&["--app", "open,safe=s"]);
        assert_eq!(listed(flags), [("open".into(), false), ("safe".into(), true)]);
        let path = file("[apps.both]\nsecret = 's'\n[apps.safe]\nsecret = 's'\nsecure = true\n");
        let both = parse(&["--config", path.to_str().unwrap()]);
        assert_eq!(listed(both), [("both".into(), false), ("safe".into(), true)]);
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_name() {
        let error =
            |settings: Settings| settings.with_file().and_then(|s| s.resolve()).unwrap_err().to_string();
        assert!(error(parse(&["--secret", "short"])).starts_with("secret: "));
        assert!(error(parse(&["--admin-token", "short"])).starts_with("admin-token: "));
        assert!(error(parse(&["--public-address", "wss://h"])).starts_with("public-address: "));
        assert!(error(parse(&["--public-media", "rtmp://h"])).starts_with("public-media: "));
        for members in ["0", "1001"] {
            assert!(error(parse(&["--max-members", members])).starts_with("max-members: from 1 to 1000"));
        }
        assert_eq!(parse(&["--max-members", "1000"]).resolve().unwrap().hub.max_members, MOST_MEMBERS);
        assert!(error(parse(&["--max-strangers", "0"])).starts_with("max-strangers: 1 or more"));
        let in_file = |text| error(parse(&["--config", file(text).to_str().unwrap()]));
        assert!(in_file("[apps.a]\nsecure = true\n").contains("apps.a"));
        assert!(in_file("grace = 1\nsecrte = 'hush hush hush hush'\n").contains("line 2: unknown field"));
        assert!(!in_file("secret = 'hush hush hush hush").contains("hush"));
    }

    #[test]
    fn the_printed_settings_can_be_read_again_and_hold_no_secret() {
        let secret = "0123456789abcdef";
        let settings = parse(&["--secret", secret, "--admin-token", secret, "--app", "k=0123456789abcdef"]);
        let text = settings.with_file().unwrap().describe().unwrap();
        assert!(!text.contains(secret), "{text}");
        let again: Settings = toml::from_str(&text).unwrap();
        assert_eq!(again.grace, Some(30));
        assert!(again.apps["k"].secure);
    }

    #[test]
    fn the_description_of_the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Settings::command().debug_assert();
    }

    fn parse(flags: &[&str]) -> Settings {
        Settings::try_parse_from([&["nertc-gateway"], flags].concat()).unwrap()
    }

    fn file(text: &str) -> PathBuf {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("nertc-{}-{}.toml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}
