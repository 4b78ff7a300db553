//! Fuzzers: structured cases drawn by a seed, for the parsers without sockets and for a gateway process
//! beside a healthy call. `engine` says how they are run, replayed and made smaller.
//!
//! A rule that a case breaks is mended with a test of its own where the fault was: a case is a list of
//! choices, and means something else once a generator has changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

mod chunks;
mod draw;
mod engine;
mod flv;
mod frames;
mod hub;
mod live;
mod media;
mod planted;
mod rtmp;
mod script;
mod sdk;
mod spoil;
mod tokens;
