//! The built-in media engine over loopback sockets, with ffmpeg as the phones.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod admission;
mod bench;
mod calls;
mod fairness;
mod limits;
mod peers;
mod proxies;
mod tracks;
