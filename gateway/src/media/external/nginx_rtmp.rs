//! nginx-rtmp: hooks as forms, and `rtmp_control`.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::words::{Asked, ClientId, Dropped, Hook, Request, Unreadable};
use crate::rights::Action;

/// The fields that somebody looks at.
#[derive(Default)]
struct Form {
    app: Option<String>,
    addr: Option<String>,
    clientid: Option<String>,
    call: Option<String>,
    name: Option<String>,
    grant: Option<String>,
}

impl Form {
    /// Of several fields with one name the first: nginx writes its own, with every client's text in them escaped,
    /// and then adds the query of the client's URL as it is.
    fn read(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (key, value) in form_urlencoded::parse(body) {
            let field = match &*key {
                "app" => &mut form.app,
                "addr" => &mut form.addr,
                "clientid" => &mut form.clientid,
                "call" => &mut form.call,
                "name" => &mut form.name,
                "grant" => &mut form.grant,
                _ => continue,
            };
            field.get_or_insert_with(|| value.into_owned());
        }
        form
    }
}

pub(super) fn read(body: &[u8]) -> Result<Hook, Unreadable> {
    let Form { app, addr, clientid, call, name, grant } = Form::read(body);
    let call = call.ok_or(Unreadable("no form with the field call"))?;
    let is_number = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
    let client = clientid.filter(is_number).and_then(|id| ClientId::new(id, String::new()));
    let client = client.ok_or(Unreadable("clientid is no number"))?;
    // What it pushes elsewhere it plays itself, and names the target where a client has its address.
    if addr.is_some_and(|addr| addr.contains('/')) && call.contains("play") {
        return Ok(Hook::Own);
    }
    let asked = |action| Asked {
        client: client.clone(),
        action,
        app: app.unwrap_or_default(),
        stream: name.unwrap_or_default(),
        grant: grant.unwrap_or_default(),
    };
    Ok(match call.as_str() {
        "publish" => Hook::Begin(asked(Action::Publish)),
        "play" => Hook::Begin(asked(Action::Play)),
        "update_publish" => Hook::Goes(asked(Action::Publish)),
        "update_play" => Hook::Goes(asked(Action::Play)),
        "publish_done" => Hook::End(client, Action::Publish),
        "play_done" => Hook::End(client, Action::Play),
        _ => Hook::Other,
    })
}

pub(super) fn allow() -> Response {
    StatusCode::OK.into_response()
}

pub(super) fn refuse(reason: &'static str) -> Response {
    (StatusCode::FORBIDDEN, reason).into_response()
}

pub(super) fn drop_request(app: &str, stream: &str, client: &ClientId) -> Request {
    let path = format!("/drop/client?app={app}&name={stream}&clientid={}", client.name());
    Request { method: Method::GET, path }
}

/// Drops nobody: its connections are numbered from 1.
pub(super) fn ping_request(app: &str) -> Request {
    Request { method: Method::GET, path: format!("/drop/client?app={app}&name=-&clientid=0") }
}

/// It answers with how many it dropped.
pub(super) fn dropped(status: u16, body: &[u8]) -> Option<Dropped> {
    let count: u64 = std::str::from_utf8(body).ok()?.trim().parse().ok()?;
    let outcome = if count > 0 { Dropped::Going } else { Dropped::NotThere };
    (status == 200).then_some(outcome)
}
