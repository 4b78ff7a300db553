//! Signalling and media gateway.

pub mod broker;
pub mod embedded;
mod flv;
pub mod hub;
pub mod media;
mod rtmp;
pub mod token;
pub mod urls;
