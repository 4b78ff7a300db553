//! The task server: what clients ask about RTMP tasks (docs/protocol.md 9).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Json;
use axum::routing::post;
use nertc_miniapp::wire::model::{Cid, Uid};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::{Context, Shared};
use crate::door::shell::HubGone;
use crate::rights::LoginTicket;
use crate::rooms::{Hub, TaskRefusal};

/// What an application names as `roomServer` is everything before the channel's id.
pub(super) fn router() -> Router<Arc<Context>> {
    Router::new()
        .route("/v2/sdk/rooms/{cid}/tasks", post(add))
        .route("/v2/sdk/rooms/{cid}/task/update", post(update))
        .route("/v2/sdk/rooms/{cid}/tasks/delete", post(delete))
}

type Body = Result<Bytes, BytesRejection>;
type Answer = Result<Json<Value>, HubGone>;

async fn add(state: Shared, cid: Path<u64>, headers: HeaderMap, body: Body) -> Answer {
    answer(state, cid, &headers, body, Hub::add_task).await
}

async fn update(state: Shared, cid: Path<u64>, headers: HeaderMap, body: Body) -> Answer {
    answer(state, cid, &headers, body, Hub::update_task).await
}

async fn delete(state: Shared, cid: Path<u64>, headers: HeaderMap, body: Body) -> Answer {
    let delete = |hub: &mut Hub, cid, uid, named: Named| hub.delete_task(cid, uid, &named.task_id);
    answer(state, cid, &headers, body, delete).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    task_id: String,
}

/// The status is 200 whatever the answer, which is in `code`, as clients expect it.
async fn answer<T: DeserializeOwned + Send + 'static>(
    State(context): Shared,
    Path(cid): Path<u64>,
    headers: &HeaderMap,
    body: Body,
    change: impl FnOnce(&mut Hub, Cid, Uid, T) -> Result<(), TaskRefusal> + Send + 'static,
) -> Answer {
    let done = async {
        let ticket = ticket(&context, Cid(cid), headers).ok_or(TaskRefusal::NotABroadcaster)?;
        let malformed = |error: &dyn std::fmt::Display| TaskRefusal::Malformed(error.to_string());
        let body = body.map_err(|error| malformed(&error))?;
        let asked = serde_json::from_slice(&body).map_err(|error| malformed(&error))?;
        let now = context.clock.reading().earliest_ms;
        let change = move |hub: &mut Hub| {
            // A call outlives the ticket that it began with.
            if ticket.has_expired(now) && !hub.vouches_for(&ticket) {
                return Err(TaskRefusal::NotABroadcaster);
            }
            change(hub, Cid(cid), Uid(ticket.uid), asked)
        };
        Ok(context.hub.ask(change))
    };
    let done = match done.await {
        Ok(asked) => asked?,
        Err(refusal) => Err(refusal),
    };
    Ok(Json(match done {
        Ok(()) => json!({ "code": 200 }),
        Err(refusal) => json!({ "code": refusal.code(), "errmsg": refusal.to_string() }),
    }))
}

/// The token, if it is one for this room.
fn ticket(context: &Context, cid: Cid, headers: &HeaderMap) -> Option<LoginTicket> {
    let token = headers.get("token")?.to_str().ok()?;
    let ticket = LoginTicket::read(&context.secret, token).ok()?;
    (ticket.cid == cid.0).then_some(ticket)
}
