//! The applications that may use the gateway, and what each asks of its users.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The applications that may use the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apps {
    /// Any application, without tokens. For development.
    Any,
    /// These, by their app key.
    Listed(BTreeMap<String, App>),
}

/// One application.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "WrittenApp", rename_all = "kebab-case")]
pub struct App {
    /// What its server signs tokens with; without it no token is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether a token is required. Without it (debug mode), anybody who knows the app key may join.
    pub secure: bool,
    /// The one lifetime that its tokens may claim, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ttl: Option<u64>,
    /// What its server signs permission keys with; with it, everybody needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_secret: Option<String>,
}

/// An application as the file has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct WrittenApp {
    secret: Option<String>,
    secure: Option<bool>,
    token_ttl: Option<u64>,
    permission_secret: Option<String>,
}

impl From<WrittenApp> for App {
    fn from(WrittenApp { secret, secure, token_ttl, permission_secret }: WrittenApp) -> Self {
        // Whoever sets a secret wants it to be needed, unless told otherwise.
        Self { secure: secure.unwrap_or(secret.is_some()), secret, token_ttl, permission_secret }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("secure", &self.secure).finish_non_exhaustive()
    }
}

/// Bytes of an app key; it goes into a ticket, which is bounded itself.
pub(crate) const MAX_APP_KEY: usize = 128;
