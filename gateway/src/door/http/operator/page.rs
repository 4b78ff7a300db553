//! The operator's page and the description of the calls: files, without the token, because they hold no secret. The
//! page asks for it.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::door::http::context::Context;

pub(super) fn router() -> Router<Arc<Context>> {
    let mut router = Router::new();
    for (path, kind, text) in FILES {
        router = router.route(path, get(async move || file(kind, text)));
    }
    router
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // Another gateway may be here tomorrow.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (headers, text)
}

/// Where each file is, what it is, and what is in it.
const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/operator.css", "text/css; charset=utf-8", include_str!("page/operator.css")),
    ("/operator.js", "text/javascript; charset=utf-8", include_str!("page/operator.js")),
    ("/openapi.json", "application/json", OPENAPI),
];
pub(super) const OPENAPI: &str = include_str!("openapi.json");
/// Nothing from elsewhere, nothing to elsewhere, and no text that becomes a part of the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri \
                      'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";
