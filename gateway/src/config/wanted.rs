//! Tokens that somebody at the command line wants.

use super::apps;
use super::error::ConfigError;
use super::settings::Settings;
use crate::clock::{Reading, wall_clock_ms};
use crate::rights::{App, BasicToken, PermissionKey, Privileges, TokenError};

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
    /// What a permission key is to allow; without it, a token is wanted.
    pub privileges: Option<Privileges>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// The settings are no good.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Nobody knows the secret.
    #[error("app: {0} has no {1} in the settings; name a file with --config, or give --app {0}=SECRET")]
    NoSecret(String, &'static str),
    /// The gateway with these settings would refuse it.
    #[error("the gateway would refuse it: {0}")]
    Refused(#[from] TokenError),
}

impl Settings {
    /// Signs a token or a permission key that a gateway with these settings takes.
    ///
    /// # Errors
    ///
    /// Says why there can be none.
    pub fn token(&self, wanted: &Wanted) -> Result<String, NoToken> {
        let (key, given, app) = self.application(&wanted.app)?;
        if let Some(privileges) = wanted.privileges {
            let secret = given.or(app.permission_secret);
            let secret = secret.ok_or_else(|| NoToken::NoSecret(key.clone(), "permission-secret"))?;
            let (ttl, now) = (wanted.ttl.unwrap_or(DEFAULT_TTL), wall_clock_ms());
            return Ok(PermissionKey::sign(&key, &secret, &wanted.channel, wanted.uid, privileges, ttl, now));
        }
        let secret = given.or(app.secret).ok_or_else(|| NoToken::NoSecret(key.clone(), "secret"))?;
        let secret = secret.as_str();
        let ttl = wanted.ttl.or(app.token_ttl).unwrap_or(DEFAULT_TTL);
        let (channel, now) = (&wanted.channel, wall_clock_ms());
        let token = BasicToken::sign(&key, secret, channel, wanted.uid, ttl, now);
        BasicToken::verify(&token, &key, secret, app.token_ttl, channel, wanted.uid, Reading::of(now, now))?;
        Ok(token)
    }

    /// Its key, the secret that the command line gives, and what the settings say of it.
    fn application(&self, text: &str) -> Result<(String, Option<String>, App), NoToken> {
        let given = apps::read(&[text.to_owned()])?;
        apps::check(&given)?;
        let (key, given) = given.into_iter().next().unwrap_or_default();
        let settings = self.with_file()?;
        apps::check(&settings.apps)?;
        let app = settings.apps.get(&key).cloned().unwrap_or_default();
        Ok((key, given.secret, app))
    }
}

/// An hour.
const DEFAULT_TTL: u64 = 3600;
