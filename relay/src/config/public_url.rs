//! Where ends reach this relay: scheme, host and port of the pairing code.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Longest host name (RFC 1035 section 2.3.4).
const LONGEST_HOST: usize = 253;

/// A text that is no public address of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPublicUrl {
    /// Another scheme, or none.
    #[error("it begins with wss:// (or ws:// with a loopback address)")]
    Scheme,
    /// Anyone on the way could read the token.
    #[error("ws:// is for loopback addresses only; use wss://")]
    Plain,
    /// No host, or something that is none.
    #[error("a host name or address is needed, with a port or without, and nothing after it")]
    Host,
}

/// The public address: `wss://host[:port]`, or `ws://` and a loopback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    tls: bool,
    /// Without brackets.
    host: String,
    port: u16,
}

impl PublicUrl {
    /// `wss://` with this host, which may carry a port of its own, and `port` otherwise.
    pub fn secure(host: &str, port: u16) -> Result<Self, BadPublicUrl> {
        let (host, port) = split(host, port).ok_or(BadPublicUrl::Host)?;
        Ok(Self { tls: true, host, port })
    }

    /// The address on which a relay listens, if one can connect to it.
    pub fn listening(tls: bool, address: SocketAddr) -> Option<Self> {
        let usable = !address.ip().is_unspecified() && (tls || address.ip().is_loopback());
        usable.then(|| Self { tls, host: address.ip().to_string(), port: address.port() })
    }

    /// The host, an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether nobody but this machine can reach it.
    pub fn is_of_this_machine(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether `text` is this host and nothing else, such as a port.
    pub(super) fn is_plain_host(&self, text: &str) -> bool {
        text.trim_end_matches('.').eq_ignore_ascii_case(&self.host)
    }

    /// The pairing code of an agent. It is a secret.
    pub fn pairing_code(&self, name: &str, token: &str, pin: Option<&str>) -> String {
        let scheme = self.scheme();
        let pin = pin.map(|pin| format!("#sha256={pin}")).unwrap_or_default();
        format!("{scheme}://{name}:{token}@{}{pin}", self.authority())
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "wss" } else { "ws" }
    }

    fn authority(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(v6) => format!("[{v6}]:{}", self.port),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for PublicUrl {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<Self, BadPublicUrl> {
        if let Some(rest) = text.strip_prefix("wss://") {
            return Self::secure(rest.strip_suffix('/').unwrap_or(rest), 443);
        }
        let rest = text.strip_prefix("ws://").ok_or(BadPublicUrl::Scheme)?;
        let (host, port) = split(rest.strip_suffix('/').unwrap_or(rest), 80).ok_or(BadPublicUrl::Host)?;
        if is_loopback(&host) { Ok(Self { tls: false, host, port }) } else { Err(BadPublicUrl::Plain) }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Host and port, as narrowly as agents read them: what is printed here must be taken there.
fn split(text: &str, default: u16) -> Option<(String, u16)> {
    if let Ok(v6) = text.parse::<Ipv6Addr>() {
        return Some((v6.to_string(), default));
    }
    if let Some((inner, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let v6: Ipv6Addr = inner.parse().ok()?;
        let port = if port.is_empty() { default } else { parse_port(port.strip_prefix(':')?)? };
        return Some((v6.to_string(), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, parse_port(port)?),
        None => (text, default),
    };
    let host = without_final_dot(host)?;
    let letters = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    let dots = !host.starts_with('.') && !host.ends_with('.') && !host.contains("..");
    (letters && dots && (1..=LONGEST_HOST).contains(&host.len())).then(|| (host.to_ascii_lowercase(), port))
}

/// The name without the dot that may end it; no address has one.
fn without_final_dot(host: &str) -> Option<&str> {
    match host.strip_suffix('.') {
        Some(name) => name.parse::<Ipv4Addr>().is_err().then_some(name),
        None => Some(host),
    }
}

/// Digits only, and a port that can be connected to.
fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?.filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_read_and_shown_with_their_port() {
        for (text, shown) in [
            ("wss://Relay.example.com", "wss://relay.example.com:443"),
            ("wss://relay.example.com:8443/", "wss://relay.example.com:8443"),
            ("wss://[2001:db8::1]", "wss://[2001:db8::1]:443"),
            ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().expect(text).to_string(), shown);
        }
        for text in ["", "https://x", "wss://", "wss://a b", "wss://u@h", "wss://h/path", "wss://h:99999", "ws://192.0.2.1"] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_that_agents_would_refuse_is_refused_here() {
        for text in
            ["wss://.", "wss://.a", "wss://a..b", "wss://a..", "wss://a:0", "wss://a:+443", "wss://[::1]:+1", "wss://1.1.1.1."]
        {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
        assert_eq!("wss://a.example.:1".parse::<PublicUrl>().expect("a name").host(), "a.example");
    }

    #[test]
    fn an_address_that_only_this_machine_reaches_is_known_as_such() {
        let is_ours = |text: &str| text.parse::<PublicUrl>().expect(text).is_of_this_machine();
        assert!(is_ours("ws://127.0.0.1:8000") && is_ours("wss://[::1]:443") && is_ours("ws://localhost"));
        assert!(!is_ours("wss://relay.example.com") && !is_ours("wss://192.0.2.1"));
    }

    #[test]
    fn the_pairing_code_has_the_form_of_the_contract() {
        let url = PublicUrl::secure("relay.example.com", 8443).expect("host");
        assert_eq!(url.pairing_code("a", "00", None), "wss://a:00@relay.example.com:8443");
        assert_eq!(url.pairing_code("a", "00", Some("ff")), "wss://a:00@relay.example.com:8443#sha256=ff");
        assert_eq!(PublicUrl::listening(true, "0.0.0.0:443".parse().expect("address")), None);
        assert_eq!(PublicUrl::listening(false, "192.0.2.1:80".parse().expect("address")), None);
    }
}
