//! What flags, variables and the file say together, and what that comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::apps;
use super::checks::{collide, unusable};
use super::error::ConfigError;
use super::file::Written;
use super::meaning::Config;
use super::table::{HIDDEN, RTMP_CONNECTIONS, Setting, WAITING_MEDIA, settings};
use crate::media::embedded::EmbeddedLimits;
use crate::rights::{App, Apps};

/// What flags, variables and the file say, each setting as a flag would have it.
#[derive(Clone, Default)]
pub struct Settings {
    /// The file, if one is named.
    pub config: Option<PathBuf>,
    /// What is set, by name.
    pub(super) given: BTreeMap<&'static str, String>,
    /// Applications as flags and the variable have them.
    pub(super) app: Vec<String>,
    /// All applications, once the file is read.
    pub(super) apps: apps::Apps,
    /// What flags and variables say otherwise than the file.
    pub replaced: Vec<String>,
    /// Whether they are only to be printed.
    pub print_config: bool,
    /// Whether they are only to be checked.
    pub check_config: bool,
    /// Whether the end of standard input is the gateway's.
    pub exit_on_stdin_close: bool,
}

impl Settings {
    /// Fills what is not set from the file that is named, if one is.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the file, and where.
    pub fn with_file(&self) -> Result<Self, ConfigError> {
        let flagged = apps::read(&self.app)?;
        let Some(path) = &self.config else {
            return Ok(Self { apps: flagged, ..self.clone() });
        };
        let Written { apps, mut given } = Written::read(path)?;
        let (apps, replaced) = apps::merge(apps, flagged, path)?;
        given.extend(self.given.clone());
        Ok(Self { apps, replaced, given, ..self.clone() })
    }

    /// What the settings mean.
    ///
    /// # Errors
    ///
    /// Says which of them cannot be used.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        apps::check(&self.apps)?;
        if !self.apps.is_empty() {
            config.apps = Apps::Listed(self.apps.clone());
        }
        for setting in settings() {
            if let Some(text) = self.given.get(setting.name) {
                setting.put(&mut config, text)?;
            }
        }
        // Another media server listens for RTMP itself, and is listened to.
        let (media_name, media) = match config.external()? {
            Some(external) => ("hook-listen", external.hook_listen),
            None => ("rtmp-listen", config.rtmp_listen),
        };
        let (listen, admin) = (config.listen, config.admin_address());
        let mut pairs = vec![
            (media_name, media, "listen", listen),
            ("admin-listen", admin, "listen", listen),
            ("admin-listen", admin, media_name, media),
        ];
        if let Some(rtmps) = config.rtmps_listen {
            let others = [("listen", listen), (media_name, media), ("admin-listen", admin)];
            pairs.extend(others.map(|(name, other)| ("rtmps-listen", rtmps, name, other)));
        }
        for (name, addr, other_name, other) in pairs {
            if collide(addr, other) {
                let must = format!("it must differ from {other_name}, which is {other}");
                return Err(unusable(name, addr.to_string(), must));
            }
        }
        config.hub.return_life = config.ticket_ttl.max(SHORTEST_RETURN);
        let media = &mut config.media;
        let places = media.broker.streams.saturating_add(media.broker.players);
        if !self.given.contains_key(RTMP_CONNECTIONS) {
            media.connections = places.saturating_add(EmbeddedLimits::STRANGERS);
        }
        if !self.given.contains_key(WAITING_MEDIA) {
            media.waiting = places;
        }
        let limits = &media.broker;
        for (kept, cached, name, queued) in [
            ("cached-packets", limits.cached_packets, "queued-packets", limits.queued_packets),
            ("cached-size", limits.cached_bytes, "queued-size", limits.queued_bytes),
        ] {
            // Late players could not keep what they start with.
            if queued / 2 < cached {
                let must = format!("it must be at least twice {kept}");
                return Err(unusable(name, "less".to_owned(), must));
            }
        }
        Ok(config)
    }

    /// The settings in force as TOML, with defaults filled in and secrets left out.
    ///
    /// # Errors
    ///
    /// The same as [`Settings::resolve`].
    pub fn describe(&self) -> Result<String, ConfigError> {
        #[derive(Serialize)]
        struct Listed {
            apps: apps::Apps,
        }
        let config = self.resolve()?;
        let mut text = String::new();
        for setting in settings() {
            if let Some(value) = self.shown(setting, &config) {
                text.push_str(&format!("{} = {value}\n", setting.name));
            }
        }
        if self.apps.is_empty() {
            return Ok(text);
        }
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| HIDDEN.to_owned());
        let hide = |app: &App| App {
            secret: hidden(&app.secret),
            permission_secret: hidden(&app.permission_secret),
            ..app.clone()
        };
        let apps = self.apps.iter().map(|(key, app)| (key.clone(), hide(app))).collect();
        let apps = toml::to_string(&Listed { apps });
        let apps = apps.map_err(|error| ConfigError::Unprintable(error.to_string()))?;
        Ok(format!("{text}\n{apps}"))
    }

    /// What a reload changes, and what only a restart would, in words without secrets: `self` is in force, and
    /// `started` was when the gateway started.
    ///
    /// # Errors
    ///
    /// The same as [`Settings::resolve`]; and it refuses to let everybody in.
    pub fn differences(&self, started: &Self, new: &Self) -> Result<Differences, ConfigError> {
        if new.apps.is_empty() && !self.apps.is_empty() {
            return Err(ConfigError::NoAppLeft);
        }
        let mut found = Differences::default();
        let [config, at_start, wanted] = [self.resolve()?, started.resolve()?, new.resolve()?];
        for setting in settings() {
            let (before, config) = if setting.is_live { (self, &config) } else { (started, &at_start) };
            let shown = [before.shown(setting, config), new.shown(setting, &wanted)];
            // Two secrets look the same.
            let is_other_secret = shown[0] == Some(HIDDEN.into())
                && before.given.get(setting.name) != new.given.get(setting.name);
            if shown[0] == shown[1] && !is_other_secret {
                continue;
            }
            let name = setting.name;
            let [before, after] =
                shown.map(|shown| shown.map_or("(not set)".to_owned(), |value| value.to_string()));
            if setting.is_live {
                found.changed.push(format!("{name}: {before} becomes {after}"));
            } else {
                found.kept.push(format!("{name}: it stays {before} until a restart, which makes it {after}"));
            }
        }
        let keys: BTreeSet<_> = self.apps.keys().chain(new.apps.keys()).collect();
        for key in keys {
            let what = match (self.apps.get(key), new.apps.get(key)) {
                (Some(_), None) => "nobody can join with it any more",
                (None, Some(_)) => "it is there",
                (before, after) if before != after => "its secret or what it asks for is another",
                (_, _) => continue,
            };
            found.changed.push(format!("apps.{key}: {what}"));
        }
        Ok(found)
    }

    fn shown(&self, setting: &Setting, config: &Config) -> Option<toml::Value> {
        setting.shown(config, self.given.get(setting.name).map(String::as_str))
    }
}

/// What a reload comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// What is taken over.
    pub changed: Vec<String>,
    /// What is not, until the gateway starts again.
    pub kept: Vec<String>,
}

/// However short a ticket's life: a client tries to come back for some minutes.
const SHORTEST_RETURN: Duration = Duration::from_secs(600);
