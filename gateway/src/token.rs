//! What proves a right: login tickets, application tokens and media grants.
//!
//! Hides every byte layout and every key use. Pure functions: no clock, no input or output, no state
//! beyond a [`Secret`]. Tickets and grants carry all they need, so any gateway that shares the secret
//! can check what another one issued.

mod basic;
mod grant;
mod secret;
#[cfg(test)]
mod tampering;
mod ticket;

pub use self::basic::{BasicToken, TokenError, Unit};
pub use self::grant::{Action, GrantError, Grants, Holder};
pub use self::secret::{Secret, WeakSecret};
pub use self::ticket::LoginTicket;
