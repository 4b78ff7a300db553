//! Everything that is asked over HTTP: the bootstrap, the statistics sinks, the operator's calls.
//!
//! Knows nothing of rooms beyond asking the hub.

mod bodies;
mod bootstrap;
mod context;
mod fields;
mod operator;
mod pick;
mod reports;
mod task_server;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use nertc_miniapp::wire::model::Uid;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_http::timeout::TimeoutLayer;

use self::bodies::{Bodies, MAX_BODY};
use self::bootstrap::bootstrap;
use self::context::Shared;
pub(crate) use self::context::{Context, Policy};
use super::faults::ConnectionFaults;
use super::metrics::Facts;
use super::shell::HubGone;
use super::ws;
use crate::clock::wall_clock_ms;
use crate::log;
use crate::net::{Stranger, cors};
use crate::rights::{Apps, BasicToken};

/// What the operator asks, at an address of its own.
pub(crate) fn operator_router(context: Arc<Context>) -> Router {
    let bodies = Bodies::new(MAX_BODY);
    let routes = operator::router(&context, &bodies).route("/metrics", get(metrics));
    limited(routes.merge(states())).with_state(context)
}

/// What clients ask, the WebSocket included.
pub(crate) fn router(context: Arc<Context>) -> Router {
    let bodies = Bodies::new(MAX_BODY);
    let mut public = states();
    for path in ["/nrtc/getChannelInfos.action", "/nrtcproxy/nrtc/getChannelInfos.action"] {
        public = public.route(path, post(bootstrap));
    }
    public = public.merge(task_server::router());
    if context.dev {
        public = public.route("/v1/dev/token", post(dev_token));
    }
    public =
        public.layer(from_fn_with_state(bodies.clone(), bodies::collect)).merge(reports::router(&bodies));
    limited(public.layer(cors::layer([Method::GET, Method::HEAD, Method::POST])))
        // Clients append nothing to the address (1.5), so both are doors.
        .route("/", get(upgrade))
        .route("/ws", get(upgrade))
        .with_state(context)
}

/// The same below the path of the public address, too: proxies pass paths on as they are, or take that part away.
/// Whoever comes with another is told which one is right.
pub(crate) fn with_public_path(router: Router, public: String) -> Router {
    let below = TowerToHyperService::new(router.clone());
    router.fallback(async move |mut request: Request| {
        let path = public.find('/').map_or("", |path| public[path..].trim_end_matches('/'));
        if let Some(uri) = without(path, request.uri()) {
            *request.uri_mut() = uri;
            return below.call(request).await.into_response();
        }
        let right = format!(
            "Nothing is here. By its public-address this gateway is at {public}, and its channel server at \
             {}/nrtc/getChannelInfos.action.\n",
            public.trim_end_matches('/')
        );
        (StatusCode::NOT_FOUND, right).into_response()
    })
}

/// What is left of an address below a path.
fn without(path: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(path).filter(|_| !path.is_empty())?;
    match rest.bytes().next() {
        Some(b'/') => rest.parse().ok(),
        None | Some(b'?') => format!("/{rest}").parse().ok(),
        Some(_) => None,
    }
}

/// How it is, for whoever starts it again or sends it clients.
fn states() -> Router<Arc<Context>> {
    Router::new()
        .route("/healthz", get(health))
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(ready))
}

fn limited(routes: Router<Arc<Context>>) -> Router<Arc<Context>> {
    routes
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn upgrade(
    State(context): Shared,
    Extension(stranger): Extension<Arc<Stranger>>,
    faults: Option<Extension<ConnectionFaults>>,
    request: Request,
) -> Response {
    ws::upgrade(context.hub.clone(), request, &stranger, faults.map(|Extension(faults)| faults))
}

async fn health(State(context): Shared) -> (StatusCode, Json<Value>) {
    let rooms = context.hub.ask(|hub| hub.room_count());
    let (status, word) = match rooms {
        Ok(_) => (StatusCode::OK, "ok"),
        Err(HubGone) => (StatusCode::SERVICE_UNAVAILABLE, "stopped"),
    };
    let facts = json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "rooms": rooms.unwrap_or_default(),
        "media": context.media.statistics(),
        "reports": context.reports.load(Ordering::Relaxed),
        "log": log::statistics(),
    });
    (status, Json(facts))
}

/// Whether a client that comes now is served.
async fn ready(State(context): Shared) -> Result<&'static str, HubGone> {
    context.hub.ask(|hub| hub.is_open())?.then_some("ok").ok_or(HubGone)
}

async fn metrics(State(context): Shared) -> Result<Response, HubGone> {
    let facts = Facts {
        waiting: context.hub.waiting(),
        hub: context.hub.ask(|hub| hub.statistics())?,
        media: context.media.statistics(),
        media_requests: context.media.requests(),
        log: log::statistics(),
    };
    let text = context.metrics.text(&facts).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR);
    Ok(text.map(|text| ([(header::CONTENT_TYPE, OPEN_METRICS)], text)).into_response())
}

/// Signs a token for whoever asks: `--dev` only.
async fn dev_token(State(context): Shared, Json(wanted): Json<WantedToken>) -> Response {
    let policy = context.policy.load_full();
    let Apps::Listed(apps) = &policy.apps else { return StatusCode::NOT_FOUND.into_response() };
    let Some(app) = apps.get(&wanted.appkey) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(secret) = app.secret.as_deref() else { return StatusCode::NOT_FOUND.into_response() };
    let ttl = app.token_ttl.or(wanted.ttl).unwrap_or(DEV_TOKEN_TTL_SECS);
    let (channel, uid) = (&wanted.channel_name, wanted.uid.0);
    let token = BasicToken::sign(&wanted.appkey, secret, channel, uid, ttl, wall_clock_ms());
    Json(json!({ "token": token })).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WantedToken {
    appkey: String,
    channel_name: String,
    uid: Uid,
    ttl: Option<u64>,
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const DEV_TOKEN_TTL_SECS: u64 = 3600;
