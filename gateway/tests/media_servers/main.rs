//! Other media servers: nginx-rtmp itself with ffmpeg as phones, and SRS as its requests were captured.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)] // what others have of it
#[path = "../loopback/mod.rs"]
mod loopback;
mod nginx;
mod room;
mod srs;
