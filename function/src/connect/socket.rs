//! One TCP connection to one address, with the options that every site's socket gets.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tunnel::outcome::{ProxyError, Refusal};

/// Silence after which the system asks whether the site is still there: below the idle limit of NAT devices.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Out of descriptors, for the process and for the system, where errors have these numbers.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// Connects to `address`, from `source` if the target is a loopback address.
pub(super) async fn connect(address: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, Refusal> {
    open(address, source).await.map_err(|error| refusal(&error))
}

async fn open(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source.filter(|source| address.ip().is_loopback() && source.is_ipv4() == address.is_ipv4()) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
    Ok(stream)
}

fn refusal(error: &io::Error) -> Refusal {
    if cfg!(unix) && error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code)) {
        return Refusal::new(ProxyError::ConnectionLimitReached, "this exit is out of descriptors");
    }
    let kind = match error.kind() {
        ErrorKind::ConnectionRefused => ProxyError::ConnectionRefused,
        ErrorKind::TimedOut => ProxyError::ConnectionTimeout,
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
            ProxyError::DestinationIpUnroutable
        }
        _ => ProxyError::ConnectionTerminated,
    };
    Refusal::new(kind, error)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_source_address_is_bound_for_a_loopback_target() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("bound");
        let source = IpAddr::from([127, 0, 0, 9]);
        let Ok(stream) = connect(address, Some(source)).await else {
            assert!(!crate::connect::system::is_own(source), "a system without 127/8 has no such source");
            return;
        };
        let (_, peer) = listener.accept().await.expect("accepted");
        assert_eq!(peer.ip(), source);
        assert!(stream.nodelay().expect("option"));
    }

    #[test]
    fn errors_of_the_system_have_their_words() {
        for (kind, error) in [
            (ErrorKind::ConnectionRefused, ProxyError::ConnectionRefused),
            (ErrorKind::NetworkUnreachable, ProxyError::DestinationIpUnroutable),
            (ErrorKind::HostUnreachable, ProxyError::DestinationIpUnroutable),
            (ErrorKind::TimedOut, ProxyError::ConnectionTimeout),
            (ErrorKind::ConnectionReset, ProxyError::ConnectionTerminated),
        ] {
            assert_eq!(refusal(&kind.into()).error, error);
        }
        if cfg!(unix) {
            assert_eq!(refusal(&io::Error::from_raw_os_error(24)).error, ProxyError::ConnectionLimitReached);
        }
    }
}
