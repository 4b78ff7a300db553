//! What can be configured: flags before environment before file before defaults.
//!
//! Hides where a value came from. [`Settings`] is what somebody wrote, [`Config`] what it means, and `table` has
//! every setting there is.

mod address;
mod apps;
mod checks;
mod command;
mod error;
mod file;
mod meaning;
mod settings;
mod table;

pub use self::address::Authority;
pub use self::error::ConfigError;
pub use self::meaning::Config;
pub use self::settings::Settings;

#[cfg(test)]
mod tests;
