//! Everything that is asked over HTTP: the bootstrap, the statistics sinks, the operator's calls.
//!
//! Knows nothing of rooms beyond asking the hub. Old clients understand a refusal here better than any
//! later one, so whatever can be checked is checked here (docs/protocol.md 1.4, 3.2).

mod bodies;
mod operator;
mod pick;
mod reports;
mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use nertc_miniapp::wire::bootstrap::{BootstrapAnswer, Ips, ServerTime, debug_checksum};
use nertc_miniapp::wire::model::{Cid, Uid};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower_http::timeout::TimeoutLayer;
use tracing::debug;

use self::bodies::Bodies;
use self::pick::pick;
use crate::apps::{App, Apps, MAX_APP_KEY};
use crate::clock::{Clock, wall_clock_ms};
use crate::cors;
use crate::faults::ConnectionFaults;
use crate::hub::Hub;
use crate::log;
use crate::media::MediaEngine;
use crate::strangers::Stranger;
use crate::token::{BasicToken, LoginTicket, Secret};
use crate::ws::{HubGone, HubHandle};

/// What the HTTP side needs to know.
pub(crate) struct Desk {
    pub(crate) hub: HubHandle,
    pub(crate) clock: Clock,
    /// When the ticket expires that lasts longest: each next one lasts longer, because that is how the later
    /// of a user's stays is told from the earlier.
    pub(crate) latest_ticket: AtomicU64,
    pub(crate) secret: Secret,
    pub(crate) apps: Apps,
    /// Where clients reach the signalling: `host:port`, perhaps with a path; no scheme.
    pub(crate) gateway: String,
    /// Where clients reach the media server: `host:port`.
    pub(crate) edge: String,
    pub(crate) ticket_ttl: Duration,
    pub(crate) admin_token: Option<String>,
    pub(crate) dev: bool,
    pub(crate) media: Arc<dyn MediaEngine>,
    pub(crate) reports: AtomicU64,
    /// Whose report is read.
    pub(crate) reading: Semaphore,
}

type Shared = State<Arc<Desk>>;

/// Every route, the WebSocket's included.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    let bodies = Bodies::new(MAX_BODY);
    let mut public = Router::new().route("/healthz", get(health));
    for path in ["/nrtc/getChannelInfos.action", "/nrtcproxy/nrtc/getChannelInfos.action"] {
        public = public.route(path, post(bootstrap));
    }
    public = public.merge(tasks::router());
    if desk.dev {
        public = public.route("/v1/dev/token", post(dev_token));
    }
    public =
        public.layer(from_fn_with_state(bodies.clone(), bodies::collect)).merge(reports::router(&bodies));
    let mut routes = public.layer(cors::layer([Method::GET, Method::HEAD, Method::POST]));
    if desk.admin_token.is_some() {
        routes = routes.merge(operator::router(&desk, &bodies));
    }
    routes
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        // Clients append nothing to the address (1.5), so both are doors.
        .route("/", get(upgrade))
        .route("/ws", get(upgrade))
        .with_state(desk)
}

async fn upgrade(
    State(desk): Shared,
    Extension(stranger): Extension<Arc<Stranger>>,
    faults: Option<Extension<ConnectionFaults>>,
    request: WebSocketUpgrade,
) -> Response {
    desk.hub.clone().upgrade(request, &stranger, faults.map(|Extension(faults)| faults))
}

async fn health(State(desk): Shared) -> (StatusCode, Json<Value>) {
    let rooms = desk.hub.ask(|hub| hub.room_count()).await;
    let (status, word) = match rooms {
        Ok(_) => (StatusCode::OK, "ok"),
        Err(HubGone) => (StatusCode::SERVICE_UNAVAILABLE, "stopped"),
    };
    let facts = json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "rooms": rooms.unwrap_or_default(),
        "media": desk.media.statistics(),
        "reports": desk.reports.load(Ordering::Relaxed),
        "log": log::statistics(),
    });
    (status, Json(facts))
}

