//! From the destination of one stream to a connected socket: port → name → addresses → policy → race.
//!
//! Never: nothing is connected to that the policy has not judged as an address, and no host is ever logged.

mod race;
mod resolve;
mod socket;
pub mod system;

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;
use tunnel::destination::{Destination, Host};
use tunnel::outcome::{ProxyError, Refusal};

use crate::policy::Policy;
pub use resolve::Resolver;

/// Connects to sites, under one tunnel's policy.
#[derive(Debug)]
pub struct Connector {
    policy: Policy,
    resolver: Resolver,
    source: Option<IpAddr>,
}

impl Connector {
    /// `source` is bound to when, and only when, the target is a loopback address.
    pub fn new(policy: Policy, resolver: Resolver, source: Option<IpAddr>) -> Self {
        Self { policy, resolver, source }
    }

    /// Connects, or says in the contract's words why not.
    pub async fn connect(&self, destination: &Destination) -> Result<TcpStream, Refusal> {
        let port = destination.port;
        self.policy.judge_port(port)?;
        let addresses = match &destination.host {
            Host::Ip(ip) => vec![*ip],
            Host::Name(name) => {
                self.policy.judge_name(name)?;
                self.resolver.lookup(name).await?
            }
        };
        let candidates = self.candidates(addresses, port, system::has_route)?;
        let source = self.source;
        race::first_to_connect(&candidates, move |address| socket::connect(address, source)).await
    }

    /// The addresses that may be connected to and can be reached, the two families in turn (RFC 8305 section 4).
    ///
    /// IPv6 without a route counts as not there, as if only A records had been asked for: it decides the error only
    /// when there is nothing else.
    fn candidates(&self, addresses: Vec<IpAddr>, port: u16, has_route: fn(IpAddr) -> bool) -> Result<Vec<SocketAddr>, Refusal> {
        let (routed, unrouted): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|ip| ip.is_ipv4() || has_route(*ip));
        let deciding = if routed.is_empty() { &unrouted } else { &routed };
        let mut banned = None;
        let mut allowed = Vec::new();
        for ip in deciding {
            match self.policy.judge(*ip, port) {
                Ok(()) => allowed.push(SocketAddr::new(*ip, port)),
                Err(refusal) => banned = banned.or(Some(refusal)),
            }
        }
        match banned {
            Some(refusal) if allowed.is_empty() => Err(refusal),
            _ if routed.is_empty() => Err(Refusal::new(ProxyError::DestinationIpUnroutable, "this exit has no IPv6 route")),
            _ => Ok(in_turn(allowed)),
        }
    }
}

/// The families in turn, beginning with the one that the resolver put first.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|i| [first.get(i).copied(), second.get(i).copied()]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use tunnel::invitation::Egress;

    use super::*;

    fn candidates(addresses: &[&str], has_route: fn(IpAddr) -> bool) -> Result<Vec<String>, ProxyError> {
        let policy = Policy::new(&Egress::default(), &[], |_| false);
        let connector = Connector::new(policy, Resolver::system(), None);
        let addresses = addresses.iter().map(|text| text.parse().expect(text)).collect();
        let found = connector.candidates(addresses, 80, has_route).map_err(|refusal| refusal.error)?;
        Ok(found.iter().map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn banned_addresses_are_skipped_and_only_all_of_them_make_an_error() {
        assert_eq!(candidates(&["10.0.0.1", "1.1.1.1"], |_| false), Ok(vec!["1.1.1.1".into()]));
        assert_eq!(candidates(&["10.0.0.1", "::1"], |_| true), Err(ProxyError::DestinationIpProhibited));
        assert_eq!(candidates(&["2606:4700::1", "127.0.0.1"], |_| true), Ok(vec!["2606:4700::1".into()]));
    }

    #[test]
    fn ipv6_without_a_route_counts_only_when_there_is_nothing_else() {
        assert_eq!(candidates(&["2606:4700::1", "1.1.1.1"], |_| false), Ok(vec!["1.1.1.1".into()]));
        assert_eq!(candidates(&["2606:4700::1", "10.0.0.1"], |_| false), Err(ProxyError::DestinationIpProhibited));
        assert_eq!(candidates(&["2606:4700::1"], |_| false), Err(ProxyError::DestinationIpUnroutable));
        assert_eq!(candidates(&["fd00::1"], |_| false), Err(ProxyError::DestinationIpProhibited));
    }

    #[test]
    fn the_families_take_turns() {
        let found = candidates(&["2606:4700::1", "2606:4700::2", "1.1.1.1"], |_| true);
        assert_eq!(found, Ok(vec!["2606:4700::1".into(), "1.1.1.1".into(), "2606:4700::2".into()]));
    }
}
