//! One caption, as it travels in our own notice 1010 (docs/protocol.md 12).

use serde::{Deserialize, Serialize};

use crate::lenient::{text, truthy};
use crate::model::Uid;

/// Something that a member said, as a recogniser heard it.
///
/// For the wire only: its uid is a 64-bit integer, which must not cross into JavaScript.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caption {
    /// When it was said, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub timestamp: f64,
    /// Who said it.
    pub src_uid: Uid,
    /// The language that was spoken, where it is known.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// What was said.
    #[serde(default, deserialize_with = "text")]
    pub text: String,
    /// Whether the text will not change any more.
    #[serde(default, deserialize_with = "truthy")]
    pub is_final: bool,
    /// Whether there is a translation.
    #[serde(default, deserialize_with = "truthy")]
    pub has_trans: bool,
    /// The language of the translation.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub trans_language: String,
    /// The translation.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub trans_text: String,
}
