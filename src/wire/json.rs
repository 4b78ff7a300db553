//! JSON as this protocol has it: read where it lies, written piece by piece, with no tree in between.
//!
//! What is read stays the text that it was; a document notes where its values are, one after the other.
//! Integers are exact, and other numbers keep their digits. Where texts are odd:
//!
//! - of two equal keys the last counts;
//! - half a surrogate pair (`\ud800`) is U+FFFD, as wherever text enters the SDK;
//! - a number has any size (`1e400` is one), and whoever cannot use it takes it for absent;
//! - nothing but white space may follow, and nothing is deeper than [`DEPTH`].

mod read;
mod write;

use serde::Serializer;
use serde::ser::{Error as _, Serialize as _};

pub use read::{DEPTH, Document, NotJson, Value};
pub use write::Number;
pub(crate) use write::{Fields, Json, Writer, object, written};

/// Hands what is written here to any other format of serde.
pub(crate) fn serialize<S: Serializer>(
    value: &(impl Json + ?Sized),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = written(value);
    Document::read(&text).map_err(S::Error::custom)?.root().serialize(serializer)
}

/// Lets serde write types as they are written here.
macro_rules! serialize_as_json {
    ($($kind:ty),+) => {
        $(impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::json::serialize(self, serializer)
            }
        })+
    };
}
pub(crate) use serialize_as_json;
