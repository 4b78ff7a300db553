//! Values across the boundary, all of them as JSON but for what an HTTP request needs.

use js_sys::JSON;
use serde::Serializer as _;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// The value that is written here; nothing at all becomes `undefined`, nothing within is `null`, which is
/// what `setData` takes. Uids choose their own form, so nothing is lost.
pub(super) fn js(json: &str) -> JsValue {
    let value = JSON::parse(json).unwrap_or_default();
    if value.is_null() { JsValue::UNDEFINED } else { value }
}

/// A plain object of texts.
pub(super) fn texts(fields: Vec<(&'static str, String)>) -> JsValue {
    Serializer::json_compatible().collect_map(fields).unwrap_or_default()
}
