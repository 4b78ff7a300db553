//! How well media travel, in the words of the application.

use crate::wire::model::{Stream, Uid};

/// The way that media take between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// Through live-pusher.
    Up,
    /// A member's stream, through a live-player.
    Down(Uid, Stream),
}

/// What should flow on a leg. A camera that is off is not a bad network, and a shared screen may
/// stand still: expect no video of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flows {
    /// Whether a microphone is on.
    pub audio: bool,
    /// Whether a camera is on.
    pub video: bool,
}

/// How a leg is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// 0 unknown, 1 excellent, 2 good, 3 poor, 4 bad, 5 very bad, 6 down.
    pub level: u8,
    /// 0 to 100, of the latest report alone.
    pub score: u8,
    /// What cost most of the score.
    pub reason: Reason,
}

/// What is worst about a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing.
    None,
    /// Few or no frames.
    Fps,
    /// Little or nothing flows.
    Bitrate,
    /// It flows unevenly.
    Jitter,
    /// It piles up: at the sender that cannot get rid of it, or at the player that lags behind.
    Cache,
    /// The component itself says so.
    Native,
}

impl Reason {
    /// As events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fps => "fps",
            Self::Bitrate => "bitrate",
            Self::Jitter => "jitter",
            Self::Cache => "cache",
            Self::Native => "native",
        }
    }
}
