//! `preview-compiler FOLDER` writes the module for the browser host to standard output, and what is wrong with
//! the mini-program in `FOLDER` to standard error. Exit code 1 means that it does not compile.

use std::path::PathBuf;
use std::process::ExitCode;

use preview_compiler::compile;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(folder), None) = (args.next(), args.next()) else {
        eprintln!("usage: preview-compiler FOLDER");
        return ExitCode::from(2);
    };
    match compile(&PathBuf::from(folder)) {
        Ok(compiled) => {
            compiled.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            print!("{}", compiled.module);
            ExitCode::SUCCESS
        }
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            ExitCode::FAILURE
        }
    }
}
