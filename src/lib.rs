//! SDK core.
pub mod model;
pub mod protocol;
pub mod time;
