use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nertc_miniapp::wire::protocol::MOST_MEMBERS;

use super::command::command;
use super::file::Written;
use super::table::Kind;
use super::table::{HIDDEN, setting, settings};
use super::*;
use crate::media::embedded::EmbeddedLimits;
use crate::rights::Apps;

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let path = file("listen = '127.0.0.1:1'\ngrace = 7\nmax-rooms = 3\n");
    let settings = parse(&["--grace", "9", "--config", path.to_str().unwrap()]).with_file().unwrap();
    let config = settings.resolve().unwrap();
    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.hub.grace, Duration::from_secs(9));
    assert_eq!((config.hub.max_rooms, config.hub.max_members), (3, 200));
}

#[test]
fn nothing_set_means_any_application_on_this_machine_only() {
    let config = parse(&[]).with_file().unwrap().resolve().unwrap();
    assert_eq!(config.apps, Apps::Any);
    assert!(config.listen.ip().is_loopback() && config.rtmp_listen.ip().is_loopback());
    assert!(config.admin_token.is_none() && !config.dev);
}

#[test]
fn the_operators_address_is_this_machines_and_free_where_several_gateways_may_be() {
    let admin = |flags: &[&str]| parse(flags).resolve().unwrap().admin_address().to_string();
    assert_eq!(admin(&[]), "127.0.0.1:8396");
    assert_eq!(admin(&["--listen", "0.0.0.0:8395"]), "127.0.0.1:8396");
    assert_eq!(admin(&["--listen", "0.0.0.0:80"]), "127.0.0.1:0");
    assert_eq!(admin(&["--admin-listen", "192.0.2.1:7"]), "192.0.2.1:7");
}

#[test]
fn strangers_are_limited_and_private_targets_refused_unless_the_settings_say_otherwise() {
    let config = parse(&[]).resolve().unwrap();
    assert_eq!((config.max_strangers, config.max_strangers_per_address), (4096, 512));
    assert!(!config.hub.private_targets);
    let path = file("max-strangers = 7\nmax-strangers-per-address = 0\nallow-private-targets = true\n");
    let config = parse(&["--config", path.to_str().unwrap()]).with_file().unwrap().resolve().unwrap();
    assert_eq!((config.max_strangers, config.max_strangers_per_address), (7, 0));
    assert!(config.hub.private_targets);
}

#[test]
fn an_application_with_a_secret_is_secure_unless_the_file_says_otherwise() {
    let listed = |settings: Settings| match settings.with_file().unwrap().resolve().unwrap().apps {
        Apps::Any => panic!("not listed"),
        Apps::Listed(apps) => apps.into_iter().map(|(key, app)| (key, app.secure)).collect::<Vec<_>>(),
    };
    let flags = parse(&["--app", "open,safe=0123456789abcdef"]);
    assert_eq!(listed(flags), [("open".into(), false), ("safe".into(), true)]);
    let path = file(
        "[apps.both]\nsecret = '0123456789abcdef'\nsecure = false\n[apps.open]\n[apps.safe]\nsecret = \
         '0123456789abcdef'\n[apps.sure]\nsecret = '0123456789abcdef'\nsecure = true\n",
    );
    let all = parse(&["--config", path.to_str().unwrap()]);
    let named = |name: &str, secure| (name.to_owned(), secure);
    assert_eq!(
        listed(all),
        [named("both", false), named("open", false), named("safe", true), named("sure", true)]
    );
}

#[test]
fn what_cannot_work_is_refused_with_its_name() {
    let error = |settings: Settings| settings.with_file().and_then(|s| s.resolve()).unwrap_err().to_string();
    assert!(error(parse(&["--secret", "short"])).starts_with("secret: "));
    assert!(error(parse(&["--admin-token", "short"])).starts_with("admin-token: "));
    for members in ["0", "1001"] {
        let told = error(parse(&["--max-members", members]));
        assert!(told.starts_with("max-members: it must be from 1 to 1000"), "{told}");
    }
    assert_eq!(parse(&["--max-members", "1000"]).resolve().unwrap().hub.max_members, MOST_MEMBERS);
    let in_file = |text| error(parse(&["--config", file(text).to_str().unwrap()]));
    assert!(in_file("[apps.a]\nsecure = true\n").contains("apps.a"));
    assert!(in_file("grace = 1\nsecrte = 'hush hush hush hush'\n").contains("line 2: unknown field"));
    assert!(!in_file("secret = 'hush hush hush hush").contains("hush"));
}

