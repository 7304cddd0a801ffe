//! What the system knows of addresses: which are its own, and which it has a route to. Nothing is sent to find out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Whether `ip` is an address of this machine: only such ones can be bound to.
pub fn is_own(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// Whether the system has a route to `ip`: connecting a datagram socket looks it up and sends nothing.
pub(super) fn has_route(ip: IpAddr) -> bool {
    let any = if ip.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    // The port is of no matter; 0 is refused by some systems.
    UdpSocket::bind((any, 0)).is_ok_and(|socket| socket.connect(SocketAddr::new(ip, 53)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_own_and_routed_and_a_documentation_address_is_not_own() {
        assert!(is_own(Ipv4Addr::LOCALHOST.into()));
        assert!(has_route(Ipv4Addr::LOCALHOST.into()));
        assert!(!is_own(Ipv4Addr::new(192, 0, 2, 1).into()));
    }
}
