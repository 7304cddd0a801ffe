//! The IPv4 addresses inside an IPv6 address, where a translator or a tunnel on the way would deliver to.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

const COMPATIBLE: Ipv6Net = prefix([0, 0, 0, 0, 0, 0], 96);
const MAPPED: Ipv6Net = prefix([0, 0, 0, 0, 0, 0xffff], 96);
const TRANSLATED: Ipv6Net = prefix([0, 0, 0, 0, 0xffff, 0], 96);
const NAT64: Ipv6Net = prefix([0x64, 0xff9b, 0, 0, 0, 0], 96);
const LOCAL_NAT64: Ipv6Net = prefix([0x64, 0xff9b, 1, 0, 0, 0], 48);
const SIX_TO_FOUR: Ipv6Net = prefix([0x2002, 0, 0, 0, 0, 0], 16);
const TEREDO: Ipv6Net = prefix([0x2001, 0, 0, 0, 0, 0], 32);

const fn prefix(groups: [u16; 6], length: u8) -> Ipv6Net {
    let [a, b, c, d, e, f] = groups;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, 0, 0), length)
}

/// Every IPv4 address that `ip` may stand for; empty for nearly all addresses.
pub(super) fn in_ipv6(ip: Ipv6Addr) -> Vec<Ipv4Addr> {
    let octets = ip.octets();
    let at = |start: usize| Ipv4Addr::new(octets[start], octets[start + 1], octets[start + 2], octets[start + 3]);
    let within = |net: Ipv6Net| net.contains(&ip);
    if ip.is_unspecified() || ip.is_loopback() {
        vec![]
    } else if within(COMPATIBLE) || within(MAPPED) || within(TRANSLATED) || within(NAT64) {
        vec![at(12)]
    } else if within(LOCAL_NAT64) {
        local_nat64(octets)
    } else if within(SIX_TO_FOUR) {
        vec![at(2)]
    } else if within(TEREDO) {
        // Server, then the client, which is sent inverted (RFC 4380 section 4).
        vec![at(4), Ipv4Addr::from_bits(!at(12).to_bits())]
    } else {
        vec![]
    }
}

/// 64:ff9b:1::/48 leaves the length of the translator's prefix open (RFC 8215): each form of RFC 6052 section 2.2 that the
/// address may have, which is each whose suffix is zero. The octet 8 is skipped by all of them.
fn local_nat64(octets: [u8; 16]) -> Vec<Ipv4Addr> {
    let form = |places: [usize; 4]| {
        let suffix_is_zero = octets[places[3] + 1..].iter().all(|octet| *octet == 0);
        let [a, b, c, d] = places.map(|place| octets[place]);
        suffix_is_zero.then(|| Ipv4Addr::new(a, b, c, d))
    };
    let found = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]].map(form);
    found.into_iter().flatten().filter(|ip| !ip.is_unspecified()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ip: &str) -> Vec<String> {
        in_ipv6(ip.parse().expect(ip)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_form_of_embedding_is_read() {
        for (ip, inside) in [
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::10.0.0.1", "10.0.0.1"),
            ("::ffff:0:10.0.0.1", "10.0.0.1"),
            ("64:ff9b::10.0.0.1", "10.0.0.1"),
            ("64:ff9b:1::10.0.0.1", "10.0.0.1"),
            ("64:ff9b:1:a00:0:100::", "10.0.0.1"),
            ("2002:a00:1::", "10.0.0.1"),
        ] {
            assert!(found(ip).contains(&inside.to_owned()), "{ip}: {:?}", found(ip));
        }
        assert_eq!(found("2001:0:c000:201::f5ff:fffe"), ["192.0.2.1", "10.0.0.1"]);
    }

    #[test]
    fn an_address_of_no_such_form_embeds_nothing() {
        for ip in ["::", "::1", "2606:4700::a00:1", "fe80::a00:1", "2001:db8::a00:1"] {
            assert!(found(ip).is_empty(), "{ip}");
        }
    }
}
