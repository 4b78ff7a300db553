//! The channel server: what it is asked before a room can be entered, and what it answers.
//!
//! Shared by the SDK and the gateway. Section numbers are those of `docs/protocol.md`.

use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Servers;
use crate::error::Error;
use crate::lenient::{Fields, text};
use crate::model::{Cid, Uid, Url};
use crate::symptoms;
use crate::time::Instant;

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
        fields.map(pair).join("&")
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

/// Where to log in, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gateways {
    pub(crate) cid: Cid,
    pub(crate) token: String,
    pub(crate) edge_addr: String,
    /// Never empty.
    pub(crate) addresses: Vec<Url>,
    /// Opens the task server.
    pub(crate) task_token: String,
}

impl Gateways {
    /// Reads an answer. `servers` replace what it says.
    ///
    /// # Errors
    /// The server's refusal, or why what came is no answer.
    pub(crate) fn read(status: u16, body: &str, servers: &Servers) -> Result<Self, Error> {
        let url = servers.bootstrap();
        let host = || url.host().to_owned();
        let unusable = |what: &str| Error::BootstrapUnusable {
            host: host(),
            met: symptoms::of_answer(&url, status, what, body),
        };
        let answer: Value = serde_json::from_str(body).map_err(|_| unusable(symptoms::kind_of(body)))?;
        let answer = Fields(&answer);
        match answer.code("code") {
            Some(200) => {}
            Some(code) => {
                // Others than channel servers call it otherwise.
                let words = ["desc", "errmsg", "reason", "message", "msg"].map(|key| answer.text(key));
                let words = words.into_iter().find(|words| !words.is_empty());
                let desc =
                    words.unwrap_or_else(|| symptoms::of_answer(&url, status, "JSON without a reason", body));
                return Err(Error::BootstrapRefused { host: host(), code, desc });
            }
            None => return Err(unusable("JSON without a numeric code")),
        }
        let Some(cid) = answer.cid("cid") else { return Err(unusable("JSON without a cid")) };
        let ips = answer.below("ips");
        let is_given = |address: &String| !address.is_empty();
        // A gateway without TLS is announced by a channel server without TLS; phones allow neither.
        let scheme = if servers.channel_server.starts_with("http://") { "ws://" } else { "wss://" };
        let addresses: Vec<Url> = if servers.address.is_empty() {
            let given = ips.items("wechatapparray").filter_map(|address| text(address.0)).filter(is_given);
            given.map(|address| Url(format!("{scheme}{address}"))).collect()
        } else {
            vec![Url(servers.address.clone())]
        };
        if addresses.is_empty() {
            return Err(Error::NoGateway(host()));
        }
        let edge_addr = if servers.edge_addr.is_empty() {
            let edges = ips.items("turnaddrs").filter_map(|edges| edges.0.as_array()).flatten();
            edges.filter_map(text).find(is_given).unwrap_or_else(|| DEFAULT_EDGE.into())
        } else {
            servers.edge_addr.clone()
        };
        Ok(Self { cid, token: answer.text("token"), edge_addr, addresses, task_token: ips.text("token") })
    }
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
/// What the original SDK sends when nobody names an edge (1.5).
const DEFAULT_EDGE: &str = "59.111.239.249:31101";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_checksum_matches_the_published_vector() {
        let sum = debug_checksum("ak", Uid(100), 1_700_000_000_000);
        assert_eq!(sum, "38750beb8c77248788c630bc9fbbfa64");
    }
}
