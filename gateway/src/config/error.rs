//! Why settings cannot be used, in words for whoever wrote them. Quotes no secret.

use crate::rights::{Secret, WeakSecret};

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
    /// The operator's token is too short, or one character all over.
    #[error(
        "admin-token: it needs at least {} bytes, not all the same; try `openssl rand -hex 32`",
        Secret::MIN_LEN
    )]
    WeakAdminToken,
    /// Tokens are required that nobody can sign.
    #[error("apps.{0}: secure = true needs a secret")]
    NoAppSecret(String),
    /// The operator's token cannot be sent.
    #[error("admin-token: it must be of visible ASCII characters, without spaces at its ends")]
    AdminTokenNoHeader,
    /// A secret that signs nothing.
    #[error("apps.{0}: its secret must not be empty; leave it out for an application without tokens")]
    EmptyAppSecret(String),
    /// A secret that whoever has one token can find out.
    #[error(
        "apps.{0}: its secret needs at least {least} bytes, not all the same, without spaces at its ends: who has \
         one token can try shorter ones until they fit, NetEase's of 12 included; try `openssl rand -hex 32`",
        least = Secret::MIN_LEN
    )]
    WeakAppSecret(String),
    /// A secret that whoever has one key can find out.
    #[error(
        "apps.{0}: its permission-secret needs at least {least} bytes, not all the same; try `openssl rand -hex 32`",
        least = Secret::MIN_LEN
    )]
    WeakPermissionSecret(String),
    /// Users of one application could pass for those of the other.
    #[error("apps.{0} and apps.{1}: the keys differ in digits at the end only, so their secrets must differ")]
    SharedAppSecret(String, String),
    /// Applications on the command line that can be read in two ways. Their text may hold a secret.
    #[error("app: {0}")]
    BadApps(&'static str),
    /// A flag that would let anybody into an application that the file protects.
    #[error("app: {0} needs a token by {1}, and none by --app or NERTC_APPS: take it out of one of them")]
    OpenedApp(String, String),
    /// A reload that would open to everybody what was for some: a file that was emptied, mostly.
    #[error("apps: none is left, and everybody could open rooms; if that is meant, start the gateway again")]
    NoAppLeft,
    /// A setting that cannot work.
    #[error("{name}: {must}, not {value}")]
    Unusable {
        /// Which one.
        name: String,
        /// What it is.
        value: String,
        /// What it must be.
        must: String,
    },
    /// The settings cannot be written as TOML.
    #[error("the settings cannot be printed: {0}")]
    Unprintable(String),
}
