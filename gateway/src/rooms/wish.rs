//! What members want of captions, and of those who speak: plain words.

use std::collections::VecDeque;

use nertc_miniapp::wire::model::Uid;
use serde::Serialize;

/// Which captions a member wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaptionWish {
    /// The language that is spoken, as the application named it; empty when it did not.
    pub source_lang: String,
    /// The language to translate into; empty means no translation.
    pub target_lang: String,
}

/// A member's request to cut an artificial speaker short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Interruption {
    /// Larger than that of any earlier one in the room.
    pub id: u64,
    /// Who asked.
    pub from: Uid,
    /// Who is to be silent; nobody named means whoever speaks.
    pub target: Option<Uid>,
}

/// The latest interruptions of a room.
#[derive(Debug, Default)]
pub(super) struct Interruptions {
    last_id: u64,
    latest: VecDeque<Interruption>,
}

impl Interruptions {
    /// Those after the one with this id.
    pub(super) fn after(&self, id: u64) -> Vec<Interruption> {
        self.latest.iter().filter(|one| one.id > id).copied().collect()
    }

    pub(super) fn add(&mut self, from: Uid, target: Option<Uid>) {
        self.last_id += 1;
        if self.latest.len() == MAX_INTERRUPTIONS {
            self.latest.pop_front();
        }
        self.latest.push_back(Interruption { id: self.last_id, from, target });
    }
}

/// Bytes of a language's name.
pub(crate) const MAX_LANGUAGE: usize = 32;
const MAX_INTERRUPTIONS: usize = 32;
