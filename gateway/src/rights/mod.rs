//! What proves a right, and who has which at the moment.
//!
//! Hides every byte layout and every key use. What is signed carries all that it says, so any gateway that
//! shares the secret can check what another one issued; only the roster remembers anything.

mod apps;
mod grant;
mod permission;
mod roster;
mod secret;
#[cfg(test)]
mod tampering;
mod ticket;
mod token;
mod urls;

pub(crate) use self::apps::MAX_APP_KEY;
pub use self::apps::{App, Apps};
pub use self::grant::{Action, GrantError, Grants, Holder};
pub use self::permission::{KeyError, PermissionKey, Permit, Privileges, Sense};
pub(crate) use self::roster::Roster;
pub use self::roster::{Admission, Authorizer, Carried};
pub use self::secret::{Secret, WeakSecret};
pub use self::ticket::LoginTicket;
pub use self::token::{BasicToken, TokenError, Unit};
pub use self::urls::{MediaUrls, stream_name, stream_of};
