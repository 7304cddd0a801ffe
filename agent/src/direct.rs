//! Connections from this machine to sites: only where a rule says `direct`. The one place of the data plane that opens a
//! socket to a site, and the one that resolves a name.
//!
//! Never: nothing comes here because an exit is missing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tunnel::destination::{Destination, Host};
use tunnel::outcome::{ProxyError, Refusal};
use tunnel::splice::reset_on_close;

use crate::routing::Loops;

/// How long the system's resolver may take: its own default is two tries of five seconds.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long all addresses of a site together may take; the same as at an exit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried: a name with more is answered from the first ones or not at all.
const MOST_ADDRESSES: usize = 8;

/// Resolves and connects. Closing the connection is an RST until it has ended cleanly.
pub async fn connect(destination: &Destination, loops: &Loops) -> Result<TcpStream, Refusal> {
    let addresses = resolve(destination).await?;
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let mut last = Refusal::new(ProxyError::DnsError, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        if loops.is_listener(*address) {
            return Err(Refusal::new(ProxyError::ProxyLoopDetected, "the address is this proxy's own"));
        }
        let share = deadline.saturating_duration_since(Instant::now()) / u32::try_from(addresses.len() - tried).unwrap_or(1);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(prepared(tcp)),
            Ok(Err(error)) => last = refused(&error),
            Err(_) => last = Refusal::new(ProxyError::ConnectionTimeout, "the site did not answer"),
        }
    }
    Err(last)
}

async fn resolve(destination: &Destination) -> Result<Vec<SocketAddr>, Refusal> {
    let name = match &destination.host {
        Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, destination.port)]),
        Host::Name(name) => name.as_str(),
    };
    match timeout(RESOLVE_TIMEOUT, lookup_host((name, destination.port))).await {
        Ok(Ok(addresses)) => Ok(addresses.take(MOST_ADDRESSES).collect()),
        Ok(Err(error)) => Err(Refusal::new(ProxyError::DnsError, error)),
        Err(_) => Err(Refusal::new(ProxyError::DnsTimeout, "the resolver of this machine did not answer")),
    }
}

fn prepared(tcp: TcpStream) -> TcpStream {
    // Both only refuse on a connection that is gone already, which the first read tells.
    let _gone = tcp.set_nodelay(true);
    reset_on_close(&tcp);
    tcp
}

fn refused(error: &io::Error) -> Refusal {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => ProxyError::ConnectionRefused,
        io::ErrorKind::TimedOut => ProxyError::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ProxyError::DestinationIpUnroutable,
        _ => ProxyError::ConnectionTerminated,
    };
    Refusal::new(kind, error)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    async fn connected(destination: &str, listeners: Vec<SocketAddr>) -> Result<(), ProxyError> {
        let destination = destination.parse().expect("destination");
        connect(&destination, &Loops::new(listeners)).await.map(drop).map_err(|refusal| refusal.error)
    }

    #[tokio::test]
    async fn a_name_is_resolved_here_and_an_own_listener_is_never_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address");
        assert_eq!(connected(&format!("localhost:{}", address.port()), Vec::new()).await, Ok(()));
        let loops = connected(&format!("localhost:{}", address.port()), vec![address]).await;
        assert_eq!(loops, Err(ProxyError::ProxyLoopDetected));
    }

    #[tokio::test]
    async fn a_closed_port_is_a_refusal() {
        // Bound and not listening: nobody else is given the port meanwhile.
        let reserved = TcpSocket::new_v4().expect("a socket");
        reserved.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bind");
        let closed = reserved.local_addr().expect("address");
        assert_eq!(connected(&closed.to_string(), Vec::new()).await, Err(ProxyError::ConnectionRefused));
    }
}
