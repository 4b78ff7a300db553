//! What can be configured: flags before environment before file before defaults.
//!
//! Hides where a value came from. [`Settings`] is what somebody wrote, [`Config`] what it means.

mod address;
mod apps;
mod checks;
mod error;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::Resettable;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use nertc_miniapp::wire::protocol::MOST_MEMBERS;
use serde::{Deserialize, Serialize};

pub use self::address::Authority;
use self::checks::{
    check_admin_token, collide, key_at, listening, read_listening, read_whole, unusable, whole, within,
};
pub use self::error::ConfigError;
use crate::media::embedded::EmbeddedLimits;
use crate::rights::{App, Apps, Secret};
use crate::rooms::HubConfig;

/// Everything the gateway needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP and WebSocket connections are accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where RTMP connections are accepted; port 0 takes a free one.
    pub rtmp_listen: SocketAddr,
    /// Where clients reach the signalling, without scheme; the listening address when empty.
    pub public_address: String,
    /// Where clients reach RTMP; the listening address when absent.
    pub public_media: Option<Authority>,
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
    /// The limits and times of the media.
    pub media: EmbeddedLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8395)),
            rtmp_listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            public_address: String::new(),
            public_media: None,
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
            media: EmbeddedLimits::default(),
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
    #[arg(long, env = "NERTC_LISTEN", value_name = "IP:PORT", value_parser = listening)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_listening")]
    pub listen: Option<SocketAddr>,

    /// Where RTMP connections are accepted; port 0 takes a free one [default: 127.0.0.1:1935]
    #[arg(long, env = "NERTC_RTMP_LISTEN", value_name = "IP:PORT", value_parser = listening)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_listening")]
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

    /// An application that may use the gateway; give it once per application, or with commas between
    /// them. With a secret, of at least 16 bytes and without commas, its clients need a token (secure
    /// mode). It comes beside those in the file; of one key, this one counts. Without any application,
    /// every app key may, without token
    #[arg(long = "app", env = "NERTC_APPS", value_name = "KEY[=SECRET]", hide_env_values = true)]
    #[serde(skip)]
    pub app: Vec<String>,

    /// Applications in the file: [apps.KEY] secret = "…", secure = false, token-ttl = 3600
    #[arg(skip)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<String, App>,

    /// Opens GET /v1/rooms and POST /v1/rooms/CHANNEL/kick (perhaps with a ban) and /dissolve to
    /// "Authorization: Bearer TEXT"; at least 16 bytes
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

    /// How long a login ticket lasts, in seconds; who has come in stays as long as it likes [default: 86400]
    #[arg(
        long,
        env = "NERTC_TICKET_TTL",
        value_name = "SECONDS",
        value_parser = whole::<u64>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub ticket_ttl: Option<u64>,

    /// How long a member that lost its connection stays in the room, in seconds [default: 30]
    #[arg(
        long,
        env = "NERTC_GRACE",
        value_name = "SECONDS",
        value_parser = whole::<u64>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub grace: Option<u64>,

    /// Signalling connections at once [default: 10000]
    #[arg(
        long,
        env = "NERTC_MAX_CONNECTIONS",
        value_name = "NUMBER",
        value_parser = whole::<usize>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_connections: Option<usize>,

    /// Rooms at once [default: 5000]
    #[arg(
        long,
        env = "NERTC_MAX_ROOMS",
        value_name = "NUMBER",
        value_parser = whole::<usize>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_rooms: Option<usize>,

    /// Members of one room, at most 1000 [default: 200]
    #[arg(
        long,
        env = "NERTC_MAX_MEMBERS",
        value_name = "NUMBER",
        value_parser = whole::<usize>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_members: Option<usize>,

    /// Connections at once that have not proved a right: HTTP, WebSockets before their login, and a quarter
    /// as many of RTMP before their grant. For one more, the oldest goes [default: 4096]
    #[arg(
        long,
        env = "NERTC_MAX_STRANGERS",
        value_name = "NUMBER",
        value_parser = whole::<usize>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_strangers: Option<usize>,

    /// Those of one address. Loopback and private networks have no limit, for proxies are there; set 0,
    /// which is no limit, when yours has a public address [default: 512]
    #[arg(
        long,
        env = "NERTC_MAX_STRANGERS_PER_ADDRESS",
        value_name = "NUMBER",
        value_parser = whole::<usize>,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
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

    /// RTMP messages, mostly one for each picture or sound, a second that one connection may send in the
    /// long run; what comes faster waits, and after a minute of it the connection is closed [default: 500]
    #[arg(long, env = "NERTC_MAX_MESSAGE_RATE", value_name = "NUMBER", value_parser = whole::<u64>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_message_rate: Option<u64>,

    /// The same in kbit/s [default: 32000]
    #[arg(long, env = "NERTC_MAX_BITRATE", value_name = "KBIT/S", value_parser = whole::<u64>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_bitrate: Option<u64>,

    /// Players of one stream that one user may have at once; with one more the oldest goes [default: 4]
    #[arg(long, env = "NERTC_MAX_PLAYERS_PER_USER", value_name = "NUMBER", value_parser = whole::<usize>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_whole")]
    pub max_players_per_user: Option<usize>,

    /// What is logged to stderr: error, warn, info, debug, trace, or a tracing filter [default: info]
    #[arg(long, env = "NERTC_LOG", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,

    /// What flags and variables say otherwise than the file
    #[arg(skip)]
    #[serde(skip)]
    pub replaced: Vec<String>,

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
    /// Reads flags and environment. A variable that is empty counts as not set: that is how composed
    /// environments leave one out.
    ///
    /// # Errors
    ///
    /// Says what is wrong with which flag; or is what `--help` says.
    pub fn from_command_line() -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let is_empty =
            |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let unset: Vec<_> =
            command.get_arguments().filter(|arg| is_empty(arg)).map(|arg| arg.get_id().clone()).collect();
        for id in unset {
            command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
        }
        Self::from_arg_matches(&command.try_get_matches()?)
    }

    /// Fills what is not set from the file that is named, if one is.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the file, and where.
    pub fn with_file(mut self) -> Result<Self, ConfigError> {
        let flagged = apps::read(&std::mem::take(&mut self.app))?;
        let Some(path) = self.config.clone() else {
            self.apps.extend(flagged);
            return Ok(self);
        };
        let file = Self::read(&path)?;
        let (apps, replaced) = apps::merge(file.apps, flagged, &path)?;
        Ok(Self {
            config: Some(path),
            listen: self.listen.or(file.listen),
            rtmp_listen: self.rtmp_listen.or(file.rtmp_listen),
            public_address: self.public_address.or(file.public_address),
            public_media: self.public_media.or(file.public_media),
            secret: self.secret.or(file.secret),
            app: Vec::new(),
            apps,
            replaced,
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
            max_message_rate: self.max_message_rate.or(file.max_message_rate),
            max_bitrate: self.max_bitrate.or(file.max_bitrate),
            max_players_per_user: self.max_players_per_user.or(file.max_players_per_user),
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
        apps::check(&self.apps)?;
        if let Some(token) = &self.admin_token {
            check_admin_token(token)?;
        }
        let secret = self.secret.as_deref().map(Secret::from_text).transpose();
        let public = |name, text: &String, must| unusable(name, format!("{text:?}"), must);
        let public_address = self
            .public_address
            .as_ref()
            .map(|text| address::with_path(text).map_err(|must| public("public-address", text, must)));
        let public_media = self
            .public_media
            .as_ref()
            .map(|text| Authority::parse(text).map_err(|must| public("public-media", text, must)));
        let listen = self.listen.unwrap_or(default.listen);
        let rtmp_listen = self.rtmp_listen.unwrap_or(default.rtmp_listen);
        if collide(listen, rtmp_listen) {
            let must = format!("it must differ from listen, which is {listen}");
            return Err(unusable("rtmp-listen", rtmp_listen.to_string(), must));
        }
        let limit = |name, set: Option<usize>, default| within(name, set.unwrap_or(default), 1..=MOST);
        let ticket_ttl = within("ticket-ttl", self.ticket_ttl.unwrap_or(DAY), 1..=365 * DAY)?;
        let grace = within("grace", self.grace.unwrap_or(default.hub.grace.as_secs()), 0..=DAY)?;
        let hub = HubConfig {
            max_connections: limit("max-connections", self.max_connections, default.hub.max_connections)?,
            max_rooms: limit("max-rooms", self.max_rooms, default.hub.max_rooms)?,
            max_members: within(
                "max-members",
                self.max_members.unwrap_or(default.hub.max_members),
                1..=MOST_MEMBERS,
            )?,
            grace: Duration::from_secs(grace),
            private_targets: self.allow_private_targets.unwrap_or(default.hub.private_targets),
            return_life: Duration::from_secs(ticket_ttl).max(SHORTEST_RETURN),
            ..default.hub
        };
        let mut media = default.media;
        let rate =
            |name, set: Option<u64>, default, least| within(name, set.unwrap_or(default), least..=MOST_RATE);
        // A call needs no less: 15 pictures and 50 sounds, and something to see.
        media.messages_per_second =
            rate("max-message-rate", self.max_message_rate, media.messages_per_second, 100)?;
        let bitrate = media.bytes_per_second / BYTES_PER_KBIT;
        media.bytes_per_second = rate("max-bitrate", self.max_bitrate, bitrate, 500)? * BYTES_PER_KBIT;
        let places = &mut media.broker.players_per_holder;
        *places = limit("max-players-per-user", self.max_players_per_user, *places)?;
        Ok(Config {
            listen,
            rtmp_listen,
            public_address: public_address.transpose()?.unwrap_or_default(),
            public_media: public_media.transpose()?,
            secret: secret.map_err(ConfigError::WeakSecret)?,
            apps: if self.apps.is_empty() { Apps::Any } else { Apps::Listed(self.apps.clone()) },
            admin_token: self.admin_token.clone(),
            dev: self.dev.unwrap_or(false),
            allow_faults: self.allow_faults.unwrap_or(false),
            ticket_ttl: Duration::from_secs(ticket_ttl),
            send_queue: default.send_queue,
            max_strangers: limit("max-strangers", self.max_strangers, default.max_strangers)?,
            max_strangers_per_address: within(
                "max-strangers-per-address",
                self.max_strangers_per_address.unwrap_or(default.max_strangers_per_address),
                0..=MOST,
            )?,
            hub,
            media,
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
            max_message_rate: Some(config.media.messages_per_second),
            max_bitrate: Some(config.media.bytes_per_second / BYTES_PER_KBIT),
            max_players_per_user: Some(config.media.broker.players_per_holder),
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
            let key = error.span().and_then(|span| key_at(&text, span.start));
            let why = match key {
                Some(key) if !error.message().contains(key) => format!("{key}: {}", error.message()),
                Some(_) | None => error.message().to_owned(),
            };
            ConfigError::BadFile { file: path.display().to_string(), line, why }
        })
    }
}

const BYTES_PER_KBIT: u64 = 125;
/// Nothing a network card could not carry.
const MOST_RATE: u64 = 10_000_000;
const DEFAULT_LOG: &str = "info";
/// Seconds.
const DAY: u64 = 86_400;
/// More than one process has ever held of anything.
const MOST: usize = 1_000_000;
/// However short a ticket's life: a client tries to come back for some minutes.
const SHORTEST_RETURN: Duration = Duration::from_secs(600);

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
        secret = \"…\"                # your server signs tokens with it, and clients need one
        token-ttl = 3600            # optional: the ttl that it signs; rooms may be named by numbers then

  nertc-gateway --check-config --config gateway.toml

Precedence: flags, then NERTC_… variables, then the file, then defaults.
Once it accepts connections it prints one line on stdout:
  ready {\"http\":\"127.0.0.1:8395\",\"rtmp\":\"127.0.0.1:1935\"}
It stops on SIGINT, SIGTERM and SIGHUP, and tells its clients to reconnect (close code 1012). When a
part of it fails, it ends with the exit code 1: have it started again, and calls go on.";

#[cfg(test)]
mod tests;
