//! The gateway as a program: settings in, one line on stdout when ready, logs on stderr.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use nertc_gateway::config::{Asked, Config, Settings, Watch, write_new};
use nertc_gateway::log::Log;
use nertc_gateway::{Gateway, Running};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let asked = Asked::from_command_line().unwrap_or_else(|error| error.exit());
    let log = Log::open();
    let outcome = match &asked {
        Asked::Serve(settings) => run(settings, &log),
        Asked::Init { file, app } => init(file, app),
        Asked::Token(settings, wanted) => {
            settings.token(wanted).map_err(Into::into).and_then(|token| say(&format!("{token}\n")))
        }
    };
    if let Err(error) = &outcome {
        log.say(&format!("nertc-gateway: {error}"));
    }
    log.finish();
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(asked: &Settings, log: &Log) -> Result<(), Failure> {
    let mut watch = Watch::default();
    asked.config.iter().for_each(|file| watch.add(file.clone()));
    let settings = asked.with_file()?;
    let config = settings.resolve()?;
    config.tls_certificate.iter().chain(&config.tls_key).for_each(|file| watch.add(file.clone()));
    let filter = filter(&config)?;
    if settings.print_config || settings.check_config {
        for line in &settings.replaced {
            log.say(line);
        }
        if settings.print_config {
            return say(&settings.describe()?);
        }
        let tls = config.doubts_about_tls()?;
        for line in config.doubts().iter().chain(&tls).chain(&config.try_addresses()?) {
            log.say(line);
        }
        return say("ok\n");
    }
    log.subscribe(filter, config.log_json).map_err(|error| format!("log: {error}"))?;
    for line in &settings.replaced {
        warn!("{line}");
    }
    open_enough_files(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(asked, settings, config, watch, log));
    // A blocked read of stdin must not hold up the exit.
    runtime.shutdown_background();
    result
}

fn init(file: &Path, app: &str) -> Result<(), Failure> {
    write_new(file, app)?;
    let file = file.display();
    say(&format!(
        "{file} is written, with fresh secrets that nobody else may read.\nNext: set public-address and \
         public-media in it, then run\n  nertc-gateway --check-config --config {file}\n  nertc-gateway --config {file}\n"
    ))
}

fn say(text: &str) -> Result<(), Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(Into::into)
}

