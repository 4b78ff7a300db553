//! What a channel server's answer comes to: where to log in, and with what.

use crate::api::error::Error;
use crate::api::join::Servers;
use crate::api::symptoms;
use crate::wire::json::Document;
use crate::wire::lenient::{Fields, text};
use crate::wire::model::{Cid, Url};

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
        let answer = Document::read(body).map_err(|_| unusable(symptoms::kind_of(body)))?;
        let answer = Fields(answer.root());
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
            let edges = ips.items("turnaddrs").flat_map(|edges| edges.0.items());
            edges.filter_map(text).find(is_given).unwrap_or_else(|| DEFAULT_EDGE.into())
        } else {
            servers.edge_addr.clone()
        };
        Ok(Self { cid, token: answer.text("token"), edge_addr, addresses, task_token: ips.text("token") })
    }
}

/// What the original SDK sends when nobody names an edge (1.5).
const DEFAULT_EDGE: &str = "59.111.239.249:31101";
