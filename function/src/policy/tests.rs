//! The policy as a whole: every form that the design names, and what must hold for any address.

use proptest::prelude::*;

use super::*;

fn egress(allow: &[&str], never: &[&str]) -> Egress {
    Egress {
        allow: allow.iter().map(|net| net.parse().expect("net")).collect(),
        deny_ports: vec![25],
        never: never.iter().map(|address| address.parse().expect("address")).collect(),
    }
}

fn own_is_ten_nine(ip: IpAddr) -> bool {
    ip == IpAddr::from([10, 9, 9, 9])
}

fn policy(allow: &[&str], never: &[&str]) -> Policy {
    let runtime_api = "127.0.0.1:9001".parse().expect("address");
    Policy::new(&egress(allow, never), &[runtime_api], own_is_ten_nine)
}

fn is_banned(policy: &Policy, ip: &str, port: u16) -> bool {
    match policy.judge(ip.parse().expect(ip), port) {
        Ok(()) => false,
        Err(refusal) => refusal.error == ProxyError::DestinationIpProhibited,
    }
}

const EVERYTHING: [&str; 2] = ["0.0.0.0/0", "::/0"];

#[test]
fn the_bans_of_the_design_stand() {
    let policy = policy(&[], &[]);
    for ip in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.9",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::127.0.0.1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001::80ff:fffe",
    ] {
        assert!(is_banned(&policy, ip, 80), "{ip}");
    }
}

#[test]
fn public_addresses_pass() {
    for ip in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::1.1.1.1"] {
        assert!(!is_banned(&policy(&[], &[]), ip, 443), "{ip}");
    }
}

#[test]
fn a_lifted_range_passes_and_its_neighbours_do_not() {
    let policy = policy(&["127.0.0.0/8", "fd12::/16"], &[]);
    assert!(!is_banned(&policy, "127.0.0.1", 80));
    assert!(!is_banned(&policy, "fd12::1", 80));
    assert!(is_banned(&policy, "10.0.0.1", 80));
    assert!(is_banned(&policy, "fd13::1", 80));
    assert!(is_banned(&policy, "::ffff:127.0.0.1", 80), "the range of mapped addresses was not lifted");
}

#[test]
fn an_embedded_address_is_judged_even_when_what_embeds_it_is_lifted() {
    let policy = policy(&["::/0"], &[]);
    for ip in ["::ffff:10.0.0.1", "64:ff9b:1::10.0.0.1", "64:ff9b:1:a00:0:100::", "2002:a00:1::", "2001:0:101:101::f5ff:fffe"] {
        assert!(is_banned(&policy, ip, 80), "{ip}");
    }
    for ip in ["::ffff:1.1.1.1", "64:ff9b:1::1.1.1.1", "2002:101:101::", "2001:0:101:101::fefe:fefe"] {
        assert!(!is_banned(&policy, ip, 80), "{ip}");
    }
}

#[test]
fn nothing_lifts_the_runtime_api_on_any_address_of_the_machine() {
    let policy = policy(&EVERYTHING, &[]);
    for ip in ["127.0.0.1", "127.8.8.8", "0.0.0.0", "::", "::1", "10.9.9.9", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
        assert!(is_banned(&policy, ip, 9001), "{ip}");
        assert!(!is_banned(&policy, ip, 9002), "{ip}");
    }
    assert!(!is_banned(&policy, "10.9.9.8", 9001), "another machine's port");
}

#[test]
fn nothing_lifts_the_metadata_addresses() {
    let policy = policy(&["169.254.0.0/16", "0.0.0.0/0", "::/0"], &[]);
    for ip in ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "::ffff:169.254.169.254", "2002:a9fe:a9fe::"] {
        assert!(is_banned(&policy, ip, 80) && is_banned(&policy, ip, 8080), "{ip}");
    }
    assert!(!is_banned(&policy, "169.254.169.253", 53));
}

#[test]
fn what_the_invitation_lists_as_never_stays_banned() {
    let policy = policy(&EVERYTHING, &["127.0.0.2:8443", "10.9.9.9:7000", "192.0.2.7:443"]);
    for (ip, port) in [("127.0.0.1", 8443), ("::1", 8443), ("10.9.9.9", 8443), ("127.0.0.1", 7000), ("0.0.0.0", 7000)] {
        assert!(is_banned(&policy, ip, port), "{ip} {port}");
    }
    assert!(is_banned(&policy, "192.0.2.7", 443) && is_banned(&policy, "::ffff:192.0.2.7", 443));
    assert!(!is_banned(&policy, "192.0.2.7", 444) && !is_banned(&policy, "192.0.2.8", 443));
    assert!(!is_banned(&policy, "127.0.0.1", 443), "another machine's entry says nothing of this one");
}

#[test]
fn denied_ports_and_legacy_spellings_are_prohibited() {
    let policy = policy(&EVERYTHING, &[]);
    assert_eq!(policy.judge_port(25).map_err(|refusal| refusal.error), Err(ProxyError::DestinationIpProhibited));
    assert_eq!(policy.judge_port(587), Ok(()));
    assert_eq!(policy.judge_name("2130706433").map_err(|refusal| refusal.error), Err(ProxyError::DestinationIpProhibited));
    assert_eq!(policy.judge_name("example.com"), Ok(()));
}

proptest! {
    #[test]
    fn any_address_is_judged_and_lifting_everything_lifts_all_but_the_credentials(bits: u128, port: u16) {
        let policy = policy(&EVERYTHING, &[]);
        for ip in [IpAddr::V6(Ipv6Addr::from_bits(bits)), IpAddr::V4(Ipv4Addr::from_bits(bits as u32))] {
            let fixed = with_embedded(ip).iter().any(|ip| METADATA.contains(ip))
                || (port == 9001 && is_here(ip, own_is_ten_nine));
            prop_assert_eq!(policy.judge(ip, port).is_err(), fixed);
        }
    }

    #[test]
    fn an_address_is_never_freer_than_the_one_it_embeds(bits: u32, port: u16) {
        let policy = policy(&["::/0"], &[]);
        let inner = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = inner.octets();
        let group = |high, low| u16::from_be_bytes([high, low]);
        for outer in [
            inner.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, group(a, b), group(c, d)),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, group(a, b), group(c, d)),
            Ipv6Addr::new(0x2002, group(a, b), group(c, d), 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, group(a, b), group(c, d), 0, 0, 0xfefe, 0xfefe),
            Ipv6Addr::new(0x2001, 0, 0x101, 0x101, 0, 0, !group(a, b), !group(c, d)),
        ] {
            prop_assume!(bits != 0);
            prop_assert!(policy.judge(outer.into(), port).is_ok() <= policy.judge(inner.into(), port).is_ok(), "{}", outer);
        }
    }

    #[test]
    fn without_allow_the_neighbourhood_is_never_reached(bits: u32, port: u16) {
        let ip = Ipv4Addr::from_bits(bits);
        let local = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast()
            || ip.is_documentation() || ip.is_unspecified();
        prop_assert!(!local || policy(&[], &[]).judge(ip.into(), port).is_err());
    }
}