/// The bootstrap (1.1 to 1.4). The status is 200 whatever the answer, which is in `code`; but a gateway that
/// ends is one that cannot be reached, and is tried again.
async fn bootstrap(
    State(desk): Shared,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<BootstrapAnswer>, HubGone> {
    let received = wall_clock_ms();
    let fields = body.ok().and_then(|body| Fields::read(&body));
    let answer = match desk.answer(fields.unwrap_or_default(), received).await {
        Ok(answer) => answer,
        Err(NoAnswer::Gone) => return Err(HubGone),
        Err(NoAnswer::Refused(code, desc)) => {
            // Anybody can cause this as often as they like.
            debug!("bootstrap refused: {code} {desc}");
            BootstrapAnswer { code: Some(code), desc, ..BootstrapAnswer::default() }
        }
    };
    Ok(Json(answer))
}

impl Desk {
    async fn answer(&self, fields: Fields, received: u64) -> Result<BootstrapAnswer, NoAnswer> {
        let malformed = |what: &str| (BAD_PARAMETER, what.to_owned());
        // Platforms differ in how they write a big number into a form (1.1).
        let uid = fields.text("uid").trim_matches('"').parse::<Uid>();
        let uid = uid.map_err(|error| malformed(&error.to_string()))?;
        let (app_key, channel) = (fields.text("appkey"), fields.text("channelName"));
        if !(1..=MAX_CHANNEL_NAME).contains(&channel.len()) {
            return Err(malformed("channelName is missing or too long").into());
        }
        if !(1..=MAX_APP_KEY).contains(&app_key.len()) {
            return Err((BAD_APP_KEY, "appkey is missing or too long".to_owned()).into());
        }
        let good_until = self.check_right(&fields, uid, app_key, channel)?;

        let cid = Cid(self.secret.channel_id(app_key, channel));
        let admits = move |hub: &mut Hub| hub.admits(cid, uid).map(|()| hub.stay_of(cid, uid));
        let present = self.hub.ask(admits).await.map_err(|HubGone| NoAnswer::Gone)?;
        let present = present.map_err(|refusal| (refusal.code(), refusal.to_string()))?;
        let ticket = LoginTicket {
            cid: cid.0,
            uid: uid.0,
            channel: channel.to_owned(),
            app_key: app_key.to_owned(),
            expires_ms: self.next_expiry(present),
            good_until,
            began: None,
        };
        let token = ticket.sign(&self.secret);
        let t1 = fields.text("t1").parse().unwrap_or(0);
        Ok(BootstrapAnswer {
            code: Some(200),
            cid: Some(cid),
            token: token.clone(),
            ips: Some(Ips {
                wechatapparray: vec![self.gateway.clone()],
                turnaddrs: vec![vec![self.edge.clone()]],
                token,
            }),
            time: Some(ServerTime { t1, t2: received, t3: wall_clock_ms() }),
            ..BootstrapAnswer::default()
        })
    }

    /// When a new ticket expires: in its time, but after every earlier one of ours and, if the user is in the
    /// room, after that stay's, which a gateway with another clock may have begun.
    fn next_expiry(&self, present: Option<u64>) -> u64 {
        let ttl = u64::try_from(self.ticket_ttl.as_millis()).unwrap_or(u64::MAX);
        let due = self.clock.reading().latest_ms.saturating_add(ttl);
        let due = due.max(present.map_or(0, |stay| stay.saturating_add(1)));
        let next = |latest: u64| due.max(latest.saturating_add(1));
        let latest = self.latest_ticket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| Some(next(l)));
        next(latest.unwrap_or_default())
    }

    /// Secure mode needs the application's token, which has an end; debug mode needs a checksum that anybody
    /// can make.
    fn check_right(
        &self,
        fields: &Fields,
        uid: Uid,
        app_key: &str,
        channel: &str,
    ) -> Result<Option<u64>, (i32, String)> {
        let app = match &self.apps {
            Apps::Any => App::default(),
            Apps::Listed(apps) => {
                let words = "unknown appkey: the gateway's settings do not list it";
                apps.get(app_key).cloned().ok_or((BAD_APP_KEY, words.to_owned()))?
            }
        };
        let checksum = fields.text("checksum");
        let has_token = fields.text("secureType") == "1" && !checksum.is_empty();
        match (has_token, app.secret) {
            (true, Some(secret)) => {
                let now = self.clock.reading();
                BasicToken::verify(checksum, app_key, &secret, app.token_ttl, channel, uid.0, now)
                    .map(Some)
                    .map_err(|error| (BAD_PARAMETER, error.to_string()))
            }
            (true, None) => {
                let words = "a token in debug mode: leave it out, or give the gateway this app's secret";
                Err((BAD_PARAMETER, words.to_owned()))
            }
            (false, _) if app.secure => {
                let words = "a token is required: this app is in secure mode; join with one that your server has signed";
                Err((FORBIDDEN, words.to_owned()))
            }
            (false, _) => {
                let curtime = fields.text("curtime").parse();
                let curtime = curtime.map_err(|_| (BAD_PARAMETER, "curtime is not a number".to_owned()))?;
                if checksum == debug_checksum(app_key, uid, curtime) {
                    Ok(None)
                } else {
                    let words =
                        "the checksum does not match: it must be that of this appkey, uid and curtime";
                    Err((BAD_PARAMETER, words.to_owned()))
                }
            }
        }
    }
}

