//! Plain words, no machine: what the application can ask and is told, and what goes into a session and comes out.
//!
//! Nothing here keeps state or decides when anything happens. All that comes from an application is checked here.

pub(crate) mod arguments;
pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod doors;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod info;
pub(crate) mod join;
pub(crate) mod native;
pub(crate) mod order;
pub(crate) mod picture;
pub(crate) mod quality;
pub(crate) mod report;
pub(crate) mod symptoms;
pub(crate) mod voice;
