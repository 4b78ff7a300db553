//! What both sides speak: packets, the channel server's question and answer, and the plain values in them.
//!
//! Hides key names, number formats and what real peers send instead. Shared with the gateway, so that neither
//! can drift; knows nothing of when a packet is sent.

pub mod bootstrap;
pub(crate) mod caption;
pub(crate) mod entry;
pub mod json;
pub(crate) mod lenient;
pub(crate) mod login;
pub mod model;
pub mod protocol;
