//! The media URLs that members are given: which stream, and with which right.

use nertc_miniapp::model::{Cid, Stream, Uid, Url};

use crate::token::{Action, Grants};

/// Makes the media URLs that members are given.
///
/// A grant lasts as long as its holder's ticket, so a member's URLs stay the same for a whole session,
/// reconnects included (Appendix B 11).
#[derive(Debug)]
pub struct MediaUrls {
    base: String,
    grants: Grants,
}

impl MediaUrls {
    /// URLs are `<base>/<stream>?grant=…`; `base` is, for example, `rtmp://call.example.com/live`.
    #[must_use]
    pub fn new(base: impl Into<String>, grants: Grants) -> Self {
        Self { base: base.into(), grants }
    }

    pub(crate) fn push(&self, cid: Cid, uid: Uid, expires: u64) -> Url {
        self.url(Action::Publish, &stream_name(cid, uid, Stream::Main), uid, expires)
    }

    pub(crate) fn pull(&self, cid: Cid, source: Uid, stream: Stream, viewer: Uid, expires: u64) -> Url {
        self.url(Action::Play, &stream_name(cid, source, stream), viewer, expires)
    }

    fn url(&self, action: Action, stream: &str, holder: Uid, expires: u64) -> Url {
        let grant = self.grants.issue(action, stream, holder.0, expires);
        Url(format!("{}/{stream}?grant={grant}", self.base))
    }
}

/// The name under which the media server knows a member's stream.
#[must_use]
pub fn stream_name(cid: Cid, uid: Uid, stream: Stream) -> String {
    match stream {
        Stream::Main => format!("{cid}-{uid}"),
        Stream::ScreenShare => format!("{cid}-{uid}-screen"),
        Stream::SlaveAudio => format!("{cid}-{uid}-sa"),
    }
}
