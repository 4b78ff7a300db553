//! Who is in which room at the moment, for the media engine to ask.
//!
//! A stay outlives its grants' time, and a grant its holder's stay: it says what the holder may do with a
//! stream, and this list whether the holder is there. The hub's shell keeps it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use nertc_miniapp::wire::model::{Cid, Role, Uid};
use tokio::sync::watch;
use tokio::time::Instant;

use super::grant::{Action, GrantError, Holder};
use super::permission::Privileges;
use super::urls::room_of;
use crate::clock::Clock;

/// Who may do what at the moment, for an engine to ask: a grant alone does not tell.
pub trait Authorizer: Send + Sync {
    /// Whether a user may go on with what it does, as far as its presence and role go.
    fn permits(&self, action: Action, stream: &str, uid: u64) -> bool;

    /// Whether the holder of a grant for this may begin.
    fn admits(&self, action: Action, stream: &str, holder: Holder) -> Admission;
}

/// Whether somebody may begin.
#[derive(Debug)]
pub enum Admission {
    /// It may, as far as this goes.
    Granted(Carried),
    /// It may not.
    Refused(GrantError),
    /// The gateway has just started, and its holder may come back: ask again after each change, and for the
    /// last time then.
    Unknown {
        /// When nobody counts on anybody's coming back any more.
        until: Instant,
        /// Somebody came or went.
        changed: watch::Receiver<()>,
    },
}

/// What of a user's media goes on at the moment. Whoever has been given it sees each change: media may be held
/// back for a while without an end of their connection.
#[derive(Debug, Clone)]
pub struct Carried(Arc<AtomicU8>);

impl Carried {
    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Privileges {
        Privileges(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, privileges: Privileges) {
        self.0.store(privileges.0, Ordering::Relaxed);
    }
}

impl From<Privileges> for Carried {
    fn from(privileges: Privileges) -> Self {
        Self(Arc::new(AtomicU8::new(privileges.0)))
    }
}

/// Who is in which room at the moment, lost connections in their grace period included.
#[derive(Debug)]
pub(crate) struct Roster {
    clock: Clock,
    /// For how long a gateway that has just started does not know who is in a room.
    settling: Duration,
    /// When that time ends; it begins with the first member or question.
    settled: OnceLock<Instant>,
    book: RwLock<Book>,
    changed: watch::Sender<()>,
}

type Book = BTreeMap<(Cid, Uid), Member>;

/// What is known of somebody.
#[derive(Debug, Clone)]
enum Member {
    /// In the room; `stay` is what the grants of its stay say.
    Present { role: Role, stay: u64, privileges: Privileges, carried: Carried },
    /// Was in the room, and left it while others were still to come back: nobody waits for it.
    Gone,
}

impl Roster {
    pub(crate) fn new(settling: Duration, clock: Clock) -> Self {
        let (settled, book) = (OnceLock::new(), RwLock::default());
        Self { clock, settling, settled, book, changed: watch::Sender::default() }
    }

    pub(crate) fn admit(&self, cid: Cid, uid: Uid, role: Role, stay: u64, privileges: Privileges) {
        let mut book = self.write();
        let carried = match book.get(&(cid, uid)) {
            Some(Member::Present { carried, .. }) => carried.clone(),
            Some(Member::Gone) | None => privileges.into(),
        };
        carried.set(privileges);
        book.insert((cid, uid), Member::Present { role, stay, privileges, carried });
        drop(book);
        self.changed.send_replace(());
    }

    /// Passes on only this of what somebody sends, until it is admitted anew. It may begin and go on all the same.
    pub(crate) fn carry(&self, cid: Cid, uid: Uid, only: Privileges) {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Member::Present { carried, .. }) = book.get(&(cid, uid)) {
            carried.set(only);
        }
    }

    pub(crate) fn expel(&self, cid: Cid, uid: Uid) {
        let mut book = self.write();
        if self.is_settling() {
            book.insert((cid, uid), Member::Gone);
        } else {
            // From now on, who is not in the book is not there.
            book.remove(&(cid, uid));
        }
        drop(book);
        self.changed.send_replace(());
    }

    fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, stream: &str, uid: u64) -> Option<Member> {
        let name = (room_of(stream)?, Uid(uid));
        self.book.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }

    fn settled(&self) -> Instant {
        *self.settled.get_or_init(|| Instant::now() + self.settling)
    }

    fn is_settling(&self) -> bool {
        self.settled() > Instant::now()
    }
}

