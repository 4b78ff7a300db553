//! Signalling and media gateway.

pub mod broker;
pub mod media;
pub mod token;
