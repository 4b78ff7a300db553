//! What the signalling needs from media: URLs to hand out, and a way to cut a stream off.
//!
//! Hides which server moves the media. Nothing here moves any.

mod amf;
pub mod broker;
pub mod embedded;
mod engine;
pub mod external;
mod flows;
pub(crate) mod flv;
mod gate;
pub(crate) mod rtmp;
mod streams;
mod workers;

use std::sync::Arc;

pub use self::flows::Flows;
use crate::rights::GrantError;

/// A media engine: where clients push and pull, and how a publisher is cut off.
pub trait MediaEngine: Send + Sync {
    /// Where the holder of a publish grant pushes the stream.
    fn push_url(&self, stream: &str, grant: &str) -> String;

    /// Where the holder of a play grant pulls the stream.
    fn pull_url(&self, stream: &str, grant: &str) -> String;

    /// Disconnects the publisher and the players of a stream. It may begin again: who must not bring it
    /// back is kept out by [`MediaEngine::review`].
    fn end_stream(&self, stream: &str);

    /// Asks again whether a user may do what it does, and ends what it may not do any more. The engine
    /// also asks before it lets anybody begin; whom it asks is its own affair.
    fn review(&self, holder: u64);

    /// Whether somebody publishes a stream at the moment, as far as the engine knows.
    fn is_live(&self, stream: &str) -> bool;

    /// Which streams have got or lost their publisher.
    fn flows(&self) -> &Arc<Flows>;

    /// What the engine does at the moment, and has moved so far.
    fn statistics(&self) -> MediaStatistics;

    /// Requests to publish or play so far, by what came of them.
    fn requests(&self) -> Vec<(&'static str, u64)>;
}

/// What an engine does at the moment, and has moved so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MediaStatistics {
    /// Streams that have a publisher or a player.
    pub streams: usize,
    /// Connected publishers.
    pub publishers: usize,
    /// Connected players, waiting ones included.
    pub players: usize,
    /// Media bytes taken from publishers, without protocol overhead.
    pub bytes_in: u64,
    /// Media bytes given to players, without protocol overhead.
    pub bytes_out: u64,
    /// Media packets that slow players missed.
    pub dropped: u64,
}

/// Why a client may not publish or play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaRefusal {
    /// The stream's name is empty, too long or has characters outside `A-Z a-z 0-9 - _ .`.
    #[error("no such stream name")]
    BadName,
    /// The grant does not allow it, or not at the moment.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// Somebody else publishes the stream.
    #[error("somebody else publishes this stream")]
    Busy,
    /// The server has all the streams or players it can take.
    #[error("the server is full")]
    Full,
    /// Only sound or only picture is permitted, and the media server cannot keep them apart.
    #[error("the permission key allows sound or picture alone, and this media server cannot keep them apart")]
    Partial,
}

impl MediaRefusal {
    /// The same in a word, for counting.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadName => "bad-name",
            Self::Grant(error) => error.reason(),
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Partial => "partial-rights",
        }
    }
}

/// Splits what a client calls the stream into the stream's own name and the grant.
///
/// The name alone is the key under which publisher and players meet: each has a grant of its own.
pub(crate) fn name_and_grant(text: &str) -> Result<(&str, &str), MediaRefusal> {
    let (name, query) = text.split_once('?').unwrap_or((text, ""));
    if !is_name(name) {
        return Err(MediaRefusal::BadName);
    }
    let grant = query.split('&').find_map(|field| field.strip_prefix("grant=")).unwrap_or("");
    Ok((name, grant))
}

/// Whether a text can be the name of a stream.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_NAME_LEN).contains(&text.len()) && text.bytes().all(plain)
}

/// The one RTMP application of our own, and the first part of the HTTP-FLV path.
pub(crate) const APP: &str = "live";
const MAX_NAME_LEN: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_no_part_of_the_name() {
        assert_eq!(name_and_grant("a-1?grant=g"), Ok(("a-1", "g")));
        assert_eq!(name_and_grant("a-1?x=1&grant=g&grant=h"), Ok(("a-1", "g")));
        assert_eq!(name_and_grant("a-1?ungrant=g"), Ok(("a-1", "")));
        assert_eq!(name_and_grant("a-1"), Ok(("a-1", "")));
    }

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["", "?grant=g", "a/b", "a b", "ä", "a%20b", &"a".repeat(129)] {
            assert_eq!(name_and_grant(name), Err(MediaRefusal::BadName), "{name}");
        }
        assert!(name_and_grant(&"a".repeat(128)).is_ok());
    }
}
