//! Every setting, once: what it is called, what it must be, what it is for, and where it ends up.
//!
//! Flags, variables, keys of the file, `--help`, `--print-config`, the file that `init` writes and what a reload
//! takes over are all made of this table. Applications alone have more to them (`apps`).

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use nertc_miniapp::wire::protocol::MOST_MEMBERS;

use super::address::{self, MediaAddress};
use super::checks::{check_admin_token, listening, unusable, whole, within, yes};
use super::error::ConfigError;
use super::meaning::Config;
use super::media_server::{self, Base};
use crate::media::external::Server;
use crate::net::Proxies;
use crate::rights::Secret;

/// One setting.
pub(super) struct Setting {
    /// Of the flag, after two dashes; of the key in the file; of the variable, in its own way.
    pub(super) name: &'static str,
    /// What it must be, and where it ends up.
    pub(super) kind: Kind,
    /// What it is for, in a sentence or two without a full stop.
    pub(super) help: &'static str,
    /// Whether a gateway that runs can take a new value over.
    pub(super) is_live: bool,
}

/// What a value must be, and where in the configuration it ends up.
pub(super) enum Kind {
    /// An address to listen on.
    Address(fn(&mut Config) -> &mut SocketAddr),
    /// A whole number of units.
    Whole(Unit, RangeInclusive<u64>, fn(&mut Config) -> &mut dyn Whole),
    /// True or false.
    Yes(fn(&mut Config) -> &mut bool),
    /// A text that has a form of its own.
    Text(&'static str, fn(&mut Config, &str) -> Result<(), ConfigError>),
    /// A text that is never shown.
    Secret(fn(&mut Config, &str) -> Result<(), ConfigError>),
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    Number,
    Seconds,
    Kbit,
    Kib,
    Mib,
}

impl Unit {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Number => "NUMBER",
            Self::Seconds => "SECONDS",
            Self::Kbit => "KBIT/S",
            Self::Kib => "KIB",
            Self::Mib => "MIB",
        }
    }

    /// How many of what the configuration counts in.
    const fn scale(self) -> u64 {
        match self {
            Self::Number | Self::Seconds => 1,
            Self::Kbit => 125,
            Self::Kib => 1 << 10,
            Self::Mib => 1 << 20,
        }
    }
}

/// A field that a whole number ends up in.
pub(super) trait Whole {
    fn set(&mut self, value: u64);
    fn value(&self) -> u64;
}

macro_rules! whole_fields {
    ($($field:ty),*) => {
        $(impl Whole for $field {
            fn set(&mut self, value: u64) {
                // Ranges are those that every platform has.
                *self = <$field>::try_from(value).unwrap_or(<$field>::MAX);
            }

            fn value(&self) -> u64 {
                u64::try_from(*self).unwrap_or(u64::MAX)
            }
        })*
    };
}
whole_fields!(u32, u64, usize);

impl Whole for Duration {
    fn set(&mut self, value: u64) {
        *self = Self::from_secs(value);
    }

    fn value(&self) -> u64 {
        self.as_secs()
    }
}

