//! HTTP-FLV: a stream as one endless HTTP response, for players in browsers.
//!
//! Hides the container. Never publishes anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use serde_json::json;
use tokio::time::timeout;

use super::broker::{Packet, Track};
use super::engine::Engine;
use super::streams::Subscription;
use crate::media::{APP, MediaRefusal};
use crate::net::{Handover, Stranger, cors};

/// `GET /live/<stream>.flv?grant=<grant>`.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route(&format!("/{APP}/{{file}}"), get(respond))
        .layer(cors::layer([Method::GET, Method::HEAD]))
        .with_state(engine)
}

async fn respond(
    State(engine): State<Arc<Engine>>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    stranger: Option<Extension<Arc<Stranger>>>,
    handover: Option<Extension<Handover>>,
) -> Response {
    let stranger = stranger.as_ref().map(|Extension(stranger)| &**stranger);
    let subscription = match subscribe(&engine, &file, query.as_deref().unwrap_or(""), stranger).await {
        Ok(subscription) => subscription,
        Err(refusal) => return refuse(refusal),
    };
    if let Some(Extension(handover)) = handover {
        handover.to(&engine.workers);
    }
    let headers = [(header::CONTENT_TYPE, "video/x-flv"), LIVE, UNBUFFERED, LAST];
    let limits = engine.limits();
    let idle = limits.idle_player;
    let quiet = limits.quiet.min(idle);
    let state = (subscription, Writer::default(), Duration::ZERO);
    let body = stream::unfold(state, move |(mut subscription, mut writer, waited)| async move {
        let (bytes, waited) = match timeout(quiet, subscription.next(BATCH)).await {
            Ok(packets) => (writer.media(&packets.ok()?), Duration::ZERO),
            Err(_) if waited + quiet >= idle => return None,
            Err(_) => (writer.nothing(), waited + quiet),
        };
        Some((Ok::<_, Infallible>(bytes), (subscription, writer, waited)))
    });
    (headers, Body::from_stream(body)).into_response()
}

async fn subscribe(
    engine: &Engine,
    file: &str,
    query: &str,
    stranger: Option<&Stranger>,
) -> Result<Subscription, MediaRefusal> {
    let name = file.strip_suffix(".flv").ok_or(MediaRefusal::BadName)?;
    let asked = format!("{name}?{query}");
    engine.play(&asked, stranger).await
}

fn refuse(refusal: MediaRefusal) -> Response {
    let status = match refusal {
        MediaRefusal::BadName => StatusCode::NOT_FOUND,
        MediaRefusal::Partial | MediaRefusal::Grant(_) => StatusCode::FORBIDDEN,
        MediaRefusal::Busy | MediaRefusal::Full => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = Json(json!({ "code": status.as_u16(), "reason": refusal.to_string() }));
    // Who waited for its holder in vain has left its place among the strangers.
    (status, [LIVE, LAST], body).into_response()
}

/// What a player is sent, from the file header on.
pub fn file(packets: &[Packet]) -> Bytes {
    Writer::default().media(packets)
}

/// Writes FLV.
#[derive(Debug, Default)]
struct Writer {
    has_begun: bool,
    /// Of the last packet.
    time: u32,
}

impl Writer {
    /// Writes packets, after the file header if they are the first.
    ///
    /// The file header is that late because it names the tracks, and some players wait for ever for a
    /// track that was announced and never comes: the first packets say what there is.
    fn media(&mut self, packets: &[Packet]) -> Bytes {
        let size: usize = packets.iter().map(|p| p.body.len() + TAG_OVERHEAD).sum();
        let mut out = BytesMut::with_capacity(size + FILE_HEADER_LEN);
        let has = |track| packets.iter().any(|packet| packet.track == track);
        self.begin(&mut out, u8::from(has(Track::Audio)) << 2 | u8::from(has(Track::Video)));
        for packet in packets {
            let kind = match packet.track {
                Track::Audio => 8,
                Track::Video => 9,
                Track::Metadata => SCRIPT,
            };
            self.time = packet.timestamp;
            self.tag(&mut out, kind, &packet.body);
        }
        out.freeze()
    }

    /// Writes something that promises nothing: metadata without any. Proxies close what is silent for
    /// long, and a player that was closed while its publisher is away would come back to wait again.
    fn nothing(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        self.begin(&mut out, 0);
        self.tag(&mut out, SCRIPT, NO_METADATA);
        out.freeze()
    }

    fn begin(&mut self, out: &mut BytesMut, flags: u8) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.put_slice(&[b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
        }
    }

    fn tag(&self, out: &mut BytesMut, kind: u8, body: &[u8]) {
        out.put_u8(kind);
        out.put_uint(body.len() as u64, 3);
        out.put_uint(u64::from(self.time & 0x00ff_ffff), 3);
        out.put_u8((self.time >> 24) as u8);
        out.put_uint(0, 3);
        out.put_slice(body);
        out.put_u32(body.len() as u32 + 11);
    }
}

/// Nothing between us and the player may keep a stream, or compress what is compressed already.
const LIVE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store, no-transform");
/// nginx collects an answer to fill its buffers unless it is told so by a header of its own; others pass
/// on at once what has no length.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// Nothing more is read from a connection that was handed over, or that proved a right which it lost.
const LAST: (HeaderName, &str) = (header::CONNECTION, "close");
const BATCH: usize = 64 * 1024;
const TAG_OVERHEAD: usize = 15;
const FILE_HEADER_LEN: usize = 13;
const SCRIPT: u8 = 18;
const NO_METADATA: &[u8] = b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_header_names_the_tracks_there_are() {
        let packet = |track| Packet { track, timestamp: 0, body: Bytes::new() };
        let flags = |tracks: &[Track]| {
            let packets: Vec<_> = tracks.iter().copied().map(packet).collect();
            Writer::default().media(&packets)[4]
        };
        assert_eq!(flags(&[Track::Metadata, Track::Audio]), 4);
        assert_eq!(flags(&[Track::Metadata, Track::Video]), 1);
        assert_eq!(flags(&[Track::Video, Track::Audio]), 5);
    }

    #[test]
    fn a_tag_is_framed_as_the_format_says() {
        let packet =
            Packet { track: Track::Video, timestamp: 0x0102_0304, body: Bytes::from_static(b"body") };
        let tag = b"\x09\0\0\x04\x02\x03\x04\x01\0\0\0body\0\0\0\x0f";
        let mut writer = Writer { has_begun: true, time: 0 };
        assert_eq!(writer.media(&[packet]), &tag[..]);
    }
}
