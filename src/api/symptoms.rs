//! What the platform's texts and strangers' answers mean. Most of them come from an address that is not
//! what its owner thinks it is, and whoever reads them should be told which.

use crate::wire::model::Url;

/// Whether WeChat refused the host itself: nothing was sent, and nothing will be before a list is edited.
pub(crate) fn is_unlisted(message: &str) -> bool {
    has(message, &["domain list", "not in domain", "600002", "合法域名"])
}

/// A failure to reach `url`, without what may be secret in it, and with what it means if that is known.
pub(crate) fn of_failure(url: &Url, message: &str) -> String {
    let message = without_paths(message);
    // The letters of a name say nothing.
    let name = url.host().split(':').next().filter(|name| !name.is_empty());
    let words = message.split(' ').filter(|word| name.is_none_or(|name| !has(word, &[name])));
    let said = words.fold(String::new(), |said, word| said + word + " ");
    let is_plain = has(url.as_str().get(..5).unwrap_or_default(), &["http:", "ws://"]);
    let is_socket = has(url.as_str().get(..2).unwrap_or_default(), &["ws"]);
    let meaning = if is_plain
        && has(
            &said,
            &["parse error", "invalid http", "invalid_http", "empty_response", "closed", "hang up", "reset"],
        ) {
        "; it was asked without TLS: perhaps it speaks https only"
    } else if !is_plain && has(&said, &["ssl", "tls", "eproto", "wrong version", "cert"]) {
        "; there is no TLS with it: perhaps it speaks plain http at this port, or its certificate is not accepted"
    } else if is_socket
        && has(&said, &["httpcode", "server response", "response code", "status code", "handshake"])
    {
        "; it answered as no WebSocket server does: does the proxy in front of it pass upgrades on?"
    } else {
        ""
    };
    message + meaning
}

/// What an answer is that cannot be read as JSON.
pub(crate) fn kind_of(body: &str) -> &'static str {
    let body = body.trim_ascii();
    if body.is_empty() {
        "an empty body"
    } else if body.starts_with('<') {
        "an HTML page"
    } else {
        "text that is not JSON"
    }
}

/// An answer that is not a channel server's: `what` came, and what that says of the address.
pub(crate) fn of_answer(url: &Url, status: u16, what: &str, body: &str) -> String {
    let is_plain = has(url.as_str().get(..5).unwrap_or_default(), &["http:"]);
    let is_whole = url.as_str().split(['?', '#']).next().unwrap_or_default().ends_with(".action");
    let hint = match status {
        400..=499 if is_plain && has(body, &["https", "tls"]) => {
            "was asked by http: it must begin with https://"
        }
        300..=399 => "redirects: it must be the final URL, perhaps with https://",
        500..=599 => "answers by a proxy, perhaps: is the channel server running?",
        _ if !is_whole => "must be the whole URL, down to /nrtc/getChannelInfos.action",
        405 => "may redirect, which makes a GET of a POST: it must be the final URL",
        _ => "has the wrong path, perhaps",
    };
    format!("{what} (HTTP status {status}); channelServer {hint}")
}

/// A text in which of each URL only scheme and host are left.
fn without_paths(text: &str) -> String {
    let mut left = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !left.is_empty() {
            left.push(' ');
        }
        let scheme = word.as_bytes().windows(3).position(|bytes| bytes == b"://");
        match scheme.and_then(|at| word.get(..at + 3)) {
            Some(scheme) => left.extend([scheme, Url(word.to_owned()).host()]),
            None => left.push_str(word),
        }
    }
    left
}

/// Whether a text has one of these signs, whatever the case of its letters.
fn has(text: &str, signs: &[&str]) -> bool {
    let is_in = |sign: &[u8]| text.as_bytes().windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign));
    signs.iter().any(|sign| is_in(sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url(text.to_owned())
    }

    #[test]
    fn a_refusal_of_the_platform_is_known_in_every_spelling_and_a_failure_is_none() {
        for unlisted in [
            "request:fail url not in domain list",
            "connectSocket:fail URL not in domain list",
            "not in domain url",
            "request:fail errcode:600002 cronet_error_code:0",
            "https://call.example.com 不在以下 request 合法域名列表中",
        ] {
            assert!(is_unlisted(unlisted), "{unlisted}");
        }
        for failure in ["request:fail timeout", "request:fail getaddrinfo ENOTFOUND domain.example", ""] {
            assert!(!is_unlisted(failure), "{failure}");
        }
    }

    #[test]
    fn a_failure_says_which_scheme_met_what_and_keeps_no_secret() {
        for (address, message, says) in [
            ("https://a.example/a", "request:fail write EPROTO: wrong version number", "plain http"),
            ("https://a.example/a", "request:fail errcode:-107 net::ERR_SSL_PROTOCOL_ERROR", "plain http"),
            ("https://a.example/a", "request:fail unable to verify the first certificate", "certificate"),
            ("wss://a.example", "TLS handshake failed", "plain http"),
            ("http://a.example/a", "request:fail Parse Error: Expected HTTP/", "https"),
            ("http://a.example/a", "request:fail net::ERR_EMPTY_RESPONSE", "https"),
            ("http://a.example/a", "request:fail other side closed", "https"),
            ("ws://a.example", "socket hang up", "https"),
            ("wss://a.example", "connectSocket:fail Invalid HttpCode", "upgrades"),
            ("wss://a.example", "Unexpected server response: 404", "upgrades"),
        ] {
            let told = of_failure(&url(address), message);
            assert!(told.starts_with(message) && told[message.len()..].contains(says), "{told}");
        }
        for plain in ["request:fail timeout", "", "fail"] {
            assert_eq!(of_failure(&url("https://a.example/a"), plain), plain);
        }
        let told = of_failure(&url("https://crosslink.example:81/a"), "fail getaddrinfo crosslink.example");
        assert_eq!(told, "fail getaddrinfo crosslink.example");
        assert_eq!(of_failure(&url("https:///a"), "fail"), "fail");
        let told = of_failure(&url("wss://h/p?S"), "fail\n \"wss://u:S@h:81/p?grant=S\" refused");
        assert_eq!(told, "fail \"wss://h:81 refused");
    }

    #[test]
    fn an_answer_says_what_came_and_what_is_wrong_with_the_address() {
        let whole = "https://h/nrtc/getChannelInfos.action";
        for (address, status, body, says) in [
            ("https://h", 405, "", ["an empty body", "/nrtc/getChannelInfos.action"]),
            ("https://h:81/prefix?S", 404, "Not Found", ["not JSON", "whole URL"]),
            ("https://h/", 200, "<!DOCTYPE html>", ["an HTML page", "whole URL"]),
            (whole, 404, "<html>404</html>", ["HTTP status 404", "wrong path"]),
            (whole, 502, "<html>Bad Gateway</html>", ["an HTML page", "proxy"]),
            (whole, 301, "", ["HTTP status 301", "redirects"]),
            (whole, 405, "", ["HTTP status 405", "redirect"]),
            (
                "http://h/nrtc/getChannelInfos.action",
                400,
                "<html>The plain HTTP request was sent to HTTPS port</html>",
                ["an HTML page", "begin with https://"],
            ),
        ] {
            let told = of_answer(&url(address), status, kind_of(body), body);
            assert!(says.iter().all(|part| told.contains(part)), "{told}");
        }
    }
}
