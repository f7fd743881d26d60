//! Lists of networks.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Networks; single addresses are networks of one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(pub Vec<IpNet>);

impl Networks {
    /// Reads `none`, or addresses and networks separated by commas.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("none") {
            return Some(Self::default());
        }
        let network = |part: &str| match part.trim() {
            network if network.contains('/') => network.parse().ok(),
            address => address.parse::<IpAddr>().ok().map(IpNet::from),
        };
        text.split(',').map(network).collect::<Option<Vec<IpNet>>>().map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let networks: Vec<String> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_addresses_and_networks_is_read() {
        let networks = Networks::parse("10.0.0.0/8, 192.0.2.7 ,2001:db8::/32").unwrap();
        assert_eq!(networks.to_string(), "10.0.0.0/8,192.0.2.7/32,2001:db8::/32");
    }

    #[test]
    fn what_is_no_list_of_networks_is_refused() {
        for text in ["10.0.0.0/33", "10.0.0", "a.b", "10.0.0.1,,10.0.0.2", "10.0.0.1,"] {
            assert_eq!(Networks::parse(text), None, "{text}");
        }
        assert_eq!(Networks::parse("none").unwrap().to_string(), "none");
    }
}
