//! What can be configured: flags before environment before file before defaults.
//!
//! Hides where a value came from. [`Settings`] is what somebody wrote, [`Config`] what it means, and `table` has
//! every setting there is.

mod address;
mod apps;
mod checks;
mod command;
mod doubts;
mod error;
mod file;
mod init;
mod meaning;
mod media_server;
mod settings;
mod table;
mod wanted;
mod watch;

pub use self::address::{Authority, MediaAddress, MediaScheme};
pub use self::command::Asked;
pub use self::error::ConfigError;
pub use self::init::{InitError, write_new};
pub use self::meaning::Config;
pub use self::media_server::{Base, MediaServer};
pub use self::settings::{Differences, Settings};
pub use self::wanted::{NoToken, Wanted};
pub use self::watch::Watch;

#[cfg(test)]
mod tests;
