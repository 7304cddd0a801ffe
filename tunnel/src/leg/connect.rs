//! TCP to a relay: its addresses are tried staggered, the first that answers is taken.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;

use super::steps::{Steps, pass};
use crate::destination::{Destination, Host};
use crate::limits::NOTSENT_LOWAT;

/// Head start of an address over the next (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses tried of one name: more cannot be tried within a dial.
const MOST_ADDRESSES: usize = 8;
/// Quiet time before the kernel probes a leg whose peer has vanished; a second line behind the pings.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects to `authority` with the socket options of a tunnel.
pub(super) async fn connect(authority: &Destination, steps: &mut Steps) -> io::Result<TcpStream> {
    let addresses = resolve(authority).await?;
    pass(&mut steps.resolved);
    let attempts: FuturesUnordered<_> = (0u32..).zip(addresses).map(|(rank, address)| attempt(STAGGER * rank, address)).collect();
    let tcp = first_success(attempts).await?;
    pass(&mut steps.connected);
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(&tcp);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _unsupported = (socket, NOTSENT_LOWAT);
    Ok(tcp)
}

async fn resolve(authority: &Destination) -> io::Result<Vec<SocketAddr>> {
    match &authority.host {
        Host::Ip(ip) => Ok(vec![SocketAddr::new(*ip, authority.port)]),
        Host::Name(name) => Ok(lookup_host((name.as_str(), authority.port)).await?.take(MOST_ADDRESSES).collect()),
    }
}

async fn attempt(head_start: Duration, address: SocketAddr) -> io::Result<TcpStream> {
    sleep(head_start).await;
    TcpStream::connect(address).await
}

async fn first_success(mut attempts: FuturesUnordered<impl Future<Output = io::Result<TcpStream>>>) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(result) = attempts.next().await {
        match result {
            Ok(tcp) => return Ok(tcp),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
