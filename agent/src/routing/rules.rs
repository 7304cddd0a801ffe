//! One routing rule: host patterns, ports, and the way.
//!
//! Never: a range of addresses matches address literals only, so that no rule asks for a name to be resolved.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use tunnel::destination::{Destination, Host};

/// The way that a rule sends what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// From this machine.
    Direct,
    /// Nowhere.
    Block,
    /// Through an exit of this region.
    Region(String),
}

/// A rule of the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// One of these must match.
    pub hosts: Vec<HostPattern>,
    /// One of these must hold the port; empty means every port.
    pub ports: Vec<Ports>,
    /// Where a match goes.
    pub via: Via,
}

impl Rule {
    /// Whether the rule is for `destination`.
    pub fn matches(&self, destination: &Destination) -> bool {
        let port = self.ports.is_empty() || self.ports.iter().any(|ports| ports.contains(destination.port));
        port && self.hosts.iter().any(|pattern| pattern.matches(&destination.host))
    }
}

/// Which hosts a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every host.
    Any,
    /// `*.example.com`: the name itself and everything below it.
    Below(String),
    /// `example.com`: this name only.
    Name(String),
    /// `192.0.2.0/24` or `192.0.2.1`: literals in this range. An IPv4 address in IPv6 notation counts as the IPv4 one.
    Range(IpNet),
}

/// A text that is no host pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host pattern; write example.com, *.example.com, 192.0.2.1, 192.0.2.0/24 or *")]
pub struct BadPattern;

impl HostPattern {
    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Name(pattern), Host::Name(name)) => name == pattern,
            (Self::Below(suffix), Host::Name(name)) => {
                name.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (Self::Range(range), Host::Ip(ip)) => range.contains(&ip.to_canonical()) || range.contains(ip),
            (Self::Name(_) | Self::Below(_), Host::Ip(_)) | (Self::Range(_), Host::Name(_)) => false,
        }
    }
}

impl FromStr for HostPattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self::Range(range.trunc()));
        }
        let (below, host) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        match (host.parse().map_err(|_| BadPattern)?, below) {
            (Host::Name(name), true) => Ok(Self::Below(name)),
            (Host::Name(name), false) => Ok(Self::Name(name)),
            (Host::Ip(ip), false) => Ok(Self::Range(IpNet::from(ip))),
            (Host::Ip(_), true) => Err(BadPattern),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Name(name) => f.write_str(name),
            Self::Range(range) if range.prefix_len() == range.max_prefix_len() => fmt::Display::fmt(&range.addr(), f),
            Self::Range(range) => fmt::Display::fmt(range, f),
        }
    }
}

/// A port or a range of them, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

/// A text that is no port or range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a port from 1 to 65535, nor a range like 8000-8999")]
pub struct BadPorts;

impl Ports {
    /// From `first` to `last`, both included.
    pub fn new(first: u16, last: u16) -> Result<Self, BadPorts> {
        if first == 0 || last < first {
            return Err(BadPorts);
        }
        Ok(Self { first, last })
    }

    /// The port, if it is one alone.
    pub fn single(self) -> Option<u16> {
        (self.first == self.last).then_some(self.first)
    }

    fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(port) => write!(f, "{port}"),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl FromStr for Ports {
    type Err = BadPorts;

    fn from_str(text: &str) -> Result<Self, BadPorts> {
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| BadPorts);
        match text.split_once('-') {
            Some((first, last)) => Self::new(port(first)?, port(last)?),
            None => port(text).and_then(|only| Self::new(only, only)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        pattern.parse::<HostPattern>().expect("pattern").matches(&host.parse().expect("host"))
    }

    #[test]
    fn a_suffix_matches_the_name_itself_and_what_is_below() {
        assert!(matches("*.example.com", "a.example.com"));
        assert!(matches("*.example.com", "a.b.Example.COM."));
        assert!(matches("*.example.com", "example.com"));
        assert!(!matches("*.example.com", "notexample.com"));
        assert!(!matches("*.example.com", "example.com.evil.test"));
        assert!(!matches("example.com", "a.example.com"));
    }

    #[test]
    fn a_range_matches_literals_only() {
        assert!(matches("192.0.2.0/24", "192.0.2.77"));
        assert!(matches("192.0.2.0/24", "::ffff:192.0.2.77"));
        assert!(matches("192.0.2.9/24", "192.0.2.1"), "host bits do not count");
        assert!(!matches("192.0.2.0/24", "192.0.3.1"));
        assert!(!matches("0.0.0.0/0", "example.com"), "a name is never resolved for a rule");
        assert!(matches("2001:db8::/32", "2001:db8::1"));
        assert!(matches("*", "2001:db8::1"));
    }

    #[test]
    fn ports_are_single_or_ranges() {
        let ports: Ports = "8000-8999".parse().expect("range");
        assert!(ports.contains(8000) && ports.contains(8999) && !ports.contains(9000));
        assert!("443".parse::<Ports>().expect("port").contains(443));
        for bad in ["", "0", "9-8", "65536", "a", "1-", "-1"] {
            assert_eq!(bad.parse::<Ports>(), Err(BadPorts), "{bad}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "*.", "*.192.0.2.1", "a..b", "192.0.2.0/33", "http://a", "*a.com"] {
            assert_eq!(bad.parse::<HostPattern>(), Err(BadPattern), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_parses_is_stable(text in "[*.a-z0-9/:-]{0,30}") {
            if let Ok(pattern) = text.parse::<HostPattern>() {
                prop_assert_eq!(pattern.to_string().parse::<HostPattern>(), Ok(pattern));
            }
            let _ = text.parse::<Ports>();
        }
    }
}
