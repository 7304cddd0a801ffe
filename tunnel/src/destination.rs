//! Where a user wants to go: host and port, and the one parser of the authority form.
//!
//! Never: nothing here resolves a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Longest name in the DNS (RFC 1035 section 2.3.4), without the final dot.
const LONGEST_NAME: usize = 253;

/// A host, as it was written: a name is resolved at the exit and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address literal.
    Ip(IpAddr),
    /// A name, in lower case, without a final dot; only `127.0.0.1.` and its like keep theirs, since without it they
    /// would be an address.
    Name(String),
}

/// Host and port of a site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The TCP port, never 0.
    pub port: u16,
}

/// Why a text is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDestination {
    /// No port, where one is required (RFC 9112 section 3.2.3).
    #[error("the port is missing; write host:port")]
    NoPort,
    /// A port that is not 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// An empty host, one too long, or one with a character that no host has.
    #[error("the host is not a name or an address")]
    Host,
    /// User information before an `@`, which an authority must not have (RFC 9110 section 4.2.4).
    #[error("user information is not allowed here")]
    UserInfo,
}

impl Destination {
    /// Joins a parsed host and a port.
    pub fn new(host: Host, port: u16) -> Result<Self, BadDestination> {
        if port == 0 {
            return Err(BadDestination::Port);
        }
        Ok(Self { host, port })
    }

    /// Parses `host:port` or `host`, taking `default_port` for the latter.
    pub fn parse_or(text: &str, default_port: u16) -> Result<Self, BadDestination> {
        if text.contains('@') {
            return Err(BadDestination::UserInfo);
        }
        match split(text)? {
            (host, Some(port)) => Self::new(host.parse()?, parse_port(port)?),
            (host, None) => Self::new(host.parse()?, default_port),
        }
    }
}

impl FromStr for Destination {
    type Err = BadDestination;

    /// The authority form of CONNECT (RFC 9112 section 3.2.3): the port is required.
    fn from_str(text: &str) -> Result<Self, BadDestination> {
        if text.contains('@') {
            return Err(BadDestination::UserInfo);
        }
        let (host, port) = split(text)?;
        Self::new(host.parse()?, parse_port(port.ok_or(BadDestination::NoPort)?)?)
    }
}

impl FromStr for Host {
    type Err = BadDestination;

    /// An IPv4 literal, an IPv6 literal with or without brackets, or a name.
    fn from_str(text: &str) -> Result<Self, BadDestination> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(BadDestination::Host)?;
            return inner.parse::<Ipv6Addr>().map(|ip| Self::Ip(ip.into())).map_err(|_| BadDestination::Host);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(ip));
        }
        let name = text.strip_suffix('.').filter(|name| name.parse::<Ipv4Addr>().is_err()).unwrap_or(text);
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if name.is_empty()
            || name.len() > LONGEST_NAME
            || !name.bytes().all(allowed)
            || text.contains("..")
            || name.starts_with('.')
        {
            return Err(BadDestination::Host);
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

impl From<Ipv4Addr> for Host {
    fn from(ip: Ipv4Addr) -> Self {
        Self::Ip(ip.into())
    }
}

impl fmt::Display for Host {
    /// With brackets around an IPv6 literal, as in an authority.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => fmt::Display::fmt(ip, f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Splits off the port; the colons inside brackets belong to the address.
fn split(text: &str) -> Result<(&str, Option<&str>), BadDestination> {
    let after_host = match (text.starts_with('['), text.find(']')) {
        (true, Some(end)) => end + 1,
        (true, None) => return Err(BadDestination::Host),
        (false, _) => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(after_host);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(BadDestination::Host),
    }
}

/// Digits only: `u16::from_str` would take a sign.
fn parse_port(text: &str) -> Result<u16, BadDestination> {
    if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) {
        return Err(BadDestination::Port);
    }
    text.parse().map_err(|_| BadDestination::Port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_authority_form_is_parsed() {
        for (text, shown) in [
            ("Example.COM:443", "example.com:443"),
            ("example.com.:80", "example.com:80"),
            ("192.0.2.1:8080", "192.0.2.1:8080"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("xn--bcher-kva.example:1", "xn--bcher-kva.example:1"),
        ] {
            assert_eq!(text.parse::<Destination>().expect(text).to_string(), shown);
        }
    }

    #[test]
    fn a_final_dot_does_not_turn_a_legacy_spelling_into_an_address() {
        let destination: Destination = "127.0.0.1.:80".parse().expect("a name");
        assert_eq!(destination.host, Host::Name("127.0.0.1.".into()));
        assert_eq!(destination.to_string().parse(), Ok(destination));
    }

    #[test]
    fn what_is_no_destination_is_named() {
        use BadDestination as B;
        for (text, error) in [
            ("example.com", B::NoPort),
            ("example.com:", B::Port),
            ("example.com:0", B::Port),
            ("example.com:+80", B::Port),
            ("example.com:65536", B::Port),
            ("user@example.com:80", B::UserInfo),
            (":80", B::Host),
            ("a b:80", B::Host),
            ("a..b:80", B::Host),
            ("a..:80", B::Host),
            (".:80", B::Host),
            ("[::1:80", B::Host),
            ("[::1]x:80", B::Host),
            ("2001:db8::1:443", B::Port),
            ("exa\u{0}mple:80", B::Host),
        ] {
            assert_eq!(text.parse::<Destination>(), Err(error), "{text}");
        }
        assert!(format!("{}:80", "a".repeat(254)).parse::<Destination>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_parses_is_stable(text in ".{0,80}") {
            if let Ok(destination) = text.parse::<Destination>() {
                prop_assert_eq!(destination.to_string().parse::<Destination>(), Ok(destination));
            }
        }
    }
}
