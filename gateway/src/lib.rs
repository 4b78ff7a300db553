//! Signalling and media gateway.

pub mod hub;
pub mod token;
pub mod urls;
