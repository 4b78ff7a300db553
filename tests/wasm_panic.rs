//! What a defect of ours does to those who wait. A file of its own: a panic ends the instance.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::panic, clippy::unwrap_used)] // a defect, on purpose

use js_sys::Function;
use nertc_miniapp::wasm::{Core, Host};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = "
export const silentHost = () => ({
  told: [], request() {}, tell() {}, forget() {}, log() {},
  settle(id, value, refused) { this.told.push(`${id} ${JSON.parse(value).kind} ${refused}`); },
  broke(reason) { this.told.push(`all ${JSON.parse(reason).kind}`); },
});
export const told = (host) => host.told.join();
")]
extern "C" {
    #[wasm_bindgen(js_name = silentHost)]
    fn silent_host() -> Host;
    fn told(host: &JsValue) -> String;
}

#[wasm_bindgen_test]
fn a_panic_answers_whoever_waits_and_every_later_call() {
    let host = silent_host();
    let heard = JsValue::from(&host);
    let core = Core::new(OPTIONS.into(), host);
    core.call(1, r#"join[{"channelName":"r","uid":1}]"#.into());
    let defect: Function = Closure::<dyn Fn()>::new(|| panic!("a defect")).into_js_value().into();
    assert!(defect.call0(&JsValue::UNDEFINED).is_err());

    core.call(2, "leave[]".into());
    assert_eq!(told(&heard), "all Bug,2 Bug true");
    assert!(core.read(LOG).as_string().unwrap().contains("\"join\""));
    let late = silent_host();
    let heard = JsValue::from(&late);
    Core::new(OPTIONS.into(), late).call(3, "leave[]".into());
    assert_eq!(told(&heard), "3 Bug true");
}

/// The number of the log among what can be read.
const LOG: u32 = 3;
const OPTIONS: &str = r#"{"appkey":"ak"}"#;
