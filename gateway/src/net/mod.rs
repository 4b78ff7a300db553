//! What connections of every kind share, whoever serves them.
//!
//! Below the doors, because media have connections of their own: who has proved nothing yet and must go when
//! places run out (`strangers`), who is believed about that (`proxies`), how fast one is read (`pace`), what all of
//! them together may hold (`memory`), whose pages may ask (`cors`), how those are served that are told the same
//! (`rows`), how one gets there from other threads (`handover`), how one is secured (`tls`), and where the certificate for that comes from (`acme`).

mod acme;
pub(crate) mod cors;
mod handover;
mod memory;
mod pace;
mod proxies;
mod rows;
mod strangers;
mod tls;

pub(crate) use self::acme::Acme;
pub(crate) use self::handover::Handover;
pub(crate) use self::memory::{Exhausted, Memory, Share};
pub(crate) use self::pace::{Pace, Rate};
pub use self::proxies::Proxies;
pub(crate) use self::rows::Rows;
pub(crate) use self::strangers::{Crowd, Stranger};
pub use self::tls::Tls;
pub(crate) use self::tls::{Certificate, NoCertificate, TlsStream};
