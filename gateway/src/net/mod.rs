//! What connections of every kind share, whoever serves them.
//!
//! Below the doors, because media have connections of their own: who has proved nothing yet and must go when
//! places run out (`strangers`), how fast one is read (`pace`), what all of them together may hold (`memory`),
//! whose pages may ask (`cors`), how those are served that are told the same (`rows`), and how one gets there from
//! other threads (`handover`).

pub(crate) mod cors;
mod handover;
mod memory;
mod pace;
mod rows;
mod strangers;

pub(crate) use self::handover::Handover;
pub(crate) use self::memory::{Exhausted, Memory, Share};
pub(crate) use self::pace::{Pace, Rate};
pub(crate) use self::rows::Rows;
pub(crate) use self::strangers::{Crowd, Stranger};
