//! Tokens that somebody at the command line wants.

use super::apps;
use super::error::ConfigError;
use super::settings::Settings;
use crate::clock::{Reading, wall_clock_ms};
use crate::rights::{App, BasicToken, TokenError};

/// For whom and what.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `KEY`, or `KEY=SECRET` for an application that is not in the settings.
    pub app: String,
    /// The room's name.
    pub channel: String,
    /// The user.
    pub uid: u64,
    /// How long it is good for, in seconds.
    pub ttl: Option<u64>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// The settings are no good.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Nobody knows the secret.
    #[error("app: {0} has no secret in the settings; name a file with --config, or give --app {0}=SECRET")]
    NoSecret(String),
    /// The gateway with these settings would refuse it.
    #[error("the gateway would refuse it: {0}")]
    Refused(#[from] TokenError),
}

impl Settings {
    /// Signs a token that a gateway with these settings takes.
    ///
    /// # Errors
    ///
    /// Says why there can be none.
    pub fn token(&self, wanted: &Wanted) -> Result<String, NoToken> {
        let (key, app) = self.application(&wanted.app)?;
        let secret = app.secret.as_deref().ok_or_else(|| NoToken::NoSecret(key.clone()))?;
        let ttl = wanted.ttl.or(app.token_ttl).unwrap_or(DEFAULT_TTL);
        let (channel, now) = (&wanted.channel, wall_clock_ms());
        let token = BasicToken::sign(&key, secret, channel, wanted.uid, ttl, now);
        BasicToken::verify(&token, &key, secret, app.token_ttl, channel, wanted.uid, Reading::of(now, now))?;
        Ok(token)
    }

    /// The one that is meant, as the command line has it or the settings do.
    fn application(&self, text: &str) -> Result<(String, App), NoToken> {
        let settings = self.with_file()?;
        let given = apps::read(&[text.to_owned()])?;
        let (key, app) = given.into_iter().next().unwrap_or_default();
        let known = settings.apps.get(&key).cloned().unwrap_or_default();
        let app = if app.secret.is_some() { App { token_ttl: known.token_ttl, ..app } } else { known };
        let checked = apps::check(&apps::Apps::from([(key.clone(), app.clone())]));
        checked.map(|()| (key, app)).map_err(Into::into)
    }
}

/// An hour.
const DEFAULT_TTL: u64 = 3600;
