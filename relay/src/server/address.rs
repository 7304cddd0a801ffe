//! Whose address a request counts for: its sender's, or the one that a trusted proxy names.

use std::net::{IpAddr, SocketAddr};

use hyper::header::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client behind a connection from `sender`. Only the last entry counts: it is the trusted proxy's own, and those before
/// it are whatever the client wrote.
pub(crate) fn client(sender: IpAddr, trusted: &[IpNet], headers: &HeaderMap) -> IpAddr {
    let sender = sender.to_canonical();
    if !trusted.iter().any(|net| net.contains(&sender)) {
        return sender;
    }
    let last = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).and_then(parse).unwrap_or(sender)
}

fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(sender: &str, values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, value.parse().expect("value"));
        }
        let trusted = ["127.0.0.0/8".parse().expect("net")];
        client(sender.parse().expect("address"), &trusted, &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_own_entry() {
        assert_eq!(client_of("127.0.0.1", &["198.51.100.1, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(client_of("::ffff:127.0.0.1", &["198.51.100.1", "192.0.2.8:4711"]), "192.0.2.8");
        assert_eq!(client_of("203.0.113.1", &["192.0.2.7"]), "203.0.113.1");
        assert_eq!(client_of("127.0.0.1", &["unknown"]), "127.0.0.1");
        assert_eq!(client_of("127.0.0.1", &[]), "127.0.0.1");
    }
}
