//! What a defect of ours does to those who wait. A file of its own: a panic ends the instance.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::panic, clippy::unwrap_used)] // a defect, on purpose

use js_sys::{Array, Function, Reflect};
use nertc_miniapp::wasm::{Core, Host};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = "
export const silentHost = () => ({ request() {}, emit() {}, forget() {}, log() {} });
export const options = () => ({ appkey: 'ak' });
export const join = () => [{ channelName: 'r', uid: 1 }];
")]
extern "C" {
    #[wasm_bindgen(js_name = silentHost)]
    fn silent_host() -> Host;
    fn options() -> JsValue;
    fn join() -> Array;
}

#[wasm_bindgen_test]
async fn a_panic_answers_whoever_waits_and_every_later_call() {
    let core = Core::new(&options(), silent_host()).unwrap();
    let waiting = core.call("join", &join());
    let defect: Function = Closure::<dyn Fn()>::new(|| panic!("a defect")).into_js_value().into();
    assert!(defect.call0(&JsValue::UNDEFINED).is_err());

    for promise in [waiting, core.call("leave", &Array::new())] {
        let error = JsFuture::from(promise).await.unwrap_err();
        assert_eq!(Reflect::get(&error, &"kind".into()), Ok("Bug".into()));
    }
    assert!(core.export_log().as_string().unwrap().contains("\"join\""));
    assert!(Core::new(&options(), silent_host()).is_err());
}
