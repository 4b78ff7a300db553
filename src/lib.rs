//! SDK core.
