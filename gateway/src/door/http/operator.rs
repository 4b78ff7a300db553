//! What the operator's own servers ask: who is where, how it is, who may stay and be heard; captions for a room.
//! `operator/openapi.json` describes each call.

mod asked;
mod captions;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, get, post};
use nertc_miniapp::wire::model::{Cid, Role, Uid};
use serde::Serialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tracing::info;

use self::asked::{Asked, Ban, WithBody, Wrong};
use self::captions::read_captions;
use super::bodies::{self, Bodies, MAX_BODY};
use super::context::{Context, Shared};
use crate::clock::wall_clock_ms;
use crate::rights::{Apps, Sense};
use crate::rooms::{Hub, HubInput, MemberStatus, NotOneRoom, Page, RoomStatus};

/// Every route of the operator, behind its token; and its page, which asks for that.
pub(super) fn router(context: &Arc<Context>, bodies: &Bodies) -> Router<Arc<Context>> {
    let mut calls = Router::new();
    for (path, _, call) in calls_of(bodies) {
        calls = calls.route(path, call);
    }
    calls
        .route_layer(from_fn_with_state(context.clone(), operator_only))
        .merge(page::router())
        .fallback(no_such_call)
}

/// Each call: its path, its method, and who answers it.
fn calls_of(bodies: &Bodies) -> Vec<(&'static str, &'static str, MethodRouter<Arc<Context>>)> {
    let of = |longest| from_fn_with_state(bodies.at_most(longest), bodies::collect);
    let long = post(captions).layer(DefaultBodyLimit::max(MAX_CAPTIONS_BODY)).layer(of(MAX_CAPTIONS_BODY));
    vec![
        ("/v1/statistics", "get", get(statistics)),
        ("/v1/rooms", "get", get(rooms)),
        ("/v1/rooms/{channel}", "get", get(room)),
        ("/v1/rooms/{channel}/quality", "get", get(quality)),
        ("/v1/rooms/{channel}/bans", "get", get(bans)),
        ("/v1/rooms/{channel}/kick", "post", post(kick).layer(of(MAX_BODY))),
        ("/v1/rooms/{channel}/ban", "post", post(ban).layer(of(MAX_BODY))),
        ("/v1/rooms/{channel}/mute", "post", post(mute).layer(of(MAX_BODY))),
        ("/v1/rooms/{channel}/unmute", "post", post(unmute).layer(of(MAX_BODY))),
        ("/v1/rooms/{channel}/role", "post", post(role).layer(of(MAX_BODY))),
        ("/v1/rooms/{channel}/dissolve", "post", post(dissolve).layer(of(MAX_BODY))),
        ("/v1/rooms/{channel}/captions", "post", long),
        ("/v1/rooms/{channel}/interrupts", "get", get(interrupts)),
    ]
}

async fn operator_only(State(context): Shared, request: Request, next: middleware::Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let policy = context.policy.load_full();
    let Some(wanted) = policy.admin_token.as_deref().filter(|wanted| !wanted.is_empty()) else {
        return Wrong::NO_OPERATOR.into_response();
    };
    if given.is_some_and(|given| given.ct_eq(wanted.as_bytes()).into()) {
        next.run(request).await
    } else {
        ([(header::WWW_AUTHENTICATE, "Bearer")], Wrong::NOT_THE_OPERATOR).into_response()
    }
}

async fn no_such_call() -> Wrong {
    Wrong::NO_SUCH_CALL
}

type Answer = Result<Json<Value>, Wrong>;
type Done = Result<StatusCode, Wrong>;

async fn statistics(State(context): Shared) -> Answer {
    let hub = context.hub.ask(|hub| hub.statistics())?;
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": wall_clock_ms(),
        "rooms": hub,
        "media": context.media.statistics(),
    })))
}

/// With as much of each member as `GET /v1/rooms/{channel}`, unless that is not wanted.
async fn rooms(State(context): Shared, asked: Asked) -> Answer {
    let (filter, limit) = (asked.filter()?, asked.limit(ROOMS)?);
    let all = filter.clone();
    let mut answer = if asked.flag("brief")? {
        list("rooms", &context.hub.ask(move |hub| hub.summaries(&filter, limit))?)
    } else {
        list("rooms", &context.hub.ask(move |hub| hub.page(&filter, limit))?)
    };
    answer["total"] = context.hub.ask(move |hub| hub.count(&all))?.into();
    Ok(Json(answer))
}

async fn room(State(context): Shared, asked: Asked) -> Answer {
    let mut answer = json!(one_room(&context, &asked).await?);
    answer["now"] = wall_clock_ms().into();
    Ok(Json(answer))
}

