//! The body of a login, as the original sends it (docs/protocol.md 3.1).

use crate::wire::json::{self, Writer};
use crate::wire::lenient::Fields;
use crate::wire::model::{Cid, Role, Uid};

/// The body of a login (3.1), keys in wire order.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// The member.
    pub uid: Uid,
    /// The channel, from the bootstrap.
    pub cid: Cid,
    /// The bootstrap's `token`, absent when it gave none.
    pub token: String,
    /// `NETCALL_MODE`, when the application set it.
    pub mode: Option<u32>,
    /// Always 1 (meeting).
    pub scene: u32,
    /// Always 3.
    pub usertype: u32,
    /// Interactive live streaming wanted.
    pub live_enable: bool,
    /// Always 1.
    pub webrtc: u32,
    /// Server-side audio recording wanted.
    pub record_audio: bool,
    /// Server-side video recording wanted.
    pub record_video: bool,
    /// Recording of the interactive live stream wanted.
    pub rtmp_record: bool,
    /// `"0"` mixed and single, `"1"` mixed, `"2"` single.
    pub record_type: String,
    /// The member's role.
    pub role: Role,
    /// The member is the room's host speaker.
    pub is_host_speaker: bool,
    /// The media edge that the bootstrap or the application named.
    pub edge_addr: String,
    /// Always 2.
    pub newprotocol: u32,
    /// Sent by 4.4.1 only, which thereby tells what it is (Appendix A).
    pub dual_audio: Option<u32>,
    /// Voice effect mode; absent in 4.4.1.
    pub audio_change_mode: Option<u32>,
    /// Voice pitch as text; absent in 4.4.1.
    pub audio_local_pitch: String,
    /// Voice changer preset; absent in 4.4.1.
    pub audio_change_type: Option<u32>,
    /// Voice beautifier preset; absent in 4.4.1.
    pub audio_beauty_type: Option<u32>,
    /// Ours (12): what the gateway gave us to come back with; absent at the first login of a stay.
    pub resume: String,
    /// Ours (12.13): which host the client runs in; absent for WeChat's.
    pub model: String,
}

impl Login {
    /// Reads what follows `uid` and `cid`.
    pub(crate) fn read(uid: Uid, cid: Cid, body: Fields<'_>) -> Self {
        let count = |key| body.number(key).unwrap_or_default();
        Self {
            uid,
            cid,
            token: body.text("token"),
            mode: body.number("mode"),
            scene: count("scene"),
            usertype: count("usertype"),
            live_enable: body.flag("liveEnable"),
            webrtc: count("webrtc"),
            record_audio: body.flag("recordAudio"),
            record_video: body.flag("recordVideo"),
            rtmp_record: body.flag("rtmpRecord"),
            record_type: body.text("recordType"),
            role: body.role("role"),
            is_host_speaker: body.flag("isHostSpeaker"),
            edge_addr: body.text("edgeAddr"),
            newprotocol: count("newprotocol"),
            dual_audio: body.number("dualAudio"),
            audio_change_mode: body.number("audioChangeMode"),
            audio_local_pitch: body.text("audioLocalPitch"),
            audio_change_type: body.number("audioChangeType"),
            audio_beauty_type: body.number("audioBeautyType"),
            resume: body.text("resume"),
            model: body.text("model"),
        }
    }
}

impl json::Fields for Login {
    fn fields(&self, to: &mut Writer) {
        let flag = |flag: bool| u8::from(flag);
        to.field("uid", &self.uid);
        to.field("cid", &self.cid);
        to.filled("token", &self.token);
        to.option("mode", self.mode.as_ref());
        to.field("scene", &self.scene);
        to.field("usertype", &self.usertype);
        to.field("liveEnable", &flag(self.live_enable));
        to.field("webrtc", &self.webrtc);
        to.field("recordAudio", &flag(self.record_audio));
        to.field("recordVideo", &flag(self.record_video));
        to.field("rtmpRecord", &flag(self.rtmp_record));
        to.field("recordType", &self.record_type);
        to.field("role", &self.role);
        to.field("isHostSpeaker", &flag(self.is_host_speaker));
        to.filled("edgeAddr", &self.edge_addr);
        to.field("newprotocol", &self.newprotocol);
        to.option("dualAudio", self.dual_audio.as_ref());
        to.option("audioChangeMode", self.audio_change_mode.as_ref());
        to.filled("audioLocalPitch", &self.audio_local_pitch);
        to.option("audioChangeType", self.audio_change_type.as_ref());
        to.option("audioBeautyType", self.audio_beauty_type.as_ref());
        to.filled("resume", &self.resume);
        to.filled("model", &self.model);
    }
}
