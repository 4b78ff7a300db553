//! Signalling and media gateway.
