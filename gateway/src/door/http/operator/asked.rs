//! What a call of the operator names, in its path, its query and its body; and what is said of a wrong one.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Json, Response};
use nertc_miniapp::wire::model::{Cid, Uid};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::door::shell::HubGone;
use crate::rooms::{NotOneRoom, RoomFilter, TooManyBans};

/// What a call names. A field is found in the body, or in the query.
pub(super) struct Asked {
    /// The room's name; empty where the call is not about one.
    pub(super) channel: String,
    /// Why, in the operator's words; for the log.
    pub(super) reason: String,
    fields: Map<String, Value>,
}

/// The same, of a call whose body has fields.
pub(super) struct WithBody(pub(super) Asked);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Wrong;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Wrong> {
        let path = Path::<Vec<String>>::from_request_parts(parts, state).await;
        let Path(path) = path.map_err(|_| Wrong::at("channel", "a name in UTF-8, percent-encoded"))?;
        let channel = path.into_iter().next().unwrap_or_default();
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let fields =
            query.map(|(key, value)| (key.into_owned(), Value::String(value.into_owned()))).collect();
        Self { channel, reason: String::new(), fields }.with_reason()
    }
}

impl<S: Send + Sync> FromRequest<S> for WithBody {
    type Rejection = Wrong;

    async fn from_request(request: Request, state: &S) -> Result<Self, Wrong> {
        let (mut parts, body) = request.into_parts();
        let mut asked = Asked::from_request_parts(&mut parts, state).await?;
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await?;
        if !body.trim_ascii().is_empty() {
            let fields: Map<String, Value> =
                serde_json::from_slice(&body).map_err(|_| Wrong::at("body", "a JSON object"))?;
            asked.fields.extend(fields);
        }
        asked.with_reason().map(Self)
    }
}

impl Asked {
    fn with_reason(mut self) -> Result<Self, Wrong> {
        self.reason = self.text("reason")?.unwrap_or_default();
        if self.reason.len() > LONGEST_REASON {
            return Err(Wrong::at("reason", format!("a text of at most {LONGEST_REASON} bytes")));
        }
        Ok(self)
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A text, or a number as text.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<String>, Wrong> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Wrong::at(field, "a text"))
            }
        }
    }

    pub(super) fn needed(&self, field: &'static str) -> Result<String, Wrong> {
        self.text(field)?.ok_or_else(|| Wrong::missing(field))
    }

    pub(super) fn flag(&self, field: &'static str) -> Result<bool, Wrong> {
        match self.text(field)?.as_deref() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(Wrong::at(field, "1 or 0")),
        }
    }

    /// Which member.
    pub(super) fn uid(&self) -> Result<Uid, Wrong> {
        let value = self.get("uid").ok_or_else(|| Wrong::missing("uid"))?;
        uid_of(value).ok_or_else(|| Wrong::at("uid", UID))
    }

    /// Where a list goes on.
    pub(super) fn after(&self) -> Result<Option<u64>, Wrong> {
        let after = self.text("after")?.map(|text| text.parse());
        after.transpose().map_err(|_| Wrong::at("after", "what the answer before it has as next"))
    }

    /// How long a list may be.
    pub(super) fn limit(&self, most: usize) -> Result<usize, Wrong> {
        let limit = self.text("limit")?.map_or(Ok(most), |text| text.parse());
        let wrong = || Wrong::at("limit", format!("from 1 to {most}"));
        limit.ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(wrong)
    }

    pub(super) fn filter(&self) -> Result<RoomFilter, Wrong> {
        Ok(RoomFilter {
            after: self.after()?.map(Cid),
            app_key: self.text("appkey")?,
            search: self.text("search")?.unwrap_or_default(),
        })
    }

    /// For how long somebody is kept out.
    pub(super) fn ban(&self, field: &'static str) -> Result<Option<Ban>, Wrong> {
        // Nothing is no time: whoever means to ban must not merely remove.
        if self.get(field).is_none() {
            return Ok(None);
        }
        let text = self.text(field)?.unwrap_or_default();
        if text == "ticket" {
            return Ok(Some(Ban::AS_LONG_AS_A_TICKET));
        }
        let seconds = text.parse().ok().filter(|seconds| *seconds <= LONGEST_BAN);
        let wrong = || Wrong::at(field, format!("seconds, at most {LONGEST_BAN}, or \"ticket\""));
        seconds.map(|seconds| Some(Ban(Some(Duration::from_secs(seconds))))).ok_or_else(wrong)
    }
}

