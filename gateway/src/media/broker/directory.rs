//! Who has a place where, and who gets one when there are not enough.
//!
//! Knows nothing of media, and nothing it does takes longer the more media there are: whoever decides about
//! rights never waits for whoever carries pictures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::limits::BrokerLimits;
use super::place::{Place, SlotId};
use super::stream::Stream;
use crate::media::{MediaRefusal, MediaStatistics};
use crate::rights::Action;

#[derive(Debug, Default)]
pub(super) struct Directory {
    entries: BTreeMap<Arc<str>, Entry>,
    /// The places of each holder, the oldest first.
    holders: BTreeMap<u64, BTreeMap<SlotId, Arc<str>>>,
    newest: u64,
    players: usize,
    is_closed: bool,
}

/// One stream.
#[derive(Debug, Default)]
struct Entry {
    stream: Arc<Mutex<Stream>>,
    publisher: Option<(SlotId, Occupant)>,
    players: BTreeMap<SlotId, Occupant>,
}

#[derive(Debug, Clone)]
struct Occupant {
    holder: u64,
    place: Arc<Place>,
}

/// A publisher's or player's slot in a stream. Whoever gives it up says so with `Broker::leave`.
#[derive(Debug)]
pub struct Slot {
    pub(super) id: SlotId,
    pub(super) name: Arc<str>,
    pub(super) place: Arc<Place>,
    pub(super) stream: Arc<Mutex<Stream>>,
}

impl Directory {
    pub(super) fn publish(
        &mut self,
        name: &str,
        holder: u64,
        limits: &BrokerLimits,
    ) -> Result<Slot, MediaRefusal> {
        let name = self.open(name, limits)?;
        let id = self.mint();
        let entry = self.entries.entry(Arc::clone(&name)).or_default();
        if let Some((old, occupant)) = &entry.publisher {
            if occupant.holder != holder {
                return Err(MediaRefusal::Busy);
            }
            occupant.place.end();
            forget(&mut self.holders, holder, *old);
        }
        let place = Arc::new(Place::default());
        entry.publisher = Some((id, Occupant { holder, place: Arc::clone(&place) }));
        let stream = Arc::clone(&entry.stream);
        self.holders.entry(holder).or_default().insert(id, Arc::clone(&name));
        Ok(Slot { id, name, place, stream })
    }

    pub(super) fn play(
        &mut self,
        name: &str,
        holder: u64,
        limits: &BrokerLimits,
    ) -> Result<Slot, MediaRefusal> {
        let name = self.open(name, limits)?;
        self.make_room(&name, holder, limits)?;
        let id = self.mint();
        let entry = self.entries.entry(Arc::clone(&name)).or_default();
        let place = Arc::new(Place::default());
        entry.players.insert(id, Occupant { holder, place: Arc::clone(&place) });
        let stream = Arc::clone(&entry.stream);
        self.players += 1;
        self.holders.entry(holder).or_default().insert(id, Arc::clone(&name));
        Ok(Slot { id, name, place, stream })
    }

    /// Forgets a place, and with the last one its stream. One that was taken away already is no news.
    pub(super) fn leave(&mut self, name: &Arc<str>, id: SlotId) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let occupant = if entry.publisher.as_ref().is_some_and(|(publisher, _)| *publisher == id) {
            entry.publisher.take().map(|(_, occupant)| occupant)
        } else {
            let occupant = entry.players.remove(&id);
            self.players -= usize::from(occupant.is_some());
            occupant
        };
        if entry.publisher.is_none() && entry.players.is_empty() {
            self.entries.remove(name);
        }
        if let Some(Occupant { holder, place }) = occupant {
            place.end();
            forget(&mut self.holders, holder, id);
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        let Some((name, entry)) = self.entries.get_key_value(name) else { return };
        let publisher = entry.publisher.iter().map(|(id, _)| *id);
        let (name, ids) = (Arc::clone(name), publisher.chain(entry.players.keys().copied()));
        for id in ids.collect::<Vec<_>>() {
            self.leave(&name, id);
        }
    }

    pub(super) fn review(&mut self, holder: u64, permits: impl Fn(Action, &str) -> bool) {
        let Some(places) = self.holders.get(&holder) else { return };
        for (id, name) in places.clone() {
            let publishes = self.entries.get(&name).and_then(|entry| entry.publisher.as_ref());
            let publishes = publishes.is_some_and(|(publisher, _)| *publisher == id);
            if !permits(if publishes { Action::Publish } else { Action::Play }, &name) {
                self.leave(&name, id);
            }
        }
    }

