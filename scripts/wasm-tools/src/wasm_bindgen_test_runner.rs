//! The `wasm-bindgen-test-runner` command: what `wasm-pack test --node` and cargo's `runner` call.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())
}
