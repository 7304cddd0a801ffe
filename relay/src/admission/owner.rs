//! Whom an address counts for.

use std::net::{IpAddr, Ipv6Addr};

/// The address itself; of IPv6 the /64, which is what one host is given (RFC 6177).
pub(crate) fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}
