//! `preview-compiler FOLDER [PATH=FOLDER]...` writes the module for the browser host to standard output, and what is
//! wrong with the mini-program in the first folder to standard error. Each further folder is one of a library, and
//! where in the mini-program it belongs. Exit code 1 means that it does not compile.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use preview_compiler::compile;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let folder = args.next();
    let libraries: Option<Vec<_>> = args.map(library).collect();
    let (Some(folder), Some(libraries)) = (folder, libraries) else {
        eprintln!("usage: preview-compiler FOLDER [PATH=FOLDER]...");
        return ExitCode::from(2);
    };
    match compile(&PathBuf::from(folder), &libraries) {
        Ok(compiled) => {
            compiled.problems.iter().for_each(|problem| eprintln!("{problem}"));
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

fn library(arg: OsString) -> Option<(String, PathBuf)> {
    let text = arg.into_string().ok()?;
    let (path, folder) = text.split_once('=')?;
    Some((path.to_owned(), PathBuf::from(folder)))
}