#[test]
fn each_setting_that_cannot_work_is_refused_by_name_from_flag_and_file_alike() {
    for (name, value, must) in [
        ("listen", "127.0.0.1:99999", "port up to 65535"),
        ("listen", "127.0.0.1", "IP address and a port"),
        ("listen", "::1:8395", "[::1]:8395"),
        ("listen", "localhost:8395", "IP address"),
        ("listen", " 127.0.0.1:8395", "IP address"),
        ("listen", "", "IP address"),
        ("rtmp-listen", "[::1]", "port"),
        ("rtmp-listen", "127.0.0.1:8395", "differ from listen"),
        ("rtmp-listen", "0.0.0.0:8395", "differ from listen"),
        ("admin-listen", "127.0.0.1", "IP address and a port"),
        ("admin-listen", "127.0.0.1:8395", "differ from listen"),
        ("admin-listen", "0.0.0.0:1935", "differ from rtmp-listen"),
        ("public-address", "", "host"),
        ("public-address", "wss://call.example.com", "without scheme"),
        ("public-address", "call.example.com:99999", "1 to 65535"),
        ("public-address", "call.example.com:0", "1 to 65535"),
        ("public-address", "call example.com", "host"),
        ("public-address", "2001:db8::1:8395", "brackets"),
        ("public-address", "call.example.com/ws?node=1", "without query"),
        ("public-media", "", "host"),
        ("public-media", "https://call.example.com", "port"),
        ("public-media", "call.example.com/live", "host"),
        ("public-media", "call.example.com:0", "1 to 65535"),
        ("public-media", "::1", "brackets"),
        ("public-media", "call.example.com?x=1", "host"),
        ("secret", "", "16 bytes"),
        ("secret", "short", "16 bytes"),
        ("admin-token", "", "16 bytes"),
        ("admin-token", " with spaces at its ends ", "spaces"),
        ("admin-token", "пароль пароль пароль", "ASCII"),
        ("ticket-ttl", "0", "from 1"),
        ("ticket-ttl", "-1", ""),
        ("ticket-ttl", "99999999999", "to 31536000"),
        ("ticket-ttl", "1.5", "whole number"),
        ("grace", "86401", "to 86400"),
        ("grace", "18446744073709551616", ""),
        ("max-connections", "0", "from 1"),
        ("max-rooms", "0", "from 1"),
        ("max-members", "0", "from 1"),
        ("max-members", "many", "whole number"),
        ("max-strangers", "0", "from 1"),
        ("max-strangers", "-1", ""),
        ("max-strangers-per-address", "1000001", "to 1000000"),
        ("max-strangers-per-address", "some", "whole number"),
        ("acme-contact", "you at example.com", "e-mail"),
        ("acme-directory", "http://ca.example.com/dir", "https://"),
        ("trusted-proxies", "proxy.example.com", "networks"),
        ("trusted-proxies", "10.0.0.0/33", "networks"),
        ("max-message-rate", "99", "from 100"),
        ("max-bitrate", "499", "from 500"),
        ("max-bitrate", "2Mbit", "whole number"),
        ("max-players-per-user", "0", "from 1"),
        ("dev", "maybe", ""),
    ] {
        let flag = format!("--{name}");
        let by_flag = match Settings::try_parse_from(&["nertc-gateway", &flag, value]) {
            Ok(settings) => settings.with_file().unwrap().resolve().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        let is_number = value.parse::<f64>().is_ok();
        let quoted = if is_number { value.into() } else { format!("'{value}'") };
        let path = file(&format!("{name} = {quoted}\n"));
        let settings = parse(&["--config", path.to_str().unwrap()]);
        let by_file = settings.with_file().and_then(|s| s.resolve()).unwrap_err().to_string();
        for error in [by_flag, by_file] {
            assert!(error.contains(name) && error.contains(must), "{name} = {value:?}: {error}");
        }
    }
}

#[test]
fn every_setting_is_taken_from_flag_and_file_and_shown_as_it_was_given() {
    let mut names = BTreeSet::new();
    for setting in settings() {
        assert!(names.insert(setting.name), "{} is there twice", setting.name);
        let values = match &setting.kind {
            Kind::Address(_) => vec!["'192.0.2.1:7'".to_owned()],
            // Of what is queued, half may be cached.
            Kind::Whole(..) if setting.name.starts_with("cached-") => vec!["1".to_owned()],
            Kind::Whole(_, range, _) if setting.name.starts_with("queued-") => vec![range.end().to_string()],
            Kind::Whole(_, range, _) => vec![range.start().to_string(), range.end().to_string()],
            Kind::Yes(_) => vec!["true".to_owned(), "false".to_owned()],
            Kind::Text(..) if setting.name == table::LOG => vec!["'debug'".to_owned()],
            Kind::Text(..) => vec![match setting.name {
                "admin-listen" | "rtmps-listen" => "'192.0.2.1:7'".to_owned(),
                "trusted-proxies" => "'192.0.2.1,10.0.0.0/8'".to_owned(),
                "acme-contact" => "'admin@example.com'".to_owned(),
                "acme-directory" => "'https://ca.example.com/dir'".to_owned(),
                // Another needs more.
                "media-engine" => "'embedded'".to_owned(),
                "media-push" | "media-pull" => "'rtmp://call.example.com:7/live'".to_owned(),
                "media-api" => "'http://call.example.com:7/control'".to_owned(),
                _ => "'call.example.com:7'".to_owned(),
            }],
            Kind::Secret(_) => vec!["'0123456789abcdef'".to_owned()],
        };
        for value in values {
            let line = format!("{} = {value}\n", setting.name).replace('\'', "\"");
            let flag = format!("--{}", setting.name);
            let path = file(&line);
            for flags in [[&flag, value.trim_matches('\'')], ["--config", path.to_str().unwrap()]] {
                let described = parse(&flags).with_file().unwrap().describe().unwrap();
                let is_secret = matches!(setting.kind, Kind::Secret(_));
                let hidden = format!("{} = \"{HIDDEN}\"\n", setting.name);
                let shown = if is_secret { &hidden } else { &line };
                assert!(described.contains(shown), "{flags:?}: {shown} is not in {described}");
            }
        }
    }
}

#[test]
fn the_page_names_what_only_a_start_can_change() {
    for (page, separator) in [("gateway.md", ", "), ("gateway.zh-CN.md", "、")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
        let text = std::fs::read_to_string(path).unwrap();
        let row = text.lines().find_map(|line| line.strip_prefix("| `listen`")?.split(" | ").next()).unwrap();
        let named: BTreeSet<_> = row.split(separator).skip(1).map(|name| name.trim_matches('`')).collect();
        let at_start = settings().filter(|setting| !setting.is_live && setting.name != "listen");
        assert_eq!(named, at_start.map(|setting| setting.name).collect(), "{page}");
    }
}

#[test]
fn what_follows_from_other_limits_does_unless_it_is_set() {
    let media = |flags: &[&str]| parse(flags).resolve().unwrap().media;
    let default = EmbeddedLimits::default();
    assert_eq!((media(&[]).connections, media(&[]).waiting), (default.connections, default.waiting));
    let more = media(&["--max-players", "9000"]);
    assert_eq!((more.connections, more.waiting), (1000 + 9000 + 1024, 10_000));
    let own = media(&["--max-players", "9000", "--max-rtmp-connections", "7", "--max-waiting-media", "8"]);
    assert_eq!((own.connections, own.waiting), (7, 8));
    let error = parse(&["--cached-size", "5000"]).resolve().unwrap_err().to_string();
    assert!(error.starts_with("queued-size: it must be at least twice cached-size"), "{error}");
}

#[test]
fn an_application_that_nobody_could_name_is_refused() {
    for (text, named) in [
        ("[apps.'a b']\n", "apps"),
        ("[apps.'']\n", "apps"),
        ("[apps.a]\nsecret = ''\n", "apps.a"),
        ("[apps.a]\nsecret = 'c00000000000'\n", "16 bytes"),
        ("[apps.a]\nsecret = 'aaaaaaaaaaaaaaaaaaaaaaaa'\n", "not all the same"),
        ("[apps.a]\nsecret = '0123456789abcdef '\nsecure = false\n", "spaces"),
        ("[apps.a]\nsecret = '0123456789abcdef'\ntoken-ttl = 0\n", "token-ttl"),
        ("[apps.a]\nsecret = '0123456789abcdef'\ntoken-ttl = 86401\n", "token-ttl"),
        ("[apps.a]\ntoken-ttl = 60\n", "apps.a"),
        ("[apps.a]\npermission-secret = 'short'\n", "apps.a: its permission-secret needs at least 16 bytes"),
        ("[apps.a]\nsecert = '0123456789abcdef'\n", "line 2"),
        (
            "[apps.a]\nsecret = '0123456789abcdef'\n[apps.a1]\nsecret = '0123456789abcdef'\n",
            "apps.a and apps.a1",
        ),
        ("[apps.a]\nsecure = true\n", "apps.a"),
    ] {
        let settings = parse(&["--config", file(text).to_str().unwrap()]);
        let error = settings.with_file().and_then(|s| s.resolve()).unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn addresses_are_told_as_they_stand_in_a_url() {
    let settings = parse(&["--public-address", "[2001:DB8::1]:8395/ws", "--public-media", "[2001:DB8::1]"]);
    let config = settings.with_file().unwrap().resolve().unwrap();
    assert_eq!(config.public_address, "[2001:db8::1]:8395/ws");
    assert_eq!(config.public_media.unwrap().authority.to_string(), "[2001:db8::1]");
}

#[test]
fn the_printed_settings_can_be_read_again_and_hold_no_secret() {
    let secret = "0123456789abcdef";
    let settings = parse(&["--secret", secret, "--admin-token", secret, "--app", "k=0123456789abcdef"]);
    let text = settings.with_file().unwrap().describe().unwrap();
    assert!(!text.contains(secret), "{text}");
    let again = Written::parse(&text).unwrap_or_else(|(line, why)| panic!("line {line}: {why}: {text}"));
    assert_eq!(again.given["grace"], "30");
    assert!(again.apps["k"].secure);
}

#[test]
fn a_fresh_file_has_every_setting_with_its_default_and_secrets_of_its_own() {
    let text = init::text("a-\"quoted\"-key").unwrap();
    let is_setting = |line: &str| line.split_once(" = ").is_some_and(|(name, _)| setting(name).is_some());
    let with_defaults: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let (read, plain) = (Written::parse(&with_defaults), Written::parse(&text));
    let read = read.unwrap_or_else(|(line, why)| panic!("line {line}: {why}: {with_defaults}"));
    let plain = plain.unwrap_or_else(|(line, why)| panic!("line {line}: {why}: {text}"));
    assert!(read.apps["a-\"quoted\"-key"].secure);
    assert_eq!(plain.given.keys().collect::<Vec<_>>(), [&"admin-token", &"hook-secret", &"secret"]);
    let mut drawn = [
        &plain.given["admin-token"],
        &plain.given["secret"],
        plain.apps.values().next().unwrap().secret.as_ref().unwrap(),
    ]
    .map(|secret| {
        assert_eq!(secret.len(), 64);
        secret.clone()
    });
    drawn.sort();
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && !init::text("k").unwrap().contains(&drawn[0]));
    for setting in settings() {
        let default = setting.shown(&Config::default(), None);
        if let (Some(default), false) = (default, matches!(setting.kind, Kind::Secret(_))) {
            assert_eq!(Ok(&read.given[setting.name]), setting.text_of(&default).as_ref(), "{}", setting.name);
        }
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn another_media_server_needs_all_its_addresses_and_they_must_fit() {
    const ALL: [&str; 8] = [
        "--media-engine",
        "nginx-rtmp",
        "--media-push",
        "rtmp://media.example.com/live",
        "--media-pull",
        "rtmp://media.example.com/live",
        "--media-api",
        "http://127.0.0.1:8088/control",
    ];
    let resolve = |flags: &[&str]| parse(flags).resolve();
    let external = resolve(&ALL).unwrap().external().unwrap().unwrap();
    assert_eq!((external.app.as_str(), external.api.path.as_str()), ("live", "/control"));
    assert_eq!(external.hook_listen.to_string(), "127.0.0.1:8397");
    let with = |at: usize, value| {
        let mut flags = ALL.to_vec();
        flags[at] = value;
        resolve(&flags).unwrap_err().to_string()
    };
    assert!(with(1, "janus").starts_with("media-engine: it must be embedded, srs or nginx-rtmp"));
    assert!(with(3, "rtmp://media.example.com").starts_with("media-push: it must end in an application"));
    assert!(
        with(5, "rtmp://media.example.com/play").starts_with("media-pull: it must end in the application of")
    );
    assert!(with(7, "http://127.0.0.1").starts_with("media-api: it must have a port"));
    for left_out in ["--media-push", "--media-pull", "--media-api"] {
        let at = ALL.iter().position(|flag| *flag == left_out).unwrap();
        let error = resolve(&[&ALL[..at], &ALL[at + 2..]].concat()).unwrap_err().to_string();
        assert!(error.starts_with(&left_out[2..]) && error.contains("nginx-rtmp needs it"), "{error}");
    }
    let more = |flags: &[&str]| resolve(&[&ALL[..], flags].concat());
    let error = |flags: &[&str]| more(flags).unwrap_err().to_string();
    assert!(
        error(&["--hook-listen", "0.0.0.0:8397"]).starts_with("hook-listen: it must be an address of this")
    );
    assert!(
        error(&["--hook-listen", "127.0.0.1:8395"]).starts_with("hook-listen: it must differ from listen")
    );
    assert!(error(&["--hook-secret", "short"]).starts_with("hook-secret: it must be at least"));
    assert!(!error(&["--hook-secret", "a secret with spaces"]).contains("spaces"), "it is quoted");
    assert!(more(&["--hook-listen", "0.0.0.0:8397", "--hook-secret", "0123456789abcdef"]).is_ok());
    // Nobody listens for RTMP here.
    assert!(more(&["--rtmp-listen", "127.0.0.1:8395"]).is_ok());
}

#[test]
fn what_may_not_be_meant_is_doubted_and_what_is_meant_is_not() {
    let doubts = |flags: &[&str]| parse(flags).with_file().unwrap().resolve().unwrap().doubts();
    const GOOD: &[&str] = &["--secret", "0123456789abcdef", "--app", "a=0123456789abcdef"];
    let more = |flags: &[&str]| doubts(&[GOOD, flags].concat());
    assert_eq!(more(&[]), [""; 0]);
    for (flags, word) in [
        (&["--allow-faults"][..], "FAULTS ARE ALLOWED"),
        (&["--listen", "0.0.0.0:8395", "--public-media", "call.example.com"], "set --public-address"),
        (&["--rtmp-listen", "[::]:1935", "--public-address", "call.example.com"], "set --public-address"),
        (&["--app", "b"], "apps.b: whoever knows this key"),
        (&["--dev", "--public-address", "call.example.com"], "dev: whoever asks"),
        (&["--max-rtmp-connections", "10"], "max-rtmp-connections: "),
        (&["--max-players-per-user", "3000"], "max-players-per-user: "),
        (&["--media-memory", "1"], "max-message-size: "),
        (&["--media-push", "rtmp://media.example.com/live"], "media-push: without media-engine"),
    ] {
        let found = more(flags);
        assert!(found.len() == 1 && found[0].contains(word), "{flags:?}: {found:?}");
    }
    assert!(doubts(&["--public-address", "h"])[1].starts_with("no application is listed"));
}

#[test]
fn the_description_of_the_command_line_is_sound() {
    command().debug_assert();
}

fn parse(flags: &[&str]) -> Settings {
    Settings::try_parse_from(&[&["nertc-gateway"], flags].concat()).unwrap()
}

fn file(text: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("nertc-{}-{}.toml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
