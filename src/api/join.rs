//! Where a stay leads: the argument of `join`, and the servers of a private deployment.

use std::fmt;

use crate::api::arguments::{app_uid, invalid, role, text};
use crate::api::error::Error;
use crate::wire::bootstrap::DEFAULT_CHANNEL_SERVER;
use crate::wire::json::Value;
use crate::wire::lenient::truthy;
use crate::wire::model::{AppUid, Role, Uid, Url};

/// The argument of `join` (docs/protocol.md 1.6, 5.5). `Debug` leaves token and permission key out.
#[derive(Clone, PartialEq)]
pub struct JoinParams {
    /// The room's name.
    pub channel_name: String,
    /// The member, or `None` for one of our choice.
    pub uid: Option<AppUid>,
    /// The application's token; empty in debug mode.
    pub token: String,
    /// The permission key; empty where the application needs none.
    pub perm_key_secret: String,
    /// `NETCALL_MODE`, when given.
    pub mode: Option<u32>,
    /// Interactive live streaming wanted.
    pub live_enable: bool,
    /// Server-side audio recording wanted.
    pub record_audio: bool,
    /// Server-side video recording wanted.
    pub record_video: bool,
    /// Recording of the interactive live stream wanted.
    pub rtmp_record: bool,
    /// `"0"`, `"1"` or `"2"`.
    pub record_type: String,
    /// This member is the host speaker.
    pub is_host_speaker: bool,
    /// What the application calls this stay; empty for a name of our choice.
    pub stay: String,
    /// The stay that this one follows without a gap, if it is still under way.
    pub replaces: String,
    /// The role of this stay alone; `None` for the one set by `setRole`.
    pub initial_role: Option<Role>,
    /// Servers that replace the client's.
    pub servers: Servers,
}

/// Where a private deployment lives. Empty means: the default, or what the bootstrap says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Servers {
    /// Full URL of the bootstrap.
    pub channel_server: String,
    /// Full WebSocket URL; the bootstrap's gateways are then not used.
    pub address: String,
    /// Media edge, `ip:port`.
    pub edge_addr: String,
    /// Base URL of the task server.
    pub room_server: String,
    /// Full URL for reports; without one nothing is reported.
    pub statistics_server: String,
}

impl Servers {
    /// Reads the servers from an options object, also from a nested `neRtcServerAddresses`.
    ///
    /// # Errors
    /// A server that is given and not text, or not an address of its kind.
    pub fn parse(options: Value<'_>) -> Result<Self, Error> {
        let nested = options.get("neRtcServerAddresses");
        let find = |key| match text(options, key)? {
            found if !found.is_empty() => Ok(found),
            _empty => text(nested, key),
        };
        let full = |key, schemes: [&str; 2]| match find(key)? {
            given if given.is_empty() || schemes.iter().any(|scheme| given.starts_with(scheme)) => Ok(given),
            _given => {
                invalid(format!("{key} must be a full URL that begins with {} or {}", schemes[0], schemes[1]))
            }
        };
        Ok(Self {
            channel_server: full("channelServer", HTTP)?,
            address: full("address", ["wss://", "ws://"])?,
            edge_addr: find("edgeAddr")?,
            room_server: full("roomServer", HTTP)?,
            statistics_server: find("statisticsServer")?,
        })
    }

    /// Where a join begins: the server that was named, else the original's.
    pub(crate) fn bootstrap(&self) -> Url {
        let given = self.channel_server.as_str();
        Url(if given.is_empty() { DEFAULT_CHANNEL_SERVER } else { given }.to_owned())
    }

    /// Where tasks go: the server that was named; else, in a private deployment, the channel server's
    /// host, since nobody else may see its token; else the original's server (9).
    pub(crate) fn task_server(&self) -> String {
        if !self.room_server.is_empty() {
            return self.room_server.trim_end_matches('/').to_owned();
        }
        let url = &self.channel_server;
        let path = url.bytes().enumerate().filter(|(_, byte)| *byte == b'/').nth(2);
        let host = path.and_then(|(path, _)| url.get(..path)).unwrap_or(url);
        let base = if host.is_empty() { "https://roomserver.netease.im" } else { host };
        format!("{base}/v2/sdk/rooms")
    }