impl Authorizer for Roster {
    fn permits(&self, action: Action, stream: &str, uid: u64) -> bool {
        self.find(stream, uid).is_some_and(|member| member.may(action))
    }

    fn admits(&self, action: Action, stream: &str, holder: Holder) -> Admission {
        // Before anything is looked up, or a member who comes in between would be missed.
        let changed = self.changed.subscribe();
        let (stay, carried) = match self.find(stream, holder.uid) {
            None if self.is_settling() => {
                return Admission::Unknown { until: self.settled(), changed };
            }
            Some(ref member @ Member::Present { stay, ref carried, .. }) if member.may(action) => {
                (stay, carried.clone())
            }
            Some(Member::Present { .. } | Member::Gone) | None => {
                return Admission::Refused(GrantError::NotAMember);
            }
        };
        let has_expired = holder.expires_ms <= self.clock.reading().earliest_ms;
        match action {
            Action::Publish | Action::Play if holder.expires_ms == stay => Admission::Granted(carried),
            // An older device of the user, which would take the stream from the newer one for ever.
            Action::Publish => Admission::Refused(GrantError::OtherStay),
            Action::Play if has_expired => Admission::Refused(GrantError::Expired),
            Action::Play => Admission::Granted(carried),
        }
    }
}

impl Member {
    const fn may(&self, action: Action) -> bool {
        match (self, action) {
            (Self::Present { role: Role::Broadcaster, privileges, .. }, Action::Publish | Action::Play)
            | (Self::Present { role: Role::Audience, privileges, .. }, Action::Play) => {
                privileges.allows_any(action)
            }
            (Self::Present { role: Role::Audience, .. }, Action::Publish)
            | (Self::Gone, Action::Publish | Action::Play) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::stream_name;
    use nertc_miniapp::wire::model::Stream;

    const HERE: Cid = Cid(123_456_789_012_345);
    const THERE: Cid = Cid(7);
    const ALICE: Uid = Uid(u64::MAX);
    const BOB: Uid = Uid(2);

    #[tokio::test]
    async fn who_is_in_a_room_may_play_there_and_its_broadcasters_may_publish() {
        let roster = list(Duration::ZERO);
        roster.admit(HERE, ALICE, Role::Broadcaster, 1, Privileges::ALL);
        roster.admit(HERE, BOB, Role::Audience, 1, Privileges::ALL);
        for stream in [Stream::Main, Stream::ScreenShare, Stream::SlaveAudio] {
            let (name, elsewhere) = (stream_name(HERE, ALICE, stream), stream_name(THERE, ALICE, stream));
            let may = |action, name: &str| [ALICE, BOB].map(|uid| roster.permits(action, name, uid.0));
            assert_eq!(may(Action::Publish, &name), [true, false]);
            assert_eq!(may(Action::Play, &name), [true, true]);
            assert_eq!(may(Action::Play, &elsewhere), [false, false], "another room");
        }
        let name = stream_name(HERE, BOB, Stream::Main);
        roster.admit(HERE, BOB, Role::Broadcaster, 1, Privileges::ALL);
        assert!(roster.permits(Action::Publish, &name, BOB.0));
        roster.expel(HERE, BOB);
        assert!(!roster.permits(Action::Play, &name, BOB.0));
        assert!(!roster.permits(Action::Play, "no-room", ALICE.0));
    }

    #[tokio::test]
    async fn a_permission_key_that_allows_nothing_of_it_keeps_from_publishing_or_playing() {
        let roster = list(Duration::ZERO);
        let name = stream_name(HERE, ALICE, Stream::Main);
        for (bits, may) in [(1, [true, false]), (2, [true, false]), (4, [false, true]), (8, [false, true])] {
            let privileges = Privileges(bits);
            roster.admit(HERE, ALICE, Role::Broadcaster, 1, privileges);
            let permits =
                [Action::Publish, Action::Play].map(|action| roster.permits(action, &name, ALICE.0));
            assert_eq!(permits, may, "{bits}");
            let holder = Holder { uid: ALICE.0, expires_ms: 1 };
            for (action, may) in [Action::Publish, Action::Play].into_iter().zip(may) {
                let admission = roster.admits(action, &name, holder);
                assert!(
                    matches!(admission, Admission::Granted(ref with) if may && with.now() == privileges)
                        || !may && word(&admission) == "not a member",
                    "{bits}"
                );
            }
        }
    }

    #[tokio::test]
    async fn what_is_held_back_is_so_for_whoever_has_begun_until_the_next_admission() {
        let roster = list(Duration::ZERO);
        let name = stream_name(HERE, ALICE, Stream::Main);
        roster.carry(HERE, ALICE, Privileges(0));
        roster.admit(HERE, ALICE, Role::Broadcaster, 1, Privileges::ALL);
        let begin = || roster.admits(Action::Publish, &name, Holder { uid: ALICE.0, expires_ms: 1 });
        let Admission::Granted(first) = begin() else { unreachable!("she is there") };
        assert_eq!(first.now(), Privileges::ALL);
        roster.carry(HERE, ALICE, Privileges(60));
        assert!(roster.permits(Action::Publish, &name, ALICE.0), "nothing ends");
        let Admission::Granted(second) = begin() else { unreachable!("nor is anything refused") };
        assert_eq!([first.now(), second.now()], [Privileges(60); 2]);
        roster.admit(HERE, ALICE, Role::Broadcaster, 1, Privileges::ALL);
        assert_eq!([first.now(), second.now()], [Privileges::ALL; 2]);
    }

    #[tokio::test]
    async fn a_grant_lasts_as_long_as_the_stay_that_it_was_given_for() {
        let roster = list(Duration::ZERO);
        let name = stream_name(HERE, BOB, Stream::Main);
        let says =
            |action, expires_ms| word(&roster.admits(action, &name, Holder { uid: BOB.0, expires_ms }));
        let (long_ago, later) = (1, u64::MAX);
        for action in [Action::Publish, Action::Play] {
            assert_eq!([long_ago, later].map(|expires| says(action, expires)), ["not a member"; 2]);
        }
        roster.admit(HERE, BOB, Role::Broadcaster, long_ago, Privileges::ALL);
        assert_eq!([Action::Publish, Action::Play].map(|action| says(action, long_ago)), ["granted"; 2]);

        roster.admit(HERE, BOB, Role::Broadcaster, later, Privileges::ALL);
        assert_eq!(says(Action::Play, long_ago), "expired", "of a stay that is over");
        assert_eq!([later - 1, later].map(|expires| says(Action::Play, expires)), ["granted"; 2]);
        assert_eq!(
            [later - 1, later].map(|expires| says(Action::Publish, expires)),
            ["other stay", "granted"]
        );

        roster.expel(HERE, BOB);
        assert_eq!(says(Action::Publish, later), "not a member");
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_still_come_back_is_waited_for_and_nobody_else() {
        let roster = list(Duration::from_secs(10));
        let name = |uid| stream_name(HERE, uid, Stream::Main);
        let says = |uid: Uid| {
            word(&roster.admits(Action::Publish, &name(uid), Holder { uid: uid.0, expires_ms: 1 }))
        };
        assert_eq!(says(BOB), "unknown");
        roster.admit(HERE, BOB, Role::Audience, 1, Privileges::ALL);
        assert_eq!(says(BOB), "not a member", "there, and may not");
        roster.expel(HERE, BOB);
        assert_eq!(says(BOB), "not a member", "has been there, and left");
        roster.admit(HERE, BOB, Role::Broadcaster, 1, Privileges::ALL);
        assert_eq!(says(BOB), "granted");

        let Admission::Unknown { until, mut changed } =
            roster.admits(Action::Play, &name(BOB), Holder { uid: ALICE.0, expires_ms: 1 })
        else {
            unreachable!("alice has not been seen yet")
        };
        assert_eq!(until.duration_since(Instant::now()), Duration::from_secs(10));
        roster.admit(HERE, ALICE, Role::Broadcaster, 1, Privileges::ALL);
        assert!(changed.has_changed().is_ok_and(|changed| changed) && changed.changed().await.is_ok());

        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(says(Uid(3)), "not a member");
        roster.expel(HERE, BOB);
        assert!(!roster.write().contains_key(&(HERE, BOB)), "nothing is kept of who is gone");
    }

    fn list(settling: Duration) -> Roster {
        Roster::new(settling, Clock::new())
    }

    fn word(admission: &Admission) -> &'static str {
        match admission {
            Admission::Granted(_) => "granted",
            Admission::Unknown { .. } => "unknown",
            Admission::Refused(GrantError::NotAMember) => "not a member",
            Admission::Refused(GrantError::OtherStay) => "other stay",
            Admission::Refused(_) => "expired",
        }
    }
}
