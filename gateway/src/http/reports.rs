//! What the SDKs report of their media: read as far as the operator is shown it, and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Json;
use axum::routing::post;
use nertc_miniapp::model::{Cid, Uid};
use nertc_miniapp::{LONGEST_VALUE, MAX_REPORTS};
use serde_json::{Value, json};

use super::{Desk, Shared};
use crate::hub::{HubInput, QualityReport, STATISTICS};

/// The vendor's addresses, and what a private deployment may name as `statisticsServer` (1.6).
pub(super) fn router() -> Router<Arc<Desk>> {
    let mut routes = Router::new();
    for path in PATHS {
        routes = routes.route(path, post(report).layer(DefaultBodyLimit::max(MAX_BATCH)));
    }
    routes
}

/// Takes one event, as old clients send it, or a batch of ours (8.2, 8.4). What is not about media is the
/// application's own business, and only counted.
async fn report(State(desk): Shared, body: Bytes) -> Json<Value> {
    desk.reports.fetch_add(1, Ordering::Relaxed);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let batch = body.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for event in body.get("event").into_iter().chain(batch).take(MAX_EVENTS) {
        if let Some((cid, uid, report)) = event.get("function").and_then(read) {
            desk.hub.input(HubInput::Report(cid, uid, report)).await;
        }
    }
    Json(json!({ "code": 200 }))
}

fn read(event: &Value) -> Option<(Cid, Uid, QualityReport)> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let (cid, uid) = (text("cid")?.parse().ok()?, text("uid")?.parse().ok()?);
    let told: Value = serde_json::from_str(text("value")?).ok()?;
    let name = text("name")?;
    let source = match text("oper")? {
        "push" => None,
        "pull" => Some(Uid(whole(told.get("pull_uid")?)?)),
        _other => return None,
    };
    let mut report = QualityReport { source, ..QualityReport::default() };
    if name.ends_with("statechange") {
        report.code = told.get("code").and_then(number).map(|code| code as i32);
    } else if name.ends_with("netstatus") {
        let known = STATISTICS.into_iter();
        report.values = known.filter_map(|name| Some((name, told.get(name).and_then(number)?))).collect();
    }
    (report != QualityReport { source, ..QualityReport::default() }).then_some((Cid(cid), uid, report))
}

/// Platforms write some numbers as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number: &f64| number.is_finite())
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
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
/// What stands around an event's value.
const AROUND: usize = 512;

// A batch that is too large for us would be sent again and again. Quotes in a value count twice.
const _: () = assert!(MAX_EVENTS >= MAX_REPORTS && MAX_BATCH >= MAX_REPORTS * (2 * LONGEST_VALUE + AROUND));
