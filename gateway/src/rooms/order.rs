//! What an RTMP task says (docs/protocol.md 9), and what it may say.

use nertc_miniapp::wire::model::{Uid, Url};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::target::Target;

/// A wish to mix members of a room and push the result to a live stream.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The application's name for it: letters, digits and underscores.
    pub task_id: String,
    /// Where to push; mostly a secret, like any push URL.
    pub stream_url: Url,
    /// Whose task it is; the original loses digits of a large uid, so unreadable ones are absent.
    #[serde(default, deserialize_with = "some_uid")]
    pub host_uid: Option<Uid>,
    /// Whether the stream is recorded.
    #[serde(default, deserialize_with = "flag")]
    pub record: bool,
    /// Who is where in the picture.
    #[serde(default)]
    pub layout: Option<Layout>,
    /// How it is encoded.
    #[serde(default)]
    pub config: Option<TaskConfig>,
    /// Whatever the application adds.
    #[serde(default)]
    pub extra_info: Option<String>,
}

/// Who is where in the picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// The picture itself.
    pub canvas: Option<Canvas>,
    /// The members in it.
    pub users: Vec<UserTile>,
    /// The images in it.
    pub images: Vec<ImageTile>,
}

/// The picture itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Canvas {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Red * 65536 + green * 256 + blue.
    pub color: u32,
}

/// A member in the picture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserTile {
    /// The member.
    pub uid: Uid,
    /// Where it is.
    #[serde(flatten)]
    pub area: Area,
    /// Who covers whom.
    #[serde(default)]
    pub z_order: u32,
    /// Whether it is heard.
    #[serde(default, deserialize_with = "flag")]
    pub push_audio: bool,
    /// Whether it is seen.
    #[serde(default, deserialize_with = "flag")]
    pub push_video: bool,
}

/// An image in the picture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImageTile {
    /// Where it comes from.
    pub url: Url,
    /// Where it is.
    #[serde(flatten)]
    pub area: Area,
}

/// A part of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Area {
    /// Pixels from the left.
    pub x: i32,
    /// Pixels from the top.
    pub y: i32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// 0 keeps all of it, 1 cuts it to fill the area; absent means 1.
    pub adaption: Option<u32>,
}

/// How a task is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TaskConfig {
    /// Whether a single video is passed on as it is.
    #[serde(deserialize_with = "flag")]
    pub single_video_no_trans: bool,
    /// The sound.
    pub audio_param: Option<AudioParam>,
}

/// How a task's sound is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AudioParam {
    /// kbit/s.
    pub bit_rate: Option<u32>,
    /// Hz.
    pub sample_rate: Option<u32>,
    /// 1 or 2.
    pub channels: Option<u32>,
    /// 0 LC, 1 HE.
    pub codec_profile: Option<u32>,
}

impl Task {
    /// Checks every limit.
    ///
    /// # Errors
    ///
    /// Names what is out of bounds.
    pub fn check(&self) -> Result<(), TaskRefusal> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let id = &self.task_id;
        require("taskId", (1..=MAX_TASK_ID).contains(&id.len()) && id.bytes().all(is_word))?;
        let url = self.stream_url.as_str();
        require("streamUrl", url.len() <= MAX_URL && Target::read(url, &PUSHED_BY).is_some())?;
        require("extraInfo", self.extra_info.as_ref().is_none_or(|info| info.len() <= MAX_EXTRA_INFO))?;
        if let Some(layout) = &self.layout {
            layout.check()?;
        }
        if let Some(sound) = self.config.as_ref().and_then(|config| config.audio_param.as_ref()) {
            require("bitRate", sound.bit_rate.is_none_or(|rate| (10..=192).contains(&rate)))?;
            require("sampleRate", sound.sample_rate.is_none_or(|rate| SAMPLE_RATES.contains(&rate)))?;
            require("channels", sound.channels.is_none_or(|channels| (1..=2).contains(&channels)))?;
            require("codecProfile", sound.codec_profile.is_none_or(|profile| profile <= 1))?;
        }
        Ok(())
    }
}

impl Task {
    /// Checks that nothing of it leads to this machine or into a private network, where whoever carries it
    /// out may go and its owner may not.
    ///
    /// # Errors
    ///
    /// Names what does.
    pub fn check_targets(&self) -> Result<(), TaskRefusal> {
        let images = self.layout.iter().flat_map(|layout| &layout.images);
        let images = images.map(|image| ("images", &image.url, &FETCHED_BY));
        let stream = std::iter::once(("streamUrl", &self.stream_url, &PUSHED_BY));
        for (what, url, schemes) in stream.chain(images) {
            if Target::read(url.as_str(), schemes).is_some_and(|target| target.is_private()) {
                return Err(TaskRefusal::Malformed(format!("{what} names a private or local server")));
            }
        }
        Ok(())
    }
}