    pub(super) fn is_live(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.publisher.is_some())
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
        for name in self.entries.keys().cloned().collect::<Vec<_>>() {
            self.end(&name);
        }
    }

    pub(super) fn statistics(&self) -> MediaStatistics {
        MediaStatistics {
            streams: self.entries.len(),
            publishers: self.entries.values().filter(|entry| entry.publisher.is_some()).count(),
            players: self.players,
            ..MediaStatistics::default()
        }
    }

    /// Finds a place for one player more of a holder. The same one's oldest goes where it has its share
    /// already: a phone that comes back does so long before its old connection is known to be dead. Where
    /// all places are taken, whoever has most gives one up, as long as that makes things fairer.
    fn make_room(&mut self, name: &Arc<str>, holder: u64, limits: &BrokerLimits) -> Result<(), MediaRefusal> {
        let players = self.entries.get(name).map_or(&NOBODY, |entry| &entry.players);
        let mut own = players.iter().filter(|(_, occupant)| occupant.holder == holder).map(|(id, _)| *id);
        let oldest = own.next();
        if let Some(oldest) = oldest.filter(|_| own.count() + 1 >= limits.players_per_holder.max(1)) {
            self.leave(name, oldest);
            return Ok(());
        }
        if players.len() >= limits.players_per_stream {
            let crowd = players.iter().map(|(id, occupant)| (*id, occupant.holder, name));
            let (name, id) = fairest(crowd, holder)?;
            self.leave(&name, id);
            return Ok(());
        }
        let is_live = |entry: &Entry| entry.publisher.is_some();
        let waits = !self.entries.get(name).is_some_and(is_live);
        let waiting = self.entries.values().filter(|entry| !is_live(entry));
        if waits && waiting.map(|entry| entry.players.len()).sum::<usize>() >= limits.waiting_players {
            let (name, id) = fairest(self.crowd(|entry| !is_live(entry)), holder)?;
            self.leave(&name, id);
        }
        if self.players >= limits.players {
            let (name, id) = fairest(self.crowd(|_| true), holder)?;
            self.leave(&name, id);
        }
        Ok(())
    }

    /// The players of some streams.
    fn crowd(&self, of: impl Fn(&Entry) -> bool) -> impl Iterator<Item = (SlotId, u64, &Arc<str>)> {
        let entries = self.entries.iter().filter(move |(_, entry)| of(entry));
        entries.flat_map(|(name, entry)| entry.players.iter().map(move |(id, s)| (*id, s.holder, name)))
    }

    /// Its own name for a stream, if there may be one.
    fn open(&self, name: &str, limits: &BrokerLimits) -> Result<Arc<str>, MediaRefusal> {
        if self.is_closed {
            return Err(MediaRefusal::Full);
        }
        match self.entries.get_key_value(name) {
            Some((name, _)) => Ok(Arc::clone(name)),
            None if self.entries.len() >= limits.streams => Err(MediaRefusal::Full),
            None => Ok(name.into()),
        }
    }

    fn mint(&mut self) -> SlotId {
        self.newest += 1;
        SlotId(self.newest)
    }
}

/// The oldest place of whoever has most of them, if that is more than a newcomer would have then.
fn fairest<'a>(
    crowd: impl Iterator<Item = (SlotId, u64, &'a Arc<str>)>,
    newcomer: u64,
) -> Result<(Arc<str>, SlotId), MediaRefusal> {
    let mut holders = BTreeMap::<u64, (usize, SlotId, &Arc<str>)>::new();
    for (id, holder, name) in crowd {
        let known = holders.entry(holder).or_insert((0, id, name));
        known.0 += 1;
        if id < known.1 {
            (known.1, known.2) = (id, name);
        }
    }
    let own = holders.get(&newcomer).map_or(0, |(count, ..)| *count);
    let most = holders.into_values().max_by_key(|(count, id, _)| (*count, std::cmp::Reverse(*id)));
    let (_, id, name) = most.filter(|(count, ..)| *count > own + 1).ok_or(MediaRefusal::Full)?;
    Ok((Arc::clone(name), id))
}

fn forget(holders: &mut BTreeMap<u64, BTreeMap<SlotId, Arc<str>>>, holder: u64, id: SlotId) {
    if let Some(places) = holders.get_mut(&holder) {
        places.remove(&id);
        if places.is_empty() {
            holders.remove(&holder);
        }
    }
}

static NOBODY: BTreeMap<SlotId, Occupant> = BTreeMap::new();
