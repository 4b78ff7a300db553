//! Whether a player shows what it was promised: each track is missed on its own, since sound alone makes
//! a component say that it plays.

use std::time::Duration;

use crate::api::config::Config;
use crate::time::Instant;

/// What is to come of one player, and how long it has been waited for.
#[derive(Debug, Default)]
pub(super) struct Watch {
    sound: Track,
    picture: Track,
    state: State,
}

/// One track of a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Track {
    /// Not to be expected. `ever`: it was there before, on this connection.
    Unasked { ever: bool },
    /// To be expected; this many reports said that there is none.
    Due { ever: bool, denied: u8 },
    /// There.
    Here,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing is missing, or the player is not connected.
    #[default]
    Idle,
    /// Made anew because something was missing, and not connected yet.
    Renewed,
    /// Something is missing, and at that moment was given this much longer. `again`: the player was made
    /// anew for it already.
    Waiting { left: Duration, at: Instant, again: bool },
    /// It never came, and the application has been told.
    Told,
}

/// What to do about a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing.
    Fine,
    /// Make it anew.
    Renew,
    /// Tell the application.
    Missing(Missing),
}

/// What did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// All of it.
    Everything,
    /// The sound alone.
    Sound,
    /// The picture alone.
    Picture,
}

impl Watch {
    /// What the player is to bring, as far as its member publishes it and it is wanted here.
    pub(super) fn expect(&mut self, sound: bool, picture: bool) {
        let is_more = self.sound.expect(sound) | self.picture.expect(picture);
        if is_more {
            // What was promised just now is given its whole time.
            self.state = State::Idle;
        }
    }

    /// Something came.
    pub(super) fn came(&mut self, sound: bool, picture: bool) {
        for (track, came) in [(&mut self.sound, sound), (&mut self.picture, picture)] {
            if came {
                track.came();
            }
        }
    }

    /// What a report measured, where it says anything: true when something flows.
    pub(super) fn measured(&mut self, sound: Option<u32>, picture: Option<u32>) -> bool {
        let mut flows = false;
        for (track, measured) in [(&mut self.sound, sound), (&mut self.picture, picture)] {
            match measured {
                Some(0) => track.denied(),
                Some(_) => {
                    flows = true;
                    track.came();
                }
                None => {}
            }
        }
        flows
    }

    /// The player is not connected any more, for a reason of its own: everything is to come again.
    pub(super) fn lost(&mut self) {
        self.sound.lost();
        self.picture.lost();
        self.state = State::Idle;
    }

    /// The page has another component from here on.
    pub(super) fn renewed(&mut self) {
        let state = self.state;
        self.lost();
        if matches!(state, State::Renewed | State::Waiting { again: true, .. }) {
            self.state = State::Renewed;
        }
    }

    /// Begins to wait when something is missing, and ends when nothing is.
    pub(super) fn settle(&mut self, is_connected: bool, config: &Config, now: Instant) {
        let is_missing = is_connected && (self.sound.is_due() || self.picture.is_due());
        self.state = match self.state {
            State::Idle | State::Renewed if is_missing => {
                let again = self.state == State::Renewed;
                State::Waiting { left: config.first_frame, at: now, again }
            }
            State::Renewed if !is_connected => State::Renewed,
            same @ (State::Waiting { .. } | State::Told) if is_missing => same,
            State::Idle | State::Renewed | State::Waiting { .. } | State::Told => State::Idle,
        };
    }

    /// Time has passed. No more of it counts than lies between two looks: for the rest the application
    /// was suspended. While it is `hidden` nothing is shown, and nothing counts.
    pub(super) fn look(&mut self, flows: bool, hidden: bool, config: &Config, now: Instant) -> Finding {
        let State::Waiting { left, at, again } = self.state else { return Finding::Fine };
        let passed = if hidden { Duration::ZERO } else { now.since(at).min(config.watch_step) };
        let left = left.saturating_sub(passed);
        self.state = State::Waiting { left, at: now, again };
        if !left.is_zero() {
            return Finding::Fine;
        }
        match self.missing(flows) {
            None => {
                // No client says of everything that it has come, and nothing says that it has not.
                self.came(true, true);
                self.state = State::Idle;
                Finding::Fine
            }
            Some(_) if !again => {
                self.lost();
                self.state = State::Renewed;
                Finding::Renew
            }
            Some(missing) => {
                self.state = State::Told;
                Finding::Missing(missing)
            }
        }
    }

    /// When to look.
    pub(super) fn deadline(&self, config: &Config) -> Option<Instant> {
        let State::Waiting { left, at, .. } = self.state else { return None };
        Some(at + left.min(config.watch_step))
    }

    fn missing(&self, flows: bool) -> Option<Missing> {
        // Every client tells of its first picture, if it has one. Of the first sound only some do.
        let picture = self.picture.is_denied() || matches!(self.picture, Track::Due { ever: false, .. });
        match (flows, self.sound.is_denied(), picture) {
            (false, _, _) | (true, true, true) => Some(Missing::Everything),
            (true, true, false) => Some(Missing::Sound),
            (true, false, true) => Some(Missing::Picture),
            (true, false, false) => None,
        }
    }
}

impl Default for Track {
    fn default() -> Self {
        Self::Unasked { ever: false }
    }
}

impl Track {
    /// True when it is to be expected from here on.
    fn expect(&mut self, wanted: bool) -> bool {
        match (*self, wanted) {
            (Self::Unasked { ever }, true) => {
                *self = Self::Due { ever, denied: 0 };
                return true;
            }
            (Self::Due { ever, .. }, false) => *self = Self::Unasked { ever },
            (Self::Here, false) => *self = Self::Unasked { ever: true },
            (Self::Unasked { .. }, false) | (Self::Due { .. } | Self::Here, true) => {}
        }
        false
    }

    const fn came(&mut self) {
        *self = match self {
            Self::Unasked { .. } => Self::Unasked { ever: true },
            Self::Due { .. } | Self::Here => Self::Here,
        };
    }

    const fn denied(&mut self) {
        if let Self::Due { denied, .. } = self {
            *denied = denied.saturating_add(1);
        }
    }

    const fn lost(&mut self) {
        *self = match self {
            Self::Unasked { .. } => Self::Unasked { ever: false },
            Self::Due { .. } | Self::Here => Self::Due { ever: false, denied: 0 },
        };
    }

    const fn is_due(self) -> bool {
        matches!(self, Self::Due { .. })
    }

    /// One report may have been made before anything could come.
    const fn is_denied(self) -> bool {
        matches!(self, Self::Due { denied: 2.., .. })
    }
}