    /// These, with `fallback` where they say nothing.
    #[must_use]
    pub fn or(&self, fallback: &Self) -> Self {
        let pick = |own: &String, other: &String| if own.is_empty() { other } else { own }.clone();
        Self {
            channel_server: pick(&self.channel_server, &fallback.channel_server),
            address: pick(&self.address, &fallback.address),
            edge_addr: pick(&self.edge_addr, &fallback.edge_addr),
            room_server: pick(&self.room_server, &fallback.room_server),
            statistics_server: pick(&self.statistics_server, &fallback.statistics_server),
        }
    }
}

impl fmt::Debug for JoinParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (channel, uid) = (&self.channel_name, &self.uid);
        f.debug_struct("JoinParams").field("channel_name", channel).field("uid", uid).finish_non_exhaustive()
    }
}

impl JoinParams {
    /// The parameters with nothing but what is necessary.
    #[must_use]
    pub fn new(channel_name: impl Into<String>, uid: Uid) -> Self {
        Self {
            channel_name: channel_name.into(),
            uid: Some(AppUid::Number(uid)),
            token: String::new(),
            perm_key_secret: String::new(),
            mode: None,
            live_enable: false,
            record_audio: false,
            record_video: false,
            rtmp_record: false,
            record_type: "0".into(),
            is_host_speaker: false,
            stay: String::new(),
            replaces: String::new(),
            initial_role: None,
            servers: Servers::default(),
        }
    }

    pub(crate) fn parse(options: Value<'_>) -> Result<Self, Error> {
        if !options.is_object() {
            return invalid("join takes an object");
        }
        let channel_name = text(options, "channelName")?;
        if channel_name.is_empty() {
            return invalid("channelName must be a non-empty string");
        }
        if channel_name.len() > MAX_CHANNEL_NAME {
            return invalid(format!("channelName must be at most {MAX_CHANNEL_NAME} bytes"));
        }
        let uid = Some(options.get("uid")).filter(|uid| !uid.is_null()).map(app_uid).transpose()?;
        let record_type = text(options, "recordType")?;
        Ok(Self {
            channel_name,
            uid,
            token: text(options, "token")?,
            perm_key_secret: text(options, "permKeySecret")?,
            mode: options.get("mode").as_u64().filter(|mode| *mode <= 3).map(|mode| mode as u32),
            live_enable: truthy(options.get("liveEnable")),
            record_audio: truthy(options.get("recordAudio")),
            record_video: truthy(options.get("recordVideo")),
            rtmp_record: truthy(options.get("rtmpRecord")),
            record_type: if record_type.is_empty() { "0".into() } else { record_type },
            is_host_speaker: truthy(options.get("isHostSpeaker")),
            stay: text(options, "stay")?,
            replaces: text(options, "replaces")?,
            initial_role: options.get("initialRole").present().map(role).transpose()?,
            servers: Servers::parse(options)?,
        })
    }
}

const HTTP: [&str; 2] = ["https://", "http://"];
/// More than any server takes (NetEase: 64), little enough for a form.
const MAX_CHANNEL_NAME: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::Document;

    #[test]
    fn tasks_go_to_nobody_that_the_application_did_not_name() {
        let to = |servers: Servers| servers.task_server();
        let channel_server = "https://call.example.com:8443/nrtc/getChannelInfos.action".to_owned();
        assert_eq!(to(Servers::default()), "https://roomserver.netease.im/v2/sdk/rooms");
        let private = Servers { channel_server, ..Servers::default() };
        assert_eq!(to(private.clone()), "https://call.example.com:8443/v2/sdk/rooms");
        let named = Servers { room_server: "https://rooms.example.com/v2/".into(), ..private };
        assert_eq!(to(named), "https://rooms.example.com/v2");
    }

    #[test]
    fn servers_are_found_in_both_places_and_the_direct_one_wins() {
        let options = r#"{
            "channelServer": "https://a",
            "neRtcServerAddresses": {"channelServer": "https://b", "edgeAddr": "1.2.3.4:5"}
        }"#;
        let servers = Servers::parse(Document::read(options).unwrap().root()).unwrap();
        assert_eq!(servers.channel_server, "https://a");
        assert_eq!(servers.edge_addr, "1.2.3.4:5");
    }
}
