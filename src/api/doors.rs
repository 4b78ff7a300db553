//! What goes into a session and what comes out of it: plain data, both ways.

use crate::api::call::{Call, Reply};
use crate::api::error::Error;
use crate::api::event::Event;
use crate::wire::json::{Fields, Writer, serialize_as_json, written};
use crate::wire::model::{CallId, RequestId, Role, SocketId, Url};

/// Everything that can happen to a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The application calls. Answered by exactly one [`Output::Settle`].
    Call(CallId, Call),
    /// An HTTP request was answered, or failed.
    Response(RequestId, Result<HttpResponse, HttpFailure>),
    /// A socket is open.
    SocketOpened(SocketId),
    /// A text frame came.
    SocketText(SocketId, String),
    /// A socket closed, could not be opened, or could not be sent on.
    SocketClosed(SocketId, CloseInfo),
    /// The platform told something about the application's surroundings.
    App(AppSignal),
    /// The page is about to be updated. Answered by [`crate::Event::View`], if there is anything to
    /// change.
    Render,
    /// The application says when to try again, in answer to [`Output::AskRetry`] with this number of
    /// attempts.
    Retry(u32, Advice),
    /// The time that [`crate::Session::poll_timeout`] named has come. Harmless at any other time.
    Timeout,
}

/// Everything a session can do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Make an HTTP request; its answer comes back with the same id.
    Request(RequestId, HttpRequest),
    /// Open a WebSocket.
    OpenSocket(SocketId, Url),
    /// Send a text frame.
    SendText(SocketId, String),
    /// Close a WebSocket.
    CloseSocket(SocketId, CloseInfo),
    /// Ask the application when to try again; its answer comes back as [`Input::Retry`]. Without one
    /// the default stands.
    AskRetry(RetryContext),
    /// A call is answered.
    Settle(CallId, Result<Reply, Error>),
    /// Tell the application, after everything settled before it.
    Event(Event),
    /// The application has left, or enters another room: what it has been told and has not heard yet is
    /// void, unless [`Event::outlasts_its_stay`].
    Forget,
    /// A line for whoever debugs.
    Log(Level, String),
}

impl Output {
    /// What the application is given, in JSON; empty where it is given nothing.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Settle(_, Ok(reply)) => written(reply),
            Self::Settle(_, Err(error)) => written(error),
            Self::Event(event) => written(event),
            Self::AskRetry(context) => written(context),
            Self::Request(..)
            | Self::OpenSocket(..)
            | Self::SendText(..)
            | Self::CloseSocket(..)
            | Self::Forget
            | Self::Log(..) => String::new(),
        }
    }
}

/// What outlives a stay: with it, another session goes on as this one would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Where the random sequence has got to.
    pub seed: u64,
    /// The last id of a socket or request.
    pub minted: u32,
    /// The last key of a component.
    pub keys: u32,
    /// The role that the application wants.
    pub role: Role,
}

/// A POST request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Where to.
    pub url: Url,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, unparsed: JavaScript's JSON would spoil big uids.
    pub body: String,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFailure {
    /// The platform's text.
    pub message: String,
}

/// How a socket closed, or is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseInfo {
    /// The WebSocket close code; 1006 when there was none.
    pub code: u16,
    /// The text that came with it.
    pub reason: String,
}

/// What an application that decides about reconnecting is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryContext {
    /// Attempts that have failed in this outage.
    pub retry_count: u32,
    /// How long it has lasted.
    pub elapsed_ms: u32,
    /// What began it.
    pub retry_reason: String,
    /// How long the SDK would wait.
    pub delay_ms: u32,
}

impl Fields for RetryContext {
    fn fields(&self, to: &mut Writer) {
        to.field("retryCount", &self.retry_count);
        to.field("elapsedMs", &self.elapsed_ms);
        to.field("retryReason", &self.retry_reason);
        to.field("delayMs", &self.delay_ms);
    }
}

serialize_as_json!(RetryContext);

/// What an application says about reconnecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Try again after this many milliseconds.
    After(u32),
    /// Give up.
    GiveUp,
    /// No opinion: as the SDK would.
    Default,
}

/// What the platform can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppSignal {
    /// The application came to the front.
    Shown,
    /// The application went to the background.
    Hidden,
    /// There is a network.
    NetworkUp,
    /// There is none.
    NetworkDown,
}

impl AppSignal {
    const ALL: [Self; 4] = [Self::Shown, Self::Hidden, Self::NetworkUp, Self::NetworkDown];

    /// The name in the glue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Hidden => "hidden",
            Self::NetworkUp => "networkUp",
            Self::NetworkDown => "networkDown",
        }
    }

    /// The signal with this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The application was told of a failure.
    Error,
    /// What the developer must know, whether or not anything is being debugged.
    Notice,
    /// A surprise that was dealt with.
    Warn,
    /// One line per transition.
    Info,
    /// Packets.
    Debug,
}
