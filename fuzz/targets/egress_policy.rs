//! The function's policy: whatever the address and the wishes, nothing banned is reached unless a wish lifts it, and the
//! Runtime API and the credentials not even then. The oracle here is slow and knows nothing of the policy's tables.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use function::policy::Policy;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use tunnel::invitation::Egress;

const RUNTIME_API: u16 = 9001;

fuzz_target!(|input: (u128, u16, u128, u8, u8, &str)| {
    let (bits, port, net, prefix, kind, name) = input;
    let ip = address(bits, kind);
    let allow: Vec<IpNet> = match kind >> 4 {
        0..4 => vec![],
        4..8 => IpNet::new(address(net, kind), prefix).into_iter().collect(),
        8..12 => IpNet::new(ip, prefix).into_iter().collect(),
        _ => ["0.0.0.0/0", "::/0"].map(|all| all.parse().expect("a range")).to_vec(),
    };
    let egress = Egress { allow: allow.clone(), deny_ports: vec![25], never: vec!["192.0.2.7:443".parse().expect("address")] };
    let runtime_api = SocketAddr::from(([127, 0, 0, 1], RUNTIME_API));
    let policy = Policy::new(&egress, &[runtime_api], |_| false);

    if policy.judge(ip, port).is_ok() {
        for reached in standing_for(ip) {
            assert!(!is_credentials(reached), "{ip} gives credentials");
            assert!(port != RUNTIME_API || !is_this_machine(reached), "{ip} is the Runtime API");
            assert!(reached != IpAddr::from([192, 0, 2, 7]) || port != 443, "{ip} is never reached");
            let lifted = allow.iter().any(|net| net.contains(&reached));
            assert!(lifted || !is_local(reached), "{ip} stands for {reached}, which nothing lifts");
        }
    }
    assert_eq!(policy.judge_port(port).is_err(), port == 25);
    if let Ok(ip) = name.strip_suffix('.').unwrap_or(name).parse::<Ipv4Addr>() {
        assert!(policy.judge_name(name).is_err(), "{ip} is no name");
    }
    let _ = policy.judge_name(name);
});

/// Addresses of every kind that embeds another, often: a plain random one is nearly never of them.
fn address(bits: u128, kind: u8) -> IpAddr {
    let low = bits as u32;
    let v4 = match low % 8 {
        0 => Ipv4Addr::new(127, 0, 0, (bits >> 32) as u8),
        1 => Ipv4Addr::new(169, 254, 169, 254),
        2 => Ipv4Addr::new(10, (bits >> 40) as u8, (bits >> 48) as u8, 1),
        _ => Ipv4Addr::from_bits((bits >> 64) as u32),
    };
    let v4_bits = u128::from(v4.to_bits());
    IpAddr::V6(Ipv6Addr::from_bits(match kind % 12 {
        0 | 1 => return IpAddr::V4(v4),
        2 => v4.to_ipv6_mapped().to_bits(),
        3 => v4_bits,
        4 => 0xffff_0000_0000 << 16 | v4_bits,
        5 => 0x64_ff9b << 96 | v4_bits,
        6 => 0x64_ff9b_0001 << 80 | v4_bits,
        7 => 0x2002 << 112 | v4_bits << 80 | bits & 0xffff_ffff,
        8 => 0x2001 << 112 | (!v4_bits & 0xffff_ffff) | u128::from(low) << 64,
        9 => 0xfd << 120 | bits >> 8,
        _ => bits,
    }))
}

/// The address, and the IPv4 address that its bits hold in any of the well-known forms.
fn standing_for(ip: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = ip else { return vec![ip] };
    let text = v6.segments().map(|group| format!("{group:04x}")).concat();
    let v4 = |hex: &str| u32::from_str_radix(hex, 16).map(Ipv4Addr::from_bits).expect("hexadecimal");
    let last = v4(&text[24..]);
    let zeros = |hex: &str| hex.bytes().all(|digit| digit == b'0');
    let mut all = vec![ip];
    if text.starts_with("0064ff9b0000000000000000")
        // Zeros there are the end of a shorter prefix's form, not an address.
        || (text.starts_with("0064ff9b0001") && zeros(&text[12..24]) && last.to_bits() > 0)
        || text.starts_with("00000000000000000000ffff")
        || text.starts_with("0000000000000000ffff0000")
        || (zeros(&text[..24]) && last.to_bits() > 1)
    {
        all.push(last.into());
    }
    if text.starts_with("2002") {
        all.push(v4(&text[4..12]).into());
    }
    if text.starts_with("20010000") {
        all.extend([v4(&text[8..16]).into(), IpAddr::V4(Ipv4Addr::from_bits(!last.to_bits()))]);
    }
    all
}

fn is_credentials(ip: IpAddr) -> bool {
    let text = ip.to_string();
    matches!(text.as_str(), "169.254.169.254" | "169.254.170.2" | "169.254.170.23" | "fd00:ec2::254" | "fd00:ec2::23")
}

fn is_this_machine(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified(),
    }
}

/// What the design bans by name.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_link_local()
                || ip.is_broadcast()
                || matches!(a, 0 | 127 | 224..)
                || (a == 100 && (64..128).contains(&b))
                || (a, b, c) == (192, 0, 0)
                || (a == 198 && matches!(b, 18 | 19))
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            ip.is_unspecified() || ip.is_loopback() || first >= 0xfc00
        }
    }
}
