//! The `wasm-bindgen` command, at the version the lock file names for the library.
//!
//! The published command line tool takes minutes longer to install (it drags a TLS stack along) and
//! can drift from the library; the two must agree to the last digit.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(std::env::args_os())
}