impl Layout {
    fn check(&self) -> Result<(), TaskRefusal> {
        if let Some(canvas) = &self.canvas {
            require("canvas", canvas.width <= MAX_SIDE && canvas.height <= MAX_SIDE)?;
            require("color", canvas.color <= 0x00ff_ffff)?;
        }
        require("users", self.users.len() <= MAX_USERS)?;
        require("images", self.images.len() <= MAX_IMAGES)?;
        for user in &self.users {
            require("users", user.area.is_sound())?;
            require("zOrder", user.z_order <= 100)?;
        }
        for image in &self.images {
            let url = image.url.as_str();
            let is_sound = image.area.is_sound() && url.len() <= MAX_URL;
            require("images", is_sound && Target::read(url, &FETCHED_BY).is_some())?;
        }
        Ok(())
    }
}

impl Area {
    fn is_sound(&self) -> bool {
        let is_near = |at: i32| at.unsigned_abs() <= MAX_SIDE;
        is_near(self.x)
            && is_near(self.y)
            && self.width <= MAX_SIDE
            && self.height <= MAX_SIDE
            && self.adaption.is_none_or(|adaption| adaption <= 1)
    }
}

/// A task, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// The application's name for it.
    pub task_id: String,
    /// Whose task it is.
    pub host_uid: Uid,
    /// The server that it is to be pushed to; the rest of the URL is a secret.
    pub target: String,
}

/// A task that a room keeps.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) host: Uid,
    pub(super) task: Task,
}

impl Kept {
    pub(super) fn status(&self) -> TaskStatus {
        TaskStatus {
            task_id: self.task.task_id.clone(),
            host_uid: self.host,
            target: Target::read(self.task.stream_url.as_str(), &PUSHED_BY)
                .map_or_else(String::new, |target| target.to_string()),
        }
    }
}

/// Why a task is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskRefusal {
    /// Something cannot be read, or is out of bounds.
    #[error("bad request: {0}")]
    Malformed(String),
    /// Only broadcasters in the room have tasks.
    #[error("not a broadcaster in this room")]
    NotABroadcaster,
    /// The room has all the tasks it may have.
    #[error("too many tasks")]
    TooMany,
    /// The room has a task of this name.
    #[error("there is a task of this name")]
    Duplicate,
    /// The room has no task of this name.
    #[error("no such task")]
    Unknown,
}

impl TaskRefusal {
    /// The code in the answer (docs/protocol.md 9).
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Malformed(_) => 400,
            Self::NotABroadcaster => 401,
            Self::TooMany => 402,
            Self::Duplicate => 403,
            Self::Unknown => 404,
        }
    }
}

fn require(what: &str, holds: bool) -> Result<(), TaskRefusal> {
    if holds { Ok(()) } else { Err(TaskRefusal::Malformed(format!("{what} is out of bounds"))) }
}

/// Applications write a flag as they like.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Null => false,
        Value::Array(_) | Value::Object(_) => true,
    })
}

fn some_uid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uid>, D::Error> {
    Ok(Uid::deserialize(Value::deserialize(deserializer)?).ok())
}

