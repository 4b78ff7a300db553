//! What hooks and answers mean, whichever server they are of.

use axum::http::Method;

use crate::rights::Action;

/// What a hook says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// A client wants to publish or play.
    Begin(Asked),
    /// A client goes on; the answer may end it.
    Goes(Asked),
    /// A client has ended what it did.
    End(ClientId, Action),
    /// The server's own: it plays a stream to hand it on, because its configuration says so.
    Own,
    /// Nothing that matters here.
    Other,
}

/// A client, and what it does or wants to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) client: ClientId,
    pub(super) action: Action,
    pub(super) app: String,
    pub(super) stream: String,
    pub(super) grant: String,
}

/// The body of a hook is not what this server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(pub(super) &'static str);

/// A request to the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
}

/// What came of dropping a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dropped {
    /// It is told to go; a hook will say when it is gone.
    Going,
    /// There is none.
    NotThere,
}

/// Who is connected to the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// It does not say; its clients' updates do.
    Untold,
    /// These are, and there may be more.
    Some(Vec<ClientId>),
    /// These are the last.
    Last(Vec<ClientId>),
}

/// A client, as the server calls it in this run of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientId {
    run: String,
    name: String,
}

impl ClientId {
    /// Nothing, if it could not stand in a URL.
    pub(super) fn new(name: String, run: String) -> Option<Self> {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let fits = (1..=MAX_ID).contains(&name.len()) && run.len() <= 2 * MAX_ID;
        (is_plain && fits).then_some(Self { run, name })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Bytes of a client's name.
const MAX_ID: usize = 64;
