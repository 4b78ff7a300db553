//! JSON values that we make. `json!` and `Value::to_string` do the same for several kilobytes of wasm.

use serde::Serialize;
use serde_json::{Map, Value};

/// An object of these fields.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    for (key, value) in fields {
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}

/// A value as text.
pub(crate) fn written(value: &(impl Serialize + ?Sized)) -> String {
    // Keys that are not text are all that could be wrong, and we have none.
    serde_json::to_string(value).unwrap_or_default()
}
