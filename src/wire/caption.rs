//! One caption, as it travels in our own notice 1010 (docs/protocol.md 12).

use serde::Serialize;

use crate::wire::lenient::Fields;
use crate::wire::model::Uid;

/// Something that a member said, as a recogniser heard it.
///
/// For the wire only: its uid is a 64-bit integer, which must not cross into JavaScript.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Caption {
    /// When it was said, in milliseconds since the Unix epoch.
    pub timestamp: f64,
    /// Who said it.
    pub src_uid: Uid,
    /// The language that was spoken, where it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// What was said.
    pub text: String,
    /// Whether the text will not change any more.
    pub is_final: bool,
    /// Whether there is a translation.
    pub has_trans: bool,
    /// The language of the translation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trans_language: String,
    /// The translation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trans_text: String,
}

impl Caption {
    /// Reads one; `None` when nobody said it.
    pub(crate) fn read(caption: Fields<'_>) -> Option<Self> {
        Some(Self {
            timestamp: caption.below("timestamp").0.as_f64().unwrap_or_default(),
            src_uid: caption.uid("srcUid")?,
            language: caption.text("language"),
            text: caption.text("text"),
            is_final: caption.flag("isFinal"),
            has_trans: caption.flag("hasTrans"),
            trans_language: caption.text("transLanguage"),
            trans_text: caption.text("transText"),
        })
    }
}
