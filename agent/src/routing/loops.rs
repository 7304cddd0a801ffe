//! Which destinations lead back to a listener of this proxy.
//!
//! Never: no name is resolved here; whoever resolves one asks again with the address.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use tunnel::destination::{Destination, Host};

/// The addresses on which this proxy listens.
#[derive(Debug, Clone)]
pub struct Loops {
    listeners: Vec<SocketAddr>,
}

impl Loops {
    /// Takes the listeners' addresses as they were bound.
    pub fn new(listeners: Vec<SocketAddr>) -> Self {
        Self { listeners }
    }

    /// Whether a connection from this machine to `destination` would reach a listener. A name does only if it is
    /// `localhost` or below it (RFC 6761 section 6.3).
    pub fn leads_back(&self, destination: &Destination) -> bool {
        match &destination.host {
            Host::Ip(ip) => self.is_listener(SocketAddr::new(*ip, destination.port)),
            Host::Name(name) => self.has_port(destination.port) && (name == "localhost" || name.ends_with(".localhost")),
        }
    }

    /// Whether a connection from this machine to `address` would reach a listener.
    pub fn is_listener(&self, address: SocketAddr) -> bool {
        self.has_port(address.port()) && is_this_machine(address.ip().to_canonical())
    }

    fn has_port(&self, port: u16) -> bool {
        self.listeners.iter().any(|listener| listener.port() == port)
    }
}

/// Only an address of this machine can be bound; asking so needs no list of interfaces, which may change.
fn is_this_machine(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_this_machine_leads_back() {
        let loops = Loops::new(vec!["127.0.0.1:8080".parse().expect("address")]);
        for text in ["127.0.0.1", "127.9.9.9", "localhost", "x.localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"] {
            let to = |port: u16| format!("{text}:{port}").parse().expect("destination");
            assert!(loops.leads_back(&to(8080)), "{text}");
            assert!(!loops.leads_back(&to(8081)), "{text}");
        }
    }

    #[test]
    fn other_machines_do_not() {
        let loops = Loops::new(vec!["0.0.0.0:8080".parse().expect("address")]);
        for text in ["192.0.2.1:8080", "example.com:8080", "notlocalhost:8080"] {
            assert!(!loops.leads_back(&text.parse().expect("destination")), "{text}");
        }
    }
}
