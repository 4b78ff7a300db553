//! Who is connected to the media server, as its hooks tell, and who is to be dropped there.
//!
//! Knows no socket and no server: what happened comes in, with the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::words::{ClientId, Dropped};
use crate::media::broker::BrokerLimits;
use crate::media::{MediaRefusal, MediaStatistics};
use crate::rights::Action;

/// Clients that were let in.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: Limits,
    known: BTreeMap<ClientId, Session>,
    by_stream: BTreeMap<Arc<str>, BTreeSet<ClientId>>,
    by_holder: BTreeMap<u64, BTreeSet<ClientId>>,
    due: BTreeSet<(Instant, ClientId)>,
    publishers: usize,
    /// Whether the server tells of clients that go on: then who is not told of is gone.
    is_updated: bool,
}

/// How many there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    streams: usize,
    players: usize,
    players_per_holder: usize,
}

impl Limits {
    pub(super) fn of(limits: &BrokerLimits) -> Self {
        let BrokerLimits { streams, players, players_per_holder, .. } = *limits;
        Self { streams, players, players_per_holder: players_per_holder.max(1) }
    }
}

#[derive(Debug)]
struct Session {
    action: Action,
    stream: Arc<str>,
    holder: u64,
    begun: Instant,
    seen: Instant,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// It is to be dropped then, for the so-and-so-manieth time.
    Goes(Instant, u32),
    /// The server is being told so.
    Told(u32),
    /// The server would not drop it.
    Left,
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            by_holder: BTreeMap::new(),
            due: BTreeSet::new(),
            publishers: 0,
            is_updated: false,
        }
    }

    pub(super) fn limit_to(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Lets one in. Of a user who has its share of a stream's players already, the oldest goes.
    pub(super) fn begin(
        &mut self,
        client: ClientId,
        action: Action,
        stream: &str,
        holder: u64,
        now: Instant,
    ) -> Result<(), MediaRefusal> {
        self.remove(&client);
        let stream = match self.by_stream.get_key_value(stream) {
            Some((stream, _)) => Arc::clone(stream),
            None if self.by_stream.len() >= self.limits.streams => return Err(MediaRefusal::Full),
            None => stream.into(),
        };
        match action {
            Action::Publish => self.publishers += 1,
            Action::Play => {
                let mut own: Vec<_> = self.of(&stream, holder, Action::Play).collect();
                own.sort_by_key(|(_, session)| session.begun);
                let spare = (own.len() + 1).saturating_sub(self.limits.players_per_holder);
                let spare: Vec<_> = own.into_iter().take(spare).map(|(client, _)| client.clone()).collect();
                if spare.is_empty() && self.players() >= self.limits.players {
                    return Err(MediaRefusal::Full);
                }
                self.withdraw(spare, now);
            }
        }
        self.by_stream.entry(Arc::clone(&stream)).or_default().insert(client.clone());
        self.by_holder.entry(holder).or_default().insert(client.clone());
        let session = Session { action, stream, holder, begun: now, seen: now, fate: Fate::Stays };
        self.known.insert(client, session);
        Ok(())
    }

    /// One has ended what it did: its stream. What it did before, or somebody else, is no news.
    pub(super) fn end(&mut self, client: &ClientId, action: Action) -> Option<Arc<str>> {
        self.known.get(client).filter(|session| session.action == action)?;
        self.remove(client)
    }

    /// One goes on. Whether it may, as far as is known; nothing of one that is not.
    pub(super) fn goes_on(&mut self, client: &ClientId, now: Instant) -> Option<bool> {
        self.is_updated = true;
        let session = self.known.get_mut(client)?;
        session.seen = now;
        Some(session.fate == Fate::Stays)
    }

    /// Drops those that publish a stream for a user already; whether there are any.
    pub(super) fn make_way(&mut self, stream: &str, holder: u64, now: Instant) -> bool {
        let older: Vec<_> =
            self.of(stream, holder, Action::Publish).map(|(client, _)| client.clone()).collect();
        let any = !older.is_empty();
        self.withdraw(older, now);
        any
    }

    /// Drops what a user may not do any more.
    pub(super) fn review(&mut self, holder: u64, permits: impl Fn(Action, &str) -> bool, now: Instant) {
        let Some(own) = self.by_holder.get(&holder) else { return };
        let is_over = |client: &&ClientId| {
            self.known.get(*client).is_some_and(|session| !permits(session.action, &session.stream))
        };
        let over: Vec<_> = own.iter().filter(is_over).cloned().collect();
        self.withdraw(over, now);
    }

    /// Drops everybody who publishes or plays a stream.
    pub(super) fn withdraw_stream(&mut self, stream: &str, now: Instant) {
        let all = self.by_stream.get(stream).cloned().unwrap_or_default();
        self.withdraw(all, now);
    }

    pub(super) fn is_live(&self, stream: &str) -> bool {
        let clients = self.by_stream.get(stream).into_iter().flatten();
        clients.filter_map(|client| self.known.get(client)).any(|session| session.action == Action::Publish)
    }

    pub(super) fn statistics(&self) -> MediaStatistics {
        MediaStatistics {
            streams: self.by_stream.len(),
            publishers: self.publishers,
            players: self.players(),
            ..MediaStatistics::default()
        }
    }

    /// When the next one is to be dropped.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Who is to be dropped now, and from which stream. What comes of each is told with [`Sessions::dropped`].
    pub(super) fn take_due(&mut self, now: Instant, most: usize) -> Vec<(ClientId, Arc<str>)> {
        let mut taken = Vec::new();
        while taken.len() < most && self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, client)) = self.due.pop_first() else { break };
            if let Some(session) = self.known.get_mut(&client)
                && let Fate::Goes(_, attempt) = session.fate
            {
                session.fate = Fate::Told(attempt + 1);
                taken.push((client, Arc::clone(&session.stream)));
            }
        }
        taken
    }

    /// What came of dropping one; nothing, if the server did not answer.
    pub(super) fn dropped(&mut self, client: &ClientId, outcome: Option<Dropped>, now: Instant) -> Drop {
        let Some(session) = self.known.get_mut(client) else { return Drop::Done(None) };
        let Fate::Told(attempt) = session.fate else { return Drop::Done(None) };
        let again = match outcome {
            // It may still be about to begin.
            Some(Dropped::NotThere) if now - session.begun > BEGINNING => {
                return Drop::Done(self.remove(client));
            }
            Some(Dropped::NotThere) => BEGINNING / 6,
            // Its hook takes a moment; without one it is told again.
            Some(Dropped::Going) => LONGEST_PAUSE,
            None => LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(attempt - 1)),
        };
        if attempt >= ATTEMPTS {
            session.fate = Fate::Left;
            return Drop::GivenUp;
        }
        session.fate = Fate::Goes(now + again, attempt);
        self.due.insert((now + again, client.clone()));
        Drop::Done(None)
    }

    /// The server's own list, asked for at `asked`: who is not on it is gone. The streams of those, and the names
    /// of clients that nobody let in.
    pub(super) fn listed(
        &mut self,
        on_it: &BTreeSet<String>,
        asked: Instant,
    ) -> (Vec<Arc<str>>, Vec<String>) {
        let gone = self.known.iter().filter(|(client, session)| {
            // A client is let in a moment before it is on the list.
            !on_it.contains(client.name()) && asked - session.begun > BEGINNING
        });
        let gone: Vec<_> = gone.map(|(client, _)| client.clone()).collect();
        let known: BTreeSet<_> = self.known.keys().map(ClientId::name).collect();
        let unknown = on_it.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
        (gone.iter().filter_map(|client| self.remove(client)).collect(), unknown)
    }

    /// Forgets clients that the server has not told of for too long, if it tells of any: their streams.
    pub(super) fn forget_silent(&mut self, now: Instant) -> Vec<Arc<str>> {
        if !self.is_updated {
            return Vec::new();
        }
        let silent = self.known.iter().filter(|(_, session)| now - session.seen > SILENCE);
        let silent: Vec<_> = silent.map(|(client, _)| client.clone()).collect();
        silent.iter().filter_map(|client| self.remove(client)).collect()
    }

    /// Forgets everybody: the streams.
    pub(super) fn clear(&mut self) -> Vec<Arc<str>> {
        let all: Vec<_> = self.known.keys().cloned().collect();
        all.iter().filter_map(|client| self.remove(client)).collect()
    }

    /// Forgets one: its stream.
    pub(super) fn remove(&mut self, client: &ClientId) -> Option<Arc<str>> {
        let session = self.known.remove(client)?;
        if let Fate::Goes(at, _) = session.fate {
            self.due.remove(&(at, client.clone()));
        }
        self.publishers -= usize::from(session.action == Action::Publish);
        forget(&mut self.by_stream, &session.stream, client);
        forget(&mut self.by_holder, &session.holder, client);
        Some(session.stream)
    }

    fn players(&self) -> usize {
        self.known.len() - self.publishers
    }

    /// What a user does with a stream.
    fn of(&self, stream: &str, holder: u64, action: Action) -> impl Iterator<Item = (&ClientId, &Session)> {
        let clients = self.by_stream.get(stream).into_iter().flatten();
        clients
            .filter_map(|client| Some((client, self.known.get(client)?)))
            .filter(move |(_, session)| session.holder == holder && session.action == action)
    }

    fn withdraw(&mut self, clients: impl IntoIterator<Item = ClientId>, now: Instant) {
        for client in clients {
            let Some(session) = self.known.get_mut(&client) else { continue };
            match session.fate {
                Fate::Stays | Fate::Left => {
                    session.fate = Fate::Goes(now, 0);
                    self.due.insert((now, client));
                }
                Fate::Goes(..) | Fate::Told(_) => {}
            }
        }
    }
}

