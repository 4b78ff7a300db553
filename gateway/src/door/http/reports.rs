//! What the SDKs report of their media: read as far as the operator is shown it, and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn_with_state;
use axum::response::Json;
use axum::routing::post;
use nertc_miniapp::wire::model::{Cid, Uid};
use nertc_miniapp::wire::protocol::{LONGEST_VALUE, MAX_REPORTS};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::bodies::{self, Bodies};
use super::context::{Context, Shared};
use super::pick::{items, pick, text};
use crate::rooms::{HubInput, QualityReport, STATISTICS};

/// The vendor's addresses, and what a private deployment may name as `statisticsServer` (1.6).
pub(super) fn router(bodies: &Bodies) -> Router<Arc<Context>> {
    let mut routes = Router::new();
    for path in PATHS {
        routes = routes.route(path, post(report).layer(DefaultBodyLimit::max(MAX_BATCH)));
    }
    routes.layer(from_fn_with_state(bodies.at_most(MAX_BATCH), bodies::collect))
}

/// Takes one event, as old clients send it, or a batch of ours (8.2, 8.4). What is not about media is the
/// application's own business, and only counted.
async fn report(State(context): Shared, body: Bytes) -> Json<Value> {
    context.reports.fetch_add(1, Ordering::Relaxed);
    // Anybody may send as many and as long ones as there is room for: one is read after the other, and the
    // rest of the gateway has the other processors. Closed it never is.
    let _turn = context.reading.acquire().await;
    let inputs = read_batch(&body);
    drop(body);
    if !inputs.is_empty() {
        context.hub.inputs(inputs);
    }
    Json(json!({ "code": 200 }))
}

fn read_batch(body: &[u8]) -> Vec<HubInput> {
    let Ok(body) = std::str::from_utf8(body) else { return Vec::new() };
    let Some([event, events]) = pick(body, ["event", "events"]) else { return Vec::new() };
    let batch = events.and_then(|events| items(events.get(), MAX_EVENTS)).unwrap_or_default();
    event.into_iter().chain(batch).take(MAX_EVENTS).filter_map(|event| read(event.get())).collect()
}

fn read(event: &str) -> Option<HubInput> {
    let [function] = pick(event, ["function"])?;
    let [cid, uid, oper, name, value] = pick(function?.get(), ["cid", "uid", "oper", "name", "value"])?;
    let word = |value| text(value, MAX_WORD);
    let (cid, uid, name) = (word(cid)?.parse().ok()?, word(uid)?.parse().ok()?, word(name)?);
    let told = text(value, MAX_VALUE)?;
    let [source, code] = pick(&told, ["pull_uid", "code"])?;
    let source = match word(oper)?.as_str() {
        "push" => None,
        "pull" => Some(Uid(whole(source?)?)),
        _other => return None,
    };
    let mut report = QualityReport { source, ..QualityReport::default() };
    if name.ends_with("statechange") {
        report.code = code.and_then(number).map(|code| code as i32);
    } else if name.ends_with("netstatus") {
        let known = STATISTICS.into_iter().zip(pick(&told, STATISTICS)?);
        report.values = known.filter_map(|(name, value)| Some((name, number(value?)?))).collect();
    }
    let is_empty = report == QualityReport { source, ..QualityReport::default() };
    (!is_empty).then_some(HubInput::Report(Cid(cid), uid, report))
}

/// Platforms write some numbers as text.
fn number(value: &RawValue) -> Option<f64> {
    let number = serde_json::from_str(value.get()).ok();
    number.or_else(|| text(Some(value), MAX_WORD)?.parse().ok()).filter(|number: &f64| number.is_finite())
}

fn whole(value: &RawValue) -> Option<u64> {
    let number = serde_json::from_str(value.get()).ok();
    number.or_else(|| text(Some(value), MAX_WORD)?.parse().ok())
}

const PATHS: [&str; 4] = [
    "/statistic/realtime/sdkFunctioninfo",
    "/statics/report/common/form",
    "/report/statics/report/common/form",
    "/statistics",
];
/// Bytes of a batch.
const MAX_BATCH: usize = 2 << 20;
/// Events of a batch that are read.
const MAX_EVENTS: usize = 256;
/// Bytes of a name or a number, quotes included.
const MAX_WORD: usize = 256;
/// Bytes of what a component told, as written: each of its characters may take six.
const MAX_VALUE: usize = 6 * LONGEST_VALUE + 2;
/// What stands around an event's value.
const AROUND: usize = 512;

// A batch that is too large for us would be sent again and again. Quotes in a value count twice.
const _: () = assert!(MAX_EVENTS >= MAX_REPORTS && MAX_BATCH >= MAX_REPORTS * (2 * LONGEST_VALUE + AROUND));
