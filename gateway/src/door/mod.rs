//! How everybody gets in: HTTP, the sockets of the signalling, and who listens for both.
//!
//! Hides connections and requests from the rooms, which know neither, and carries out what the rooms want done.

pub(crate) mod faults;
pub(crate) mod flows;
pub(crate) mod http;
pub mod listener;
pub(crate) mod metrics;
pub(crate) mod serve;
pub(crate) mod shell;
mod ws;
