//! The gateway as a program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[test]
fn help_teaches_production_and_development() {
    let output = run(&["--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for word in
        ["Examples:", "--public-address", "NERTC_SECRET", "[default:", "wss://", "?faults=", "ready {"]
    {
        assert!(text.contains(word), "{word} is missing");
    }
}

#[test]
fn a_bad_setting_is_named_and_ends_with_an_error() {
    let file = std::env::temp_dir().join(format!("nertc-cli-{}.toml", std::process::id()));
    std::fs::write(&file, "listen = 'nowhere'\n").unwrap();
    let protected = file.with_extension("protected.toml");
    std::fs::write(&protected, "[apps.a]\nsecret = '0123456789abcdef'\n").unwrap();
    let protected = protected.to_str().unwrap();
    for (flags, named) in [
        (vec!["--secret", "short"], "secret"),
        (vec!["--config", "/nonexistent.toml"], "/nonexistent.toml"),
        (vec!["--config", file.to_str().unwrap()], "line 1"),
        (vec!["--listen", "nowhere"], "--listen"),
        (vec!["--log", "==="], "log"),
        (vec!["--check-config", "--ticket-ttl", "0"], "ticket-ttl"),
        (vec!["--check-config", "--public-address", "call.example.com:99999"], "public-address"),
        (vec!["--check-config", "--app", "a=0123456789abcdef,def"], "app: "),
        (vec!["--check-config", "--app", "a=abc"], "apps.a: its secret needs at least 16 bytes"),
        (vec!["--check-config", "--config", protected, "--app", "a"], "app: a needs a token by"),
        (vec!["--listen", "192.0.2.1:1"], "192.0.2.1:1"),
    ] {
        let output = run(&flags);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{flags:?}");
        assert!(error.contains(named), "{flags:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_a_flag_says_otherwise_than_the_file_is_said() {
    let file = std::env::temp_dir().join(format!("nertc-cli-replaced-{}.toml", std::process::id()));
    std::fs::write(&file, "[apps.a]\nsecret = '0123456789abcdef'\n[apps.b]\n").unwrap();
    let output = run(&[
        "--print-config",
        "--config",
        file.to_str().unwrap(),
        "--app",
        "a=fedcba9876543210,c=0123456789abcdef",
    ]);
    let (printed, said) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && said.starts_with("apps.a: ") && said.lines().count() == 1, "{said}");
    for app in ["[apps.a]\nsecret = \"(set)\"\nsecure = true", "[apps.b]\nsecure = false", "[apps.c]\nsecret"]
    {
        assert!(printed.contains(app), "{app}: {printed}");
    }
    assert!(!printed.contains("fedcba") && !said.contains("fedcba"));
}

#[test]
fn an_empty_variable_counts_as_not_set_and_a_bad_one_is_named() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let settings = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split_once([' ']));
    let variable = |name: &str| match name {
        "app" => "NERTC_APPS".to_owned(),
        name => format!("NERTC_{}", name.to_uppercase().replace('-', "_")),
    };
    let variables: Vec<_> = settings.map(|(name, _)| variable(name)).collect();
    assert!(variables.len() > 50, "{variables:?}");
    let empty = variables.iter().map(|name| (name, ""));
    let output = gateway(&["--print-config"]).envs(empty).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, run(&["--print-config"]).stdout, "as if nothing were set");

    for name in variables.into_iter().filter(|name| name != "NERTC_LOG") {
        let output = gateway(&["--check-config"]).env(&name, "= a:b").output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let setting = name.trim_start_matches("NERTC_").to_lowercase().replace('_', "-");
        let named = [setting.trim_end_matches('s'), "= a:b"].iter().any(|text| error.contains(text));
        assert!(!output.status.success() && named, "{name}: {error}");
    }
}

