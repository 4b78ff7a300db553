//! What `dataReporter` sends, when the application named a server for it (docs/protocol.md 8.2, 8.3).

use serde_json::{Value, json};

use crate::bootstrap::md5_hex;
use crate::model::{Cid, Uid};
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

    /// The request's body, in the form of the original. `since` is when the stay began.
    pub(crate) fn body(&self, appkey: &str, cid: Cid, uid: Uid, since: Instant, now: Instant) -> String {
        let session = md5_hex(&format!("{cid}:{uid}:{}", since.as_millis()));
        let value = self.data.to_string();
        json!({
            "common": {"ver": "2.0", "sdk_type": "nrtc2", "session_id": session, "app_key": appkey},
            "event": {"function": {
                "uid": uid.to_string(), "cid": cid.to_string(), "oper": self.direction, "value": value,
                "time": now.as_millis(), "name": self.name,
            }},
        })
        .to_string()
    }
}
