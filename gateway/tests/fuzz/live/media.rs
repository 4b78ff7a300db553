//! A publisher with every right and no manners, and players that must be able to read whatever comes, until
//! the next publisher behaves.

use std::time::Instant;

use super::peer::Peer;
use super::{PATIENCE, Scene, rules};
use crate::chunks::Writer;
use crate::draw::Draw;
use crate::engine::{Target, fuzz};
use crate::flv::Reader;
use crate::script::{self, Manner};

#[test]
fn media() {
    fuzz(rules("live-media", 40), || Media(Scene::new()));
}

struct Media(Scene);

impl Target for Media {
    fn live(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Self(scene) = self;
        let (http, rtmp) = (scene.process.http, scene.process.rtmp);
        // The last guest plays what the others publish, in the order in which they came.
        let at = draw.below(scene.call.pull.len());
        let (push, pull) = (scene.call.push[at].clone(), scene.call.pull[at].clone());
        let mut publisher = Peer::stream(rtmp, "publish", &push)?;
        let mut player = Peer::flv(http, &pull)?;
        let mut other = draw.chance(30).then(|| Peer::stream(rtmp, "play", &pull)).transpose()?;
        let manner = Manner::of(draw);
        let script = script::media(draw, manner);
        script.bytes.chunks(64 << 10).for_each(|piece| publisher.say(piece));
        scene.part(draw, publisher)?;

        let sentinel = [&b"\x17\x01\0\0\0sentinel"[..], &scene.cases.to_be_bytes()].concat();
        let mut next = Peer::stream(rtmp, "publish", &push)?;
        let mut writer = Writer::default();
        writer.plainly(9, 1, draw.edge(), &sentinel);
        next.say(&writer.bytes);
        let mut reader = Reader::default();
        let begin = Instant::now();
        loop {
            let bytes = player.some(begin).map_err(|error| format!("the sentinel did not come: {error}"))?;
            if reader.read(&bytes)?.iter().any(|tag| tag.body == sentinel) {
                break;
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("the sentinel did not come within {PATIENCE:?}"));
            }
        }
        if let Some(other) = &mut other {
            other.until(&sentinel)?;
        }
        next.finish();
        next.rest()?;
        scene.check()
    }
}
