//! The bootstrap: who may log in, where, and with which ticket (docs/protocol.md 1.1 to 1.4).
//!
//! Old clients understand a refusal here better than any later one, so whatever can be checked is checked here
//! (3.2).

use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Json;
use nertc_miniapp::wire::bootstrap::{BootstrapAnswer, Ips, ServerTime, debug_checksum};
use nertc_miniapp::wire::model::{Cid, Uid};
use tracing::warn;

use super::context::{Context, Shared};
use super::fields::Fields;
use crate::clock::wall_clock_ms;
use crate::door::serve::Client;
use crate::door::shell::HubGone;
use crate::rights::{App, Apps, BasicToken, KeyError, LoginTicket, MAX_APP_KEY, PermissionKey, Permit};
use crate::rooms::{Hub, LoginRefusal};

/// The status is 200 whatever the answer, which is in `code`; but a gateway that
/// ends is one that cannot be reached, and is tried again. One that will end says so in its status, too: a proxy
/// may ask another one then.
pub(super) async fn bootstrap(
    State(context): Shared,
    Extension(Client(client)): Extension<Client>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<BootstrapAnswer>), HubGone> {
    let received = wall_clock_ms();
    let fields = body.ok().and_then(|body| Fields::read(&body));
    let fields = fields.unwrap_or_default();
    let room: String = fields.text("channelName").chars().take(MAX_LOGGED).collect();
    let answer = match context.answer(fields, received).await {
        Ok(answer) => {
            context.metrics.bootstrap("ok");
            answer
        }
        Err(NoAnswer::Gone) => return Err(HubGone),
        Err(NoAnswer::Refused(Refusal { code, reason, desc })) => {
            context.metrics.bootstrap(reason);
            warn!("a join is refused: {reason} ({code}), room {room:?}, from {client}");
            BootstrapAnswer { code: Some(code), desc, ..BootstrapAnswer::default() }
        }
    };
    let is_stopping = answer.code == Some(LoginRefusal::STOPPING);
    let status = if is_stopping { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((status, Json(answer)))
}

impl Context {
    async fn answer(&self, fields: Fields, received: u64) -> Result<BootstrapAnswer, NoAnswer> {
        let malformed = |what: &str| Refusal::of(BAD_PARAMETER, "malformed", what);
        // Platforms differ in how they write a big number into a form (1.1).
        let uid = fields.text("uid").trim_matches('"').parse::<Uid>();
        let uid = uid.map_err(|error| malformed(&error.to_string()))?;
        let (app_key, channel) = (fields.text("appkey"), fields.text("channelName"));
        if !(1..=MAX_CHANNEL_NAME).contains(&channel.len()) {
            return Err(malformed("channelName is missing or too long").into());
        }
        if !(1..=MAX_APP_KEY).contains(&app_key.len()) {
            return Err(Refusal::of(BAD_APP_KEY, "app-key", "appkey is missing or too long").into());
        }
        let app = self.application(app_key)?;
        let good_until = self.check_right(&fields, &app, uid, app_key, channel)?;
        let permit = self.check_permission(&fields, &app, uid, app_key, channel)?;

        let cid = Cid(self.secret.channel_id(app_key, channel));
        let admits = move |hub: &mut Hub| {
            hub.permits(cid, permit)?;
            hub.admits(cid, uid).map(|()| hub.stay_of(cid, uid))
        };
        let present = self.hub.ask(admits).map_err(|HubGone| NoAnswer::Gone)?;
        let present = present.map_err(|refusal| Refusal::of(refusal.code(), refusal.reason(), refusal))?;
        let ticket = LoginTicket {
            cid: cid.0,
            uid: uid.0,
            channel: channel.to_owned(),
            app_key: app_key.to_owned(),
            expires_ms: self.next_expiry(present),
            good_until,
            began: None,
            permit,
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
        let ttl = u64::try_from(self.policy.load().ticket_ttl.as_millis()).unwrap_or(u64::MAX);
        let due = self.clock.reading().latest_ms.saturating_add(ttl);
        let due = due.max(present.map_or(0, |stay| stay.saturating_add(1)));
        let next = |latest: u64| due.max(latest.saturating_add(1));
        let latest = self.latest_ticket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| Some(next(l)));
        next(latest.unwrap_or_default())
    }

    fn application(&self, app_key: &str) -> Result<App, Refusal> {
        match &self.policy.load().apps {
            Apps::Any => Ok(App::default()),
            Apps::Listed(apps) => {
                let words = "unknown appkey: the gateway's settings do not list it";
                apps.get(app_key).cloned().ok_or_else(|| Refusal::of(BAD_APP_KEY, "app-key", words))
            }
        }
    }

    /// Where the application has a secret for them, nobody comes in without a permission key.
    fn check_permission(
        &self,
        fields: &Fields,
        app: &App,
        uid: Uid,
        app_key: &str,
        channel: &str,
    ) -> Result<Option<Permit>, Refusal> {
        let Some(secret) = &app.permission_secret else { return Ok(None) };
        let (key, now) = (fields.text("permKeySecret"), self.clock.reading());
        let permit = PermissionKey::verify(key, app_key, secret, channel, uid.0, now);
        permit.map(Some).map_err(|error| {
            let code = if error == KeyError::Missing { FORBIDDEN } else { BAD_PARAMETER };
            Refusal::of(code, error.reason(), error)
        })
    }

    /// Secure mode needs the application's token, which has an end; debug mode needs a checksum that anybody
    /// can make.
    fn check_right(
        &self,
        fields: &Fields,
        app: &App,
        uid: Uid,
        app_key: &str,
        channel: &str,
    ) -> Result<Option<u64>, Refusal> {
        let checksum = fields.text("checksum");
        let has_token = fields.text("secureType") == "1" && !checksum.is_empty();
        match (has_token, &app.secret) {
            (true, Some(secret)) => {
                let now = self.clock.reading();
                BasicToken::verify(checksum, app_key, secret, app.token_ttl, channel, uid.0, now)
                    .map(Some)
                    .map_err(|error| Refusal::of(BAD_PARAMETER, error.reason(), error))
            }
            (true, None) => {
                let words = "a token in debug mode: leave it out, or give the gateway this app's secret";
                Err(Refusal::of(BAD_PARAMETER, "token-in-debug-mode", words))
            }
            (false, _) if app.secure => {
                let words = "a token is required: this app is in secure mode; join with one that your server has signed";
                Err(Refusal::of(FORBIDDEN, "token-missing", words))
            }
            (false, _) => {
                let curtime = fields.text("curtime").parse();
                let curtime = curtime
                    .map_err(|_| Refusal::of(BAD_PARAMETER, "malformed", "curtime is not a number"))?;
                if checksum == debug_checksum(app_key, uid, curtime) {
                    Ok(None)
                } else {
                    let words =
                        "the checksum does not match: it must be that of this appkey, uid and curtime";
                    Err(Refusal::of(BAD_PARAMETER, "checksum", words))
                }
            }
        }
    }
}

/// Why a bootstrap gets no address.
enum NoAnswer {
    Refused(Refusal),
    /// There is nobody to ask.
    Gone,
}

impl From<Refusal> for NoAnswer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a client is told instead.
struct Refusal {
    code: i32,
    /// In a word, for counting.
    reason: &'static str,
    desc: String,
}

impl Refusal {
    fn of(code: i32, reason: &'static str, desc: impl ToString) -> Self {
        Self { code, reason, desc: desc.to_string() }
    }
}

/// Codes of the bootstrap answer (1.4).
const FORBIDDEN: i32 = 403;
const BAD_PARAMETER: i32 = 414;
const BAD_APP_KEY: i32 = 417;
/// Letters of a room's name in a line of the log.
const MAX_LOGGED: usize = 64;
/// Bytes; it goes into a ticket, which is bounded itself.
const MAX_CHANNEL_NAME: usize = 256;
