//! Addresses that clients are told: what they look like, and what cannot work in a URL.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// A host, perhaps with a port, as it stands in a URL: an IPv6 address has its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
    ///
    /// # Errors
    ///
    /// Says what it must be instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or("the bracket must be closed")?;
                let address: Ipv6Addr = address.parse().map_err(|_| "brackets must hold an IPv6 address")?;
                if address.is_unspecified() {
                    return Err(NOWHERE.to_owned());
                }
                let port = match port {
                    "" => None,
                    port => Some(port.strip_prefix(':').ok_or("only a port may follow the bracket")?),
                };
                (format!("[{address}]"), port)
            }
            // Where its last part would be the port, nobody knows.
            None if text.matches(':').count() > 1 => {
                return Err("an IPv6 address must be in brackets, as in [2001:db8::1]:8395".to_owned());
            }
            None => match text.split_once(':') {
                Some((host, port)) => (checked_host(host)?, Some(port)),
                None => (checked_host(text)?, None),
            },
        };
        Ok(Self { host, port: port.map(checked_port).transpose()? })
    }

    /// Where others reach what listens on `addr`. A zone means nothing to them.
    #[must_use]
    pub fn of(addr: SocketAddr) -> Self {
        let host = match addr {
            SocketAddr::V4(addr) => addr.ip().to_string(),
            SocketAddr::V6(addr) => format!("[{}]", addr.ip()),
        };
        Self { host, port: Some(addr.port()) }
    }

    /// The host, with brackets where it needs them.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if it is given.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Where clients reach media, as they are told: perhaps with the scheme that they are to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaAddress {
    /// Without one it follows from what is listened on.
    pub scheme: Option<MediaScheme>,
    /// Host, and perhaps port.
    pub authority: Authority,
}

/// How media travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaScheme {
    /// In the clear.
    Rtmp,
    /// Over TLS.
    Rtmps,
}

impl MediaAddress {
    /// Reads an authority that `rtmp://` or `rtmps://` may precede.
    ///
    /// # Errors
    ///
    /// Says what it must be instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let schemes = [("rtmp://", MediaScheme::Rtmp), ("rtmps://", MediaScheme::Rtmps)];
        let found =
            schemes.into_iter().find_map(|(prefix, scheme)| Some((scheme, text.strip_prefix(prefix)?)));
        let (scheme, rest) = found.map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        Ok(Self { scheme, authority: Authority::parse(rest)? })
    }
}

/// Reads an authority that a path may follow, and writes it as it stands in a URL.
///
/// # Errors
///
/// Says what it must be instead.
pub(super) fn with_path(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err("it must be without scheme".to_owned());
    }
    if text.contains(['?', '#']) {
        return Err("it must be without query".to_owned());
    }
    let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let authority = Authority::parse(authority)?;
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
        return Err("the path must be of characters that a URL takes as they are".to_owned());
    }
    Ok(format!("{authority}{path}"))
}

/// The host of what [`with_path`] has written.
pub(super) fn host_of(written: &str) -> &str {
    let authority = written.split('/').next().unwrap_or(written);
    match authority.rsplit_once(':') {
        // The last colon of an IPv6 address is inside its brackets.
        Some((host, port)) if !port.ends_with(']') => host,
        Some(_) | None => authority,
    }
}

fn checked_host(host: &str) -> Result<String, String> {
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let address: Ipv4Addr = host.parse().map_err(|_| "the host must be a name or an IP address")?;
        return if address.is_unspecified() { Err(NOWHERE.to_owned()) } else { Ok(host.to_owned()) };
    }
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(is_inner) && !label.starts_with('-')
    };
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err(
            "the host must be a name of letters, digits, dots and hyphens, or an IP address".to_owned()
        );
    }
    Ok(host.to_owned())
}

fn checked_port(port: &str) -> Result<u16, String> {
    let number = if port.bytes().all(|byte| byte.is_ascii_digit()) { port.parse().ok() } else { None };
    number.filter(|port| *port > 0).ok_or_else(|| "the port must be a number from 1 to 65535".to_owned())
}

