//! Streams that do not reach a site, and what the agent is told.

use tunnel::outcome::ProxyError;
use tunnel::session::client::OpenError;

use crate::harness::{Tunnel, closed, connector, long, site, tunnel, tunnel_with};

/// Why `authority` is not reached; `None` if it is, or if the tunnel failed.
async fn refusal(tunnel: &Tunnel, authority: &str) -> Option<ProxyError> {
    match tunnel.opener.open(authority).await {
        Err(OpenError::Refused(refusal)) => Some(refusal.error),
        Ok(_) | Err(_) => None,
    }
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let tunnel = tunnel(long()).await;
    let (_port, authority) = closed();
    assert_eq!(refusal(&tunnel, &authority).await, Some(ProxyError::ConnectionRefused));
}

#[tokio::test]
async fn loopback_is_prohibited_in_every_spelling() {
    let tunnel = tunnel_with(connector(&[]), long()).await;
    let (_listener, authority) = site().await;
    let port = authority.rsplit_once(':').expect("a port").1;
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "control.awslambdaproxy.invalid",
    ] {
        assert_eq!(refusal(&tunnel, &format!("{host}:{port}")).await, Some(ProxyError::DestinationIpProhibited), "{host}");
    }
}

#[tokio::test]
async fn what_is_never_or_denied_stays_so_although_loopback_is_lifted() {
    let tunnel = tunnel(long()).await;
    for authority in ["127.0.0.1:1", "127.0.0.9:1", "localhost:1", "127.0.0.1:25"] {
        assert_eq!(refusal(&tunnel, authority).await, Some(ProxyError::DestinationIpProhibited), "{authority}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_is_a_dns_error() {
    let tunnel = tunnel(long()).await;
    let label = "a".repeat(64);
    assert_eq!(refusal(&tunnel, &format!("{label}.invalid:80")).await, Some(ProxyError::DnsError));
}

#[tokio::test]
async fn what_is_no_destination_is_a_malformed_request() {
    let tunnel = tunnel(long()).await;
    for authority in ["127.0.0.1:0", "127.0.0.1", "user@127.0.0.1:80"] {
        assert_eq!(refusal(&tunnel, authority).await, Some(ProxyError::HttpRequestError), "{authority}");
    }
}
