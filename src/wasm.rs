//! The shell between the core and the glue: provisional, it only answers that nobody is in a room.

#![allow(missing_docs, unreachable_pub, reason = "replaced by the real shell")]

use js_sys::{Array, Error, Object, Promise, Reflect};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    pub type Host;
    #[wasm_bindgen(method, js_name = openSocket)]
    fn open_socket(this: &Host, id: u32, url: &str);
    #[wasm_bindgen(method, js_name = sendText)]
    fn send_text(this: &Host, id: u32, text: &str);
    #[wasm_bindgen(method, js_name = closeSocket)]
    fn close_socket(this: &Host, id: u32, code: u16, reason: &str);
    #[wasm_bindgen(method)]
    fn request(this: &Host, id: u32, url: &str, method: &str, headers: &Object, body: &str);
    #[wasm_bindgen(method)]
    fn emit(this: &Host, event: &str, payload: &JsValue);
    #[wasm_bindgen(method)]
    fn log(this: &Host, level: &str, text: &str);
}

#[derive(Deserialize)]
struct Options {
    appkey: String,
}

#[wasm_bindgen]
pub struct Core {
    host: Host,
    options: Options,
}

#[wasm_bindgen]
impl Core {
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue, host: Host) -> Result<Core, JsValue> {
        let options = serde_wasm_bindgen::from_value(options)?;
        Ok(Core { host, options })
    }

    pub fn call(&self, name: &str, args: &Array) -> Promise {
        let _ = (args, &self.options.appkey);
        self.host.log("debug", &format!("{name} refused"));
        let error = Error::new("not in a room");
        let _ = Reflect::set(&error, &"code".into(), &434.into());
        Promise::reject(&error)
    }

    #[wasm_bindgen(js_name = socketOpened)]
    pub fn socket_opened(&self, id: u32) {
        self.host.send_text(id, "hello");
    }

    #[wasm_bindgen(js_name = socketText)]
    pub fn socket_text(&self, id: u32, text: &str) {
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => self.host.log("debug", &value.to_string()),
            Err(_) => self.host.close_socket(id, 1000, "bad frame"),
        }
    }

    #[wasm_bindgen(js_name = socketClosed)]
    pub fn socket_closed(&self, id: u32, _code: u16, reason: &str) {
        self.host.open_socket(id + 1, reason);
    }

    pub fn response(&self, id: u32, _status: u16, text: &str) {
        self.host.request(id, "", "POST", &Object::new(), text);
    }

    #[wasm_bindgen(js_name = responseFailed)]
    pub fn response_failed(&self, _id: u32, message: &str) {
        self.host.emit("error", &message.into());
    }

    pub fn signal(&self, name: &str) {
        self.host.log("debug", name);
    }
}
