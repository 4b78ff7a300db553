//! Which media server it is, and so how it is read, answered and asked.

use std::fmt;

use axum::response::Response;

use super::words::{ClientId, Dropped, Hook, Listed, Request, Unreadable};
use super::{nginx_rtmp, srs};
use crate::media::MediaRefusal;

/// Which media server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// SRS, with `http_hooks` and its HTTP API.
    Srs,
    /// nginx with its RTMP module, `on_*` and `rtmp_control`.
    NginxRtmp,
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

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Srs => "SRS",
            Self::NginxRtmp => "nginx-rtmp",
        })
    }
}
