//! Who waits for what, until when: calls of the application, and commands on the socket.

use crate::api::call::{Call, Reply};
use crate::api::error::Error;
use crate::time::{Instant, Timer};
use crate::wire::model::{CallId, Seq};
use crate::wire::protocol::Command;

/// Calls that the application waits for, and commands that the gateway has not acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    waiting: Vec<Waiting>,
    /// In the order in which they were sent; never more than there are places.
    commands: Vec<(Seq, Sent)>,
}

/// A call that is not settled yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: CallId,
    pub(crate) call: Call,
    patience: Patience,
    errand: Errand,
    /// Whether a later call has undone it for good.
    undone: bool,
}

/// How long a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Others guarantee an end (`join`, `leave`, tasks).
    Unlimited,
    /// Until the stay has begun, and then for a time.
    UntilJoined,
    Until(Instant),
}

/// How far the commands of a call are that asks or tells, and switches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    /// To be sent, again after an outage.
    Due,
    /// This many acknowledgements are missing.
    Sent(usize),
}

/// A command that is not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) command: Command,
    pub(crate) purpose: Purpose,
    pub(crate) deadline: Instant,
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A state at the gateway.
    State,
    /// This call alone.
    Errand(CallId),
    /// Nothing any more; but the gateway still has it to answer, so it keeps its place.
    Nothing,
}

impl Calls {
    /// Keeps a call until somebody settles it.
    pub(crate) fn wait(&mut self, id: CallId, call: Call, patience: Patience) {
        self.waiting.push(Waiting { id, call, patience, errand: Errand::Due, undone: false });
    }

    /// How many of so many places for unanswered commands are free.
    pub(crate) const fn free(&self, places: usize) -> usize {
        places.saturating_sub(self.commands.len())
    }

    /// The time of the calls that waited for the stay to begin runs from here.
    pub(crate) fn begin(&mut self, deadline: Instant) {
        for waiting in self.waiting.iter_mut().filter(|call| call.patience == Patience::UntilJoined) {
            waiting.patience = Patience::Until(deadline);
        }
    }

    /// Remembers a command until its acknowledgement.
    pub(crate) fn sent(&mut self, seq: Seq, command: Command, purpose: Purpose, deadline: Instant) {
        self.commands.push((seq, Sent { command, purpose, deadline }));
    }

    /// Takes the calls whose commands are to be sent, with what `errands` says they are: as many as fit
    /// into so many places, and of no call a part.
    pub(crate) fn due_errands<E>(
        &mut self,
        places: usize,
        errands: impl Fn(&Call) -> Vec<E>,
    ) -> Vec<(CallId, E)> {
        let free = self.free(places);
        let mut due = Vec::new();
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.errand == Errand::Due) {
            let commands = errands(&waiting.call);
            if due.len() + commands.len() > free {
                break;
            }
            waiting.errand = Errand::Sent(commands.len());
            due.extend(commands.into_iter().map(|command| (waiting.id, command)));
        }
        due
    }

    /// One command of an errand is acknowledged: true when it was the last.
    pub(crate) fn errand_done(&mut self, id: CallId) -> bool {
        let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.id == id) else { return false };
        let Errand::Sent(missing) = &mut waiting.errand else { return false };
        *missing = missing.saturating_sub(1);
        *missing == 0
    }

    /// Takes one call.
    pub(crate) fn take(&mut self, id: CallId) -> Option<Call> {
        let found = self.waiting.iter().position(|waiting| waiting.id == id)?;
        Some(self.waiting.remove(found).call)
    }

    /// Takes the command with this number; `None` when nobody waits for it (any more).
    pub(crate) fn acknowledged(&mut self, seq: Seq) -> Option<Sent> {
        let found = self.commands.iter().position(|(sent, _)| *sent == seq)?;
        Some(self.commands.remove(found).1).filter(|sent| sent.purpose != Purpose::Nothing)
    }

    /// Forgets what commands are for whose answers mean nothing any more.
    pub(crate) fn forget(&mut self, is_void: impl Fn(&Command) -> bool) {
        for (_, sent) in &mut self.commands {
            if sent.purpose == Purpose::State && is_void(&sent.command) {
                sent.purpose = Purpose::Nothing;
            }
        }
    }

    /// Forgets all commands: their socket is gone, and with it any acknowledgement.
    pub(crate) fn abandon(&mut self) {
        self.commands.clear();
        for waiting in &mut self.waiting {
            waiting.errand = Errand::Due;
        }
    }

    /// Takes the first command whose acknowledgement is overdue.
    pub(crate) fn overdue_command(&mut self, now: Instant) -> Option<(Seq, Sent)> {
        self.commands.retain(|(_, sent)| sent.purpose != Purpose::Nothing || sent.deadline > now);
        let found = self.commands.iter().position(|(_, sent)| sent.deadline <= now)?;
        Some(self.commands.remove(found))
    }

    /// Takes the first call whose time is up.
    pub(crate) fn overdue_call(&mut self, now: Instant) -> Option<Waiting> {
        let overdue = |waiting: &Waiting| waiting.deadline().is_some_and(|deadline| deadline <= now);
        self.waiting.iter().position(overdue).map(|found| self.waiting.remove(found))
    }

    /// Takes every call for which `judge` has a result, in the order in which they were made.
    pub(crate) fn judged(
        &mut self,
        mut judge: impl FnMut(&Call) -> Option<Result<Reply, Error>>,
    ) -> Vec<(CallId, Call, Result<Reply, Error>)> {
        let mut judged = Vec::new();
        self.waiting.retain_mut(|waiting| match judge(&waiting.call) {
            Some(result) => {
                judged.push((waiting.id, std::mem::replace(&mut waiting.call, Call::UploadUserList), result));
                false
            }
            None => true,
        });
        judged
    }

    /// How many calls wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// A call was made that undoes these, whatever becomes of it.
    pub(crate) fn undo(&mut self, is_undone: impl Fn(&Call) -> bool) {
        for waiting in &mut self.waiting {
            waiting.undone |= is_undone(&waiting.call);
        }
    }

    /// The calls that wait and are not undone, in the order in which they were made.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &Call> {
        self.waiting.iter().filter(|waiting| !waiting.undone).map(|waiting| &waiting.call)
    }

    /// The earliest deadline.
    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        let commands = self.commands.iter().map(|(_, sent)| (sent.deadline, Timer::Command));
        let calls = self.waiting.iter().filter_map(|waiting| Some((waiting.deadline()?, Timer::Call)));
        commands.chain(calls).min()
    }
}

impl Waiting {
    const fn deadline(&self) -> Option<Instant> {
        match self.patience {
            Patience::Until(deadline) => Some(deadline),
            Patience::Unlimited | Patience::UntilJoined => None,
        }
    }
}
