//! IANA's special-purpose address registries, IPv4 and IPv6 (RFC 6890), with their column "Globally Reachable".
//!
//! Never: nothing here knows what a user lifted; see the module above.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// One row of a registry.
struct Block {
    net: IpNet,
    global: bool,
    name: &'static str,
}

/// The name of the block that makes `ip` not globally reachable; `None` when it is reachable.
/// Of nested blocks the narrowest counts.
pub(super) fn ban(ip: IpAddr) -> Option<&'static str> {
    let table = if ip.is_ipv4() { &IPV4[..] } else { &IPV6[..] };
    let narrowest = table.iter().filter(|block| block.net.contains(&ip)).max_by_key(|block| block.net.prefix_len());
    narrowest.filter(|block| !block.global).map(|block| block.name)
}

const fn no4(octets: [u8; 4], prefix: u8, name: &'static str) -> Block {
    let [a, b, c, d] = octets;
    Block { net: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)), global: false, name }
}

const fn yes4(octets: [u8; 4], prefix: u8, name: &'static str) -> Block {
    Block { global: true, ..no4(octets, prefix, name) }
}

const fn no6(groups: [u16; 8], prefix: u8, name: &'static str) -> Block {
    let [a, b, c, d, e, f, g, h] = groups;
    Block { net: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)), global: false, name }
}

const fn yes6(groups: [u16; 8], prefix: u8, name: &'static str) -> Block {
    Block { global: true, ..no6(groups, prefix, name) }
}

/// iana-ipv4-special-registry, and multicast, which has a registry of its own. "N/A" counts as no. The two anycast
/// addresses of 192.0.0.0/24 that it calls reachable are left out: they lead to the network's own equipment.
const IPV4: [Block; 21] = [
    no4([0, 0, 0, 0], 8, "this network"),
    no4([10, 0, 0, 0], 8, "private use"),
    no4([100, 64, 0, 0], 10, "shared address space"),
    no4([127, 0, 0, 0], 8, "loopback"),
    no4([169, 254, 0, 0], 16, "link local"),
    no4([172, 16, 0, 0], 12, "private use"),
    no4([192, 0, 0, 0], 24, "IETF protocol assignments"),
    no4([192, 0, 2, 0], 24, "documentation"),
    yes4([192, 31, 196, 0], 24, "AS112-v4"),
    yes4([192, 52, 193, 0], 24, "AMT"),
    no4([192, 88, 99, 0], 24, "deprecated 6to4 relay anycast"),
    no4([192, 88, 99, 2], 32, "6a44 relay anycast"),
    no4([192, 168, 0, 0], 16, "private use"),
    yes4([192, 175, 48, 0], 24, "direct delegation AS112 service"),
    no4([198, 18, 0, 0], 15, "benchmarking"),
    no4([198, 51, 100, 0], 24, "documentation"),
    no4([203, 0, 113, 0], 24, "documentation"),
    no4([224, 0, 0, 0], 4, "multicast"),
    no4([240, 0, 0, 0], 4, "reserved"),
    no4([255, 255, 255, 255], 32, "limited broadcast"),
    yes4([0, 0, 0, 0], 0, "global unicast"),
];

/// iana-ipv6-special-registry, the blocks of RFC 4291 that it leaves out, and all that lies outside 2000::/3, the only
/// unicast space that IANA allocates from.
const IPV6: [Block; 31] = [
    no6([0, 0, 0, 0, 0, 0, 0, 0], 0, "not allocated"),
    yes6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, "global unicast"),
    no6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    no6([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    no6([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible"),
    no6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4-mapped"),
    no6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "IPv4-translated"),
    yes6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "IPv4-IPv6 translation"),
    no6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "local IPv4-IPv6 translation"),
    no6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard only"),
    no6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "dummy prefix"),
    no6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "IETF protocol assignments"),
    no6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo"),
    yes6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128, "port control protocol anycast"),
    yes6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128, "TURN anycast"),
    yes6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128, "DNS-SD service registration anycast"),
    no6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "benchmarking"),
    yes6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32, "AMT"),
    yes6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48, "AS112-v6"),
    no6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28, "deprecated ORCHID"),
    yes6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28, "ORCHIDv2"),
    yes6([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28, "drone remote ID"),
    no6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation"),
    no6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4"),
    yes6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "direct delegation AS112 service"),
    no6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation"),
    no6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing"),
    no6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local"),
    no6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link local"),
    no6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "deprecated site local"),
    no6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(ip: &str) -> Option<&'static str> {
        ban(ip.parse().expect(ip))
    }

    #[test]
    fn what_the_registries_call_reachable_is_not_banned() {
        for ip in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.31.196.1",
            "192.52.193.1",
            "192.175.48.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2001:1::1",
            "2001:1::3",
            "2001:3::1",
            "2001:4:112::1",
            "2001:20::1",
            "2001:3f::1",
            "2620:4f:8000::1",
            "64:ff9b::8.8.8.8",
            "3fff:1000::1",
        ] {
            assert_eq!(name(ip), None, "{ip}");
        }
    }

    #[test]
    fn every_other_block_is_banned_from_its_first_to_its_last_address() {
        for block in IPV4.iter().chain(&IPV6).filter(|block| !block.global && block.net.prefix_len() > 0) {
            for ip in [block.net.network(), block.net.broadcast()] {
                assert!(ban(ip).is_some(), "{ip} of {}", block.name);
            }
        }
    }

    #[test]
    fn what_no_registry_gives_out_is_banned() {
        for ip in ["4000::1", "1fff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100:0:0:2::1", "64:ff9b:2::1"] {
            assert!(name(ip).is_some(), "{ip}");
        }
        assert_eq!(name("2001:4:113::1"), Some("IETF protocol assignments"));
        assert_eq!(name("192.0.0.9"), Some("IETF protocol assignments"));
        assert_eq!(name("fe80::1"), Some("link local"));
        assert_eq!(name("ff02::1"), Some("multicast"));
        assert_eq!(name("fec0::1"), Some("deprecated site local"));
    }
}
