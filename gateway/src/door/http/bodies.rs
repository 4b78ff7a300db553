//! Bodies of requests: read whole, within bytes that all of them share, before a handler sees any.
//!
//! A handler waits for nothing that a peer may hold back, and no crowd of long bodies fills the memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use memmap2::MmapMut;
use tokio::time::timeout;

use crate::net::{Exhausted, Memory, Share};

/// How long a body may be, and what all of them share.
#[derive(Debug, Clone)]
pub(super) struct Bodies {
    memory: Arc<Memory>,
    longest: usize,
}

impl Bodies {
    pub(super) fn new(longest: usize) -> Self {
        Self { memory: Memory::new(MOST, FREE), longest }
    }

    /// Of another length, from the same memory.
    pub(super) fn at_most(&self, longest: usize) -> Self {
        Self { memory: Arc::clone(&self.memory), longest }
    }

    async fn read(&self, body: &mut Body, share: &mut Share) -> Result<Bytes, Unread> {
        let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if claimed > self.longest {
            return Err(Unread::TooLong);
        }
        share.hold(claimed)?;
        let mut whole = Whole::of(claimed, self.longest)?;
        loop {
            let frame = tokio::select! {
                frame = timeout(SILENCE, body.frame()) => frame.map_err(|_| Unread::Silent)?,
                () = share.revoked() => return Err(Exhausted.into()),
            };
            let Some(frame) = frame else { return Ok(whole.finish()) };
            let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
            let length = whole.len() + data.len();
            if length > self.longest {
                return Err(Unread::TooLong);
            }
            share.hold(length.max(claimed))?;
            whole.add(&data, self.longest)?;
        }
    }
}

/// What has come of a body. A long one has pages of its own: among the allocator's they would leave holes, of
/// which a crowd of them makes several times their length.
enum Whole {
    Short(Vec<u8>),
    Long(MmapMut, usize),
}

impl Whole {
    fn of(claimed: usize, longest: usize) -> Result<Self, Unread> {
        if claimed <= SHORT { Ok(Self::Short(Vec::with_capacity(claimed))) } else { Self::long(&[], longest) }
    }

    /// Pages count only once something is written to them.
    fn long(start: &[u8], longest: usize) -> Result<Self, Unread> {
        let mut pages = MmapMut::map_anon(longest.max(1)).map_err(|_| Unread::Exhausted)?;
        pages[..start.len()].copy_from_slice(start);
        Ok(Self::Long(pages, start.len()))
    }

    fn len(&self) -> usize {
        match self {
            Self::Short(bytes) => bytes.len(),
            Self::Long(_, length) => *length,
        }
    }

    /// Takes in more, up to `longest` in all.
    fn add(&mut self, data: &[u8], longest: usize) -> Result<(), Unread> {
        if let Self::Short(bytes) = self
            && bytes.len() + data.len() > SHORT
        {
            *self = Self::long(bytes, longest)?;
        }
        match self {
            Self::Short(bytes) => bytes.extend_from_slice(data),
            Self::Long(pages, length) => {
                let end = *length + data.len();
                pages.get_mut(*length..end).ok_or(Unread::TooLong)?.copy_from_slice(data);
                *length = end;
            }
        }
        Ok(())
    }

    fn finish(self) -> Bytes {
        match self {
            Self::Short(bytes) => bytes.into(),
            Self::Long(pages, length) => Bytes::from_owner(pages).slice(..length),
        }
    }
}

/// Hands a request on with its whole body.
pub(super) async fn collect(State(bodies): State<Bodies>, request: Request, next: Next) -> Response {
    let (head, mut body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(head, body)).await;
    }
    let mut share = bodies.memory.share();
    let body = match bodies.read(&mut body, &mut share).await {
        Ok(whole) => whole.into(),
        Err(Unread::TooLong) => {
            drop(share);
            drain(body, bodies.longest).await;
            return next.run(Request::from_parts(head, too_long())).await;
        }
        Err(Unread::Silent) => return StatusCode::REQUEST_TIMEOUT.into_response(),
        Err(Unread::Broken) => return StatusCode::BAD_REQUEST.into_response(),
        Err(Unread::Exhausted) => {
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
        }
    };
    next.run(Request::from_parts(head, body)).await
}

/// Why a body is not read to its end.
enum Unread {
    TooLong,
    Silent,
    Broken,
    Exhausted,
}

impl From<Exhausted> for Unread {
    fn from(Exhausted: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// Takes in, without keeping it, what a peer writes before it looks for an answer.
async fn drain(mut body: Body, longest: usize) {
    let mut drained = 0;
    while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
        drained += frame.data_ref().map_or(0, Bytes::len);
        if drained > 2 * longest {
            return;
        }
    }
}

/// A body that is refused as too long by whoever reads it: each handler has its own words for that.
fn too_long() -> Body {
    Body::new(Limited::new(Full::new(Bytes::from_static(b"-")), 0))
}

/// Bytes of a body, where nothing longer is meant.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// Bytes of all bodies together.
const MOST: usize = 32 << 20;
/// Bytes that every body may have besides: a bootstrap has a tenth of it, and never waits for others.
const FREE: usize = 4 * 1024;
/// Bytes of a body that needs no pages of its own.
const SHORT: usize = 64 * 1024;
/// How long a peer may send nothing before its body is whole.
const SILENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_however_it_comes() {
        let body: Vec<u8> = (0..3 * SHORT).map(|index| (index % 251) as u8).collect();
        for length in [0, 1, SHORT, SHORT + 1, 3 * SHORT] {
            for claimed in [0, length] {
                for piece in [1000, SHORT, 2 * SHORT] {
                    let mut whole = Whole::of(claimed, 3 * SHORT).ok().unwrap();
                    for part in body[..length].chunks(piece) {
                        whole.add(part, 3 * SHORT).ok().unwrap();
                    }
                    assert!(whole.finish() == body[..length], "{length} {claimed} {piece}");
                }
            }
        }
    }
}
