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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As nginx 1.22.1 wrote them with module 1.2.2.
    const PUBLISH: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:1936/live\
                           &pageurl=&addr=127.0.0.1&clientid=6&call=publish&name=gt&type=live&grant=good";
    const RELAY: &str = "app=&flashver=ngx-local-relay&swfurl=&tcurl=&pageurl=&addr=127.0.0.1:1937/live&clientid=7\
                         &call=play&name=gt&start=0&duration=0&reset=0";

    #[test]
    fn the_servers_own_words_come_first_whatever_a_client_adds() {
        let read = |added: &str| read(format!("{PUBLISH}{added}").as_bytes()).unwrap();
        let Hook::Begin(asked) = read("") else { unreachable!() };
        assert_eq!((asked.client.name(), asked.action, asked.app.as_str()), ("6", Action::Publish, "live"));
        assert_eq!((asked.stream.as_str(), asked.grant.as_str()), ("gt", "good"));
        for added in ["&addr=127.0.0.1:1937/live", "&call=play", "&clientid=7&name=x&app=y&grant=bad"] {
            assert_eq!(read(added), Hook::Begin(asked_again()), "{added}");
        }
    }

    #[test]
    fn a_relay_that_its_configuration_asks_for_is_its_own_affair_and_only_that() {
        assert_eq!(read(RELAY.as_bytes()).unwrap(), Hook::Own);
        // What comes in from elsewhere is published by somebody.
        let pulled = RELAY.replace("call=play", "call=publish");
        assert!(matches!(read(pulled.as_bytes()).unwrap(), Hook::Begin(_)));
        let forged = RELAY.replace("ngx-local-relay", "x%26addr=127.0.0.1:1/live").replace(":1937/live", "");
        assert!(matches!(read(forged.as_bytes()).unwrap(), Hook::Begin(_)));
    }

    fn asked_again() -> Asked {
        let Hook::Begin(asked) = read(PUBLISH.as_bytes()).unwrap() else { unreachable!() };
        asked
    }
}
