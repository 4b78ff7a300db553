//! What the media server tells of streams: that somebody publishes one, or no longer does.

use nertc_miniapp::wire::model::{Cid, Media, Stream, Uid};
use nertc_miniapp::wire::protocol::{Notice, ServerPacket};

use super::Hub;
use crate::rooms::doors::HubOutput;
use crate::rooms::room::{Flow, Generation};

impl Hub {
    /// A member's stream has a publisher at the media server, or has none.
    pub(super) fn flow(&mut self, cid: Cid, uid: Uid, stream: Stream, is_live: bool) {
        let Some(member) = self.member(cid, uid) else { return };
        let published: Vec<Media> =
            member.published.iter().filter(|media| media.stream() == stream).collect();
        let before = member.flow(stream);
        let after = match (is_live, before) {
            (true, _) => Flow::Live,
            // It has not begun, or is not missed.
            (false, Flow::Untold) => Flow::Untold,
            (false, Flow::Live | Flow::Stopped) if published.is_empty() => Flow::Untold,
            (false, Flow::Live | Flow::Stopped) => Flow::Stopped,
        };
        member.flows.insert(stream, after);
        let status = match (before, after) {
            (Flow::Live, Flow::Stopped) => "off",
            (Flow::Stopped, Flow::Live) => "on",
            (_, _) => return,
        };
        for media in published {
            self.tell_status(cid, uid, media, status);
        }
    }

    /// A member publishes a medium from now on, or no longer does.
    pub(super) fn learn_published(&mut self, cid: Cid, uid: Uid, media: Media) {
        let stream = media.stream();
        let Some(member) = self.member(cid, uid) else { return };
        if member.flow(stream) != Flow::Stopped {
            return;
        }
        if member.published.contains(media) {
            self.tell_status(cid, uid, media, "off");
        } else if member.published.iter().all(|media| media.stream() != stream) {
            member.flows.remove(&stream);
        }
    }

    /// Of whom the older SDK is none: it throws on this packet.
    fn tell_status(&mut self, cid: Cid, uid: Uid, media: Media, status: &str) {
        let Some(room) = self.rooms.get(&cid) else { return };
        for (viewer, member) in room.members.iter().filter(|(viewer, _)| **viewer != uid) {
            let Some(connection) = member.presence.connection() else { continue };
            match member.client {
                Generation::V44 => {}
                Generation::V46 => {
                    let url = self.urls.pull(cid, uid, media.stream(), *viewer, member.stay);
                    let notice =
                        Notice::MediaStatus { uid, media, status: status.to_owned(), url: Some(url) };
                    let text = ServerPacket::encode_notice(&notice, cid).into();
                    self.outputs.push_back(HubOutput::Send(connection, text));
                }
            }
        }
    }
}