/// How a stream is pushed, and how an image is fetched.
const PUSHED_BY: [&str; 2] = ["rtmp://", "rtmps://"];
const FETCHED_BY: [&str; 2] = ["http://", "https://"];
const MAX_TASK_ID: usize = 64;
const MAX_URL: usize = 1024;
const MAX_EXTRA_INFO: usize = 1024;
const MAX_USERS: usize = 50;
const MAX_IMAGES: usize = 10;
/// Pixels.
const MAX_SIDE: u32 = 1920;
const SAMPLE_RATES: [u32; 3] = [32_000, 44_100, 48_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_with_exact_uids() {
        let task = read(
            r#"{"version":1,"taskId":"t_1","streamUrl":"rtmp://cdn.example.com/live/k","record":1,"hostUid":18446744073709552000,
            "layout":{"canvas":{"width":1920,"height":1080,"color":16777215},"users":[
              {"uid":18446744073709551615,"x":0,"y":0,"width":640,"height":360,"adaption":1,"zOrder":100,"pushAudio":true,"pushVideo":true},
              {"uid":"9007199254740993","x":-10}],"images":[{"url":"https://e.example/i.png","x":1,"y":2}]},
            "config":{"singleVideoNoTrans":true,"audioParam":{"bitRate":64,"sampleRate":48000,"channels":2,"codecProfile":0}},
            "extraInfo":"x"}"#,
        );
        assert_eq!(task.check(), Ok(()));
        assert_eq!(task.host_uid, None, "not a 64-bit integer");
        let users: Vec<_> = task.layout.unwrap().users.into_iter().map(|user| user.uid).collect();
        assert_eq!(users, [Uid(u64::MAX), Uid(9_007_199_254_740_993)]);
    }

    #[test]
    fn whatever_is_out_of_bounds_is_named() {
        for (change, field) in [
            (r#"{"taskId":""}"#, "taskId"),
            (r#"{"taskId":"a-b"}"#, "taskId"),
            (r#"{"streamUrl":"http://cdn/live/k"}"#, "streamUrl"),
            (r#"{"streamUrl":"rtmp://"}"#, "streamUrl"),
            (r#"{"streamUrl":"rtmp://cdn"}"#, "streamUrl"),
            (r#"{"streamUrl":"rtmp://:1935/live/k"}"#, "streamUrl"),
            (r#"{"streamUrl":"rtmp://cdn.example.com/live/k k"}"#, "streamUrl"),
            (r#"{"layout":{"canvas":{"width":1921,"height":1}}}"#, "canvas"),
            (r#"{"layout":{"canvas":{"color":16777216}}}"#, "color"),
            (r#"{"layout":{"users":[{"uid":1,"x":1921}]}}"#, "users"),
            (r#"{"layout":{"users":[{"uid":1,"x":-2147483648}]}}"#, "users"),
            (r#"{"layout":{"users":[{"uid":1,"adaption":2}]}}"#, "users"),
            (r#"{"layout":{"users":[{"uid":1,"zOrder":101}]}}"#, "zOrder"),
            (r#"{"layout":{"images":[{"url":"u","height":1921}]}}"#, "images"),
            (r#"{"config":{"audioParam":{"bitRate":9}}}"#, "bitRate"),
            (r#"{"config":{"audioParam":{"sampleRate":16000}}}"#, "sampleRate"),
            (r#"{"config":{"audioParam":{"channels":3}}}"#, "channels"),
            (r#"{"config":{"audioParam":{"codecProfile":2}}}"#, "codecProfile"),
        ] {
            let mut task: serde_json::Map<_, _> = serde_json::from_str(PLAIN).unwrap();
            task.extend(serde_json::from_str::<serde_json::Map<_, _>>(change).unwrap());
            let task = read(&Value::from(task).to_string());
            assert_eq!(task.check(), require(field, false), "{change}");
        }
        let long = Task { task_id: "a".repeat(64), ..read(PLAIN) };
        assert_eq!(long.check(), Ok(()));
        assert!(Task { task_id: "a".repeat(65), ..read(PLAIN) }.check().is_err());
        assert!(Task { extra_info: Some("a".repeat(1025)), ..read(PLAIN) }.check().is_err());
        assert!(
            Task { stream_url: Url(format!("rtmp://h.example/{}", "a".repeat(1024))), ..read(PLAIN) }
                .check()
                .is_err()
        );
        let tile = || UserTile {
            uid: Uid(1),
            area: Area::default(),
            z_order: 0,
            push_audio: true,
            push_video: true,
        };
        let crowd = |count| Some(Layout { users: (0..count).map(|_| tile()).collect(), ..Layout::default() });
        assert_eq!(Task { layout: crowd(50), ..read(PLAIN) }.check(), Ok(()));
        assert!(Task { layout: crowd(51), ..read(PLAIN) }.check().is_err());
    }

    #[test]
    fn the_operator_sees_the_server_and_not_the_key() {
        let status = |url: &str| {
            let task = Task { stream_url: Url(url.into()), ..read(PLAIN) };
            Kept { host: Uid(1), task }.status().target
        };
        assert_eq!(status("rtmps://user:word@cdn:1936/live/key?x=y"), "rtmps://cdn:1936");
        assert_eq!(status("rtmp://cdn.example.com/live/key"), "rtmp://cdn.example.com");
    }

    fn read(text: &str) -> Task {
        serde_json::from_str(text).unwrap()
    }

    const PLAIN: &str = r#"{"taskId":"t","streamUrl":"rtmp://cdn.example.com/live/k"}"#;
}
