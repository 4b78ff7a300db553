//! What `dataReporter` sends, when the application named a server for it (docs/protocol.md 8.2, 8.3).

use serde_json::{Value, json};

use crate::bootstrap::md5_hex;
use crate::doors::HttpRequest;
use crate::model::{Cid, Uid, Url};
use crate::time::Instant;

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
