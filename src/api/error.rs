//! Everything that can go wrong for an application, with the codes of the original SDK.
//!
//! One table, here: an error's code never changes its meaning or its JavaScript type
//! (docs/protocol.md 7.1 mixes numbers and strings; applications compare them as they are).

use crate::wire::json::{Fields, Json, Writer, serialize_as_json};

/// Why a call failed or a stay in a room ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An argument has the wrong type or is out of range.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// The call needs a room, and there is none.
    #[error("{0}: not in a room; call join first")]
    NotInRoom(&'static str),
    /// `join` while already in a room or on the way into one.
    #[error("join: already in a room; call leave first")]
    AlreadyInRoom,
    /// The opposite call came before this one could take effect.
    #[error("{0}: withdrawn by a later call")]
    Withdrawn(&'static str),
    /// The stream ended, or was unsubscribed from, before its subscription was confirmed.
    #[error("subscribe: the stream ended or was unsubscribed from")]
    StreamEnded,
    /// The member to subscribe to is not in the room.
    #[error("subscribe: no member {0} in the room")]
    UnknownMember(String),
    /// The member is in the audience, which neither publishes nor runs tasks.
    #[error("{0}: the audience cannot; call setRole('broadcaster') first")]
    Audience(&'static str),
    /// The platform's sockets are used up.
    #[error("{0}")]
    TooManySockets(String),
    /// WeChat lets the application reach only hosts on a list, and this one is not on it.
    #[error(
        "{host} is not among this mini-program's {list} domains ({list} 合法域名): add {scheme}://{host} to them \
         at mp.weixin.qq.com (Development > Development settings > Server domains)",
        list = list.name(),
        scheme = list.scheme()
    )]
    NotListed {
        /// Which.
        host: String,
        /// On which list.
        list: DomainList,
    },
    /// The task server refused a task, or could not be reached.
    #[error("{operation}: {desc}")]
    TaskFailed {
        /// `addTasks`, `updateTasks` or `deleteTasks`.
        operation: &'static str,
        /// `"434"`, `"436"` or `"435"`.
        code: &'static str,
        /// Who is to blame.
        kind: ErrorKind,
        /// The server's own text, or the platform's.
        desc: String,
    },
    /// More calls are waiting than the session keeps.
    #[error("too many calls are waiting for an answer")]
    TooManyCalls,
    /// The application left the room while the call was waiting.
    #[error("left the room")]
    Left,
    /// The channel server could not be reached.
    #[error("channel server {host} unreachable: {desc}")]
    BootstrapUnreachable {
        /// Which.
        host: String,
        /// The platform's text, and what it means.
        desc: String,
    },
    /// The channel server did not answer in time.
    #[error("channel server {0} did not answer in time")]
    BootstrapTimeout(String),
    /// The channel server said no.
    #[error("channel server {host} refused the join: code {code}, {desc}")]
    BootstrapRefused {
        /// Which.
        host: String,
        /// The server's own code.
        code: i32,
        /// The server's own text.
        desc: String,
    },
    /// What answered is not a channel server (for example an HTML error page).
    #[error("the answer of {host} is no channel server's: {met}")]
    BootstrapUnusable {
        /// Whose.
        host: String,
        /// What came instead, and what that means.
        met: String,
    },
    /// The answer of the channel server names no gateway.
    #[error("the channel server {0} named no gateway")]
    NoGateway(String),
    /// No gateway could be logged in to for the first time.
    #[error("cannot connect to the gateway {host}: {cause}")]
    ConnectFailed {
        /// The host that was tried last.
        host: String,
        /// What ended the last attempt.
        cause: Cause,
    },
    /// The gateway refused the login.
    #[error("the gateway {host} refused the login: code {code}, {desc}")]
    LoginRefused {
        /// Which.
        host: String,
        /// The gateway's own code.
        code: i32,
        /// The gateway's own text.
        desc: String,
    },
    /// The connection was lost and could not be re-established.
    #[error("reconnecting to {host} failed after {attempts} attempts; the outage began with: {cause}")]
    ReconnectFailed {
        /// The host that was tried last.
        host: String,
        /// How many attempts were made.
        attempts: u32,
        /// What started the outage.
        cause: Cause,
    },
    /// Removed from the room by the server.
    #[error("removed from the room")]
    Kicked,
    /// Refused by the room.
    #[error("refused by the room")]
    Refused,
    /// The same uid logged in from somewhere else.
    #[error("the same uid has logged in elsewhere")]
    Replaced,
    /// The room was dissolved.
    #[error("the room was dissolved")]
    RoomClosed,
    /// The gateway never told where to push.
    #[error("publish: the gateway gave no push URL")]
    NoPushUrl,
    /// The gateway refused a command.
    #[error("{command}: refused by the gateway: code {code}, {desc}")]
    CommandRefused {
        /// The command's name.
        command: &'static str,
        /// The gateway's own code.
        code: i32,
        /// The gateway's own text.
        desc: String,
    },
    /// This SDK has broken; nothing it holds can be trusted.
    #[error("the SDK has broken: restart the app, and report what the console says")]
    Broken,
    /// A command was not acknowledged, or a call not settled, in time.
    #[error("{0}: no answer in time")]
    Timeout(&'static str),
}

/// What ended a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The platform reported the socket closed, failed or never open.
    #[error("socket closed ({0}) {1}")]
    Closed(u16, String),
    /// No login answer in time.
    #[error("no login answer in time")]
    LoginTimeout,
    /// The gateway no longer answers heartbeats.
    #[error("no answer to heartbeats")]
    Silence,
    /// The network went away and came back; what was connected before is not.
    #[error("the network went away")]
    NetworkLost,
    /// The channel server failed while reconnecting.
    #[error("{0}")]
    Bootstrap(String),
    /// The gateway refused to take the member back.
    #[error("login refused with code {0}")]
    LoginRefused(i32),
}

