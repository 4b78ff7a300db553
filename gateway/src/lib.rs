//! Signalling and media gateway.

pub mod token;