/// Why a bootstrap gets no address.
enum NoAnswer {
    /// The code, and why.
    Refused(i32, String),
    /// There is nobody to ask.
    Gone,
}

impl From<(i32, String)> for NoAnswer {
    fn from((code, desc): (i32, String)) -> Self {
        Self::Refused(code, desc)
    }
}

/// The fields of a request that somebody reads, from a form or, as some platforms send it, a JSON object.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Some(Self::of_form(body));
        }
        let found = pick(std::str::from_utf8(body).ok()?, FIELDS)?;
        let text = |value: &RawValue| {
            let is_number = |text: &&str| text.starts_with(|first: char| "-0123456789".contains(first));
            let text = serde_json::from_str(value.get()).ok();
            text.or_else(|| Some(value.get()).filter(is_number).map(str::to_owned))
        };
        let found = FIELDS.into_iter().zip(found);
        Some(Self(found.filter_map(|(key, value)| Some((key, text(value?)?))).collect()))
    }

    fn of_query(query: Option<String>) -> Self {
        Self::of_form(query.unwrap_or_default().as_bytes())
    }

    fn of_form(form: &[u8]) -> Self {
        let known = |key: &str| FIELDS.into_iter().find(|known| *known == key);
        let pairs = form_urlencoded::parse(form);
        Self(pairs.filter_map(|(key, value)| Some((known(&key)?, value.into_owned()))).collect())
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }
}

/// Signs a token for whoever asks: `--dev` only.
async fn dev_token(State(desk): Shared, Json(wanted): Json<WantedToken>) -> Response {
    let Apps::Listed(apps) = &desk.apps else { return StatusCode::NOT_FOUND.into_response() };
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

/// What is read of forms and queries.
const FIELDS: [&str; 8] =
    ["uid", "appkey", "channelName", "checksum", "secureType", "curtime", "t1", "after"];
/// Codes of the bootstrap answer (1.4).
const FORBIDDEN: i32 = 403;
const BAD_PARAMETER: i32 = 414;
const BAD_APP_KEY: i32 = 417;
/// Bytes; it goes into a ticket, which is bounded itself.
const MAX_CHANNEL_NAME: usize = 256;
const MAX_BODY: usize = 64 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const DEV_TOKEN_TTL_SECS: u64 = 3600;
