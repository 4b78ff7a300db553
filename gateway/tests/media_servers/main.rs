//! Other media servers: nginx-rtmp itself with ffmpeg as phones, and SRS as its requests were captured.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../loopback/mod.rs"]
mod loopback;
mod nginx;
mod room;
mod srs;
