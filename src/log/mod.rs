//! What is kept of a session for whoever looks for an error later, and how it is lived again.

pub(crate) mod journal;
pub mod replay;
