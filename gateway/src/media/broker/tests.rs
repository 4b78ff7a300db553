//! The broker by behaviour, on a bench without clock or socket.

#![allow(clippy::unwrap_used)]

mod bench;
mod players;
mod slots;
mod time;

use std::collections::BTreeMap;

use bytes::Bytes;
use nertc_miniapp::wire::protocol::MOST_MEMBERS;

use self::bench::*;
use super::place::SlotId;
use super::*;
