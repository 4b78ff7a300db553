//! Values across the boundary: arguments in, replies and events out.

use js_sys::{Array, Function, JSON, Object, Reflect};
use serde::Serialize;
use serde_json::{Map, Value};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::Error;

/// A plain JavaScript value; nothing at all becomes `undefined`, nothing within is `null`, which is what
/// `setData` takes. Uids choose their own form, so there is no BigInt and no loss.
pub(super) fn js(value: &impl Serialize) -> JsValue {
    let value = value.serialize(&Serializer::json_compatible()).unwrap_or(JsValue::UNDEFINED);
    if value.is_null() { JsValue::UNDEFINED } else { value }
}

/// A real `Error` with the fields of the original.
pub(super) fn js_error(error: &Error) -> JsValue {
    let target = js_sys::Error::new(&error.reason());
    // Copying own fields onto a fresh object cannot fail.
    Object::assign(&target, &Object::from(js(error)));
    target.into()
}

/// Any argument as a plain value: uids may come as BigInt or as an object of some big-number library,
/// which JSON would lose. What has no JSON form becomes text that no parser accepts.
pub(super) fn plain(value: &JsValue) -> Value {
    scalar(value).unwrap_or_else(|| {
        if !value.is_object() || Array::is_array(value) {
            return from_json(value);
        }
        // Not `dyn_ref`: an object of another realm is no instance of our `Object`.
        // One by one, since `collect` would bring a sorting algorithm along.
        let mut members = Map::new();
        for entry in Object::entries(value.unchecked_ref()).iter() {
            let entry = Array::from(&entry);
            let Some(key) = entry.get(0).as_string() else { continue };
            let member = entry.get(1);
            // One level is enough: nothing deeper than an option is ever a uid.
            members.insert(key, scalar(&member).unwrap_or_else(|| from_json(&member)));
        }
        Value::Object(members)
    })
}

/// What is a single value, big numbers included; `None` for real objects.
fn scalar(value: &JsValue) -> Option<Value> {
    if let Some(number) = value.as_f64() {
        return Some(whole(number));
    }
    if let Some(text) = value.as_string() {
        return Some(Value::String(text));
    }
    if let Some(flag) = value.as_bool() {
        return Some(Value::Bool(flag));
    }
    if value.is_null() || value.is_undefined() {
        return Some(Value::Null);
    }
    let decimal = decimal_text(value)?;
    Some(Value::String(decimal))
}

/// The text of whatever writes itself as a decimal integer: BigInt, BigNumber, Long and the like.
fn decimal_text(value: &JsValue) -> Option<String> {
    if value.is_bigint() {
        return Some(String::from(value.unchecked_ref::<Object>().to_string()));
    }
    if !value.is_object() || Array::is_array(value) {
        return None;
    }
    // Not `dyn_into`: a function of another realm is no instance of our `Function`.
    let method = Reflect::get(value, &"toString".into()).ok().filter(JsValue::is_function)?;
    let method: &Function = method.unchecked_ref();
    let text = method.call0(value).ok()?.as_string()?;
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn from_json(value: &JsValue) -> Value {
    json(value).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(|| Value::String("?".into()))
}

/// `None` for what JSON cannot say.
fn json(value: &JsValue) -> Option<String> {
    JSON::stringify(value).ok()?.as_string()
}

/// Integers stay integers; NaN and infinities become text, so that they are refused and not `null`.
fn whole(number: f64) -> Value {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= SAFE {
        return Value::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or_else(|| Value::String("not finite".into()), Value::Number)
}