/// A list of hosts in the console of a mini-program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainList {
    /// For `wx.request`.
    Request,
    /// For `wx.connectSocket`.
    Socket,
}

impl DomainList {
    /// As the console calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Socket => "socket",
        }
    }

    /// How its entries begin.
    const fn scheme(self) -> &'static str {
        match self {
            Self::Request => "https",
            Self::Socket => "wss",
        }
    }
}

/// Who is to blame, and so what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The application called wrongly: fix the program.
    Misuse,
    /// Somebody with the right to refuse refused: ask for permission.
    Refused,
    /// The way to the server is broken or slow: try again.
    Network,
    /// The server answered nonsense: tell its operator.
    Server,
    /// We are: tell us.
    Bug,
}

impl ErrorKind {
    /// As the application reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Misuse => "Misuse",
            Self::Refused => "Refused",
            Self::Network => "Network",
            Self::Server => "Server",
            Self::Bug => "Bug",
        }
    }
}

/// A code as the original has it: some are numbers, some are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A JavaScript number.
    Number(i32),
    /// A JavaScript string.
    Text(&'static str),
}

impl Error {
    /// The code that the application sees.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::InvalidArgument(_)
            | Self::NotInRoom(_)
            | Self::AlreadyInRoom
            | Self::Withdrawn(_)
            | Self::StreamEnded
            | Self::UnknownMember(_)
            | Self::Audience(_)
            | Self::TooManySockets(_)
            | Self::TooManyCalls => Code::Number(434),
            Self::TaskFailed { code, .. } => Code::Text(code),
            Self::Left | Self::RoomClosed => Code::Text("0"),
            Self::BootstrapUnreachable { .. }
            | Self::BootstrapUnusable { .. }
            | Self::NotListed { list: DomainList::Request, .. }
            | Self::Broken => Code::Number(-2),
            Self::BootstrapTimeout(_) | Self::Timeout(_) => Code::Number(408),
            Self::BootstrapRefused { code, .. }
            | Self::LoginRefused { code, .. }
            | Self::CommandRefused { code, .. } => Code::Number(*code),
            Self::NoGateway(_) => Code::Text("400"),
            Self::ConnectFailed { .. } | Self::NotListed { list: DomainList::Socket, .. } => {
                Code::Text("401")
            }
            Self::ReconnectFailed { .. } => Code::Text("403"),
            Self::Kicked | Self::Replaced => Code::Text("405"),
            Self::Refused => Code::Text("406"),
            Self::NoPushUrl => Code::Text("420"),
        }
    }

    /// Who is to blame.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidArgument(_)
            | Self::NotInRoom(_)
            | Self::AlreadyInRoom
            | Self::Withdrawn(_)
            | Self::UnknownMember(_)
            | Self::Audience(_)
            | Self::TooManySockets(_)
            | Self::TooManyCalls
            | Self::NotListed { .. }
            | Self::Left => ErrorKind::Misuse,
            Self::TaskFailed { kind, .. } => *kind,
            Self::BootstrapRefused { .. }
            | Self::LoginRefused { .. }
            | Self::CommandRefused { .. }
            | Self::StreamEnded
            | Self::Kicked
            | Self::Replaced
            | Self::Refused
            | Self::RoomClosed => ErrorKind::Refused,
            Self::BootstrapUnreachable { .. }
            | Self::BootstrapTimeout(_)
            | Self::ConnectFailed { .. }
            | Self::ReconnectFailed { .. }
            | Self::Timeout(_) => ErrorKind::Network,
            Self::BootstrapUnusable { .. } | Self::NoGateway(_) | Self::NoPushUrl => ErrorKind::Server,
            Self::Broken => ErrorKind::Bug,
        }
    }

    /// The text for people.
    #[must_use]
    pub fn reason(&self) -> String {
        self.to_string()
    }

    /// What the server said, or what ended the connection; the reason where there is neither.
    #[must_use]
    pub fn desc(&self) -> String {
        if let Self::BootstrapRefused { desc, .. }
        | Self::LoginRefused { desc, .. }
        | Self::CommandRefused { desc, .. }
        | Self::TaskFailed { desc, .. } = self
        {
            return desc.clone();
        }
        if let Self::ConnectFailed { cause, .. } | Self::ReconnectFailed { cause, .. } = self {
            return cause.to_string();
        }
        self.reason()
    }

    /// Whether the end of a stay for this reason is a failure, and not what somebody decided.
    #[must_use]
    pub(crate) const fn is_failure(&self) -> bool {
        !matches!(self, Self::Left | Self::RoomClosed | Self::Kicked | Self::Replaced | Self::Refused)
    }

    /// Whether the same call may succeed later without any change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Network
    }
}

impl Fields for Error {
    fn fields(&self, to: &mut Writer) {
        let reason = self.reason();
        to.field("code", &self.code());
        to.field("reason", &reason);
        to.field("message", &reason);
        to.field("desc", &self.desc());
        to.field("kind", self.kind().name());
    }
}

impl Json for Code {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Number(code) => code.write(to),
            Self::Text(code) => code.write(to),
        }
    }
}

serialize_as_json!(Error, Code);