impl Setting {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, kind, help, is_live: true }
    }

    /// One that only a gateway that starts can take.
    const fn at_start(mut self) -> Self {
        self.is_live = false;
        self
    }

    /// The variable that it is in, too.
    pub(super) fn variable(&self) -> String {
        format!("NERTC_{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// Whether a text is a value of this kind at all. Quotes nothing.
    pub(super) fn check(&self, text: &str) -> Result<(), String> {
        match self.kind {
            Kind::Address(_) => listening(text).map(drop),
            Kind::Whole(..) => whole(text).map(drop),
            Kind::Yes(_) => yes(text).map(drop),
            Kind::Text(..) | Kind::Secret(_) => Ok(()),
        }
    }

    /// What it is in a file, as a flag would have it.
    pub(super) fn text_of(&self, value: &toml::Value) -> Result<String, String> {
        let text = match self.kind {
            Kind::Address(_) => value.as_str().map(str::to_owned),
            Kind::Whole(..) => value.as_integer().map(|number| number.to_string()),
            Kind::Yes(_) => value.as_bool().map(|yes| yes.to_string()),
            Kind::Text(..) | Kind::Secret(_) => match value.as_str() {
                Some(text) => return Ok(text.to_owned()),
                None => return Err("it must be a text in quotes".to_owned()),
            },
        };
        let text = text.unwrap_or_default();
        self.check(&text).map(|()| text)
    }

    /// Puts a value where it belongs.
    pub(super) fn put(&self, config: &mut Config, text: &str) -> Result<(), ConfigError> {
        let wrong = |must| unusable(self.name, format!("{text:?}"), must);
        match &self.kind {
            Kind::Address(field) => *field(config) = listening(text).map_err(wrong)?,
            Kind::Whole(unit, range, field) => {
                let value = within(self.name, whole(text).map_err(wrong)?, range.clone())?;
                field(config).set(value * unit.scale());
            }
            Kind::Yes(field) => *field(config) = yes(text).map_err(wrong)?,
            Kind::Text(_, put) | Kind::Secret(put) => put(config, text)?,
        }
        Ok(())
    }

    /// What it is in a configuration, as a file has it. A text is what was given, if anything was.
    pub(super) fn shown(&self, config: &Config, given: Option<&str>) -> Option<toml::Value> {
        let mut config = config.clone();
        match &self.kind {
            Kind::Address(field) => Some(field(&mut config).to_string().into()),
            Kind::Whole(unit, _, field) => {
                let value = field(&mut config).value() / unit.scale();
                Some(toml::Value::Integer(value.try_into().unwrap_or(i64::MAX)))
            }
            Kind::Yes(field) => Some((*field(&mut config)).into()),
            Kind::Text(..) if self.name == LOG => Some(config.log.into()),
            Kind::Text(..) => given.map(Into::into),
            Kind::Secret(_) => given.map(|_| HIDDEN.into()),
        }
    }
}

/// The setting of this name.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.name == name)
}

/// All of them, in order.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    TABLE.iter().flat_map(|(_, settings)| settings.iter())
}

/// What is shown of a secret that is set.
pub(super) const HIDDEN: &str = "(set)";
/// The one text with a default.
pub(super) const LOG: &str = "log";
/// Those whose default follows from others.
pub(super) const RTMP_CONNECTIONS: &str = "max-rtmp-connections";
pub(super) const WAITING_MEDIA: &str = "max-waiting-media";

use self::Kind::{Address, Text, Yes};
use self::Unit::{Kbit, Kib, Mib, Number, Seconds};

const fn whole_of(
    name: &'static str,
    unit: Unit,
    range: RangeInclusive<u64>,
    field: fn(&mut Config) -> &mut dyn Whole,
    help: &'static str,
) -> Setting {
    Setting::new(name, Kind::Whole(unit, range, field), help)
}

/// More than one process has ever held of anything.
const MOST: u64 = 1_000_000;
const ANY: RangeInclusive<u64> = 1..=MOST;
/// Seconds.
const DAY: u64 = 86_400;
/// Long enough for whoever is slow, and not for ever.
const TIME: RangeInclusive<u64> = 1..=3600;
/// Nothing a network card could not carry.
const MOST_RATE: u64 = 10_000_000;
/// A gigabyte.
const MOST_KIB: u64 = 1 << 20;

