//! What `dataReporter` sends, when the application named a server for it (docs/protocol.md 8.2, 8.3).

use serde_json::{Value, json};

use crate::api::app_uid;
use crate::bootstrap::md5_hex;
use crate::doors::HttpRequest;
use crate::model::{Cid, Uid, Url};
use crate::time::Instant;
use crate::view::Which;

/// Something that a component told the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    direction: String,
    name: String,
    data: Value,
}

impl Report {
    pub(crate) fn new(direction: &Value, name: &Value, data: &Value, uid: &Value) -> Self {
        let mut data = data.clone();
        if let (Value::Object(fields), false) = (&mut data, uid.is_null()) {
            fields.insert("pull_uid".into(), uid.clone());
        }
        let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
        Self { direction: text(direction, "push"), name: text(name, ""), data }
    }

    /// Which component reports which status, if it does.
    pub(crate) fn status(&self) -> Option<(Which, i32)> {
        if !self.name.ends_with("statechange") {
            return None;
        }
        let code = self.data.get("code").and_then(whole)?;
        if self.direction != "pull" {
            return Some((Which::Pusher, code));
        }
        let uid = self.data.get("pull_uid").and_then(|uid| app_uid(uid).ok())?.uid();
        let key = self.data.get("key").and_then(Value::as_str);
        Some((
            Which::Player { uid, key: key.and_then(|key| key.strip_prefix("player-")?.parse().ok()) },
            code,
        ))
    }

    /// The request, in the form of the original. `since` is when the stay began.
    pub(crate) fn request(
        &self,
        server: &str,
        appkey: &str,
        cid: Cid,
        uid: Uid,
        since: Instant,
        now: Instant,
    ) -> HttpRequest {
        let session = md5_hex(&format!("{cid}:{uid}:{}", since.as_millis()));
        let body = json!({
            "common": {"ver": "2.0", "sdk_type": "nrtc2", "session_id": session, "app_key": appkey},
            "event": {"function": {
                "uid": uid.to_string(), "cid": cid.to_string(), "oper": self.direction,
                "value": self.data.to_string(), "time": now.as_millis(), "name": self.name,
            }},
        });
        let headers = vec![
            ("content-type", "application/json".into()),
            ("sdktype", "nrtc2".into()),
            ("appkey", appkey.to_owned()),
            ("platform", "mini".into()),
            ("sdkver", "4.6.11".into()),
        ];
        HttpRequest { url: Url(server.to_owned()), headers, body: body.to_string() }
    }
}

/// A whole number, also as text, as some clients write it.
fn whole(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| i32::try_from(number).ok()).or_else(|| value.as_str()?.parse().ok())
}
