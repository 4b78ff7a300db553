//! What the tests build their worlds from.

// Each test file is a crate of its own and uses its own part of this.
#![allow(dead_code)]

pub(crate) mod client;