/// What has become of one that was to be dropped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Drop {
    /// It has left this stream, or will be told again, or its hook will say so.
    Done(Option<Arc<str>>),
    /// It was told often enough.
    GivenUp,
}

fn forget<K: Ord + Clone>(index: &mut BTreeMap<K, BTreeSet<ClientId>>, key: &K, client: &ClientId) {
    if let Some(clients) = index.get_mut(key) {
        clients.remove(client);
        if clients.is_empty() {
            index.remove(key);
        }
    }
}

/// How long a client may take from the answer to its hook until the server knows it as one that does something.
const BEGINNING: Duration = Duration::from_secs(3);
/// Between the attempts to drop a client: it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A minute of them, about.
const ATTEMPTS: u32 = 10;
/// How long a client that goes on may not be told of: three times what nginx takes between two updates unless its
/// configuration says otherwise.
const SILENCE: Duration = Duration::from_secs(100);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALICE: u64 = 1;
    const BOB: u64 = 2;

    #[tokio::test]
    async fn a_stream_is_live_until_its_last_publisher_has_ended_whoever_that_is() {
        let (mut sessions, now) = (sessions(), Instant::now());
        begin(&mut sessions, 1, Action::Publish, ALICE, now);
        // Busy: it is let in, refused by the server, and told to have ended, all under the stream's name.
        begin(&mut sessions, 2, Action::Publish, ALICE, now);
        assert_eq!(sessions.end(&id(2), Action::Publish).as_deref(), Some("s"));
        assert!(sessions.is_live("s"));
        for other in [sessions.end(&id(1), Action::Play), sessions.end(&id(2), Action::Publish)] {
            assert_eq!(other, None, "out of order, or repeated");
        }
        assert!(sessions.is_live("s") && sessions.end(&id(1), Action::Publish).is_some());
        assert!(!sessions.is_live("s") && sessions.statistics() == MediaStatistics::default());
    }

    #[tokio::test]
    async fn whoever_may_not_go_on_is_dropped_again_and_again_and_not_for_ever() {
        let (mut sessions, mut now) = (sessions(), Instant::now());
        begin(&mut sessions, 1, Action::Publish, ALICE, now);
        begin(&mut sessions, 2, Action::Play, BOB, now);
        sessions.review(BOB, |action, _| action == Action::Publish, now);
        sessions.review(BOB, |_, _| false, now);
        assert_eq!(sessions.goes_on(&id(1), now), Some(true));
        assert_eq!(sessions.goes_on(&id(2), now), Some(false));
        let mut attempts = 0;
        while let Some(due) = sessions.next_due() {
            assert!(due - now <= LONGEST_PAUSE, "{:?}", due - now);
            now = due;
            assert_eq!(sessions.take_due(now, 9), [(id(2), "s".into())]);
            attempts += 1;
            let outcome = sessions.dropped(&id(2), None, now);
            assert_eq!(outcome == Drop::GivenUp, attempts == ATTEMPTS);
        }
        assert_eq!(attempts, ATTEMPTS);
        sessions.withdraw_stream("s", now);
        assert_eq!(sessions.take_due(now, 1).len(), 1, "as many as there is time for");
        assert_eq!(sessions.take_due(now, 9).len(), 1);
    }

    #[tokio::test]
    async fn who_is_not_there_any_more_is_forgotten_unless_it_may_be_about_to_begin() {
        let (mut sessions, now) = (sessions(), Instant::now());
        begin(&mut sessions, 1, Action::Play, ALICE, now);
        sessions.withdraw_stream("s", now);
        while let Some(due) = sessions.next_due() {
            assert_eq!(sessions.take_due(due, 9).len(), 1);
            let left = Some(Arc::from("s")).filter(|_| due - now > BEGINNING);
            assert_eq!(sessions.dropped(&id(1), Some(Dropped::NotThere), due), Drop::Done(left));
        }
        assert_eq!(sessions.statistics(), MediaStatistics::default());
    }

    #[tokio::test]
    async fn a_user_has_its_share_of_players_and_everybody_together_no_more_than_the_limit() {
        let (mut sessions, now) = (sessions(), Instant::now());
        for number in 1..=3 {
            begin(&mut sessions, number, Action::Play, ALICE, now + Duration::from_secs(number));
        }
        let later = now + Duration::from_secs(9);
        assert_eq!(
            sessions.take_due(later, 9),
            [(id(1), "s".into())],
            "the oldest of three, where two may be"
        );
        let refused = sessions.begin(id(9), Action::Play, "s", BOB, now);
        assert_eq!(refused, Err(MediaRefusal::Full), "three of three");
        let refused = sessions.begin(id(9), Action::Publish, "other", BOB, now);
        assert_eq!(refused, Err(MediaRefusal::Full), "streams");
    }

    #[tokio::test]
    async fn a_list_says_who_is_gone_and_who_was_never_let_in() {
        let (mut sessions, now) = (sessions(), Instant::now());
        begin(&mut sessions, 1, Action::Publish, ALICE, now);
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(sessions.listed(&list(&["7"]), now), (vec![], vec!["7".to_owned()]), "about to begin");
        let later = now + BEGINNING * 2;
        assert_eq!(sessions.listed(&list(&["1"]), later), (vec![], vec![]));
        assert_eq!(sessions.listed(&list(&[]), later), (vec!["s".into()], vec![]));
        assert!(!sessions.is_live("s"));
    }

    #[tokio::test]
    async fn silence_means_something_only_where_updates_are_sent() {
        let (mut sessions, now) = (sessions(), Instant::now());
        begin(&mut sessions, 1, Action::Publish, ALICE, now);
        begin(&mut sessions, 2, Action::Play, BOB, now);
        let later = now + SILENCE * 2;
        assert!(sessions.forget_silent(later).is_empty());
        assert_eq!(sessions.goes_on(&id(1), later), Some(true));
        assert_eq!(sessions.forget_silent(later).len(), 1);
        assert_eq!((sessions.statistics().publishers, sessions.statistics().players), (1, 0));
    }

    fn sessions() -> Sessions {
        Sessions::new(Limits { streams: 1, players: 3, players_per_holder: 2 })
    }

    fn begin(sessions: &mut Sessions, number: u64, action: Action, holder: u64, now: Instant) {
        sessions.begin(id(number), action, "s", holder, now).unwrap();
    }

    fn id(number: u64) -> ClientId {
        ClientId::new(number.to_string(), String::new()).unwrap()
    }
}
