//! HTTP-FLV: a stream as one endless HTTP response, for players in browsers.
//!
//! Hides the container. Never publishes anything.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use serde_json::json;
use tokio::time::timeout;

use crate::broker::{Packet, Track};
use crate::embedded::Engine;
use crate::hall::Subscription;
use crate::media::{APP, Refusal};

/// `GET /live/<stream>.flv?grant=<grant>`.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new().route(&format!("/{APP}/{{file}}"), get(respond)).with_state(engine)
}

async fn respond(
    State(engine): State<Arc<Engine>>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let subscription = match subscribe(&engine, &file, query.as_deref().unwrap_or("")).await {
        Ok(subscription) => subscription,
        Err(refusal) => return refuse(refusal),
    };
    let headers = [(header::CONTENT_TYPE, "video/x-flv"), (header::CACHE_CONTROL, "no-store"), ANY_ORIGIN];
    let idle = engine.limits.idle_player;
    let body = stream::unfold((subscription, false), move |(mut seat, has_begun)| async move {
        let packets = timeout(idle, seat.next(BATCH)).await.ok()?.ok()?;
        let bytes = mux(&packets, !has_begun);
        Some((Ok::<_, Infallible>(bytes), (seat, true)))
    });
    (headers, Body::from_stream(body)).into_response()
}

async fn subscribe(engine: &Engine, file: &str, query: &str) -> Result<Subscription, Refusal> {
    let name = file.strip_suffix(".flv").ok_or(Refusal::BadName)?;
    let asked = format!("{name}?{query}");
    engine.play(&asked).await
}

fn refuse(refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::BadName => StatusCode::NOT_FOUND,
        Refusal::Grant(_) | Refusal::NotAGuest | Refusal::OtherStay => StatusCode::FORBIDDEN,
        Refusal::Busy | Refusal::Full => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = Json(json!({ "code": status.as_u16(), "reason": refusal.to_string() }));
    (status, [ANY_ORIGIN], body).into_response()
}

/// Writes packets as FLV, after the file header if they are the first.
///
/// The file header is that late because it names the tracks, and some players wait for ever for a
/// track that was announced and never comes: the first packets say what there is.
fn mux(packets: &[Packet], is_first: bool) -> Bytes {
    let size: usize = packets.iter().map(|p| p.body.len() + TAG_OVERHEAD).sum();
    let mut out = BytesMut::with_capacity(size + FILE_HEADER_LEN);
    if is_first {
        let has = |track| packets.iter().any(|packet| packet.track == track);
        let flags = u8::from(has(Track::Audio)) << 2 | u8::from(has(Track::Video));
        out.put_slice(&[b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
    }
    for packet in packets {
        let kind = match packet.track {
            Track::Audio => 8,
            Track::Video => 9,
            Track::Metadata => 18,
        };
        out.put_u8(kind);
        out.put_uint(packet.body.len() as u64, 3);
        out.put_uint(u64::from(packet.timestamp & 0x00ff_ffff), 3);
        out.put_u8((packet.timestamp >> 24) as u8);
        out.put_uint(0, 3);
        out.put_slice(&packet.body);
        out.put_u32(packet.body.len() as u32 + 11);
    }
    out.freeze()
}

const ANY_ORIGIN: (header::HeaderName, &str) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
const BATCH: usize = 64 * 1024;
const TAG_OVERHEAD: usize = 15;
const FILE_HEADER_LEN: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_header_names_the_tracks_there_are() {
        let packet = |track| Packet { track, timestamp: 0, body: Bytes::new() };
        let flags = |tracks: &[Track]| {
            let packets: Vec<_> = tracks.iter().copied().map(packet).collect();
            mux(&packets, true)[4]
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
        assert_eq!(mux(&[packet], false), &tag[..]);
    }
}
