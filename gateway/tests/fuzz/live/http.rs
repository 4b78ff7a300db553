//! Everything that is asked over HTTP: heads, forms and bodies.

use serde_json::{Value, json};

use super::call::form;
use super::peer::Peer;
use super::process::ADMIN;
use super::{Scene, rules};
use crate::draw::Draw;
use crate::engine::{Target, fuzz};
use crate::spoil;

#[test]
fn http() {
    fuzz(rules("live-http", 80), || Http(Scene::new()));
}

struct Http(Scene);

impl Target for Http {
    fn live(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Self(scene) = self;
        let process = &scene.process;
        // Either door is asked for what belongs to the other, too.
        let mut peer = Peer::connect(if draw.chance(30) { process.admin } else { process.http })?;
        match draw.below(8) {
            0 => {
                // An endless answer: only its beginning is waited for.
                let name = scene.call.pull[draw.below(scene.call.pull.len())].replacen('?', ".flv?", 1);
                let name = if draw.chance(70) { spoil::text(draw, &name) } else { name };
                let name = name.replace(char::is_whitespace, "_");
                peer.say(format!("GET /live/{name} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
                peer.until(b"\r\n")?;
            }
            1..=3 => {
                let count = draw.pick(&[1, 1, 2, 4]);
                let mut bytes = Vec::new();
                for index in 1..=count {
                    bytes.extend(request(draw, scene, index == count));
                }
                peer.say(&bytes);
                let answers = peer.rest()?;
                let answers = String::from_utf8_lossy(&answers).into_owned();
                let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect();
                let is_fine = |status: &&str| status.starts_with(['2', '4']) && *status != "408";
                // Whoever refuses a request unread may end the connection with it.
                let is_cut = statuses.last().is_some_and(|status| status.starts_with('4'));
                let is_all = statuses.len() == count || (is_cut && statuses.len() < count);
                if !is_all || !statuses.iter().all(is_fine) {
                    let asked = String::from_utf8_lossy(&bytes).into_owned();
                    return Err(format!("{count} requests were answered {statuses:?}: {asked:?}"));
                }
            }
            _ => {
                let mut bytes = Vec::new();
                for _ in 0..draw.pick(&[1, 1, 2, 4]) {
                    bytes.extend(request(draw, scene, false));
                }
                const INSERTS: [&[u8]; 8] = [
                    b"\r\n",
                    b"\r\n\r\n",
                    b"Transfer-Encoding: chunked\r\n",
                    b"content-length: 18446744073709551616\r\n",
                    b"%",
                    b"\0",
                    b"expect: 100-continue\r\n",
                    b"0\r\n\r\n",
                ];
                spoil::bytes(draw, &mut bytes, &INSERTS);
                peer.say(&bytes);
                scene.part(draw, peer)?;
            }
        }
        scene.check()
    }
}

/// A request that is well-formed as HTTP; what is in it may be odd.
fn request(draw: &mut Draw, scene: &Scene, is_last: bool) -> Vec<u8> {
    let (cid, ticket) = (scene.call.cid, &scene.call.ticket);
    let room = draw.pick(&["guests", "guests", "none", "%00", "a%2fb", "%F0%9F%98%80"]);
    let route = draw.below(11);
    let (method, path) = match route {
        0 | 1 => ("POST", "/nrtc/getChannelInfos.action".to_owned()),
        2 => ("POST", "/statistics".to_owned()),
        3 => ("POST", format!("/v1/rooms/{room}/captions")),
        4 => ("POST", format!("/v2/sdk/rooms/{cid}/tasks")),
        5 => ("POST", format!("/v2/sdk/rooms/{cid}/tasks/delete")),
        6 => {
            let call = draw.pick(&["kick", "ban", "mute", "unmute", "role"]);
            ("POST", format!("/v1/rooms/{room}/{call}"))
        }
        7 => ("GET", "/healthz".to_owned()),
        8 => ("GET", "/v1/rooms".to_owned()),
        9 => ("GET", format!("/v1/rooms/{room}/interrupts?after={}&appkey=ak", draw.edge())),
        _ => (draw.pick(&["PUT", "OPTIONS", "DELETE"]), "/nowhere".to_owned()),
    };
    // Mostly what the route is for.
    let body = if draw.chance(15) { draw.below(11) } else { route };
    let mut body = match body {
        2 => {
            let mut told = json!({ "videoFPS": 1, "pull_uid": "2", "code": 2001 });
            if draw.chance(50) {
                spoil::json(draw, &mut told);
            }
            let told = if draw.chance(20) { spoil::text(draw, &told.to_string()) } else { told.to_string() };
            let event = json!({ "function": { "cid": cid.to_string(), "uid": "3001", "oper": "push",
                "name": "x-netstatus", "value": told } });
            json!({ "events": [event, event] })
        }
        3 => json!([{ "srcUid": "1", "text": "x", "timestamp": 1.5, "isFinal": true, "language": "en" }]),
        4 | 5 => json!({ "taskId": "t", "streamUrl": "rtmp://a.example/b", "hostUid": 1, "version": 1,
            "layout": { "canvas": { "width": 1, "height": 1 }, "users": [{ "uid": 1, "x": 1 }] } }),
        6 => json!({ "appkey": "ak", "uid": 999, "seconds": 1, "media": "audio", "role": "audience" }),
        7 => Value::Null,
        _ => json!({ "uid": 3, "appkey": "ak", "channelName": "h", "secureType": "2", "curtime": 1,
            "checksum": "x", "t1": 1 }),
    };
    if draw.chance(50) {
        spoil::json(draw, &mut body);
    }
    let is_form = draw.chance(if route < 2 { 70 } else { 5 });
    let (kind, text) = if is_form {
        let text = form("h", 3);
        let text = if draw.chance(50) { spoil::text(draw, &text) } else { text };
        ("application/x-www-form-urlencoded", text)
    } else {
        ("application/json", body.to_string())
    };
    // Other methods may have a body too, and nobody reads it.
    let text = if method == "POST" { text } else { String::new() };
    let close = if is_last { "connection: close\r\n" } else { "" };
    let length = text.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ntoken: {ticket}\r\n\
         authorization: Bearer {ADMIN}\r\n{close}content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), text.as_bytes()].concat()
}