/// Under the headings of `--help`.
pub(super) const TABLE: &[(&str, &[Setting])] = &[
    (
        "Addresses",
        &[
            Setting::new(
                "listen",
                Address(|c| &mut c.listen),
                "Where HTTP and WebSocket connections are accepted; port 0 takes a free one",
            )
            .at_start(),
            Setting::new(
                "rtmp-listen",
                Address(|c| &mut c.rtmp_listen),
                "Where RTMP connections are accepted; port 0 takes a free one",
            )
            .at_start(),
            Setting::new(
                "admin-listen",
                Text("IP:PORT", |c, text| {
                    let wrong = |must| unusable("admin-listen", format!("{text:?}"), must);
                    c.admin_listen = Some(listening(text).map_err(wrong)?);
                    Ok(())
                }),
                "Where the operator's calls are accepted, on an address of their own [default: 127.0.0.1:8396; a \
                 free port of 127.0.0.1 when listen has another port than 8395]",
            )
            .at_start(),
            Setting::new(
                "public-address",
                Text("HOST[:PORT][/PATH]", |c, text| {
                    let wrong = |must| unusable("public-address", format!("{text:?}"), must);
                    c.public_address = address::with_path(text).map_err(wrong)?;
                    Ok(())
                }),
                "Where clients reach the signalling: host, perhaps port and path, no scheme (clients add wss://) \
                 [default: the listening address]",
            )
            .at_start(),
            Setting::new(
                "public-media",
                Text("[rtmps://]HOST[:PORT]", |c, text| {
                    let wrong = |must| unusable("public-media", format!("{text:?}"), must);
                    c.public_media = Some(MediaAddress::parse(text).map_err(wrong)?);
                    Ok(())
                }),
                "Where clients reach RTMP; with rtmp:// or rtmps:// before it, that way, else over TLS if rtmps-listen is \
                 set [default: the listening address]",
            )
            .at_start(),
        ],
    ),
    (
        "TLS",
        &[
            Setting::new(
                "tls-certificate",
                Text("FILE", |c, text| {
                    c.tls_certificate = Some(text.into());
                    Ok(())
                }),
                "The certificate for https:// and wss:// at listen, which takes nothing else then: PEM, with those \
                 that signed it after it. The file is read again when it changes, and on SIGHUP. Leave it out where \
                 a proxy does TLS",
            )
            .at_start(),
            Setting::new(
                "tls-key",
                Text("FILE", |c, text| {
                    c.tls_key = Some(text.into());
                    Ok(())
                }),
                "Its private key: PEM, without a password",
            )
            .at_start(),
            Setting::new(
                "acme-folder",
                Text("FOLDER", |c, text| {
                    c.acme_folder = Some(text.into());
                    Ok(())
                }),
                "Instead of the two: have the gateway get its certificate by itself (ACME), for the hosts of \
                 public-address and, with rtmps-listen, public-media, keep it in this folder, and get another in time. \
                 The authority must reach listen at port 443 of these names. Whoever sets it agrees to the authority's \
                 terms",
            )
            .at_start(),
            Setting::new(
                "acme-directory",
                Text("URL", |c, text| {
                    let must = "it must begin with https://";
                    if !text.starts_with("https://") {
                        return Err(unusable("acme-directory", format!("{text:?}"), must));
                    }
                    c.acme_directory = text.to_owned();
                    Ok(())
                }),
                "The authority [default: https://acme-v02.api.letsencrypt.org/directory]",
            )
            .at_start(),
            Setting::new(
                "acme-contact",
                Text("ADDRESS", |c, text| {
                    let (name, host) = text.split_once('@').unwrap_or_default();
                    let is_address = !name.is_empty() && !host.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
                    if !is_address {
                        let must = "it must be an e-mail address, as in you@example.com";
                        return Err(unusable("acme-contact", format!("{text:?}"), must));
                    }
                    c.acme_contact = Some(text.to_owned());
                    Ok(())
                }),
                "The e-mail address that the authority may write to",
            )
            .at_start(),
            Setting::new(
                "rtmps-listen",
                Text("IP:PORT", |c, text| {
                    let wrong = |must| unusable("rtmps-listen", format!("{text:?}"), must);
                    c.rtmps_listen = Some(listening(text).map_err(wrong)?);
                    Ok(())
                }),
                "Where RTMP connections over TLS are accepted, with the same certificate, besides rtmp-listen; \
                 clients are told rtmps:// then",
            )
            .at_start(),
        ],
    ),
    (
        "Another media server",
        &[
            Setting::new(
                "media-engine",
                Text("embedded|srs|nginx-rtmp", |c, text| {
                    c.media_server.server = match text {
                        "embedded" => None,
                        "srs" => Some(Server::Srs),
                        "nginx-rtmp" => Some(Server::NginxRtmp),
                        _ => {
                            let must = "it must be embedded, srs or nginx-rtmp";
                            return Err(unusable("media-engine", format!("{text:?}"), must));
                        }
                    };
                    Ok(())
                }),
                "Who moves the media: this process, or a server beside it that asks here who may publish and play; \
                 docs/media-servers.md has its configuration [default: embedded]",
            )
            .at_start(),
            Setting::new(
                "media-push",
                Text("rtmp://HOST[:PORT]/APP", |c, text| {
                    let wrong = |must| unusable("media-push", format!("{text:?}"), must);
                    c.media_server.push = Some(Base::parse(text, &["rtmp", "rtmps"]).map_err(wrong)?);
                    Ok(())
                }),
                "Where clients push to that server, up to the name of a stream",
            )
            .at_start(),
            Setting::new(
                "media-pull",
                Text("rtmp://HOST[:PORT]/APP", |c, text| {
                    let wrong = |must| unusable("media-pull", format!("{text:?}"), must);
                    let schemes = ["rtmp", "rtmps", "https", "http"];
                    c.media_server.pull = Some(Base::parse(text, &schemes).map_err(wrong)?);
                    Ok(())
                }),
                "Where they play from it; with http or https they are given HTTP-FLV",
            )
            .at_start(),
            Setting::new(
                "media-api",
                Text("http://HOST:PORT[/PATH]", |c, text| {
                    let wrong = |must| unusable("media-api", format!("{text:?}"), must);
                    c.media_server.api = Some(media_server::api(text).map_err(wrong)?);
                    Ok(())
                }),
                "Where it drops a client whose right has ended: SRS's http_api, or the location of nginx's \
                 rtmp_control",
            )
            .at_start(),
            Setting::new(
                "hook-listen",
                Address(|c| &mut c.media_server.hook_listen),
                "Where it calls POST /hooks before it lets a client publish or play, and when one has gone",
            )
            .at_start(),
            Setting::new(
                "hook-secret",
                Kind::Secret(|c, text| {
                    let wrong = |must| unusable("hook-secret", HIDDEN.to_owned(), must);
                    media_server::check_hook_secret(text).map_err(wrong)?;
                    c.media_server.hook_secret = Some(text.to_owned());
                    Ok(())
                }),
                "What the path of these calls ends in, POST /hooks/TEXT, so that nobody else can make them; needed \
                 where hook-listen is not of this machine alone",
            )
            .at_start(),
        ],
    ),
    (
        "Who may do what",
        &[
            Setting::new(
                "secret",
                Kind::Secret(|c, text| {
                    c.secret = Some(Secret::from_text(text).map_err(ConfigError::WeakSecret)?);
                    Ok(())
                }),
                "Signs login tickets and media grants, at least 16 bytes. Gateways that share it accept each \
                 other's; without it a restart ends every ticket",
            )
            .at_start(),
            Setting::new(
                "admin-token",
                Kind::Secret(|c, text| {
                    check_admin_token(text)?;
                    c.admin_token = Some(text.to_owned());
                    Ok(())
                }),
                "Opens the operator's calls at admin-listen, as GET /v1/rooms, to \"Authorization: Bearer TEXT\"; at \
                 least 16 bytes",
            ),
            whole_of(
                "ticket-ttl",
                Seconds,
                1..=365 * DAY,
                |c| &mut c.ticket_ttl,
                "How long a login ticket lasts, in seconds; who has come in stays as long as it likes",
            ),
            Setting::new(
                "dev",
                Yes(|c| &mut c.dev),
                "Development: POST /v1/dev/token signs application tokens for whoever asks",
            )
            .at_start(),
            Setting::new(
                "allow-faults",
                Yes(|c| &mut c.allow_faults),
                "Tests only, never in production: a client may ask for faults of its own connection in the query \
                 of the bootstrap or WebSocket URL, as in ?faults=drop-after:2000,times:1; the answer to \
                 ?faults=help lists them",
            )
            .at_start(),
            Setting::new(
                "allow-private-targets",
                Yes(|c| &mut c.hub.private_targets),
                "Let RTMP tasks name servers of this machine and of private networks",
            ),
        ],
    ),
    (
        "Rooms",
        &[
            whole_of("max-rooms", Number, ANY, |c| &mut c.hub.max_rooms, "Rooms at once"),
            whole_of(
                "max-members",
                Number,
                1..=MOST_MEMBERS as u64,
                |c| &mut c.hub.max_members,
                "Members of one room, at most 1000",
            ),
            whole_of(
                "max-bans",
                Number,
                0..=MOST,
                |c| &mut c.hub.max_bans,
                "Users that are kept out of rooms at once",
            ),
            whole_of(
                "grace",
                Seconds,
                0..=DAY,
                |c| &mut c.hub.grace,
                "How long a member that lost its connection stays in the room, in seconds",
            ),
            whole_of(
                "confirm-timeout",
                Seconds,
                TIME,
                |c| &mut c.hub.confirm_within,
                "How long a member that came back has for publishing again what it published, in seconds",
            ),
            whole_of(
                "dissolve-notice",
                Seconds,
                0..=60,
                |c| &mut c.hub.dissolve_notice,
                "From the notice of a room's end to the removal of its members, in seconds",
            ),
            whole_of(
                "settling",
                Seconds,
                0..=600,
                |c| &mut c.hub.settling,
                "From the gateway's start to the time when everybody who was there before should be back, in \
                 seconds; until then nobody counts as gone",
            )
            .at_start(),
            whole_of(
                "drain-time",
                Seconds,
                0..=DAY,
                |c| &mut c.drain_time,
                "After SIGTERM, how long calls may go on, in seconds: no room begins any more, and the gateway stops \
                 when the last one is empty, or when the time is over or SIGTERM comes again; then clients are told \
                 to reconnect. 0 stops at once",
            ),
        ],
    ),
    (
        "Signalling connections",
        &[
            whole_of(
                "max-connections",
                Number,
                ANY,
                |c| &mut c.hub.max_connections,
                "Signalling connections at once",
            ),
            whole_of(
                "max-strangers",
                Number,
                ANY,
                |c| &mut c.max_strangers,
                "Connections at once that have not proved a right: HTTP, WebSockets before their login, and a \
                 quarter as many of RTMP before their grant. For one more, the oldest goes",
            ),
            whole_of(
                "max-strangers-per-address",
                Number,
                0..=MOST,
                |c| &mut c.max_strangers_per_address,
                "Those of one address. Loopback and private networks have no limit, for proxies are there, nor has one \
                 in trusted-proxies; 0 is no limit for anybody",
            ),
            Setting::new(
                "trusted-proxies",
                Text("ADDRESSES", |c, text| {
                    let wrong = |must| unusable("trusted-proxies", format!("{text:?}"), must);
                    c.trusted_proxies = Proxies::parse(text).map_err(wrong)?;
                    Ok(())
                }),
                "Proxies before the gateway, as addresses or networks with commas between them: they are believed \
                 when X-Forwarded-For says who their client is, for the limit of an address and for the log [default: \
                 none]",
            ),
            whole_of(
                "login-timeout",
                Seconds,
                TIME,
                |c| &mut c.hub.login_timeout,
                "From the opening of a connection to its login, in seconds",
            ),
            whole_of(
                "silence-timeout",
                Seconds,
                // Two heartbeats of a client, and one that is late.
                10..=3600,
                |c| &mut c.hub.silence,
                "Longest time without a packet, in seconds; clients send a heartbeat every 3 s",
            ),
            whole_of(
                "farewell",
                Seconds,
                0..=60,
                |c| &mut c.hub.farewell,
                "From a removal to the closing of the connection, unless the client closes it before, in seconds",
            ),
            whole_of(
                "max-packet-rate",
                Number,
                1..=MOST,
                |c| &mut c.hub.packets_per_second,
                "Packets a second that are read from one connection in the long run; the rest waits in its socket",
            ),
            whole_of(
                "spare-packets",
                Number,
                0..=MOST,
                |c| &mut c.hub.spare_packets,
                "Packets that are read at once, besides a subscription to every medium of every member",
            ),
            whole_of(
                "max-bad-packets",
                Number,
                0..=MOST,
                |c| &mut c.hub.max_bad_packets,
                "Unreadable or unknown packets that one connection may send before it is closed",
            ),
            whole_of(
                "send-queue",
                Number,
                ANY,
                |c| &mut c.send_queue,
                "Frames that may wait for one connection before it counts as too slow, besides those that a full \
                 room may bring at once",
            ),
        ],
    ),
    (
        "Media",
        &[
            whole_of(
                "max-streams",
                Number,
                ANY,
                |c| &mut c.media.broker.streams,
                "Streams that have a publisher or a player",
            ),
            whole_of("max-players", Number, ANY, |c| &mut c.media.broker.players, "Players over all streams"),
            whole_of(
                "max-players-per-stream",
                Number,
                ANY,
                |c| &mut c.media.broker.players_per_stream,
                "Players of one stream",
            ),
            whole_of(
                "max-players-per-user",
                Number,
                ANY,
                |c| &mut c.media.broker.players_per_holder,
                "Players of one stream that one user may have at once; with one more the oldest goes",
            ),
            whole_of(
                "max-waiting-players",
                Number,
                ANY,
                |c| &mut c.media.broker.waiting_players,
                "Players that wait for a publisher, over all streams",
            ),
            whole_of(
                RTMP_CONNECTIONS,
                Number,
                ANY,
                |c| &mut c.media.connections,
                "RTMP connections at once; by default one for every stream and player, and 1024 for those who have \
                 not said yet what they want",
            ),
            whole_of(
                WAITING_MEDIA,
                Number,
                ANY,
                |c| &mut c.media.waiting,
                "Publishers and players that may wait for their member to come back after a restart; by default as \
                 many as there may be",
            )
            .at_start(),
            whole_of(
                "max-message-rate",
                Number,
                // A call needs no less: 15 pictures and 50 sounds.
                100..=MOST_RATE,
                |c| &mut c.media.messages_per_second,
                "RTMP messages, mostly one for each picture or sound, a second that one connection may send in the \
                 long run; what comes faster waits, and after a minute of it the connection is closed",
            ),
            whole_of(
                "max-bitrate",
                Kbit,
                // Something to see.
                500..=MOST_RATE,
                |c| &mut c.media.bytes_per_second,
                "The same in kbit/s",
            ),
            whole_of(
                "media-burst",
                Seconds,
                1..=60,
                |c| &mut c.media.burst,
                "What came slower than these rates may be made up for at once, up to so long, in seconds",
            ),
            whole_of(
                "excess-timeout",
                Seconds,
                TIME,
                |c| &mut c.media.excess,
                "How long a connection may want to send more than these rates before it is closed, in seconds",
            ),
            whole_of(
                "media-memory",
                Mib,
                1..=MOST_KIB,
                |c| &mut c.media.memory,
                "MiB for RTMP messages that are being received or sent, of all connections together, besides \
                 128 KiB of each; when they are used up, the connection that holds the most is cut off",
            ),
            whole_of(
                "max-message-size",
                Kib,
                64..=MOST_KIB,
                |c| &mut c.media.message_bytes,
                "The longest RTMP message of a publisher, in KiB; a longer one closes the connection",
            ),
            whole_of(
                "cached-packets",
                Number,
                ANY,
                |c| &mut c.media.broker.cached_packets,
                "Packets that are kept since the last key frame, so that a late player starts at once; a longer \
                 group of pictures is not kept at all",
            ),
            whole_of(
                "cached-size",
                Kib,
                1..=MOST_KIB,
                |c| &mut c.media.broker.cached_bytes,
                "The same in KiB",
            ),
            whole_of(
                "queued-packets",
                Number,
                2..=2 * MOST,
                |c| &mut c.media.broker.queued_packets,
                "Packets that a player may fall behind before it skips to the next key frame; at least twice \
                 cached-packets",
            ),
            whole_of(
                "queued-size",
                Kib,
                2..=2 * MOST_KIB,
                |c| &mut c.media.broker.queued_bytes,
                "The same in KiB; at least twice cached-size",
            ),
            whole_of(
                "first-byte-timeout",
                Seconds,
                TIME,
                |c| &mut c.media.first_byte,
                "How long an RTMP connection may take to say anything at all, in seconds",
            ),
            whole_of(
                "negotiation-timeout",
                Seconds,
                TIME,
                |c| &mut c.media.negotiation,
                "How long an RTMP connection may take to ask for a stream, in seconds",
            ),
            whole_of(
                "publisher-timeout",
                Seconds,
                2..=3600,
                |c| &mut c.media.idle_publisher,
                "How long a publisher may send neither media nor, asked half-way, that it is there, in seconds",
            ),
            whole_of(
                "player-timeout",
                Seconds,
                1..=DAY,
                |c| &mut c.media.idle_player,
                "How long a player waits for media, in seconds",
            ),
            whole_of(
                "player-silence",
                Seconds,
                TIME,
                |c| &mut c.media.quiet,
                "How long an HTTP-FLV player that waits is sent nothing at all, in seconds; proxies close what is \
                 silent, nginx after a minute",
            ),
            whole_of(
                "stalled-timeout",
                Seconds,
                TIME,
                |c| &mut c.media.stalled,
                "How long a publisher or player may take nothing while something is there for it, in seconds",
            ),
        ],
    ),
    (
        "Log",
        &[
            Setting::new(
                LOG,
                Text("FILTER", |c, text| {
                    c.log = text.to_owned();
                    Ok(())
                }),
                "What is logged to stderr: error, warn, info, debug, trace, or a tracing filter [default: info]",
            ),
            Setting::new("log-json", Yes(|c| &mut c.log_json), "Log each line as a JSON object").at_start(),
        ],
    ),
];
