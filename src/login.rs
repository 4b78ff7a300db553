//! The body of a login, as the original sends it (docs/protocol.md 3.1).

use serde::{Deserialize, Serialize};

use crate::lenient::{flag, role, text};
use crate::model::{Cid, Role, Uid};

/// The body of a login (3.1), keys in wire order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// The member.
    pub uid: Uid,
    /// The channel, from the bootstrap.
    pub cid: Cid,
    /// The bootstrap's `token`, absent when it gave none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// `NETCALL_MODE`, when the application set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// Always 1 (meeting).
    #[serde(default)]
    pub scene: u32,
    /// Always 3.
    #[serde(default)]
    pub usertype: u32,
    /// Interactive live streaming wanted.
    #[serde(default, with = "flag")]
    pub live_enable: bool,
    /// Always 1.
    #[serde(default)]
    pub webrtc: u32,
    /// Server-side audio recording wanted.
    #[serde(default, with = "flag")]
    pub record_audio: bool,
    /// Server-side video recording wanted.
    #[serde(default, with = "flag")]
    pub record_video: bool,
    /// Recording of the interactive live stream wanted.
    #[serde(default, with = "flag")]
    pub rtmp_record: bool,
    /// `"0"` mixed and single, `"1"` mixed, `"2"` single.
    #[serde(default, deserialize_with = "text")]
    pub record_type: String,
    /// The member's role.
    #[serde(default, deserialize_with = "role")]
    pub role: Role,
    /// The member is the room's host speaker.
    #[serde(default, with = "flag")]
    pub is_host_speaker: bool,
    /// The media edge that the bootstrap or the application named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub edge_addr: String,
    /// Always 2.
    #[serde(default)]
    pub newprotocol: u32,
    /// Sent by 4.4.1 only, which thereby tells what it is (Appendix A).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dual_audio: Option<u32>,
    /// Voice effect mode; absent in 4.4.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_change_mode: Option<u32>,
    /// Voice pitch as text; absent in 4.4.1.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub audio_local_pitch: String,
    /// Voice changer preset; absent in 4.4.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_change_type: Option<u32>,
    /// Voice beautifier preset; absent in 4.4.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_beauty_type: Option<u32>,
    /// Ours (12): what the gateway called this stay; absent at its first login.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub resume: String,
}
