//! The gateway as a program: settings in, one line on stdout when ready, logs on stderr.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use nertc_gateway::embedded::EmbeddedLimits;
use nertc_gateway::{Gateway, Settings};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let outcome = Settings::parse().with_file().map_err(Into::into).and_then(run);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nertc-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let config = settings.resolve()?;
    let filter = EnvFilter::try_new(settings.log_filter()).map_err(|error| format!("log: {error}"))?;
    if settings.print_config {
        print!("{}", settings.describe()?);
        return Ok(());
    }
    if settings.check_config {
        println!("ok");
        return Ok(());
    }
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    open_enough_files(config.hub.max_connections.saturating_add(config.max_strangers));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        // Before "ready" is said, so that a signal right after it is not lost.
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let gateway = Gateway::start(config).await?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, r#"ready {{"http":"{}","rtmp":"{}"}}"#, gateway.http_addr, gateway.rtmp_addr)?;
        stdout.flush()?;
        tokio::select! {
            _ = interrupt.recv() => info!("stopping: interrupted"),
            _ = terminate.recv() => info!("stopping: terminated"),
            () = stdin_closed(), if settings.exit_on_stdin_close => info!("stopping: stdin is closed"),
        }
        gateway.shutdown().await;
        Ok(())
    });
    // A blocked read of stdin must not hold up the exit.
    runtime.shutdown_background();
    result
}

/// Every connection is an open file, and most systems begin with 1024. The system's own limit stays.
fn open_enough_files(http: usize) {
    let wanted = http.saturating_add(EmbeddedLimits::default().connections);
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
