//! The hub by behaviour, on a bench without clock or socket.

mod bench;
mod captions;
mod commands;
mod flow;
mod invariants;
mod limits;
mod logins;
mod members;
mod operator;
mod permits;
mod publishing;
mod stays;
mod tasks;

use std::time::Duration;

use nertc_miniapp::time::Rng;
use nertc_miniapp::wire::model::Url;
use nertc_miniapp::wire::protocol::{Caption, Login, MAX_FRAME, MOST_MEMBERS, UserEntry};

use self::bench::*;
use super::*;
use crate::rights::{Grants, LoginTicket, Permit, Privileges, Sense};
use crate::rooms::*;
