//! A session in a room and the page that renders it, with components that tell what a test says.

use std::time::Duration;

use nertc_miniapp::{AppUid, Call, Event, Input, Media, MediaSet, Uid};
use serde_json::{Value, json};

use super::stage::Stage;

/// A session in a room, and the page that renders it.
pub(crate) struct Page {
    pub(crate) stage: Stage,
}

impl Page {
    pub(crate) fn new() -> Self {
        let mut page = Self { stage: Stage::joined() };
        assert_eq!(page.render(), json!({}));
        page
    }

    /// What the page is told to change.
    pub(crate) fn render(&mut self) -> Value {
        let before = self.stage.client.events.len();
        self.stage.input(Input::Render);
        match &self.stage.client.events[before..] {
            [] => json!({}),
            [Event::View(patch)] => serde_json::to_value(patch).unwrap(),
            other => panic!("expected one patch, got {other:?}"),
        }
    }

    pub(crate) fn joined(&mut self, uid: u64) {
        self.stage.text(&format!(
            r#"{{"cmd":20,"body":{{"uid":{uid},"url":"rtmp://{uid}","audio_on":1,"video_on":1}}}}"#
        ));
    }

    pub(crate) fn publish(&mut self, media: MediaSet) {
        self.done(Call::Publish(media));
    }

    pub(crate) fn unpublish(&mut self, media: MediaSet) {
        self.done(Call::Unpublish(media));
    }

    pub(crate) fn subscribe(&mut self, uid: u64, media: Media) {
        self.done(Call::Subscribe(AppUid::Number(Uid(uid)), media));
    }

    /// Makes a call and acknowledges whatever it sends.
    pub(crate) fn done(&mut self, call: Call) {
        let before = self.stage.client.sent.len();
        let id = self.stage.call(call);
        for at in before.. {
            let Some((_, frame)) = self.stage.client.sent.get(at) else { break };
            let seq = serde_json::from_str::<Value>(frame).unwrap()["seq"].as_u64().unwrap();
            self.stage.acknowledge(u32::try_from(seq).unwrap());
        }
        assert!(self.stage.client.result(id).unwrap().is_ok());
    }

    /// A component tells a status.
    pub(crate) fn report(&mut self, direction: &str, code: i32, uid: Option<u64>) {
        let arguments = json!([direction, "bindstatechange", {"code": code}, uid]).to_string();
        self.stage.call(Call::parse("dataReporter", &arguments).unwrap());
    }

    /// Which URLs are told when a component reports a status.
    pub(crate) fn told_of(&mut self, direction: &str, code: i32, uid: Option<u64>) -> Vec<String> {
        let before = self.stage.client.events.len();
        self.report(direction, code, uid);
        self.synchronised(before)
    }

    /// The URLs of `syncDone` since so many events.
    pub(crate) fn synchronised(&self, since: usize) -> Vec<String> {
        let urls = self.stage.client.events[since..].iter().filter_map(|event| {
            let Event::SyncDone(sync) = event else { return None };
            Some(sync.url().as_str().to_owned())
        });
        urls.collect()
    }

    /// A component tells a failure of its own.
    pub(crate) fn fail(&mut self, direction: &str, code: i32) {
        let told = json!({"errCode": code, "errMsg": "no"});
        let arguments = json!([direction, "binderror", told]).to_string();
        self.stage.call(Call::parse("dataReporter", &arguments).unwrap());
    }

    /// The player of a member tells how much it plays.
    pub(crate) fn measure(&mut self, fps: u32, audio: u32, uid: u64) {
        let info = json!({"videoFPS": fps, "videoBitrate": fps * 20, "audioBitrate": audio, "netSpeed": 50});
        let arguments = json!(["pull", "bindnetstatus", info, uid]).to_string();
        self.stage.call(Call::parse("dataReporter", &arguments).unwrap());
    }

    /// The application is suspended, with a timer that rings late.
    pub(crate) fn freeze(&mut self, time: Duration) {
        self.stage.now = self.stage.now + time;
        self.stage.input(Input::Timeout);
        self.stage.text(r#"{"cmd":3,"body":{"code":200}}"#);
    }

    /// What was told of native components, as JSON.
    pub(crate) fn statuses(&self) -> Vec<Value> {
        let events = self.stage.client.events.iter();
        let statuses = events.filter(|event| matches!(event, Event::NativeStatus(_)));
        statuses.map(|event| serde_json::to_value(event).unwrap()).collect()
    }
}
