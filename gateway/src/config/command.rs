//! The command line, made of the table.

use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::meaning::Config;
use super::settings::Settings;
use super::table::{Kind, Setting, TABLE, settings};
use super::wanted::Wanted;
use crate::rights::{BasicToken, Privileges};

/// What the program is asked to do.
#[derive(Clone)]
pub enum Asked {
    /// Run, or say something about the settings.
    Serve(Settings),
    /// Write a file to begin with.
    Init {
        /// Where.
        file: PathBuf,
        /// The key of the application in it.
        app: String,
    },
    /// Sign what a client shows.
    Token(Settings, Wanted),
}

impl Asked {
    /// Reads flags and environment. A variable that is empty counts as not set: that is how composed
    /// environments leave one out.
    ///
    /// # Errors
    ///
    /// Says what is wrong with which flag; or is what `--help` says.
    pub fn from_command_line() -> Result<Self, clap::Error> {
        let mut command = command();
        let is_empty =
            |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let unset: Vec<_> =
            command.get_arguments().filter(|arg| is_empty(arg)).map(|arg| arg.get_id().clone()).collect();
        for id in unset {
            command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
        }
        command.try_get_matches().map(|matches| Self::of(&matches))
    }

    fn of(matches: &ArgMatches) -> Self {
        let text = |matches: &ArgMatches, name| matches.get_one::<String>(name).cloned().unwrap_or_default();
        match matches.subcommand() {
            Some((INIT, of_init)) => {
                let file = of_init.get_one::<PathBuf>("file").cloned().unwrap_or_default();
                Self::Init { file, app: text(of_init, "key") }
            }
            Some((TOKEN | PERMISSION_KEY, wanted)) => {
                let wanted = Wanted {
                    app: text(wanted, "key"),
                    channel: text(wanted, "channel"),
                    uid: wanted.get_one("uid").copied().unwrap_or_default(),
                    ttl: wanted.get_one("ttl").copied(),
                    privileges: wanted.try_get_one("privileges").ok().flatten().copied().map(Privileges),
                };
                Self::Token(Settings::of(matches), wanted)
            }
            Some(_) | None => Self::Serve(Settings::of(matches)),
        }
    }
}

impl Settings {
    fn of(matches: &ArgMatches) -> Self {
        let given = |setting: &Setting| matches.get_one::<String>(setting.name).cloned();
        Self {
            config: matches.get_one("config").cloned(),
            given: settings().filter_map(|setting| Some((setting.name, given(setting)?))).collect(),
            app: matches.get_many("app").into_iter().flatten().cloned().collect(),
            print_config: matches.get_flag("print-config"),
            check_config: matches.get_flag("check-config"),
            exit_on_stdin_close: matches.get_flag("exit-on-stdin-close"),
            ..Self::default()
        }
    }

    /// Reads flags as a command line has them, after the name of the program.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub fn try_parse_from(arguments: &[&str]) -> Result<Self, clap::Error> {
        let arguments = arguments.iter().map(std::ffi::OsString::from);
        command().try_get_matches_from(arguments).map(|matches| Self::of(&matches))
    }
}

