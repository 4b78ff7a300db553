//! The page's half: what its components render, when one is made anew, and what comes of their reports.
//!
//! Knows components only by what they report, and nothing of sockets, calls or the gateway.

pub(crate) mod components;
pub(crate) mod meter;
pub(crate) mod reports;
pub(crate) mod view;
