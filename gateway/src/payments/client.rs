//! Whom limits are counted for.

use std::net::IpAddr;

use ipnet::IpNet;

/// A client: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets at
/// least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey(IpAddr);

impl From<IpAddr> for ClientKey {
    fn from(address: IpAddr) -> Self {
        Self(around(address, 32, 64).network())
    }
}

impl ClientKey {
    /// The client itself.
    pub(crate) fn itself(self) -> IpNet {
        around(self.0, 32, 64)
    }

    /// The network that one customer or one small provider has: 256 addresses of IPv4, or 56 bits.
    pub(crate) fn network(self) -> IpNet {
        around(self.0, 24, 56)
    }

    /// The widest network that one customer gets: the same for IPv4, or 48 bits.
    pub(crate) fn widest(self) -> IpNet {
        around(self.0, 24, 48)
    }
}

fn around(address: IpAddr, v4: u8, v6: u8) -> IpNet {
    let length = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new_assert(address, length).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> ClientKey {
        let address: IpAddr = address.parse().unwrap();
        address.into()
    }

    #[test]
    fn an_ipv6_customer_is_one_client() {
        assert_eq!(client("2001:db8:0:1::5"), client("2001:db8:0:1:ffff::9"));
        assert_ne!(client("2001:db8:0:1::5"), client("2001:db8:0:2::5"));
        assert_ne!(client("198.51.100.1"), client("198.51.100.2"));
    }

    #[test]
    fn a_client_is_in_its_networks() {
        let v4 = client("198.51.100.7");
        let nets = [v4.itself(), v4.network(), v4.widest()].map(|net| net.to_string());
        assert_eq!(
            nets,
            ["198.51.100.7/32", "198.51.100.0/24", "198.51.100.0/24"]
        );
        let v6 = client("2001:db8:1:2ff:3::4");
        let nets = [v6.itself(), v6.network(), v6.widest()].map(|net| net.to_string());
        let expected = [
            "2001:db8:1:2ff::/64",
            "2001:db8:1:200::/56",
            "2001:db8:1::/48",
        ];
        assert_eq!(nets, expected);
    }
}
