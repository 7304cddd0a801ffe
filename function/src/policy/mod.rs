//! The egress policy: what this function never connects to, whoever asks.
//!
//! It judges ports, names as they are written, and each address after resolution, before it is connected to.
//! Never: nothing here opens a connection, and nothing that the agent sends lifts the Runtime API or a credential service.

mod embedded;
mod registry;
mod spelling;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use tunnel::invitation::Egress;
use tunnel::outcome::{ProxyError, Refusal};

/// Where AWS hands out an instance's identity and credentials, on any port.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// Whether an address is one of this machine's own, beyond loopback.
pub type IsOwn = fn(IpAddr) -> bool;

/// The policy of one tunnel.
#[derive(Debug, Clone)]
pub struct Policy {
    allow: Vec<IpNet>,
    deny_ports: Vec<u16>,
    never: Vec<SocketAddr>,
    /// Ports that are banned on every address of this machine.
    never_here: Vec<u16>,
    is_own: IsOwn,
}

impl Policy {
    /// The invitation's wishes, under the bans that it cannot lift: `runtime_api` and the metadata addresses.
    pub fn new(egress: &Egress, runtime_api: &[SocketAddr], is_own: IsOwn) -> Self {
        let never: Vec<_> = egress.never.iter().chain(runtime_api).copied().collect();
        let never_here = never.iter().filter(|banned| is_here(banned.ip(), is_own)).map(SocketAddr::port).collect();
        Self { allow: egress.allow.clone(), deny_ports: egress.deny_ports.clone(), never, never_here, is_own }
    }

    /// Judges a port, before anything is resolved.
    pub fn judge_port(&self, port: u16) -> Result<(), Refusal> {
        if self.deny_ports.contains(&port) {
            return Err(prohibited(format_args!("port {port} is denied (egress.deny_ports)")));
        }
        Ok(())
    }

    /// Judges a host name as it is written: a legacy spelling of an IPv4 address is no name.
    pub fn judge_name(&self, name: &str) -> Result<(), Refusal> {
        if spelling::is_legacy_ipv4(name) {
            return Err(prohibited("a legacy spelling of an IPv4 address"));
        }
        Ok(())
    }

    /// Judges one address that is about to be connected to, and every IPv4 address that it embeds.
    pub fn judge(&self, ip: IpAddr, port: u16) -> Result<(), Refusal> {
        for ip in with_embedded(ip) {
            if METADATA.contains(&ip) {
                return Err(prohibited(format_args!("{ip} is a metadata address")));
            }
            if self.is_never(ip, port) {
                return Err(prohibited(format_args!("{ip} port {port} is never connected to")));
            }
            if let Some(block) = registry::ban(ip).filter(|_| !self.is_lifted(ip)) {
                return Err(prohibited(format_args!("{ip} is not globally reachable ({block})")));
            }
        }
        Ok(())
    }

    fn is_never(&self, ip: IpAddr, port: u16) -> bool {
        self.never.contains(&SocketAddr::new(ip, port)) || (self.never_here.contains(&port) && is_here(ip, self.is_own))
    }

    fn is_lifted(&self, ip: IpAddr) -> bool {
        self.allow.iter().any(|net| net.contains(&ip))
    }
}

/// Whether connecting to `ip` reaches this machine.
fn is_here(ip: IpAddr, is_own: IsOwn) -> bool {
    let own_kind = |ip: IpAddr| match ip {
        // The system takes 0.0.0.0 for loopback.
        IpAddr::V4(ip) => ip.is_loopback() || ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified(),
    };
    with_embedded(ip).into_iter().any(|ip| own_kind(ip) || is_own(ip))
}

fn with_embedded(ip: IpAddr) -> Vec<IpAddr> {
    let mut all = vec![ip];
    if let IpAddr::V6(ip) = ip {
        all.extend(embedded::in_ipv6(ip).into_iter().map(IpAddr::V4));
    }
    all
}

fn prohibited(details: impl std::fmt::Display) -> Refusal {
    Refusal::new(ProxyError::DestinationIpProhibited, details)
}

#[cfg(test)]
mod tests;
