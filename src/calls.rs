//! Who waits for what, until when: calls of the application, and commands on the socket.

use std::collections::BTreeMap;

use crate::api::{Call, Reply};
use crate::error::Error;
use crate::model::{CallId, Seq};
use crate::room::Change;
use crate::time::{Instant, Timer};

/// Calls that the application waits for, and commands that the gateway has not acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    waiting: Vec<Waiting>,
    commands: BTreeMap<Seq, Sent>,
}

/// A call that is not settled yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: CallId,
    pub(crate) call: Call,
    /// `None` for calls whose end the link guarantees (`join`, `leave`).
    deadline: Option<Instant>,
}

/// A command that is not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) change: Change,
    pub(crate) name: &'static str,
    deadline: Instant,
}

impl Calls {
    /// Keeps a call until somebody settles it.
    pub(crate) fn wait(&mut self, id: CallId, call: Call, deadline: Option<Instant>) {
        self.waiting.push(Waiting { id, call, deadline });
    }

    /// Remembers a command until its acknowledgement.
    pub(crate) fn sent(&mut self, seq: Seq, name: &'static str, change: Change, deadline: Instant) {
        self.commands.insert(seq, Sent { change, name, deadline });
    }

    /// Takes the command with this number; `None` when nobody waits for it (any more).
    pub(crate) fn acknowledged(&mut self, seq: Seq) -> Option<Sent> {
        self.commands.remove(&seq)
    }

    /// Forgets all commands: their socket is gone, and with it any acknowledgement.
    pub(crate) fn abandon(&mut self) {
        self.commands.clear();
    }

    /// Takes the first command whose acknowledgement is overdue.
    pub(crate) fn overdue_command(&mut self, now: Instant) -> Option<(Seq, Sent)> {
        let seq = *self.commands.iter().find(|(_, sent)| sent.deadline <= now)?.0;
        self.commands.remove(&seq).map(|sent| (seq, sent))
    }

    /// Takes the first call whose time is up.
    pub(crate) fn overdue_call(&mut self, now: Instant) -> Option<Waiting> {
        let overdue = |waiting: &Waiting| waiting.deadline.is_some_and(|deadline| deadline <= now);
        self.waiting.iter().position(overdue).map(|found| self.waiting.remove(found))
    }

    /// Takes every call for which `judge` has a result, in the order in which they were made.
    pub(crate) fn settle(
        &mut self,
        mut judge: impl FnMut(&Call) -> Option<Result<Reply, Error>>,
    ) -> Vec<(CallId, Result<Reply, Error>)> {
        let mut settled = Vec::new();
        self.waiting.retain(|waiting| match judge(&waiting.call) {
            Some(result) => {
                settled.push((waiting.id, result));
                false
            }
            None => true,
        });
        settled
    }

    /// How many calls wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether some waiting call fits.
    pub(crate) fn any(&self, fits: impl Fn(&Call) -> bool) -> bool {
        self.waiting.iter().any(|waiting| fits(&waiting.call))
    }

    /// The earliest deadline.
    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        let commands = self.commands.values().map(|sent| (sent.deadline, Timer::Command));
        let calls = self.waiting.iter().filter_map(|waiting| Some((waiting.deadline?, Timer::Call)));
        commands.chain(calls).min()
    }
}