/// How the media of a room travel, and nothing else of its members.
async fn quality(State(context): Shared, asked: Asked) -> Answer {
    let room = one_room(&context, &asked).await?;
    let of = |member: MemberStatus| json!({ "uid": member.uid, "id": member.id, "quality": member.quality });
    let members = Page { items: room.members.into_iter().map(of).collect(), next: room.next };
    Ok(Json(list("members", &members)))
}

async fn one_room(context: &Context, asked: &Asked) -> Result<RoomStatus, Wrong> {
    let (after, limit) = (asked.after()?.map(Uid), asked.limit(MEMBERS)?);
    let (_, found) = in_room(context, asked, move |hub, cid| hub.room(cid, after, limit)).await?;
    found.ok_or(Wrong::NO_SUCH_ROOM)
}

async fn bans(State(context): Shared, asked: Asked) -> Answer {
    let (after, limit, now) = (asked.after()?.map(Uid), asked.limit(MEMBERS)?, context.clock.now());
    let (_, found) = in_name(&context, &asked, move |hub, cid| hub.bans(cid, after, limit, now)).await?;
    Ok(Json(list("bans", &found)))
}

async fn kick(State(context): Shared, WithBody(asked): WithBody) -> Done {
    if let Some(ban) = asked.ban("ban")? {
        return keep_out(&context, &asked, ban).await;
    }
    let (uid, now) = (asked.uid()?, context.clock.now());
    change(&context, &asked, uid, "removed", move |hub, cid| {
        let is_there = hub.has(cid, Some(uid));
        hub.handle(HubInput::Kick(cid, uid), now);
        is_there
    })
    .await
}

async fn ban(State(context): Shared, WithBody(asked): WithBody) -> Done {
    let ban = asked.ban("seconds")?.unwrap_or(Ban::AS_LONG_AS_A_TICKET);
    keep_out(&context, &asked, ban).await
}

/// Also of somebody who is not there at the moment, and out of a room that is not there.
async fn keep_out(context: &Context, asked: &Asked, Ban(how_long): Ban) -> Done {
    let (uid, now) = (asked.uid()?, context.clock.now());
    let (cid, banned) = in_name(context, asked, move |hub, cid| hub.ban(cid, uid, how_long, now)).await?;
    banned?;
    let what = match how_long {
        Some(time) if time.is_zero() => "may come again".to_owned(),
        Some(time) => format!("banned for {} s", time.as_secs()),
        None => "banned as long as a ticket lasts".to_owned(),
    };
    done(asked, cid, &format!("{uid} {what}"))
}

async fn mute(State(context): Shared, WithBody(asked): WithBody) -> Done {
    silence(&context, &asked, true).await
}

async fn unmute(State(context): Shared, WithBody(asked): WithBody) -> Done {
    silence(&context, &asked, false).await
}

async fn silence(context: &Context, asked: &Asked, on: bool) -> Done {
    let uid = asked.uid()?;
    let (senses, media): (&[Sense], _) = match asked.text("media")?.as_deref() {
        Some("audio") => (&[Sense::Sound], "audio"),
        Some("video") => (&[Sense::Picture], "video"),
        None => (&[Sense::Sound, Sense::Picture], "audio and video"),
        Some(_) => return Err(Wrong::at("media", "\"audio\" or \"video\"; both when it is left out")),
    };
    let what = if on { "muted" } else { "unmuted" };
    change(context, asked, uid, &format!("{what}: {media}"), move |hub, cid| {
        senses.iter().all(|sense| hub.silence(cid, uid, *sense, on))
    })
    .await
}

async fn role(State(context): Shared, WithBody(asked): WithBody) -> Done {
    let uid = asked.uid()?;
    let (role, what) = match asked.needed("role")?.as_str() {
        "broadcaster" | "0" => (Role::Broadcaster, "made broadcaster"),
        "audience" | "1" => (Role::Audience, "made audience"),
        _ => return Err(Wrong::at("role", "\"broadcaster\" or \"audience\"")),
    };
    change(&context, &asked, uid, what, move |hub, cid| hub.cast(cid, uid, role)).await
}

async fn dissolve(State(context): Shared, WithBody(asked): WithBody) -> Done {
    let now = context.clock.now();
    let (cid, ()) =
        in_room(&context, &asked, move |hub, cid| hub.handle(HubInput::Dissolve(cid), now)).await?;
    done(&asked, cid, "dissolved")
}

