//! Who is in the room and what they publish, as the gateway says; and what the application wants of the gateway,
//! against what it confirmed.
//!
//! Facts and wants never meet here; the session compares them.

pub(crate) mod members;
pub(crate) mod wants;
