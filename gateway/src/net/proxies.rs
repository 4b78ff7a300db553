//! Proxies that are believed when they say who their client is.

use std::net::IpAddr;

/// Addresses of machines and networks.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Reads addresses, and networks as in `10.0.0.0/8`, with commas between them.
    ///
    /// # Errors
    ///
    /// Says what each must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Network::parse);
        let must = "it must be of IP addresses and networks, as in 127.0.0.1,10.0.0.0/8";
        all.collect::<Option<_>>().map(Self).ok_or_else(|| must.to_owned())
    }

    pub(super) fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    /// Who asks: the last one that no proxy of ours vouches for, by the values of `X-Forwarded-For`. What stands
    /// before it, anybody could have written.
    pub(super) fn client<'a>(&self, peer: IpAddr, said: impl Iterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        let said: Vec<_> = said.flat_map(|value| value.split(',')).collect();
        for hop in said.into_iter().rev() {
            if !self.contain(client) {
                break;
            }
            let Some(before) = address(hop.trim()) else { break };
            client = before;
        }
        client
    }
}

/// Some proxies name the port, too.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|hop| hop.ip());
    hop.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Those whose addresses begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(it, bits)| (it, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(longest), |bits| bits.parse().ok().filter(|bits| *bits <= longest))?;
        Some(Self { address, bits })
    }

    fn contains(self, other: IpAddr) -> bool {
        let apart = match (self.address, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        apart >= self.bits
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_that_are_known_are_believed_and_nobody_before_them() {
        let proxies = Proxies::parse("127.0.0.1, 10.0.0.0/8,2001:db8::/32").unwrap();
        for (peer, said, client) in [
            ("198.51.100.1", &["203.0.113.9"][..], "198.51.100.1"),
            ("127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.66, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["192.0.2.66", "203.0.113.9, 10.1.2.3"], "203.0.113.9"),
            ("127.0.0.1", &["10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("127.0.0.1", &["[2001:db9::1]:4711"], "2001:db9::1"),
            ("127.0.0.1", &["203.0.113.9, unknown"], "127.0.0.1"),
            ("::ffff:127.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("2001:db8:1::2", &["2001:db9::1"], "2001:db9::1"),
            ("11.0.0.1", &["203.0.113.9"], "11.0.0.1"),
        ] {
            let found = proxies.client(peer.parse().unwrap(), said.iter().copied());
            assert_eq!(found.to_string(), client, "{peer} {said:?}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["localhost", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "127.0.0.1 10.0.0.1", "/8"]
        {
            assert!(Proxies::parse(text).is_err(), "{text}");
        }
        assert_eq!(Proxies::parse(""), Ok(Proxies::default()));
        let all = Proxies::parse("0.0.0.0/0").unwrap();
        assert!(all.contain("192.0.2.1".parse().unwrap()) && !all.contain("::1".parse().unwrap()));
    }
}
