//! Misbehaviour on demand, for tests over real sockets: `--allow-faults` only.
//!
//! Whoever connects chooses by the query of its URL what its own connection is to suffer; nobody else
//! notices. Everything happens between the socket and the rest of the gateway: the hub and the bootstrap
//! see a peer, or a network, that behaves badly.

mod plan;
mod relay;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Path;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::post;
use nertc_miniapp::wire::bootstrap::BootstrapAnswer;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::info;

use self::plan::{Bootstrap, LONGEST, Plan, Unreadable, Upgrade, read};
pub(crate) use self::relay::{ConnectionFaults, Frames, OVERSIZED};
use super::shell::HubHandle;
use crate::vital::Vital;

/// Lets clients ask for faults at the bootstrap and at the WebSocket's doors.
pub(crate) fn allow(router: Router) -> Router {
    let faults = Faults { turns: Mutex::default(), places: Arc::new(Semaphore::new(MAX_CONNECTIONS)) };
    router.layer(from_fn_with_state(Arc::new(faults), misbehave))
}

/// `POST /v1/faults/end/PART` ends a part without which the gateway is none.
pub(crate) fn ends(hub: HubHandle, vital: Vital) -> Router {
    let end = async move |Path(part): Path<String>| {
        if part == "hub" {
            #[expect(clippy::panic, reason = "it is what was asked for")]
            let answer: Result<(), _> = hub.ask(|_hub| panic!("the hub was told to panic"));
            return answer.into_response();
        }
        if vital.end(&part) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }.into_response()
    };
    Router::new().route("/v1/faults/end/{part}", post(end))
}

async fn misbehave(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "faults");
    let Some(text) = asked.map(|(_, text)| text.into_owned()) else { return next.run(request).await };
    if request.method() == Method::POST && request.uri().path().ends_with("/getChannelInfos.action") {
        bootstrap(&faults, &text, request, next).await
    } else if request.headers().contains_key(header::UPGRADE) {
        upgrade(&faults, &text, request, next).await
    } else {
        next.run(request).await
    }
}

async fn bootstrap(faults: &Faults, text: &str, request: Request, next: Next) -> Response {
    let plan = match faults.plan(Door::Bootstrap, text) {
        Ok(plan) => plan,
        Err(unreadable) => {
            let (code, desc) = (Some(BAD_PARAMETER), unreadable.to_string());
            let answer = BootstrapAnswer { code, desc, ..BootstrapAnswer::default() };
            return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
        }
    };
    sleep(plan.bootstrap_delay.unwrap_or_default()).await;
    spoil(plan.bootstrap, text, next.run(request).await).await
}

async fn upgrade(faults: &Faults, text: &str, mut request: Request, next: Next) -> Response {
    let plan = match faults.plan(Door::Socket, text) {
        Ok(plan) => plan,
        Err(unreadable) => return (StatusCode::BAD_REQUEST, unreadable.to_string()).into_response(),
    };
    let Ok(place) = Arc::clone(&faults.places).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many faulty connections").into_response();
    };
    match plan.upgrade {
        None => {
            request.extensions_mut().insert(ConnectionFaults::new(plan.socket, place));
            next.run(request).await
        }
        Some(Upgrade::Refused(status)) => status.into_response(),
        Some(Upgrade::Stalled) => {
            // A peer that goes away takes its request with it.
            sleep(LONGEST).await;
            StatusCode::REQUEST_TIMEOUT.into_response()
        }
    }
}

/// Spoils the answer of the bootstrap, or else has it lead to doors that know the same text.
async fn spoil(fault: Option<Bootstrap>, text: &str, answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, MAX_ANSWER).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = match fault {
        Some(Bootstrap::Status(status)) => {
            head.status = status;
            Bytes::new()
        }
        Some(Bootstrap::Unusable) => Bytes::from_static(b"<html>Welcome to this hotel's Wi-Fi</html>"),
        Some(Bootstrap::NoGateways) => readdressed(&body, |addresses| addresses.clear()),
        None => readdressed(&body, |addresses| {
            for address in addresses {
                *address = json!(with_query(address.as_str().unwrap_or_default(), text));
            }
        }),
    };
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}

