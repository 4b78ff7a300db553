//! One stream: what of it is remembered for the players still to come, and the ones there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cache::Cache;
use super::limits::BrokerLimits;
use super::packet::{Packet, Part, Track};
use super::place::{Ended, Place, SlotId};
use super::player::Player;
use super::tracks::Tracks;

#[derive(Debug, Default)]
pub(super) struct Stream {
    publisher: Option<SlotId>,
    /// Of all that ever published: one that comes late to be replaced must not replace.
    newest: Option<SlotId>,
    tracks: Tracks,
    cache: Cache,
    players: BTreeMap<SlotId, Player>,
}

impl Stream {
    pub(super) fn begin(&mut self, id: SlotId) {
        if self.newest.is_some_and(|newest| newest > id) {
            return;
        }
        (self.publisher, self.newest) = (Some(id), Some(id));
        self.tracks.end();
        self.cache.close();
        self.players.values_mut().for_each(Player::start_over);
    }

    /// Queues packets for every player, and says how many packets they will miss.
    pub(super) fn push(
        &mut self,
        id: SlotId,
        packets: &[Packet],
        limits: &BrokerLimits,
        now_ms: u64,
    ) -> Result<u64, Ended> {
        if self.publisher != Some(id) {
            return Err(Ended);
        }
        Ok(packets.iter().map(|packet| self.take_in(packet, limits, now_ms)).sum())
    }

    /// Wakes every player that something is queued for. Those that took nothing for too long are players no
    /// more, and are named.
    pub(super) fn wake(&mut self, limits: &BrokerLimits, now_ms: u64) -> Vec<SlotId> {
        let mut stalled = Vec::new();
        self.players.retain(|id, player| {
            let stalls = player.wake(limits, now_ms);
            if stalls {
                stalled.push(*id);
            }
            // One whose place was given away may be busy writing, and not have seen it.
            !stalls && !player.is_over()
        });
        stalled
    }

    pub(super) fn play(&mut self, id: SlotId, place: Arc<Place>, now_ms: u64) {
        let mut player = Player::new(place);
        player.start_from(&self.cache, &self.tracks, now_ms);
        self.players.insert(id, player);
    }

    /// Forgets a publisher, whose players wait for the next one, or a player.
    pub(super) fn leave(&mut self, id: SlotId) {
        if self.publisher == Some(id) {
            self.publisher = None;
            self.cache.close();
            self.tracks.end();
        } else {
            self.players.remove(&id);
        }
    }

    pub(super) fn players(&self) -> usize {
        self.players.len()
    }

    /// Queues a packet for every player, and says how many packets they miss.
    fn take_in(&mut self, packet: &Packet, limits: &BrokerLimits, now_ms: u64) -> u64 {
        let (part, track) = (packet.part(), packet.track);
        let time = match part {
            Part::Header => {
                if !self.tracks.learn(packet, now_ms) {
                    return 0;
                }
                // What is cached belongs to the header before this one.
                match track {
                    Track::Metadata => {}
                    Track::Audio => self.cache.hush(),
                    Track::Video => self.cache.close(),
                }
                // Headers carry whatever time the encoder likes, mostly zero.
                self.tracks.last(track)
            }
            Part::KeyFrame | Part::Frame | Part::Sound => {
                let time = self.tracks.place(track, packet.timestamp, now_ms);
                match part {
                    Part::KeyFrame => self.cache.open(time, packet),
                    Part::Header | Part::Frame | Part::Sound => self.cache.push(time, packet, limits),
                }
                time
            }
        };
        let mut dropped = 0;
        for player in self.players.values_mut() {
            player.receive(part, time, packet, &self.tracks, now_ms);
            dropped += player.skip_if_behind(limits);
        }
        dropped
    }
}
