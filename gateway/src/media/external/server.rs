//! What the media servers have in common: what their hooks mean, and what they can be told.

use std::fmt;

use axum::http::Method;
use axum::response::Response;

use super::sessions::ClientId;
use super::{nginx_rtmp, srs};
use crate::media::MediaRefusal;
use crate::rights::Action;

/// Which media server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// SRS, with `http_hooks` and its HTTP API.
    Srs,
    /// nginx with its RTMP module, `on_*` and `rtmp_control`.
    NginxRtmp,
}

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

impl Server {
    pub(super) fn read(self, body: &[u8]) -> Result<Hook, Unreadable> {
        match self {
            Self::Srs => srs::read(body),
            Self::NginxRtmp => nginx_rtmp::read(body),
        }
    }

    /// The answer that lets a client go on.
    pub(super) fn allow(self) -> Response {
        match self {
            Self::Srs => srs::answer(0, "ok"),
            Self::NginxRtmp => nginx_rtmp::allow(),
        }
    }

    /// The answer that ends a client.
    pub(super) fn refuse(self, refusal: MediaRefusal) -> Response {
        match self {
            Self::Srs => srs::answer(403, refusal.reason()),
            Self::NginxRtmp => nginx_rtmp::refuse(refusal.reason()),
        }
    }

    /// What drops a client.
    pub(super) fn drop_request(self, app: &str, stream: &str, client: &ClientId) -> Request {
        match self {
            Self::Srs => srs::drop_request(client),
            Self::NginxRtmp => nginx_rtmp::drop_request(app, stream, client),
        }
    }

    /// What its answer to that means; nothing, if it is none.
    pub(super) fn dropped(self, status: u16, body: &[u8]) -> Option<Dropped> {
        match self {
            Self::Srs => srs::dropped(body),
            Self::NginxRtmp => nginx_rtmp::dropped(status, body),
        }
    }

    /// Asks whether it is there and, where it can tell, for clients from this one on.
    pub(super) fn list_request(self, app: &str, start: usize) -> Request {
        match self {
            Self::Srs => srs::list_request(start),
            Self::NginxRtmp => nginx_rtmp::ping_request(app),
        }
    }

    /// What its answer to that means; nothing, if it is none.
    pub(super) fn listed(self, status: u16, body: &[u8]) -> Option<Listed> {
        match self {
            Self::Srs => srs::listed(body),
            Self::NginxRtmp => nginx_rtmp::dropped(status, body).map(|_| Listed::Untold),
        }
    }
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

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Srs => "SRS",
            Self::NginxRtmp => "nginx-rtmp",
        })
    }
}
