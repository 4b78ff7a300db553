//! A file to begin with: every setting, explained and with its default, and fresh secrets.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::checks::check_app_key;
use super::error::ConfigError;
use super::meaning::Config;
use super::table::{Kind, TABLE};

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The app key cannot be one.
    #[error(transparent)]
    AppKey(#[from] ConfigError),
    /// No random numbers.
    #[error("cannot draw a secret: {0}")]
    NoSecret(getrandom::Error),
    /// It is there, or cannot be written.
    #[error("cannot write {0}: {1}")]
    Unwritable(String, io::Error),
}

/// Writes the file, for its owner's eyes only. One that exists is left alone.
///
/// # Errors
///
/// Says why there is none.
pub fn write_new(path: &Path, app: &str) -> Result<(), InitError> {
    check_app_key(app)?;
    let text = text(app)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| InitError::Unwritable(path.display().to_string(), error))
}

pub(super) fn text(app: &str) -> Result<String, InitError> {
    let config = Config::default();
    let mut text = wrapped(
        "Settings of nertc-gateway. What is commented out has its default; flags and NERTC_… variables win over this \
         file. A change counts within a second, as far as a gateway that runs can take it over; the log says what \
         needs a restart. Check it with nertc-gateway --check-config --config FILE",
    );
    for (heading, settings) in TABLE {
        text.push_str(&format!("\n# == {heading} ==\n"));
        for setting in *settings {
            text.push('\n');
            text.push_str(&wrapped(setting.help));
            let line = match &setting.kind {
                Kind::Secret(_) => format!("{} = \"{}\"\n", setting.name, fresh_secret()?),
                Kind::Text(example, _) => {
                    let value = setting.shown(&config, None).unwrap_or_else(|| (*example).into());
                    format!("# {} = {value}\n", setting.name)
                }
                Kind::Address(_) | Kind::Whole(..) | Kind::Yes(_) => {
                    let value = setting.shown(&config, None).map(|value| value.to_string());
                    format!("# {} = {}\n", setting.name, value.unwrap_or_default())
                }
            };
            text.push_str(&line);
        }
    }
    text.push_str("\n# == Applications ==\n\n");
    text.push_str(&wrapped(
        "Who may use the gateway. Your server signs tokens with the secret, and clients need one (secure = false \
         beside it lets in whoever knows the key, too). token-ttl is the one ttl that it signs; with it, rooms may \
         have names that begin with a digit. With permission-secret, clients need a permission key as well",
    ));
    let key = toml::Value::from(app);
    text.push_str(&format!(
        "[apps.{key}]\nsecret = \"{}\"\n# token-ttl = 3600\n# permission-secret = \"{}\"\n",
        fresh_secret()?,
        fresh_secret()?
    ));
    Ok(text)
}

fn fresh_secret() -> Result<String, InitError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(InitError::NoSecret)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// As comments of a readable width.
fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), "#".to_owned());
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}

const WIDTH: usize = 100;
