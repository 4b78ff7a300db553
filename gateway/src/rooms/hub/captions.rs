//! Captions: how they are handed out to whoever wants them; and speakers that are to be cut short.

use std::sync::Arc;

use nertc_miniapp::wire::model::{Cid, Uid};
use nertc_miniapp::wire::protocol::{Caption, Notice, ServerPacket};

use super::Hub;
use crate::rooms::doors::HubOutput;
use crate::rooms::room::Presence;
use crate::rooms::wish::{CaptionWish, Interruption};

impl Hub {
    /// The latest interruptions of a room, after the one with this id.
    #[must_use]
    pub fn interruptions(&self, cid: Cid, after: u64) -> Vec<Interruption> {
        let Some(room) = self.rooms.get(&cid) else { return Vec::new() };
        room.interruptions.after(after)
    }

    /// Hands captions to the members that asked for them: other clients do not know the packet.
    pub(super) fn captions(&mut self, cid: Cid, captions: &[Caption]) {
        let Some(room) = self.rooms.get(&cid) else { return };
        let listeners = room.members.values().filter_map(|member| match &member.presence {
            Presence::Online { connection, captions: Some(_), .. } => Some(*connection),
            Presence::Online { captions: None, .. } | Presence::Lost => None,
        });
        let frames: Vec<Arc<str>> = batches(captions)
            .map(|batch| ServerPacket::encode_notice(&Notice::Captions(batch.to_vec()), cid).into())
            .collect();
        for connection in listeners {
            let sends = frames.iter().map(|frame| HubOutput::Send(connection, Arc::clone(frame)));
            self.outputs.extend(sends);
        }
    }

    pub(super) fn listen(&mut self, cid: Cid, uid: Uid, wish: Option<CaptionWish>) {
        let Some(member) = self.member(cid, uid) else { return };
        if let Presence::Online { captions, .. } = &mut member.presence {
            *captions = wish;
        }
    }

    pub(super) fn interrupt(&mut self, cid: Cid, from: Uid, target: Option<Uid>) {
        let Some(room) = self.rooms.get_mut(&cid) else { return };
        room.interruptions.add(from, target);
        self.outputs.push_back(HubOutput::Interrupt { cid, from, target });
    }
}

/// Splits captions so that no frame becomes longer than a peer must accept.
fn batches(mut captions: &[Caption]) -> impl Iterator<Item = &[Caption]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = captions.iter().take_while(|caption| {
            bytes += caption.text.len() + caption.trans_text.len();
            bytes <= BATCH_BYTES
        });
        let (batch, rest) = captions.split_at_checked(fits.count().max(1))?;
        captions = rest;
        Some(batch)
    })
}

/// Bytes of text in one frame.
const BATCH_BYTES: usize = 16 * 1024;
