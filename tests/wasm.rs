//! The shell on Node: provisional, shows that `npm run test:wasm` runs such tests.

#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn the_runner_runs() {
    assert_eq!(js_sys::Number::MAX_SAFE_INTEGER, 9_007_199_254_740_991.0);
}
