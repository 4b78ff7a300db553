//! An RTMP connection without its socket: what is well-formed is understood to the last byte, in whatever
//! pieces it comes, and what is not costs nothing.

use std::time::Duration;

use nertc_gateway::dry::DryConnection;

use crate::draw::Draw;
use crate::engine::{Rules, fuzz};
use crate::script::{self, Manner, Script};

#[test]
fn rtmp() {
    let rules =
        Rules { name: "rtmp", cases: 400, longest: Duration::from_secs(20), memory: 24 << 20, shrinks: true };
    fuzz(rules, || live);
}

fn live(draw: &mut Draw) -> Result<(), String> {
    let manner = Manner::of(draw);
    let is_player = draw.chance(15);
    let write = if is_player { script::player } else { script::publisher };
    let Script { bytes, media } = write(draw, manner, "s?grant=g");
    let mut connection = DryConnection::default();
    let (mut understood, mut said) = (Vec::new(), Vec::new());
    let mut end = None;
    let mut rest = &bytes[..];
    while !rest.is_empty() && end.is_none() {
        let length = draw.pick(&[100_000, 1, 7, 128, 4096, 65_536]).max(bytes.len() / 100).min(rest.len());
        let (piece, after) = rest.split_at(length);
        rest = after;
        match connection.receive(piece) {
            Ok(packets) => understood.extend(packets),
            Err(error) => end = Some(error),
        }
        said.extend_from_slice(&connection.take_output());
    }
    // A stranger must not make us speak at length.
    if said.len() > 16 * bytes.len() + (64 << 10) {
        return Err(format!("{} bytes are answered with {}", bytes.len(), said.len()));
    }
    let Some(media) = media else { return Ok(()) };
    if let Some(error) = end {
        return Err(format!("a well-formed session ended: {error}"));
    }
    let started: &[u8] = if is_player { b"NetStream.Play.Start" } else { b"NetStream.Publish.Start" };
    for answer in [b"NetConnection.Connect.Success", started] {
        if !said.windows(answer.len()).any(|part| part == answer) {
            return Err(format!("{} was not said", String::from_utf8_lossy(answer)));
        }
    }
    if understood != media {
        let at = understood.iter().zip(&media).take_while(|(is, was)| is == was).count();
        return Err(format!(
            "{} packets became {}, and differ from number {at} on: {:?} became {:?}",
            media.len(),
            understood.len(),
            media.get(at).map(|packet| (packet.track, packet.timestamp, packet.body.len())),
            understood.get(at).map(|packet| (packet.track, packet.timestamp, packet.body.len())),
        ));
    }
    Ok(())
}
