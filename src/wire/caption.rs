//! One caption, as it travels in our own notice 1010 (docs/protocol.md 12).

use crate::wire::json::{self, Number, Writer};
use crate::wire::lenient::Fields;
use crate::wire::model::Uid;

/// Something that a member said, as a recogniser heard it.
///
/// For the wire only: its uid is a 64-bit integer, which must not cross into JavaScript.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Caption {
    /// When it was said, in milliseconds since the Unix epoch.
    pub timestamp: Number,
    /// Who said it.
    pub src_uid: Uid,
    /// The language that was spoken, where it is known.
    pub language: String,
    /// What was said.
    pub text: String,
    /// Whether the text will not change any more.
    pub is_final: bool,
    /// Whether there is a translation.
    pub has_trans: bool,
    /// The language of the translation.
    pub trans_language: String,
    /// The translation.
    pub trans_text: String,
}

impl Caption {
    /// Reads one; `None` when nobody said it.
    pub(crate) fn read(caption: Fields<'_>) -> Option<Self> {
        Some(Self {
            timestamp: Number::of(caption.below("timestamp").0).unwrap_or_default(),
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

impl json::Fields for Caption {
    fn fields(&self, to: &mut Writer) {
        to.field("timestamp", &self.timestamp);
        to.field("srcUid", &self.src_uid);
        to.filled("language", &self.language);
        to.field("text", &self.text);
        to.field("isFinal", &self.is_final);
        to.field("hasTrans", &self.has_trans);
        to.filled("transLanguage", &self.trans_language);
        to.filled("transText", &self.trans_text);
    }
}
