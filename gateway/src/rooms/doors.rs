//! What goes into the hub and what comes out of it.

use std::sync::Arc;

use nertc_miniapp::wire::model::{Cid, Role, Stream, Uid};
use nertc_miniapp::wire::protocol::Caption;

use super::quality::QualityReport;
use crate::rights::Privileges;

/// What can happen to the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum HubInput {
    /// A connection was opened. Its id is never used again.
    Opened(ConnectionId),
    /// A text frame came.
    Text(ConnectionId, String),
    /// The connection is gone.
    Closed(ConnectionId),
    /// The operator removes a member.
    Kick(Cid, Uid),
    /// The operator closes a room.
    Dissolve(Cid),
    /// A recogniser heard something in a room.
    Captions(Cid, Vec<Caption>),
    /// A component of a member's page reported something.
    Report(Cid, Uid, QualityReport),
    /// A member's stream has a publisher at the media server, or has none.
    Flow(Cid, Uid, Stream, bool),
    /// Somebody has set the machine's clock: it is so many milliseconds ahead of ours, or behind.
    ClockSet(i64),
    /// The gateway is to stop when the last room is empty: no room begins any more.
    Drain,
    /// The gateway stops.
    Shutdown,
    /// A deadline may have passed. Always harmless.
    Timeout,
}

/// What the hub wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubOutput {
    /// Send a text frame. Those who are told the same share it.
    Send(ConnectionId, Arc<str>),
    /// Close a connection with this code and reason, after what was sent before. Its
    /// [`HubInput::Closed`] is optional.
    Close(ConnectionId, u16, &'static str),
    /// From now on the user is in this room, with this role, on this stay and with these privileges: what that
    /// does not cover must end.
    Admit(Cid, Uid, Role, u64, Privileges),
    /// From now on only this goes on of what the user sends, until it is admitted anew; nothing ends for it.
    Carry(Cid, Uid, Privileges),
    /// From now on the user is not in this room: whatever it publishes and plays there must end.
    Expel(Cid, Uid),
    /// Disconnect whoever publishes or plays this stream, if anybody does.
    EndStream(String),
    /// Cut an artificial speaker short; whoever makes it speak should hear of this.
    Interrupt {
        /// The room.
        cid: Cid,
        /// Who wants it.
        from: Uid,
        /// Who is to be silent; nobody named means whoever speaks.
        target: Option<Uid>,
    },
    /// After [`HubInput::Drain`], once: there is no room any more, and there will be none.
    Drained,
    /// Write a line to the log.
    Log(Level, String),
}

/// One connection; minted by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A change in the life of a room or a member.
    Info,
    /// A surprise.
    Warn,
    /// What strangers can cause as often as they like.
    Debug,
}
