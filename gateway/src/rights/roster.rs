//! Who is in which room at the moment, for the media engine to ask.
//!
//! A stay outlives its grants' time, and a grant its holder's stay: it says what the holder may do with a
//! stream, and this list whether the holder is there. The hub's shell keeps it.

use std::collections::BTreeMap;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockWriteGuard};
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
    /// It may, as far as these privileges go.
    Granted(Privileges),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    /// In the room; `stay` is what the grants of its stay say.
    Present { role: Role, stay: u64, privileges: Privileges },
    /// Was in the room, and left it while others were still to come back: nobody waits for it.
    Gone,
}

impl Roster {
    pub(crate) fn new(settling: Duration, clock: Clock) -> Self {
        let (settled, book) = (OnceLock::new(), RwLock::default());
        Self { clock, settling, settled, book, changed: watch::Sender::default() }
    }

    pub(crate) fn admit(&self, cid: Cid, uid: Uid, role: Role, stay: u64, privileges: Privileges) {
        self.write().insert((cid, uid), Member::Present { role, stay, privileges });
        self.changed.send_replace(());
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
        self.book.read().unwrap_or_else(PoisonError::into_inner).get(&name).copied()
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
        let (stay, privileges) = match self.find(stream, holder.uid) {
            None if self.is_settling() => {
                return Admission::Unknown { until: self.settled(), changed };
            }
            Some(member @ Member::Present { stay, privileges, .. }) if member.may(action) => {
                (stay, privileges)
            }
            Some(Member::Present { .. } | Member::Gone) | None => {
                return Admission::Refused(GrantError::NotAMember);
            }
        };
        let has_expired = holder.expires_ms <= self.clock.reading().earliest_ms;
        match action {
            Action::Publish | Action::Play if holder.expires_ms == stay => Admission::Granted(privileges),
            // An older device of the user, which would take the stream from the newer one for ever.
            Action::Publish => Admission::Refused(GrantError::OtherStay),
            Action::Play if has_expired => Admission::Refused(GrantError::Expired),
            Action::Play => Admission::Granted(privileges),
        }
    }
}

impl Member {
    const fn may(self, action: Action) -> bool {
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
                    matches!(admission, Admission::Granted(with) if may && with == privileges)
                        || !may && word(&admission) == "not a member",
                    "{bits}"
                );
            }
        }
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