fn readdressed(answer: &[u8], change: impl FnOnce(&mut Vec<Value>)) -> Bytes {
    let mut answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    // A refusal has none.
    if let Some(Value::Array(addresses)) = answer.pointer_mut("/ips/wechatapparray") {
        change(addresses);
    }
    answer.to_string().into()
}

/// The address of a gateway, which may have a path and a query (docs/protocol.md 1.5).
fn with_query(address: &str, text: &str) -> String {
    let separator = match (address.contains('?'), address.contains('/')) {
        (true, _) => "&",
        (false, true) => "?",
        (false, false) => "/?",
    };
    format!("{address}{separator}faults={text}")
}

/// What has been asked for so far.
struct Faults {
    /// How often each text has come to each door, the latest text last.
    turns: Mutex<VecDeque<(Door, String, u32)>>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Door {
    Bootstrap,
    Socket,
}

impl Faults {
    /// What is to go wrong for the next one who comes to this door with this text.
    fn plan(&self, door: Door, text: &str) -> Result<Plan, Unreadable> {
        let plans = read(text)?;
        let mut turn = self.turn(door, text);
        let plan = plans.into_iter().find(|plan| match plan.times {
            Some(times) if turn >= times => {
                turn -= times;
                false
            }
            Some(_) | None => true,
        });
        info!("{door:?} asks for faults: {text}{}", if plan.is_none() { " (used up)" } else { "" });
        Ok(plan.unwrap_or_default())
    }

    /// How often this text came to this door before.
    fn turn(&self, door: Door, text: &str) -> u32 {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., turn)) = turns.iter_mut().find(|(at, known, _)| *at == door && known == text) {
            *turn = turn.saturating_add(1);
            return *turn;
        }
        if turns.len() == MAX_TEXTS {
            turns.pop_front();
        }
        turns.push_back((door, text.to_owned(), 0));
        0
    }
}

/// Texts whose turns are remembered.
const MAX_TEXTS: usize = 1024;
/// Connections with faults at once.
const MAX_CONNECTIONS: usize = 1024;
const MAX_ANSWER: usize = 64 * 1024;
/// A code of the bootstrap (docs/protocol.md 1.4).
const BAD_PARAMETER: i32 = 414;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_follow_one_another_and_then_all_is_well() {
        let faults = Faults { turns: Mutex::default(), places: Arc::new(Semaphore::new(0)) };
        let text = "times:1;garbage,times:2;refuse-upgrade:503,times:1";
        let turns: Vec<_> = (0..6).map(|_| faults.plan(Door::Socket, text).unwrap()).collect();
        assert_eq!(
            turns.iter().map(|plan| plan.socket.garbage).collect::<Vec<_>>(),
            [false, true, true, false, false, false]
        );
        assert_eq!(turns[3].upgrade, Some(Upgrade::Refused(StatusCode::SERVICE_UNAVAILABLE)));
        assert_eq!(turns[4..], [Plan::default(), Plan::default()]);

        let again = faults.plan(Door::Socket, "garbage,times:1,id:2").unwrap();
        assert!(again.socket.garbage, "another text");
        assert_eq!(faults.plan(Door::Bootstrap, text).unwrap().times, Some(1), "another door");
    }

    #[test]
    fn only_so_many_texts_are_remembered() {
        let faults = Faults { turns: Mutex::default(), places: Arc::new(Semaphore::new(0)) };
        for index in 0..=MAX_TEXTS {
            assert_eq!(faults.turn(Door::Socket, &format!("id:{index}")), 0);
        }
        assert_eq!(faults.turns.lock().unwrap().len(), MAX_TEXTS);
        assert_eq!(faults.turn(Door::Socket, "id:1"), 1);
        assert_eq!(faults.turn(Door::Socket, "id:0"), 0, "forgotten");
    }

    #[test]
    fn an_address_carries_the_text_wherever_its_query_begins() {
        for (address, expected) in [
            ("h:1", "h:1/?faults=garbage"),
            ("h/ws", "h/ws?faults=garbage"),
            ("h/ws?node=1", "h/ws?node=1&faults=garbage"),
        ] {
            assert_eq!(with_query(address, "garbage"), expected);
        }
    }
}
