//! Applications: how a flag writes them, how those of flags and file come together, and what each must be.

use std::collections::BTreeMap;
use std::path::Path;

use super::checks::{check_app_key, within};
use super::error::ConfigError;
use crate::rights::{App, BasicToken, Secret};

pub(super) type Apps = BTreeMap<String, App>;

/// Reads what flags or the variable have: `KEY` or `KEY=SECRET`, with commas between several.
pub(super) fn read(texts: &[String]) -> Result<Apps, ConfigError> {
    let mut apps = Apps::new();
    for text in texts {
        let mut has_secret = false;
        for item in text.split(',') {
            let (key, secret) = item.split_once('=').map_or((item, None), |(key, text)| (key, Some(text)));
            if key.is_empty() || secret == Some("") {
                return Err(ConfigError::BadApps(
                    "it must be KEY or KEY=SECRET, with commas between several",
                ));
            }
            if has_secret && secret.is_none() {
                return Err(ConfigError::BadApps(
                    "what follows a comma after a secret may be the rest of it: a secret has no comma, and an \
                     application without one comes first, or in an --app of its own",
                ));
            }
            has_secret |= secret.is_some();
            let (secure, secret) = (secret.is_some(), secret.map(str::to_owned));
            let app = App { secret, secure, ..App::default() };
            if apps.insert(key.to_owned(), app).is_some() {
                return Err(ConfigError::BadApps("one application is named twice"));
            }
        }
    }
    Ok(apps)
}

/// Those of the file and those of flags together, and what is said of one that both have.
pub(super) fn merge(mut apps: Apps, flagged: Apps, file: &Path) -> Result<(Apps, Vec<String>), ConfigError> {
    let (file, mut replaced) = (file.display(), Vec::new());
    for (key, mut app) in flagged {
        let Some(there) = apps.remove(&key) else {
            apps.insert(key, app);
            continue;
        };
        if there.secure && !app.secure {
            return Err(ConfigError::OpenedApp(key, file.to_string()));
        }
        app.token_ttl = there.token_ttl;
        app.permission_secret.clone_from(&there.permission_secret);
        if app != there {
            replaced.push(format!("apps.{key}: --app or NERTC_APPS replaces what {file} says of it"));
        }
        apps.insert(key, app);
    }
    Ok((apps, replaced))
}

pub(super) fn check(apps: &Apps) -> Result<(), ConfigError> {
    for (key, app) in apps {
        check_app_key(key)?;
        match app.secret.as_deref() {
            Some("") => return Err(ConfigError::EmptyAppSecret(key.clone())),
            Some(secret) if Secret::is_weak(secret) || secret.trim() != secret => {
                return Err(ConfigError::WeakAppSecret(key.clone()));
            }
            None if app.secure || app.token_ttl.is_some() => {
                return Err(ConfigError::NoAppSecret(key.clone()));
            }
            Some(_) | None => {}
        }
        if app.permission_secret.as_deref().is_some_and(Secret::is_weak) {
            return Err(ConfigError::WeakPermissionSecret(key.clone()));
        }
        if let Some(ttl) = app.token_ttl {
            within(&format!("apps.{key}: token-ttl"), ttl, 1..=BasicToken::MAX_TTL_SECS)?;
        }
        // The signed text does not tell where the key ends and the user begins.
        let is_longer = |other: &str| {
            let more = other.strip_prefix(key.as_str()).filter(|more| !more.is_empty());
            more.is_some_and(|more| more.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let shares = |(other, its): &(&String, &App)| its.secret == app.secret && is_longer(other);
        if let Some((other, _)) = apps.iter().find(shares).filter(|_| app.secret.is_some()) {
            return Err(ConfigError::SharedAppSecret(key.clone(), other.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GOOD: &str = "0123456789abcdef";
    const OTHER: &str = "fedcba9876543210";

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_without_quoting_it() {
        for texts in [
            &["a=abc,def"][..],
            &["a=0123456789abcdef,def"],
            &["a=0123456789abcdef,b=fedcba9876543210,c"],
            &["a=0123456789abcdef,"],
            &["a=0123456789abcdef,=x"],
            &["a=0123456789abcdef,b="],
            &[",a"],
            &[""],
            &["a="],
            &["a", "a=0123456789abcdef"],
            &["a=0123456789abcdef", "a"],
            &["a,a"],
        ] {
            let error = flags(texts).unwrap_err().to_string();
            assert!(error.starts_with("app: "), "{texts:?}: {error}");
            assert!(!error.contains(GOOD) && !error.contains("abc"), "{texts:?}: {error}");
        }
        for short in ["a=abc", "a=0123456789abcdef,b=short", "a= 123456789abcdef"] {
            assert!(matches!(
                flags(&[short]).and_then(|apps| check(&apps)),
                Err(ConfigError::WeakAppSecret(_))
            ));
        }
    }

    #[test]
    fn what_can_be_read_in_one_way_is() {
        let apps = flags(&["open,also-open,safe=0123456789abcdef,sure=fedcba9876543210==", "alone"]).unwrap();
        check(&apps).unwrap();
        let read: Vec<_> = apps.iter().map(|(key, app)| (key.as_str(), app.secret.as_deref())).collect();
        let sure = Some("fedcba9876543210==");
        assert_eq!(
            read,
            [("alone", None), ("also-open", None), ("open", None), ("safe", Some(GOOD)), ("sure", sure)]
        );
        assert!(apps.values().all(|app| app.secure == app.secret.is_some()));
    }

    #[test]
    fn flags_come_beside_the_file_and_what_they_replace_is_said() {
        let file = || {
            Apps::from([
                ("kept".to_owned(), app(Some(GOOD), true)),
                ("moved".to_owned(), App { token_ttl: Some(60), ..app(Some(GOOD), true) }),
                ("half".to_owned(), app(Some(GOOD), false)),
                ("open".to_owned(), app(None, false)),
            ])
        };
        let merged = |texts: &[&str]| merge(file(), flags(texts).unwrap(), Path::new("gateway.toml"));
        let (apps, said) =
            merged(&["new", "open", "moved=fedcba9876543210", "half=0123456789abcdef"]).unwrap();
        assert_eq!(apps.keys().collect::<Vec<_>>(), ["half", "kept", "moved", "new", "open"]);
        assert_eq!(apps["kept"], file()["kept"]);
        assert_eq!(apps["moved"], App { token_ttl: Some(60), ..app(Some(OTHER), true) });
        assert!(apps["half"].secure, "a secret means secure");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|line| line.contains("gateway.toml") && !line.contains(OTHER)));
        assert!(said.iter().any(|line| line.starts_with("apps.moved: ")));
        assert!(matches!(merged(&["kept"]), Err(ConfigError::OpenedApp(..))), "no flag opens it");
    }

    fn flags(texts: &[&str]) -> Result<Apps, ConfigError> {
        read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    fn app(secret: Option<&str>, secure: bool) -> App {
        App { secret: secret.map(str::to_owned), secure, ..App::default() }
    }
}
