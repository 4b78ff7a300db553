//! A broker, its slots, and a few packets.

use super::*;

pub(super) const NAME: &str = "s";
pub(super) const META: &[u8] = &[0x02, 0, 10];
pub(super) const AVC_HEADER: &[u8] = &[0x17, 0, 1];
pub(super) const OTHER_HEADER: &[u8] = &[0x17, 0, 2];
pub(super) const KEY: &[u8] = &[0x17, 1, 1];
pub(super) const FRAME: &[u8] = &[0x27, 1, 1];
pub(super) const AAC_HEADER: &[u8] = &[0xaf, 0, 1];
pub(super) const SOUND: &[u8] = &[0xaf, 1, 1];

pub(super) struct Bench {
    pub(super) broker: Broker,
    pub(super) slots: BTreeMap<SlotId, Slot>,
    pub(super) now: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        let limits = BrokerLimits {
            cached_packets: 5,
            cached_bytes: 1000,
            queued_packets: 10,
            queued_bytes: 2000,
            players_per_holder: 1000,
            ..BrokerLimits::default()
        };
        Self { broker: Broker::new(limits), slots: BTreeMap::new(), now: 0 }
    }

    pub(super) fn limit(&mut self, change: impl FnOnce(&mut BrokerLimits)) {
        let mut limits = BrokerLimits::clone(&self.broker.limits.load());
        change(&mut limits);
        self.broker.limit_to(limits);
    }

    pub(super) fn publish(&mut self, holder: u64) -> SlotId {
        self.try_publish(holder).unwrap()
    }

    pub(super) fn try_publish(&mut self, holder: u64) -> Result<SlotId, MediaRefusal> {
        let slot = self.broker.publish(NAME, holder)?;
        Ok(self.keep(slot))
    }

    pub(super) fn play(&mut self) -> SlotId {
        self.play_as(NAME, 2).unwrap()
    }

    pub(super) fn play_as(&mut self, name: &str, holder: u64) -> Result<SlotId, MediaRefusal> {
        let slot = self.broker.play(name, holder, self.now)?;
        Ok(self.keep(slot))
    }

    pub(super) fn keep(&mut self, slot: Slot) -> SlotId {
        let id = slot.id;
        self.slots.insert(id, slot);
        id
    }

    pub(super) fn leave(&mut self, id: SlotId) {
        self.broker.leave(&self.slots[&id]);
    }

    pub(super) fn try_take(&mut self, id: SlotId, bytes: usize) -> Result<Vec<Packet>, Ended> {
        let mut taken = Vec::new();
        self.broker.take(&self.slots[&id], bytes, || self.now, |packet| taken.push(packet))?;
        Ok(taken)
    }

    pub(super) fn push_all(&mut self, id: SlotId, bodies: &[&'static [u8]]) {
        for body in bodies {
            self.push_at(id, 0, body);
        }
    }

    pub(super) fn push_at(&mut self, id: SlotId, timestamp: u32, body: &'static [u8]) {
        self.push(id, timestamp, body).unwrap();
    }

    pub(super) fn push_metadata(&mut self, id: SlotId, body: &'static [u8]) {
        let packet = Packet { track: Track::Metadata, timestamp: 0, body: Bytes::from_static(body) };
        self.pass(id, packet).unwrap();
    }

    pub(super) fn push(&mut self, id: SlotId, timestamp: u32, body: &'static [u8]) -> Result<(), Ended> {
        let track = match body[0] {
            0x02 => Track::Metadata,
            0xaf => Track::Audio,
            _ => Track::Video,
        };
        let body = Bytes::from_static(body);
        let packet = Packet { track, timestamp, body };
        self.pass(id, packet)
    }

    pub(super) fn pass(&mut self, id: SlotId, packet: Packet) -> Result<(), Ended> {
        let slot = &self.slots[&id];
        self.broker.push(slot, &[packet], self.now)?;
        self.broker.wake(slot, self.now);
        Ok(())
    }

    pub(super) fn take(&mut self, id: SlotId) -> Vec<(u32, &'static [u8])> {
        let all = [META, AVC_HEADER, OTHER_HEADER, KEY, FRAME, AAC_HEADER, SOUND];
        let taken = self.try_take(id, usize::MAX).unwrap();
        let known = |packet: Packet| {
            let body = all.into_iter().find(|body| packet.body == *body);
            (packet.timestamp, body.unwrap())
        };
        taken.into_iter().map(known).collect()
    }
}
