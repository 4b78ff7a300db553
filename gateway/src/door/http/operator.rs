//! What the operator's own servers ask: who is where, removals, and captions for a room.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use nertc_miniapp::wire::model::{Cid, Uid};
use nertc_miniapp::wire::protocol::Caption;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;

use super::bodies::{self, Bodies, MAX_BODY};
use super::context::{Context, Shared};
use super::fields::Fields;
use crate::clock::wall_clock_ms;
use crate::door::shell::HubGone;
use crate::rooms::{HubInput, MAX_LANGUAGE, NotOneRoom, TooManyBans};

/// Every route of the operator, behind its token.
pub(super) fn router(context: &Arc<Context>, bodies: &Bodies) -> Router<Arc<Context>> {
    let of = |longest| middleware::from_fn_with_state(bodies.at_most(longest), bodies::collect);
    let captions =
        post(captions).layer(DefaultBodyLimit::max(MAX_CAPTIONS_BODY)).layer(of(MAX_CAPTIONS_BODY));
    Router::new()
        .route("/v1/rooms", get(rooms))
        .route("/v1/rooms/{channel}/kick", post(kick).layer(of(MAX_BODY)))
        .route("/v1/rooms/{channel}/dissolve", post(dissolve).layer(of(MAX_BODY)))
        .route("/v1/rooms/{channel}/captions", captions)
        .route("/v1/rooms/{channel}/interrupts", get(interrupts))
        .route_layer(middleware::from_fn_with_state(context.clone(), operator_only))
}

async fn operator_only(
    State(context): Shared,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    let given =
        headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let policy = context.policy.load_full();
    let Some(wanted) = policy.admin_token.as_deref().filter(|wanted| !wanted.is_empty()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if given.is_some_and(|given| given.ct_eq(wanted.as_bytes()).into()) {
        next.run(request).await
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

async fn rooms(State(context): Shared) -> Result<Json<Value>, HubGone> {
    Ok(Json(json!({ "rooms": context.hub.rooms().await? })))
}

#[derive(Deserialize)]
struct Target {
    appkey: String,
    uid: Uid,
    ban: Option<Ban>,
}

/// How long a removed member is kept out.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ban {
    /// For so many seconds; with 0 it may come again.
    Seconds(u64),
    /// `ticket`: until everything that it holds to come in with has expired.
    Word(String),
}

impl Ban {
    fn read(&self) -> Result<Option<Duration>, Unreadable> {
        match self {
            Self::Seconds(seconds) if *seconds <= LONGEST_BAN => Ok(Some(Duration::from_secs(*seconds))),
            Self::Word(word) if word == "ticket" => Ok(None),
            Self::Seconds(_) | Self::Word(_) => {
                Err(Unreadable::at("ban", format!("seconds, at most {LONGEST_BAN}, or \"ticket\"")))
            }
        }
    }
}

async fn kick(
    State(context): Shared,
    Path(channel): Path<String>,
    Json(target): Json<Target>,
) -> Result<Response, HubGone> {
    let cid = Cid(context.secret.channel_id(&target.appkey, &channel));
    if let Some(ban) = target.ban {
        // Also of somebody who is not there at the moment.
        let (how_long, now) = match ban.read() {
            Ok(how_long) => (how_long, context.clock.now()),
            Err(unreadable) => return Ok(unreadable.into_response()),
        };
        let banned = context.hub.ask(move |hub| hub.ban(cid, target.uid, how_long, now)).await?;
        let refused = |TooManyBans| (StatusCode::INSUFFICIENT_STORAGE, TooManyBans.to_string());
        return Ok(banned.map(|()| StatusCode::NO_CONTENT).map_err(refused).into_response());
    }
    if !context.hub.ask(move |hub| hub.has(cid, Some(target.uid))).await? {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    context.hub.input(HubInput::Kick(cid, target.uid)).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct Whose {
    appkey: String,
}

async fn dissolve(
    State(context): Shared,
    Path(channel): Path<String>,
    Json(whose): Json<Whose>,
) -> Result<StatusCode, HubGone> {
    let cid = Cid(context.secret.channel_id(&whose.appkey, &channel));
    if !context.hub.ask(move |hub| hub.has(cid, None)).await? {
        return Ok(StatusCode::NOT_FOUND);
    }
    context.hub.input(HubInput::Dissolve(cid)).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands what a recogniser heard to the members that asked for captions.
async fn captions(
    State(context): Shared,
    Path(channel): Path<String>,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let cid = match find(&context, channel, &Fields::of_query(query)).await {
        Ok(cid) => cid,
        Err(answer) => return answer,
    };
    let captions = match body.map(|body| read_captions(&body, wall_clock_ms())) {
        Ok(Ok(captions)) => captions,
        Ok(Err(bad)) => return bad.into_response(),
        Err(rejection) => return rejection.status().into_response(),
    };
    context.hub.input(HubInput::Captions(cid, captions)).await;
    StatusCode::NO_CONTENT.into_response()
}

/// Whom members wanted to cut short lately. Asking takes nothing away: an answer may get lost.
async fn interrupts(
    State(context): Shared,
    Path(channel): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Fields::of_query(query);
    let Ok(after) = Some(query.text("after")).filter(|text| !text.is_empty()).unwrap_or("0").parse() else {
        return Unreadable::at("after", "the id of an interruption").into_response();
    };
    match find(&context, channel, &query).await {
        Ok(cid) => {
            let found = context.hub.ask(move |hub| hub.interruptions(cid, after)).await;
            found.map(|found| Json(json!({ "interrupts": found }))).into_response()
        }
        Err(answer) => answer,
    }
}

/// The room that is meant. `appkey` is needed only where several applications have a room of that name.
async fn find(context: &Context, channel: String, query: &Fields) -> Result<Cid, Response> {
    let app_key = Some(query.text("appkey").to_owned()).filter(|key| !key.is_empty());
    let found = context.hub.ask(move |hub| hub.find(&channel, app_key.as_deref())).await;
    let found = found.map_err(IntoResponse::into_response)?;
    found.map_err(|error| match error {
        NotOneRoom::None => StatusCode::NOT_FOUND.into_response(),
        NotOneRoom::Several => Unreadable::at("appkey", error.to_string()).into_response(),
    })
}

/// Why the body of a request was refused.
#[derive(Debug, PartialEq)]
struct Unreadable {
    status: StatusCode,
    field: String,
    reason: String,
}

impl Unreadable {
    fn at(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, field: field.into(), reason: reason.into() }
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "field": self.field, "reason": self.reason }))).into_response()
    }
}