async fn serve(
    asked: &Settings,
    started: Settings,
    config: Config,
    mut watch: Watch,
    log: &Log,
) -> Result<(), Failure> {
    // Before "ready" is said, so that a signal right after it is not lost.
    let mut hangup = hangup()?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let gateway = Gateway::start(config).await?;
    let Running { http_addr, rtmp_addr, hooks_addr, admin_addr, .. } = &gateway;
    let (media, addr) = hooks_addr.as_ref().map_or(("rtmp", rtmp_addr), |addr| ("hooks", addr));
    let rtmps = gateway.rtmps_addr.map_or(String::new(), |rtmps| format!(",\"rtmps\":\"{rtmps}\""));
    say_ready(format!(
        "ready {{\"http\":\"{http_addr}\",\"{media}\":\"{addr}\"{rtmps},\"admin\":\"{admin_addr}\"}}\n"
    ));
    let mut current = started.clone();
    let mut deadline: Option<Instant> = None;
    let closed = stdin_closed();
    tokio::pin!(closed);
    loop {
        tokio::select! {
            _ = interrupt.recv() => info!("stopping: interrupted"),
            _ = terminate.recv() => match current.resolve()?.drain_time {
                time if deadline.is_none() && !time.is_zero() => {
                    gateway.drain().await;
                    // Said when it is true.
                    info!("draining: no room begins any more, and calls may go on for {} s", time.as_secs());
                    deadline = Some(Instant::now() + time);
                    continue;
                }
                _ => info!("stopping: terminated"),
            },
            () = gateway.drained() => info!("stopping: the last call is over"),
            () = until(deadline) => info!("stopping: drain-time is over, and calls go on elsewhere"),
            () = received(&mut hangup) => {
                if !watch.is_empty() {
                    reload(asked, &started, &mut current, &gateway, log).await;
                    continue;
                }
                // There is nothing to read again; it is the terminal that is gone.
                info!("stopping: hung up");
            }
            () = watch.changed(), if !watch.is_empty() => {
                reload(asked, &started, &mut current, &gateway, log).await;
                continue;
            }
            () = &mut closed, if asked.exit_on_stdin_close => info!("stopping: stdin is closed"),
            part = gateway.failed() => {
                error!("the {part} part has ended, and so does the gateway");
                return Err(format!("its {part} part has failed").into());
            }
        }
        break;
    }
    gateway.shutdown().await;
    Ok(())
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Takes over what the file says now, or nothing of it.
async fn reload(asked: &Settings, started: &Settings, current: &mut Settings, gateway: &Running, log: &Log) {
    let read = || -> Result<_, Failure> {
        let new = asked.with_file()?;
        let Config { tls_certificate, tls_key, acme_folder, rtmps_listen, .. } = started.resolve()?;
        let config = Config { tls_certificate, tls_key, acme_folder, rtmps_listen, ..new.resolve()? };
        let (filter, found) = (filter(&config)?, current.differences(started, &new)?);
        Ok((new, config, filter, found))
    };
    let (new, config, filter, mut found) = match read() {
        Ok(read) => read,
        Err(error) => return error!("the settings stay as they are: {error}"),
    };
    let mut doubts = Vec::new();
    match gateway.reconfigure(&config).await {
        Ok(true) => {
            found.changed.push("tls-certificate: what the file holds is another one".to_owned());
            // It could be read a moment ago.
            doubts.extend(config.doubts_about_tls().unwrap_or_default());
        }
        Ok(false) => {}
        Err(error) => return error!("the settings stay as they are: {error}"),
    }
    if found.changed.is_empty() && found.kept.is_empty() {
        info!("the settings are the same");
    } else {
        doubts.extend(config.doubts());
    }
    for line in found.changed {
        info!("{line}");
    }
    for line in new.replaced.iter().chain(&found.kept).chain(&doubts) {
        warn!("{line}");
    }
    if let Err(error) = log.filter(filter) {
        error!("log: {error}");
    }
    *current = new;
}

type Failure = Box<dyn std::error::Error>;

fn filter(config: &Config) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(config.log_filter()).map_err(|error| format!("log: {error}").into())
}

/// Whoever started us may have gone, or may not read: nobody in a call must notice.
fn say_ready(line: String) {
    let say = move || {
        let mut stdout = io::stdout();
        if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
            warn!("nobody could be told that the gateway is ready: {error}");
        }
    };
    drop(std::thread::Builder::new().name("ready".to_owned()).spawn(say));
}

/// The signal that says that a terminal or a session is gone, unless whoever started us wants it ignored
/// (nohup): it is ignored by then, and listening would undo that.
fn hangup() -> io::Result<Option<Signal>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let kind = SignalKind::hangup();
    if ignored & 1 << (kind.as_raw_value() - 1) != 0 {
        return Ok(None);
    }
    signal(kind).map(Some)
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Every connection is an open file, and most systems begin with 1024. The system's own limit stays.
fn open_enough_files(config: &Config) {
    let http = config.hub.max_connections.saturating_add(config.max_strangers);
    let wanted = http.saturating_add(config.media.connections);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(allowed) if usize::try_from(allowed).is_ok_and(|allowed| allowed < wanted) => {
            warn!("the system allows {allowed} open files, fewer than {wanted} connections; see ulimit -Hn");
        }
        Ok(_) => {}
        Err(error) => warn!("the number of open files cannot be raised: {error}"),
    }
}

async fn stdin_closed() {
    let (mut stdin, mut sink) = (tokio::io::stdin(), [0; 256]);
    while matches!(stdin.read(&mut sink).await, Ok(1..)) {}
}