pub(super) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Signalling and media gateway for nertc-miniapp and the NERTC mini-program SDK")
        .after_help(EXAMPLES)
        .next_line_help(true)
        .arg(
            Arg::new("config")
                .long("config")
                .env("NERTC_CONFIG")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .global(true)
                .help(
                    "TOML file with the options below (without the dashes); flags and environment win over it",
                ),
        );
    for (heading, settings) in TABLE {
        command = command.next_help_heading(*heading).args(settings.iter().map(argument));
        if settings.iter().any(|setting| setting.name == "admin-token") {
            command = command.arg(applications());
        }
    }
    let action = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .next_help_heading("This run")
        .arg(action("print-config", "Print the settings in force as TOML, secrets left out, and exit"))
        .arg(action("check-config", "Say what is wrong or doubtful about the settings, and exit"))
        .arg(action(
            "exit-on-stdin-close",
            "Stop when standard input ends, for scripts that must leave nothing behind",
        ))
        .subcommand(
            Command::new(INIT)
                .about("Write a file for --config, with every setting explained, and fresh secrets")
                .arg(
                    Arg::new("file")
                        .value_name("FILE")
                        .default_value("gateway.toml")
                        .value_parser(value_parser!(PathBuf))
                        .help("The file, which must not exist"),
                )
                .arg(
                    Arg::new("key")
                        .long("app")
                        .value_name("KEY")
                        .default_value("my-app")
                        .help("The app key of the application in it"),
                ),
        )
        .subcommand(signed(
            TOKEN,
            "Print a token, as an application's server signs it for one user and one room",
            "The application; without =SECRET, its secret is that of the settings (--config, NERTC_APPS)",
        ))
        .subcommand(
            signed(
                PERMISSION_KEY,
                "Print a permission key, as an application's server signs it for one user and one room",
                "The application; without =SECRET, its permission-secret is that of the settings (--config)",
            )
            .arg(
                Arg::new("privileges")
                    .long("privileges")
                    .value_name("BITS")
                    .default_value("63")
                    .value_parser(value_parser!(u8).range(0..=63))
                    .help(
                        "The sum of 1 send sound, 2 send pictures, 4 receive sound, 8 receive pictures, 16 create \
                         the room, 32 join it",
                    ),
            ),
        )
}

fn signed(name: &'static str, about: &'static str, app: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(required("key", "KEY[=SECRET]").long("app").help(app))
        .arg(required("channel", "NAME").long("channel").help("The name of the room"))
        .arg(required("uid", "NUMBER").long("uid").value_parser(value_parser!(u64)).help("The user"))
        .arg(
            Arg::new("ttl")
                .long("ttl")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(1..=BasicToken::MAX_TTL_SECS))
                .help("How long it is good for [default: 3600, or the one ttl that the application's tokens have]"),
        )
}

fn required(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).value_name(value).required(true)
}

fn applications() -> Arg {
    Arg::new("app")
        .long("app")
        .env("NERTC_APPS")
        .value_name("KEY[=SECRET]")
        .hide_env_values(true)
        .action(ArgAction::Append)
        .help(
            "An application that may use the gateway; give it once per application, or with commas between them. \
             With a secret, of at least 16 bytes and without commas, its clients need a token (secure mode). It \
             comes beside those in the file ([apps.KEY] secret = \"…\", secure = false, token-ttl = 3600); of one \
             key, this one counts. Without any application, every app key may, without token",
        )
}

fn argument(setting: &'static Setting) -> Arg {
    let shown = setting.shown(&Config::default(), None);
    let default = match (&setting.kind, &shown) {
        (Kind::Address(_) | Kind::Whole(..), Some(toml::Value::String(text))) => {
            format!(" [default: {text}]")
        }
        (Kind::Whole(..), Some(number)) => format!(" [default: {number}]"),
        (_, _) => String::new(),
    };
    let check = |text: &str| setting.check(text).map(|()| text.to_owned());
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .env(setting.variable())
        .help(format!("{}{default}", setting.help))
        .value_parser(check);
    match &setting.kind {
        Kind::Address(_) => arg.value_name("IP:PORT"),
        Kind::Whole(unit, ..) => arg.value_name(unit.name()).allow_negative_numbers(true),
        Kind::Yes(_) => arg.value_name("BOOL").num_args(0..=1).default_missing_value("true"),
        Kind::Text(name, _) => arg.value_name(*name),
        Kind::Secret(_) => arg.value_name("TEXT").hide_env_values(true),
    }
}

const INIT: &str = "init";
const TOKEN: &str = "token";
const PERMISSION_KEY: &str = "permission-key";

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
  ready {\"http\":\"127.0.0.1:8395\",\"rtmp\":\"127.0.0.1:1935\",\"admin\":\"127.0.0.1:8396\"}
It reads the file again when that changes, or on SIGHUP, and drops nobody for it; applications, the
operator's token, limits, times and the log change at once, and of the rest it says that it needs a restart.
It stops on SIGINT and SIGTERM, and on SIGHUP when it has no file, and tells its clients to reconnect
(close code 1012). When a part of it fails, it ends with the exit code 1: have it started again, and calls go on.";