/// How long somebody is kept out; nothing is as long as what it holds to come in with.
pub(super) struct Ban(pub(super) Option<Duration>);

impl Ban {
    pub(super) const AS_LONG_AS_A_TICKET: Self = Self(None);
}

/// A uid, in quotes or not.
pub(super) fn uid_of(value: &Value) -> Option<Uid> {
    match value {
        Value::Number(number) => number.as_u64().map(Uid),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Why a call is refused, and what to do about it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Wrong {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Cow<'static, str>>,
    reason: Cow<'static, str>,
    remedy: &'static str,
}

impl Wrong {
    pub(super) const NO_OPERATOR: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no-operator",
        "the operator's calls are closed: the gateway has no admin-token",
        "set admin-token (NERTC_ADMIN_TOKEN) to a text of your own, at least 16 bytes",
    );
    pub(super) const NOT_THE_OPERATOR: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "the admin token is missing or wrong",
        "send \"Authorization: Bearer TOKEN\", with the gateway's admin-token",
    );
    pub(super) const NO_SUCH_CALL: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no-such-call",
        "there is no such call",
        "GET /openapi.json describes each call",
    );
    pub(super) const NO_SUCH_ROOM: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no-such-room",
        "nobody is in a room of this name",
        "GET /v1/rooms lists the rooms there are",
    );
    pub(super) const NO_SUCH_MEMBER: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no-such-member",
        "nobody with this uid is in the room",
        "GET /v1/rooms/ROOM lists its members",
    );
    pub(super) const APP_KEY_MISSING: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "missing",
        field: Some(Cow::Borrowed("appkey")),
        reason: Cow::Borrowed(
            "appkey is missing: nobody is in such a room, and several applications might have one",
        ),
        remedy: ADD_APP_KEY,
    };

    const fn new(status: StatusCode, code: &'static str, reason: &'static str, remedy: &'static str) -> Self {
        Self { status, code, field: None, reason: Cow::Borrowed(reason), remedy }
    }

    fn missing(field: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "missing",
            field: Some(field.into()),
            reason: format!("{field} is missing").into(),
            remedy: "add it, in the JSON body or in the query",
        }
    }

    /// A field must be something else.
    pub(super) fn at(field: impl Into<Cow<'static, str>>, must_be: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Some(field.into()),
            reason: must_be.into(),
            ..Self::new(StatusCode::BAD_REQUEST, "malformed", "", "reason says what the field must be")
        }
    }

    pub(super) fn too_large(reason: impl Into<Cow<'static, str>>) -> Self {
        let remedy = "send less at once";
        Self {
            reason: reason.into(),
            field: Some("body".into()),
            ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "", remedy)
        }
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

impl From<HubGone> for Wrong {
    fn from(HubGone: HubGone) -> Self {
        let remedy = "ask again in a second";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the gateway is stopping", remedy)
    }
}

impl From<NotOneRoom> for Wrong {
    fn from(error: NotOneRoom) -> Self {
        match error {
            NotOneRoom::None => Self::NO_SUCH_ROOM,
            NotOneRoom::Several => Self {
                field: Some("appkey".into()),
                reason: error.to_string().into(),
                ..Self::new(StatusCode::BAD_REQUEST, "ambiguous", "", ADD_APP_KEY)
            },
        }
    }
}

impl From<TooManyBans> for Wrong {
    fn from(error: TooManyBans) -> Self {
        let remedy = "lift a ban (seconds 0), or raise max-bans";
        Self {
            reason: error.to_string().into(),
            ..Self::new(StatusCode::INSUFFICIENT_STORAGE, "too-many-bans", "", remedy)
        }
    }
}

impl From<BytesRejection> for Wrong {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large("the body is too long"),
            status => Self { status, ..Self::at("body", "readable") },
        }
    }
}

const ADD_APP_KEY: &str = "add appkey, in the body or as ?appkey=";
const UID: &str = "an integer from 0 to 2^64-1, in quotes or not";
/// Seconds of a year.
const LONGEST_BAN: u64 = 365 * 86_400;
/// Bytes.
const LONGEST_REASON: usize = 200;
