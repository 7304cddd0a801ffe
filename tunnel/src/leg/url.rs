//! The address of a relay: `wss://host[:port]`, or `ws://` to a loopback address only.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::destination::{Destination, Host};

/// Why a text is no relay's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRelayUrl {
    /// Another scheme, or none.
    #[error("a relay's URL begins with wss:// (or ws:// to a loopback address)")]
    Scheme,
    /// `ws://` to somewhere else, where anyone on the way could read the token.
    #[error("ws:// is allowed to a loopback address only; use wss://")]
    Plain,
    /// No host and port, or something after them.
    #[error("a relay's URL is wss://host or wss://host:port, without a path")]
    Authority,
}

/// A relay's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelayUrl {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Host and port; 443 and 80 when the text had none.
    pub authority: Destination,
}

impl FromStr for RelayUrl {
    type Err = BadRelayUrl;

    fn from_str(text: &str) -> Result<Self, BadRelayUrl> {
        let (tls, rest, port) = match (text.strip_prefix("wss://"), text.strip_prefix("ws://")) {
            (Some(rest), _) => (true, rest, 443),
            (None, Some(rest)) => (false, rest, 80),
            (None, None) => return Err(BadRelayUrl::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let authority = Destination::parse_or(rest, port).map_err(|_| BadRelayUrl::Authority)?;
        if !tls && !is_loopback(&authority.host) {
            return Err(BadRelayUrl::Plain);
        }
        Ok(Self { tls, authority })
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Ip(IpAddr::V4(ip)) => ip.is_loopback(),
        Host::Ip(IpAddr::V6(ip)) => ip.is_loopback(),
        Host::Name(name) => name == "localhost",
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.tls { ("wss", 443) } else { ("ws", 80) };
        if self.authority.port == default {
            write!(f, "{scheme}://{}", self.authority.host)
        } else {
            write!(f, "{scheme}://{}", self.authority)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown() {
        for (text, shown) in [
            ("wss://Relay.example.com", "wss://relay.example.com"),
            ("wss://relay.example.com:443/", "wss://relay.example.com"),
            ("wss://192.0.2.1:8443", "wss://192.0.2.1:8443"),
            ("wss://[2001:db8::1]", "wss://[2001:db8::1]"),
            ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000"),
        ] {
            assert_eq!(text.parse::<RelayUrl>().expect(text).to_string(), shown);
        }
    }

    #[test]
    fn a_relay_in_the_clear_is_refused() {
        assert_eq!("ws://relay.example.com".parse::<RelayUrl>(), Err(BadRelayUrl::Plain));
        assert_eq!("https://relay.example.com".parse::<RelayUrl>(), Err(BadRelayUrl::Scheme));
        assert_eq!("wss://relay.example.com/path".parse::<RelayUrl>(), Err(BadRelayUrl::Authority));
        assert_eq!("wss://name:token@relay.example.com".parse::<RelayUrl>(), Err(BadRelayUrl::Authority));
    }
}
