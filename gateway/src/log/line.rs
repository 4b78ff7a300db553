//! A line of the log on its way to whoever prints it.

/// One line.
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    pub(super) importance: Importance,
}

/// How often lines of one kind are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importance {
    /// As often as they come: details that somebody asked for, and what the log says of itself.
    Always,
    /// One for each change in the life of a room or a member, whoever that is.
    Transition,
    /// What mostly strangers cause.
    Surprise,
}
