//! What it takes to play a trace to a session.

pub(crate) mod stage;
pub(crate) mod text;
