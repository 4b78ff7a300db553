//! How pages of any origin reach the public doors. None of these relies on cookies: whoever may come in
//! brings a token, a ticket or a grant.

use std::time::Duration;

use axum::http::Method;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// Answers a browser that asks before it sends one of `methods`.
///
/// What is allowed is spelled out: web views of older phones take the `*` for a method or a header for
/// its name.
pub(crate) fn layer<const N: usize>(methods: [Method; N]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(methods)
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(REMEMBERED)
}

/// How long a browser need not ask again; it keeps an answer for two hours to a day, whatever it is told.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
