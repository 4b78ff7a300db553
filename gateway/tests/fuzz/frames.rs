//! What clients and gateways say to each other: well-formed to begin with, spoilt on request.

use serde_json::{Value, json};

use crate::draw::Draw;
use crate::spoil;

/// A frame, and whether it is still what its sender meant.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) text: String,
    pub(crate) is_whole: bool,
}

impl Frame {
    /// Spoils a packet in so many of a hundred cases, as a document or as a text.
    pub(crate) fn of(draw: &mut Draw, mut packet: Value, spoilt: usize) -> Self {
        if !draw.chance(spoilt) {
            return Self { text: packet.to_string(), is_whole: true };
        }
        let text = if draw.chance(50) {
            spoil::json(draw, &mut packet);
            packet.to_string()
        } else {
            spoil::text(draw, &packet.to_string())
        };
        Self { text, is_whole: false }
    }
}

/// Any command of a member but its login (docs/protocol.md 2 and 5).
pub(crate) fn command(draw: &mut Draw, uid: u64, cid: u64, seq: u32, others: &[u64]) -> Value {
    let media = || ["audio", "video", "screenShare", "slaveAudio"];
    let (number, mut body) = match draw.below(18) {
        0 => (2, json!({})),
        1 => (5, json!({})),
        2 => (7, json!({ "mode": draw.below(4) })),
        3..=5 => {
            let status = draw.pick(&["open", "open", "close"]);
            (10, json!({ "mediaType": draw.pick(&media()), "status": status }))
        }
        6 | 7 => (11, json!({ "mediaType": draw.pick(&media()), "mute": draw.chance(50) })),
        8 => (12, json!({ "role": draw.below(2) })),
        9 | 10 => {
            let (source, sub) = (draw.pick(others), draw.chance(70));
            (16, json!({ "srcUid": source, "mediaType": draw.pick(&media()), "sub": sub }))
        }
        11 => (17, json!({ "srcUid": draw.pick(others), "dualAudio": draw.below(3) })),
        12 => (40, json!({ "mode": draw.below(4) })),
        13 => (41, json!({ "pitch": "1.25" })),
        14 => (draw.pick(&[42, 43]), json!({ "type": draw.below(9) })),
        15 => (44, json!({ "equa": "0,0,0,0,0,0,0,0,0,0" })),
        16 => {
            let source = draw.pick(&["zh", "en", "AUTO"]);
            (draw.pick(&[1000, 1001]), json!({ "sourceLang": source, "targetLang": "en" }))
        }
        _ => (1002, json!({ "dstUid": draw.pick(others) })),
    };
    body["uid"] = json!(uid);
    body["cid"] = json!(cid);
    json!({ "cmd": number, "body": body, "seq": seq })
}

/// A member's goodbye.
pub(crate) fn logout(uid: u64, cid: u64, seq: u32) -> Value {
    json!({ "cmd": 4, "body": { "uid": uid, "cid": cid, "statistic": {} }, "seq": seq })
}

/// A login as the original writes it.
pub(crate) fn login(uid: u64, cid: u64, token: &str, role: usize, seq: u32) -> Value {
    json!({ "cmd": 0, "seq": seq, "body": { "uid": uid, "cid": cid, "token": token, "scene": 1, "usertype": 3,
        "liveEnable": 0, "webrtc": 1, "recordAudio": 0, "recordVideo": 0, "rtmpRecord": 0,
        "recordType": "0", "role": role, "isHostSpeaker": 0, "edgeAddr": "192.0.2.1:80", "newprotocol": 2,
        "audioChangeMode": 0, "audioLocalPitch": "1.25", "audioChangeType": 0, "audioBeautyType": 0 } })
}

/// Anything that a gateway says by itself (docs/protocol.md 6).
pub(crate) fn notice(draw: &mut Draw, cid: u64, uids: &[u64]) -> Value {
    let uid = draw.pick(uids);
    let media = draw.pick(&["audio", "video", "screenShare", "slaveAudio"]);
    let (number, mut body) = match draw.below(14) {
        0 => (15, json!({ "mediaType": media, "mute": draw.chance(50) })),
        1 | 2 => (20, user(draw, uid)),
        3 => (21, json!({})),
        4 => (22, json!({ "mode": draw.below(4) })),
        5 => (draw.pick(&[23, 24, 25]), json!({ "reason": draw.below(6) })),
        6..=8 => {
            let status = draw.pick(&["open", "close"]);
            (26, json!({ "mediaType": media, "status": status, "url": "rtmp://m/live/x?grant=g" }))
        }
        9 => (27, json!({ "role": draw.below(2) })),
        10 => (28, json!({ "code": draw.below(500), "msg": "no" })),
        11 => (30, json!({ "mediaType": media, "status": "on", "url": "rtmp://m/live/y" })),
        12 => {
            (31, json!({ "hotsUid": uid, "streamUrl": "rtmp://a/b", "taskId": "t", "code": 200, "msg": "" }))
        }
        _ => {
            let caption = json!({ "srcUid": uid, "content": "hello", "timestamp": 5, "isFinal": true,
                "language": "en", "text": "hello" });
            (1010, json!({ "captions": [caption] }))
        }
    };
    if let Some(fields) = body.as_object_mut() {
        fields.entry("uid").or_insert(json!(uid));
        fields.entry("cid").or_insert(json!(cid));
    }
    json!({ "cmd": number, "body": body })
}

/// A member as a gateway tells it.
pub(crate) fn user(draw: &mut Draw, uid: u64) -> Value {
    json!({ "uid": uid, "url": format!("rtmp://m/live/{uid}?grant=g"), "role": draw.below(2),
        "audio_on": draw.below(2), "video_on": draw.chance(50), "screen_on": draw.below(2) })
}