fn read_captions(body: &[u8], now_ms: u64) -> Result<Vec<Caption>, Unreadable> {
    let wrong = |_| Unreadable::at("body", "a JSON object or an array of them");
    let body: Value = serde_json::from_slice(body).map_err(wrong)?;
    let Some(items) = body.as_array() else {
        return Ok(vec![Item::of(&body, String::new())?.read(now_ms)?]);
    };
    if items.len() > MAX_CAPTIONS {
        let reason = format!("more than {MAX_CAPTIONS} captions");
        return Err(Unreadable { status: StatusCode::PAYLOAD_TOO_LARGE, field: "body".into(), reason });
    }
    let read = |(index, item)| Item::of(item, format!("[{index}]"))?.read(now_ms);
    items.iter().enumerate().map(read).collect()
}

/// One caption as a recogniser writes it. Unlike a client's packet, it is refused when it is wrong: its
/// writer can be told.
struct Item<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Item<'a> {
    fn of(value: &'a Value, path: String) -> Result<Self, Unreadable> {
        let Some(fields) = value.as_object() else {
            let path = if path.is_empty() { "body".into() } else { path };
            return Err(Unreadable::at(path, "not an object"));
        };
        Ok(Self { fields, path })
    }

    fn read(&self, now_ms: u64) -> Result<Caption, Unreadable> {
        let uid = match self.get("srcUid") {
            Some(Value::Number(number)) => number.as_u64().map(Uid),
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
        };
        let timestamp = match self.get("timestamp") {
            Some(value) => value.as_f64().filter(|ms| *ms >= 0.0),
            None => Some(now_ms as f64),
        };
        let text = self.text("text", MAX_TEXT)?;
        let trans_text = self.text("transText", MAX_TEXT)?;
        Ok(Caption {
            timestamp: timestamp
                .ok_or_else(|| self.wrong("timestamp", "milliseconds since the epoch"))?
                .into(),
            src_uid: uid
                .ok_or_else(|| self.wrong("srcUid", "an integer from 0 to 2^64-1, in quotes or not"))?,
            language: self.text("language", MAX_LANGUAGE)?.unwrap_or_default(),
            text: text.ok_or_else(|| self.wrong("text", "is missing"))?,
            is_final: self.flag("isFinal")?.unwrap_or(false),
            has_trans: self.flag("hasTrans")?.unwrap_or(trans_text.is_some()),
            trans_language: self.text("transLanguage", MAX_LANGUAGE)?.unwrap_or_default(),
            trans_text: trans_text.unwrap_or_default(),
        })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str, longest: usize) -> Result<Option<String>, Unreadable> {
        match self.get(key).map(Value::as_str) {
            None => Ok(None),
            Some(Some(text)) if text.len() <= longest => Ok(Some(text.to_owned())),
            Some(_) => Err(self.wrong(key, &format!("a string of at most {longest} bytes"))),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Unreadable> {
        match self.get(key).map(Value::as_bool) {
            None => Ok(None),
            Some(Some(flag)) => Ok(Some(flag)),
            Some(None) => Err(self.wrong(key, "true or false")),
        }
    }

    fn wrong(&self, key: &str, reason: &str) -> Unreadable {
        let field = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Unreadable::at(field, reason)
    }
}

/// Seconds of a year.
const LONGEST_BAN: u64 = 365 * 86_400;
/// Captions in one request.
const MAX_CAPTIONS: usize = 100;
/// Bytes of a text, and of its translation.
const MAX_TEXT: usize = 4 * 1024;
const MAX_CAPTIONS_BODY: usize = 1024 * 1024;
