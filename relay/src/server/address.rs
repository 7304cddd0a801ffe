//! Whose address a request counts for: its sender's, or the one that trusted proxies name.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client behind a connection from `sender`: the last address, read from the right, that is no trusted proxy's. What
/// stands left of it is whatever the client wrote.
///
/// A proxy writes one of the two headers and passes the other on as it came. So where both name a client and do not agree,
/// neither is believed, and the request counts for the proxy.
pub(crate) fn client(sender: IpAddr, trusted: &[IpNet], headers: &HeaderMap) -> IpAddr {
    let sender = sender.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    if !is_trusted(sender) {
        return sender;
    }
    let of = |name, parse| named(headers, name, parse, is_trusted);
    match (of(FORWARDED_FOR, listed), of(FORWARDED, forwarded)) {
        (Some(one), Some(other)) if one != other => sender,
        (one, other) => one.or(other).unwrap_or(sender),
    }
}

/// The client that the values of one header name.
fn named(
    headers: &HeaderMap,
    name: HeaderName,
    parse: fn(&str) -> Option<IpAddr>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    let entries = values.iter().rev().flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    let mut nearest = None;
    for entry in entries {
        // Beyond an entry that names nobody, nobody vouches for the next one.
        let Some(address) = parse(entry.trim()) else { break };
        nearest = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    nearest
}

/// An entry of `X-Forwarded-For`: an address, with a port or without.
fn listed(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// An element of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https`, an IPv6 address in quotes and brackets.
fn forwarded(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value).next()?;
    listed(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(sender: &str, fields: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("value"));
        }
        let trusted = ["127.0.0.0/8".parse().expect("net"), "10.0.0.0/8".parse().expect("net")];
        client(sender.parse().expect("address"), &trusted, &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_read_from_the_right() {
        const NAME: &str = "x-forwarded-for";
        for (sender, values, expected) in [
            ("127.0.0.1", &["198.51.100.1, 192.0.2.7"][..], "192.0.2.7"),
            ("::ffff:127.0.0.1", &["198.51.100.1", "192.0.2.8:4711"], "192.0.2.8"),
            ("203.0.113.1", &["192.0.2.7"], "203.0.113.1"),
            ("127.0.0.1", &["198.51.100.1, 192.0.2.7, 10.1.1.1", "10.2.2.2"], "192.0.2.7"),
            ("127.0.0.1", &["192.0.2.7, nonsense, 10.1.1.1"], "10.1.1.1"),
            ("127.0.0.1", &["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
            ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            ("127.0.0.1", &[""], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ] {
            let fields: Vec<_> = values.iter().map(|value| (NAME, *value)).collect();
            assert_eq!(client_of(sender, &fields), expected, "{sender} {values:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_too() {
        for (value, expected) in [
            ("for=192.0.2.7;proto=https;by=203.0.113.43", "192.0.2.7"),
            ("for=198.51.100.1, For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"unbalanced, for=192.0.2.9", "192.0.2.9"),
            ("for=192.0.2.7, for=10.1.1.1", "192.0.2.7"),
            ("for=_hidden", "127.0.0.1"),
            ("proto=https", "127.0.0.1"),
        ] {
            assert_eq!(client_of("127.0.0.1", &[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn a_header_that_the_client_slipped_past_its_proxy_gains_nothing() {
        let fields = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=198.51.100.1")];
        assert_eq!(client_of("127.0.0.1", &fields), "127.0.0.1");
        let agreeing = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        assert_eq!(client_of("127.0.0.1", &agreeing), "192.0.2.7");
    }
}