const NOWHERE: &str = "it must be an address that clients can reach, not that of every interface";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_has_its_brackets_in_every_form() {
        for (text, host, port) in [
            ("call.example.com", "call.example.com", None),
            ("call.example.com:8395", "call.example.com", Some(8395)),
            ("192.0.2.1:1", "192.0.2.1", Some(1)),
            ("[2001:DB8::1]", "[2001:db8::1]", None),
            ("[::1]:65535", "[::1]", Some(65535)),
        ] {
            let authority = Authority::parse(text).unwrap();
            assert_eq!((authority.host(), authority.port()), (host, port), "{text}");
            assert_eq!(Authority::parse(&authority.to_string()), Ok(authority));
        }
        for (addr, written) in
            [("127.0.0.1:80", "127.0.0.1:80"), ("[::1]:80", "[::1]:80"), ("[fe80::1%3]:80", "[fe80::1]:80")]
        {
            assert_eq!(Authority::of(addr.parse().unwrap()).to_string(), written);
        }
    }

    #[test]
    fn what_cannot_stand_in_a_url_is_refused_with_what_it_must_be() {
        for (text, must) in [
            ("", "host"),
            (":8395", "host"),
            ("call.example.com:", "port"),
            ("call.example.com:0", "port"),
            ("call.example.com:99999", "port"),
            ("call.example.com:+80", "port"),
            ("call.example.com: 80", "port"),
            ("call example.com", "host"),
            (" call.example.com", "host"),
            ("call.example.com\n", "host"),
            ("call..example.com", "host"),
            ("-call.example.com", "host"),
            ("user@call.example.com", "host"),
            ("говорим.example.com", "host"),
            ("256.1.1.1", "host"),
            ("1.2.3", "host"),
            ("0.0.0.0:80", "reach"),
            ("[::]:80", "reach"),
            ("::1", "brackets"),
            ("2001:db8::1:8395", "brackets"),
            ("[::1", "closed"),
            ("[::1]8395", "port"),
            ("[::1]:99999", "port"),
            ("[fe80::1%eth0]:80", "IPv6"),
            ("[call.example.com]:80", "IPv6"),
        ] {
            let error = Authority::parse(text).unwrap_err();
            assert!(error.contains(must), "{text}: {error}");
            assert!(with_path(&format!("{text}/ws")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_scheme_may_precede_where_media_are() {
        for (text, scheme, host) in [
            ("call.example.com", None, "call.example.com"),
            ("rtmp://call.example.com:1936", Some(MediaScheme::Rtmp), "call.example.com:1936"),
            ("rtmps://[2001:DB8::1]", Some(MediaScheme::Rtmps), "[2001:db8::1]"),
        ] {
            let address = MediaAddress::parse(text).unwrap();
            assert_eq!((address.scheme, address.authority.to_string().as_str()), (scheme, host));
        }
        for text in
            ["rtmps://", "http://call.example.com", "rtmp://call.example.com/live", "rtmps://rtmp://h"]
        {
            assert!(MediaAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_may_follow_where_clients_connect_and_nothing_else() {
        for (text, written) in [
            ("call.example.com/ws", "call.example.com/ws"),
            ("[::1]:8395/a/b%20c", "[::1]:8395/a/b%20c"),
            ("call.example.com:443/", "call.example.com:443/"),
        ] {
            assert_eq!(with_path(text).unwrap(), written);
        }
        for (text, must) in [
            ("wss://call.example.com", "scheme"),
            ("call.example.com/ws?node=1", "query"),
            ("call.example.com?node=1", "query"),
            ("call.example.com/ws#top", "query"),
            ("call.example.com/a b", "path"),
            ("call.example.com/ü", "path"),
        ] {
            let error = with_path(text).unwrap_err();
            assert!(error.contains(must), "{text}: {error}");
        }
    }
}