#[test]
fn an_ipv6_address_is_printed_and_told_with_brackets() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6");
        return;
    }
    let mut child = gateway(&["--listen", "[::1]:0", "--rtmp-listen", "[::]:0", "--exit-on-stdin-close"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
    let http: std::net::SocketAddr = ready["http"].as_str().unwrap().parse().unwrap();
    let rtmp: std::net::SocketAddr = ready["rtmp"].as_str().unwrap().parse().unwrap();

    let sum = nertc_miniapp::wire::bootstrap::debug_checksum("ak", nertc_miniapp::Uid(1), 1);
    let form = format!("uid=1&appkey=ak&channelName=room&secureType=2&curtime=1&checksum={sum}");
    let mut socket = std::net::TcpStream::connect(http).unwrap();
    let request = format!(
        "POST /nrtc/getChannelInfos.action HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(&format!(r#""wechatapparray":["[::1]:{}"]"#, http.port())), "{answer}");
    assert!(answer.contains(&format!(r#""turnaddrs":[["[::1]:{}"]]"#, rtmp.port())), "{answer}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn settings_are_checked_and_printed_without_secrets() {
    let secret = ["--secret", "0123456789abcdef", "--app", "key=hidden0123456789"];
    assert!(run(&[&secret[..], &["--check-config"]].concat()).status.success());
    let output = run(&[&secret[..], &["--print-config"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("secret = \"(set)\"") && text.contains("grace = 30"), "{text}");
    assert!(!text.contains("hidden") && !text.contains("0123456789abcdef"), "{text}");
}

#[test]
fn a_file_is_written_once_for_its_owner_alone_and_can_be_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = std::env::temp_dir().join(format!("nertc-cli-init-{}.toml", std::process::id()));
    let path = file.to_str().unwrap();
    let said = run(&["init", path, "--app", "mine"]);
    assert!(said.status.success() && String::from_utf8(said.stdout).unwrap().contains("--check-config"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let checked =
        run(&["--check-config", "--config", path, "--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0"]);
    assert!(checked.status.success());
    assert_eq!((checked.stdout, String::from_utf8(checked.stderr).unwrap()), (b"ok\n".into(), String::new()));
    let shown = String::from_utf8(run(&["--print-config", "--config", path]).stdout).unwrap();
    assert!(shown.contains("[apps.mine]"), "{shown}");

    let before = std::fs::read(&file).unwrap();
    for (arguments, why) in [
        (&["init", path][..], "File exists"),
        (&["init", "/nonexistent/gateway.toml"], "/nonexistent/gateway.toml"),
        (&["init", "/nonexistent/gateway.toml", "--app", "a b"], "app key"),
    ] {
        let refused = run(arguments);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && error.contains(why), "{arguments:?}: {error}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_token_is_what_the_applications_server_would_sign() {
    use base64::Engine as _;
    let file = std::env::temp_dir().join(format!("nertc-cli-token-{}.toml", std::process::id()));
    let secrets = "[apps.open]\n[apps.a]\nsecret = '0123456789abcdef'\n[apps.pinned]\nsecret = \
                   'fedcba9876543210'\ntoken-ttl = 60\n";
    std::fs::write(&file, secrets).unwrap();
    let path = file.to_str().unwrap();
    let asked = |arguments: &[&str]| run(&[&["token", "--config", path, "--uid", "7"], arguments].concat());
    for (arguments, key, secret, channel, ttl) in [
        (&["--app", "a", "--channel", "room"][..], "a", "0123456789abcdef", "room", 3600),
        (&["--app", "a", "--channel", "room", "--ttl", "9"], "a", "0123456789abcdef", "room", 9),
        (&["--app", "pinned", "--channel", "9room"], "pinned", "fedcba9876543210", "9room", 60),
        (&["--app", "else=0011223344556677", "--channel", "r"], "else", "0011223344556677", "r", 3600),
    ] {
        let output = asked(arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        let token = String::from_utf8(output.stdout).unwrap();
        let json = base64::engine::general_purpose::STANDARD.decode(token.trim_end()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["ttl"], ttl, "{arguments:?}");
        let signed = format!("{key}7{}{ttl}{channel}{secret}", json["curTime"]);
        let digest = <sha1::Sha1 as sha1::Digest>::digest(signed);
        let signature: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(json["signature"], signature, "{arguments:?}");
    }
    for (arguments, why) in [
        (&["--app", "a", "--channel", "9room"][..], "token-ttl"),
        (&["--app", "pinned", "--channel", "room", "--ttl", "61"], "ttl must be 60"),
        (&["--app", "open", "--channel", "room"], "open has no secret"),
        (&["--app", "none", "--channel", "room"], "none has no secret"),
        (&["--app", "a=short", "--channel", "room"], "16 bytes"),
        (&["--app", "a", "--channel", "room", "--ttl", "86401"], "--ttl"),
        (&["--app", "a"], "--channel"),
    ] {
        let output = asked(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(error.contains(why) && !error.contains("short\""), "{arguments:?}: {error}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_permission_key_says_what_it_was_asked_to_say() {
    use nertc_gateway::rights::{PermissionKey, Privileges};
    let file = std::env::temp_dir().join(format!("nertc-cli-permission-{}.toml", std::process::id()));
    std::fs::write(&file, "[apps.a]\npermission-secret = '0123456789abcdef'\n[apps.b]\n").unwrap();
    let path = file.to_str().unwrap();
    let asked = |rest: &[&str]| {
        let arguments = ["permission-key", "--config", path, "--channel", "room", "--uid", "7"];
        run(&[&arguments, rest].concat())
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let now = u64::try_from(now).unwrap();
    for (rest, app, secret, bits, ttl) in [
        (&["--app", "a"][..], "a", "0123456789abcdef", 63, 3600),
        (&["--app", "a", "--privileges", "37", "--ttl", "60"], "a", "0123456789abcdef", 37, 60),
        (&["--app", "b=fedcba9876543210"], "b", "fedcba9876543210", 63, 3600),
    ] {
        let key = String::from_utf8(asked(rest).stdout).unwrap();
        let reading = nertc_gateway::clock::Reading::of(now, now);
        let permit = PermissionKey::verify(key.trim_end(), app, secret, "room", 7, reading).unwrap();
        assert_eq!(permit.privileges, Privileges(bits), "{rest:?}");
        let ends = (now + ttl * 1000).abs_diff(permit.until_ms);
        assert!(ends < 20_000, "{rest:?}: {ends}");
    }
    for (rest, why) in [
        (&["--app", "b"][..], "b has no permission-secret"),
        (&["--app", "a", "--privileges", "64"], "--privileges"),
        (&["--app", "a=short"], "16 bytes"),
    ] {
        let refused = asked(rest);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && refused.stdout.is_empty() && error.contains(why), "{error}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_check_tries_the_addresses_and_says_what_may_not_be_meant() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = taken.local_addr().unwrap().to_string();
    let checked =
        run(&["--check-config", "--listen", &busy, "--rtmp-listen", "127.0.0.1:0", "--allow-faults"]);
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(checked.status.success() && checked.stdout == b"ok\n", "a gateway may run: {said}");
    for word in
        [&format!("listen: somebody listens on {busy} already"), "FAULTS ARE ALLOWED", "no secret is set"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    let elsewhere = run(&["--check-config", "--rtmp-listen", "192.0.2.1:1"]);
    let said = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(!elsewhere.status.success() && said.contains("rtmp-listen: "), "{said}");
}

#[test]
fn it_says_where_it_is_ready_and_stops_when_told() {
    for by_signal in [true, false] {
        let mut child = gateway(&["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0"])
            .arg("--exit-on-stdin-close")
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
        for name in ["http", "rtmp", "admin"] {
            let addr: std::net::SocketAddr = ready[name].as_str().unwrap().parse().unwrap();
            std::net::TcpStream::connect(addr).unwrap();
        }

        let stdin = child.stdin.take();
        if by_signal {
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        } else {
            drop(stdin);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
                None => {
                    child.kill().unwrap();
                    panic!("it does not stop");
                }
            }
        };
        assert!(status.success());
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "stdout has one line");
    }
}

#[test]
fn it_serves_more_connections_than_the_shell_allows_files_at_first() {
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -Sn 64 && ulimit -Hn 300 && exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_nertc-gateway"),
        ])
        .args(["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0", "--exit-on-stdin-close"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(line.strip_prefix("ready ").unwrap()).unwrap();
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut socket = std::net::TcpStream::connect(ready["http"].as_str().unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        let mut start = [0; 12];
        socket.read_exact(&mut start).expect("it accepts no more");
        assert_eq!(&start, b"HTTP/1.1 200");
        open.push(socket);
    }
    drop((open, child.stdin.take()));
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("the system allows 300 open files"));
}

fn run(flags: &[&str]) -> Output {
    gateway(flags).output().unwrap()
}

fn gateway(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nertc-gateway"));
    command.args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NERTC_")) {
        command.env_remove(name);
    }
    command
}
