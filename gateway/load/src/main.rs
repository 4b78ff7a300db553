//! The program: what is asked of it, tables on stdout, everything else on stderr.

use std::process::ExitCode;

use clap::Parser as _;
use nertc_load::{Failure, Load, Part, echo};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let load = Load::parse();
    let outcome =
        if load.parts.contains(&Part::Echo) { echo::serve().map(|()| true) } else { measure(&load) };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything came that should from the gateway; others are no concern of whoever tests it.
fn measure(load: &Load) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            report = load.run() => report,
            // The servers end with what is dropped here.
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    })?;
    println!("{}", report.tables());
    let complaints = report.complaints();
    for complaint in &complaints {
        eprintln!("load: {complaint}");
    }
    Ok(!complaints.iter().any(|complaint| complaint.starts_with("gateway:")))
}
