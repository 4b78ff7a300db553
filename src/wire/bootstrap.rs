//! The channel server: what it is asked before a room can be entered, and what it answers.
//!
//! Shared by the SDK and the gateway. Section numbers are those of `docs/protocol.md`.

use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::time::Instant;
use crate::wire::model::{Cid, Uid};

/// The bootstrap request (1.1), an HTML form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapForm {
    /// The member, decimal; some platforms quote it.
    pub uid: String,
    /// The application.
    pub appkey: String,
    /// The room's name.
    pub channel_name: String,
    /// `"1"` with a token, `"2"` without.
    pub secure_type: String,
    /// `4.6.11.0` for the original 4.6.11.
    #[serde(default)]
    pub version: String,
    /// When the request was made, in milliseconds since the Unix epoch.
    pub curtime: u64,
    /// The token in secure mode, else [`debug_checksum`].
    pub checksum: String,
    /// Echoed for clock synchronisation, milliseconds.
    #[serde(default)]
    pub t1: u64,
    /// The permission key (10.4), which the original never sends.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub perm_key_secret: String,
}

impl BootstrapForm {
    /// What the original 4.6.11 asks. An empty `token` means debug mode.
    pub(crate) fn new(appkey: &str, channel_name: &str, uid: Uid, token: &str, now: Instant) -> Self {
        let curtime = now.as_millis();
        let checksum = if token.is_empty() { debug_checksum(appkey, uid, curtime) } else { token.to_owned() };
        Self {
            uid: uid.to_string(),
            appkey: appkey.to_owned(),
            channel_name: channel_name.to_owned(),
            secure_type: if token.is_empty() { "2" } else { "1" }.into(),
            version: PROTOCOL_VERSION.into(),
            curtime,
            checksum,
            t1: curtime,
            perm_key_secret: String::new(),
        }
    }

    /// Writes the form in the original's field order, constants included.
    #[must_use]
    pub fn encode(&self) -> String {
        let fields = [
            ("uid", self.uid.as_str()),
            ("appkey", &self.appkey),
            ("channelName", &self.channel_name),
            ("secureType", &self.secure_type),
            ("osType", "4"),
            ("mode", "2"),
            ("netType", "0"),
            ("version", &self.version),
            ("curtime", &self.curtime.to_string()),
            ("checksum", &self.checksum),
            ("nrtcg2", "1"),
            ("t1", &self.t1.to_string()),
        ];
        let pair = |(key, value)| format!("{key}={}", utf8_percent_encode(value, COMPONENT));
        let mut form = fields.map(pair).join("&");
        if !self.perm_key_secret.is_empty() {
            form.push('&');
            form.push_str(&pair(("permKeySecret", &self.perm_key_secret)));
        }
        form
    }
}

/// The debug mode's checksum: lower-case hex MD5 of `appkey.uid.curtime` (1.1).
#[must_use]
pub fn debug_checksum(appkey: &str, uid: Uid, curtime: u64) -> String {
    md5_hex(&format!("{appkey}.{uid}.{curtime}"))
}

/// Lower-case hex MD5.
pub(crate) fn md5_hex(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bootstrap answer (1.3), as far as clients read it. Written by the gateway.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BootstrapAnswer {
    /// 200 means yes; must be a JSON number.
    pub code: Option<i32>,
    /// Why not, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub desc: String,
    /// The channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cid: Option<Cid>,
    /// Goes into the login.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Where to connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ips: Option<Ips>,
    /// Clock synchronisation; of no use to this SDK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<ServerTime>,
}

/// The addresses in a bootstrap answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Ips {
    /// Gateways, without scheme; may carry a path and a query.
    pub wechatapparray: Vec<String>,
    /// Media edges, `ip:port`.
    pub turnaddrs: Vec<Vec<String>>,
    /// The token of the task API.
    pub token: String,
}

/// The server's clock, milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ServerTime {
    /// The client's own `t1`.
    pub t1: u64,
    /// When the request arrived.
    pub t2: u64,
    /// When the answer was sent.
    pub t3: u64,
}

/// The SDK version whose protocol we speak, in the form of the bootstrap (1.1).
const PROTOCOL_VERSION: &str = "4.6.11.0";
/// What JavaScript's `encodeURIComponent` escapes, which is what the platform applies to forms.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// Where the original SDK asks when the application names no server (1.1).
pub(crate) const DEFAULT_CHANNEL_SERVER: &str = "https://nrtc.netease.im/nrtc/getChannelInfos.action";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_checksum_matches_the_published_vector() {
        let sum = debug_checksum("ak", Uid(100), 1_700_000_000_000);
        assert_eq!(sum, "38750beb8c77248788c630bc9fbbfa64");
    }
}
