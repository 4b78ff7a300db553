//! The server that a URL of a member names, and whether it is one of ours.
//!
//! Such a URL is followed by a server, which reaches what its author does not.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// A server, read as whoever connects would read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

impl Target {
    /// Reads `scheme://[user[:password]@]host[:port]/path`. A URL that could be read in two ways is none.
    pub(super) fn read(url: &str, schemes: &[&str]) -> Option<Self> {
        let scheme = schemes.iter().find(|scheme| url.starts_with(**scheme))?;
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let (authority, path) = url[scheme.len()..].split_once('/')?;
        // What others may take for the end of the server's name.
        if !is_plain || path.is_empty() || authority.contains(['?', '#']) {
            return None;
        }
        let server = match authority.split_once('@') {
            Some((_, server)) if server.contains('@') => return None,
            Some((_, server)) => server,
            None => authority,
        };
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                (host, Some(port.parse().ok().filter(|port| is_number && *port != 0)?))
            }
            Some(_) | None => (server, None),
        };
        // A percent sign hides letters from whoever does not decode them, or is a zone of IPv6.
        let host = Some(host).filter(|host| !host.contains('%'))?;
        Some(Self { scheme: (*scheme).to_owned(), host: Host::parse(host).ok()?, port })
    }

    /// Whether it is on this machine, or in a network that not everybody reaches, as far as its name tells.
    pub(super) fn is_private(&self) -> bool {
        match &self.host {
            Host::Ipv4(v4) => !is_public_v4(*v4),
            Host::Ipv6(v6) => !is_public_v6(*v6),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                let last = name.rsplit('.').next().unwrap_or_default();
                // A name without a dot means something in a private network only.
                !name.contains('.') || LOCAL.contains(&last) || name.ends_with(".home.arpa")
            }
        }
    }
}

/// Without its path and credentials, which are secrets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let is_shared = a == 100 && b & 0xc0 == 64;
    let is_assigned = (a, b, c) == (192, 0, 0) || a == 198 && b & 0xfe == 18;
    let is_special = a == 0 || v4.is_loopback() || v4.is_link_local() || a >= 224;
    !(v4.is_private() || is_shared || is_assigned || is_special)
}

/// What leads to an address of version 4 counts as that.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    let v4 = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // Teredo, and addresses that are no servers'.
        [0x2001, 0, ..] | [0x64, 0xff9b, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000 && IpAddr::V6(v6) != IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// Names that lead nowhere else.
const LOCAL: [&str; 6] = ["localhost", "localdomain", "local", "internal", "lan", "intranet"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_private_server_is_known_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "3232235777",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer.local",
            "metadata.google.internal",
            "redis",
            "router.lan",
            "nas.home.arpa",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[0:0:0:0:0:ffff:a00:1]",
            "[fe80::1]",
            "[fec0::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[ff02::1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]",
            "[2001::1]",
        ] {
            for url in
                [format!("rtmp://{host}/live/k"), format!("rtmp://cdn.example.com:x@{host}:1935/live/k")]
            {
                assert!(read(&url).unwrap().is_private(), "{url}");
            }
        }
    }

    #[test]
    fn a_public_server_is_none_of_them() {
        for (url, shown) in [
            ("rtmp://cdn.example.com/live/k", "rtmp://cdn.example.com"),
            ("rtmps://u:p@cdn.example.com:443/live/k?a@b", "rtmps://cdn.example.com:443"),
            ("rtmp://203.0.113.9/live/k", "rtmp://203.0.113.9"),
            ("rtmp://172.32.0.1/live/k", "rtmp://172.32.0.1"),
            ("rtmp://[2606:4700::1]:1935/live/k", "rtmp://[2606:4700::1]:1935"),
            ("rtmp://[::ffff:8.8.8.8]/live/k", "rtmp://[::ffff:808:808]"),
            ("rtmp://local.example.com/live/k", "rtmp://local.example.com"),
        ] {
            let target = read(url).unwrap();
            assert_eq!((target.is_private(), target.to_string().as_str()), (false, shown), "{url}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for url in [
            "rtmp://",
            "rtmp:///live/k",
            "rtmp://h.example",
            "rtmp://h.example/",
            "http://h.example/live/k",
            "RTMP://h.example/live/k",
            "rtmp://a.example#@127.0.0.1/live/k",
            "rtmp://a.example?@127.0.0.1/live/k",
            "rtmp://a.example\\@127.0.0.1/live/k",
            "rtmp://127.0.0.1\\.a.example/live/k",
            "rtmp://a@b.example@127.0.0.1/live/k",
            "rtmp://%31%32%37.0.0.1/live/k",
            "rtmp://[fe80::1%25eth0]/live/k",
            "rtmp://[::1/live/k",
            "rtmp://::1/live/k",
            "rtmp://h.example:0/live/k",
            "rtmp://h.example:99999/live/k",
            "rtmp://h.example:+1/live/k",
            "rtmp://h.example:/live/k",
            "rtmp://1.2.3.256/live/k",
            "rtmp://h.example/a b",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }

    fn read(url: &str) -> Option<Target> {
        Target::read(url, &["rtmp://", "rtmps://"])
    }
}
