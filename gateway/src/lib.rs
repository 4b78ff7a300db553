//! Signalling and media gateway.

pub mod broker;
pub mod embedded;
mod flv;
mod hall;
pub mod listener;
pub mod media;
mod rtmp;
pub mod token;
