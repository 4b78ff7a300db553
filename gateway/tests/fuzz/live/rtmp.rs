//! RTMP over sockets, from the handshake on.

use super::peer::{Peer, find};
use super::{Scene, rules};
use crate::draw::Draw;
use crate::engine::{Target, fuzz};
use crate::script::{self, Manner};
use crate::spoil;

#[test]
fn rtmp() {
    fuzz(rules("live-rtmp", 60), || Rtmp(Scene::new()));
}

struct Rtmp(Scene);

impl Target for Rtmp {
    fn live(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Self(scene) = self;
        let manner = Manner::of(draw);
        let is_player = draw.chance(25);
        let (names, start): (_, &[u8]) = if is_player {
            (&scene.call.pull, b"NetStream.Play.Start")
        } else {
            (&scene.call.push, b"NetStream.Publish.Start")
        };
        let name = names[draw.below(names.len())].clone();
        let write = if is_player { script::player } else { script::publisher };
        let script = write(draw, manner, &name);
        let mut peer = if draw.chance(15) {
            // Both halves of the handshake at once, and not as they should be.
            let mut hello = [&[3][..], &[0; 2 * 1536]].concat();
            spoil::bytes(draw, &mut hello, &[]);
            let mut peer = Peer::connect(scene.process.rtmp)?;
            peer.say(&hello);
            peer.say(&script.bytes);
            scene.part(draw, peer)?;
            return scene.check();
        } else {
            Peer::rtmp(scene.process.rtmp)?
        };
        let pieces = draw.pick(&[1, 1, 2, 5]);
        let size = (script.bytes.len() / pieces).max(1);
        script.bytes.chunks(size).for_each(|piece| peer.say(piece));
        let heard = scene.part(draw, peer)?;
        if let (Manner::Whole, Some(heard)) = (manner, heard)
            && find(&heard, start).is_none()
        {
            let heard = String::from_utf8_lossy(&heard).into_owned();
            return Err(format!("{} was not said: {heard:?}", String::from_utf8_lossy(start)));
        }
        scene.check()
    }
}
