//! The media URLs that members are given: which stream, and with which right.

use std::fmt;
use std::sync::Arc;

use nertc_miniapp::wire::model::{Cid, Stream, Uid, Url};

use super::grant::{Action, Grants};

/// Makes the media URLs that members are given.
///
/// A grant names the stay that it is for, so a member's URLs stay the same for a whole stay, reconnects
/// included (Appendix B 11).
pub struct MediaUrls {
    grants: Arc<Grants>,
    address: Box<Address>,
}

/// Where to do something with a stream, given the grant for it.
type Address = dyn Fn(Action, &str, &str) -> String + Send;

impl MediaUrls {
    /// Leaves the form of a URL to `address`, which is given action, stream and grant.
    #[must_use]
    pub fn new(grants: Arc<Grants>, address: impl Fn(Action, &str, &str) -> String + Send + 'static) -> Self {
        Self { grants, address: Box::new(address) }
    }

    /// URLs of the form `<base>/<stream>?grant=…`.
    #[must_use]
    pub fn below(base: impl Into<String>, grants: Arc<Grants>) -> Self {
        let base = base.into();
        Self::new(grants, move |_, stream, grant| format!("{base}/{stream}?grant={grant}"))
    }

    pub(crate) fn push(&self, cid: Cid, uid: Uid, expires: u64) -> Url {
        self.url(Action::Publish, &stream_name(cid, uid, Stream::Main), uid, expires)
    }

    pub(crate) fn pull(&self, cid: Cid, source: Uid, stream: Stream, viewer: Uid, expires: u64) -> Url {
        self.url(Action::Play, &stream_name(cid, source, stream), viewer, expires)
    }

    fn url(&self, action: Action, stream: &str, holder: Uid, expires: u64) -> Url {
        let grant = self.grants.issue(action, stream, holder.0, expires);
        Url((self.address)(action, stream, &grant))
    }
}

impl fmt::Debug for MediaUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaUrls(..)")
    }
}

/// The room that a stream belongs to.
pub(crate) fn room_of(stream: &str) -> Option<Cid> {
    stream.split('-').next()?.parse().ok().map(Cid)
}

/// The member whose stream has this name, and which of its streams it is.
#[must_use]
pub fn stream_of(name: &str) -> Option<(Cid, Uid, Stream)> {
    let mut parts = name.splitn(3, '-');
    let (cid, uid) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let stream = [Stream::Main, Stream::ScreenShare, Stream::SlaveAudio]
        .into_iter()
        .find(|stream| stream_name(Cid(cid), Uid(uid), *stream) == name)?;
    Some((Cid(cid), Uid(uid), stream))
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
