//! SRS: `http_hooks` as JSON, and its HTTP API.

use std::borrow::Cow;

use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::words::{Asked, ClientId, Dropped, Hook, Listed, Request, Unreadable};
use crate::rights::Action;

/// Every hook has these, and more.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    server_id: Option<Id<'a>>,
    #[serde(borrow, default)]
    service_id: Option<Id<'a>>,
    #[serde(borrow)]
    client_id: Id<'a>,
    #[serde(borrow, default)]
    app: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(borrow, default)]
    param: Cow<'a, str>,
}

/// A text, or a number as older versions have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(u64),
}

impl Id<'_> {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text.into_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

pub(super) fn read(body: &[u8]) -> Result<Hook, Unreadable> {
    let Body { action, server_id, service_id, client_id, app, stream, param } =
        serde_json::from_slice(body).map_err(|_| Unreadable("no JSON object with action and client_id"))?;
    let run = [server_id, service_id].map(|id| id.map_or_else(String::new, Id::text)).join("/");
    let client = ClientId::new(client_id.text(), run).ok_or(Unreadable("client_id is none"))?;
    let begin = |action| {
        // From RTMP and HTTP-FLV it has the question mark, from WebRTC it has none.
        let query = form_urlencoded::parse(param.trim_start_matches('?').as_bytes());
        let grant = query.into_iter().find(|(key, _)| key == "grant");
        Hook::Begin(Asked {
            client: client.clone(),
            action,
            app: app.clone().into_owned(),
            stream: stream.clone().into_owned(),
            grant: grant.map(|(_, grant)| grant.into_owned()).unwrap_or_default(),
        })
    };
    Ok(match &*action {
        "on_publish" => begin(Action::Publish),
        "on_play" => begin(Action::Play),
        "on_unpublish" => Hook::End(client, Action::Publish),
        "on_stop" => Hook::End(client, Action::Play),
        _ => Hook::Other,
    })
}

/// It takes 200 with an object whose code is 0 for a yes, and another code for a no that its log has.
pub(super) fn answer(code: u16, words: &str) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, json!({ "code": code, "msg": words }).to_string()).into_response()
}

pub(super) fn drop_request(client: &ClientId) -> Request {
    Request { method: Method::DELETE, path: format!("/api/v1/clients/{}", client.name()) }
}

/// What every answer of the API has; the status is 200 whatever it says.
#[derive(Deserialize)]
struct Answer<'a> {
    code: i64,
    #[serde(borrow, default)]
    server: Option<Id<'a>>,
    #[serde(borrow, default)]
    service: Option<Id<'a>>,
    #[serde(borrow, default)]
    clients: Vec<Client<'a>>,
}

#[derive(Deserialize)]
struct Client<'a> {
    #[serde(borrow)]
    id: Id<'a>,
}

pub(super) fn dropped(body: &[u8]) -> Option<Dropped> {
    match serde_json::from_slice::<Answer<'_>>(body).ok()?.code {
        0 => Some(Dropped::Going),
        CLIENT_NOT_FOUND => Some(Dropped::NotThere),
        _ => None,
    }
}

pub(super) fn list_request(start: usize) -> Request {
    Request { method: Method::GET, path: format!("/api/v1/clients/?start={start}&count={PAGE}") }
}

pub(super) fn listed(body: &[u8]) -> Option<Listed> {
    let answer: Answer<'_> =
        serde_json::from_slice(body).ok().filter(|answer: &Answer<'_>| answer.code == 0)?;
    let run = [answer.server, answer.service].map(|id| id.map_or_else(String::new, Id::text)).join("/");
    let is_last = answer.clients.len() < PAGE;
    let ids = answer.clients.into_iter().filter_map(|client| ClientId::new(client.id.text(), run.clone()));
    let ids = ids.collect();
    Some(if is_last { Listed::Last(ids) } else { Listed::Some(ids) })
}

/// Its code for a client that is not there.
const CLIENT_NOT_FOUND: i64 = 2049;
/// Clients in one answer.
const PAGE: usize = 1000;