/// Hands what a recogniser heard to the members that asked for captions.
async fn captions(State(context): Shared, asked: Asked, body: Result<Bytes, BytesRejection>) -> Done {
    let now = context.clock.now();
    let captions = body.map_err(Wrong::from).and_then(|body| read_captions(&body, wall_clock_ms()));
    // A room that is not there is said first, as a body is wrong only for somebody.
    let hand_out =
        move |hub: &mut Hub, cid| captions.map(|captions| hub.handle(HubInput::Captions(cid, captions), now));
    let (_, handed_out) = in_room(&context, &asked, hand_out).await?;
    handed_out.map(|()| StatusCode::NO_CONTENT)
}

/// Whom members wanted to cut short lately. Asking takes nothing away: an answer may get lost.
async fn interrupts(State(context): Shared, asked: Asked) -> Answer {
    let after = asked.after()?.unwrap_or_default();
    let (_, found) = in_room(&context, &asked, move |hub, cid| hub.interruptions(cid, after)).await?;
    Ok(Json(json!({ "interrupts": found })))
}

/// Changes something about a member of a room.
async fn change(
    context: &Context,
    asked: &Asked,
    uid: Uid,
    what: &str,
    change: impl FnOnce(&mut Hub, Cid) -> bool + Send + 'static,
) -> Done {
    let (cid, is_there) = in_room(context, asked, change).await?;
    if !is_there {
        return Err(Wrong::NO_SUCH_MEMBER);
    }
    done(asked, cid, &format!("{uid} {what}"))
}

/// The one line of the log that says what the operator did.
fn done(asked: &Asked, cid: Cid, what: &str) -> Done {
    info!("operator: room {cid} {:?}: {what}, reason {:?}", asked.channel, asked.reason);
    Ok(StatusCode::NO_CONTENT)
}

/// Does something with the room that is meant. Its name says which, unless several applications have such a room.
async fn in_room<T: Send + 'static>(
    context: &Context,
    asked: &Asked,
    act: impl FnOnce(&mut Hub, Cid) -> T + Send + 'static,
) -> Result<(Cid, T), Wrong> {
    let (channel, app_key) = (asked.channel.clone(), asked.text("appkey")?);
    let act = move |hub: &mut Hub| {
        let cid = hub.find(&channel, app_key.as_deref())?;
        Ok::<_, NotOneRoom>((cid, act(hub, cid)))
    };
    Ok(context.hub.ask(act)??)
}

/// The same, though the room may not be there: then its application must be named, where there may be several.
async fn in_name<T: Send + 'static>(
    context: &Context,
    asked: &Asked,
    act: impl FnOnce(&mut Hub, Cid) -> T + Send + 'static,
) -> Result<(Cid, T), Wrong> {
    let (channel, app_key) = (asked.channel.clone(), asked.text("appkey")?);
    let only = match &context.policy.load().apps {
        Apps::Listed(apps) if apps.len() == 1 => apps.keys().next().cloned(),
        Apps::Listed(_) | Apps::Any => None,
    };
    let named = app_key.clone().or(only).map(|key| Cid(context.secret.channel_id(&key, &channel)));
    let act = move |hub: &mut Hub| {
        let cid = match (hub.find(&channel, app_key.as_deref()), named) {
            (Ok(cid), _) | (Err(NotOneRoom::None), Some(cid)) => cid,
            (Err(NotOneRoom::None), None) => return Err(Wrong::APP_KEY_MISSING),
            (Err(error @ NotOneRoom::Several), _) => return Err(error.into()),
        };
        Ok((cid, act(hub, cid)))
    };
    context.hub.ask(act)?
}

/// A part of a list, and where it goes on.
fn list<T: Serialize>(what: &str, page: &Page<T>) -> Value {
    let mut answer = json!({ "now": wall_clock_ms(), what: page.items });
    if let Some(next) = &page.next {
        answer["next"] = next.as_str().into();
    }
    answer
}

/// Rooms in one answer.
const ROOMS: usize = 1000;
/// Members in one answer, or bans.
const MEMBERS: usize = 1000;
const MAX_CAPTIONS_BODY: usize = 1024 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_has_each_call_and_no_other() {
        let described: Value = serde_json::from_str(page::OPENAPI).unwrap();
        let paths = described["paths"].as_object().unwrap();
        let methods = |path: &String| -> Vec<String> {
            let item = paths[path].as_object().unwrap();
            item.keys()
                .filter(|key| ["get", "post", "put", "patch", "delete"].contains(&key.as_str()))
                .cloned()
                .collect()
        };
        let described: BTreeSet<(String, String)> = paths
            .keys()
            .flat_map(|path| methods(path).into_iter().map(move |method| (path.clone(), method)))
            .collect();
        let calls = calls_of(&Bodies::new(MAX_BODY));
        let served: BTreeSet<(String, String)> =
            calls.into_iter().map(|(path, method, _)| (path.to_owned(), method.to_owned())).collect();
        assert_eq!(described, served);
    }
}
