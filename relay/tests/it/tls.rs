//! TLS of the relay's own.

use std::sync::Arc;

use relay::tls::{CertificateSlot, self_signed, unverified};
use rustls::version::{TLS12, TLS13};
use rustls::{DEFAULT_VERSIONS, SupportedProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::{Ticket, sha256};

use crate::support::{Relay, exchange, open};

/// A client that believes whatever it is shown.
pub(crate) fn anybody() -> TlsConnector {
    offering(DEFAULT_VERSIONS, b"http/1.1")
}

fn offering(versions: &[&'static SupportedProtocolVersion], alpn: &[u8]) -> TlsConnector {
    let mut config = unverified(versions).expect("versions");
    config.alpn_protocols = vec![alpn.to_vec()];
    Arc::new(config).into()
}

/// Connects to whom has the certificate of this pin, whatever its name.
pub(crate) async fn connect(io: TcpStream, pin: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = anybody().connect("relay.invalid".try_into().expect("name"), io).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|certificate| sha256(certificate));
    match shown.map(hex::encode).as_deref() == Some(pin) {
        true => Ok(stream),
        false => Err(std::io::Error::other("another certificate")),
    }
}

#[tokio::test]
async fn a_self_signed_relay_is_known_by_its_pin_and_carries_a_tunnel() {
    let directory = tempfile::tempdir().expect("directory");
    let certified = self_signed(directory.path(), "127.0.0.1").expect("certificate");
    let pin = certified.pin();
    let tls = CertificateSlot::holding(certified).expect("usable");
    let relay = Relay::with(|config| config.tls = Some(tls)).await;
    assert!(connect(relay.connect().await, &"0".repeat(64)).await.is_err());

    let site = connect(relay.connect().await, &pin).await.expect("tls");
    assert_eq!(site.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(exchange(site, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 200 "));

    let ticket = Ticket::mint();
    let io = connect(relay.connect().await, &pin).await.expect("tls");
    let mut agent = open(io, relay.agent_request(ticket.hash())).await.expect("agent");
    let io = connect(relay.connect().await, &pin).await.expect("tls");
    let mut function = open(io, relay.function_request(&ticket, InstanceNonce::mint())).await.expect("function");
    agent.synced().await;
    function.synced().await;
    agent.binary(vec![5; 70_000]).await;
    assert_eq!(function.received_bytes(70_000).await, vec![5; 70_000]);
    agent.close(1000).await;
    assert_eq!(function.closed().await, Some(4001));
}

/// What a client offers, and the protocol that was agreed on.
async fn agreed(relay: &Relay, versions: &[&'static SupportedProtocolVersion], alpn: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
    let connecting = offering(versions, alpn).connect("relay.example.com".try_into().expect("name"), relay.connect().await);
    Ok(connecting.await?.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_nothing_but_http_inside() {
    let directory = tempfile::tempdir().expect("directory");
    let slot =
        CertificateSlot::holding(self_signed(directory.path(), "relay.example.com").expect("certificate")).expect("usable");
    let relay = Relay::with(|config| config.tls = Some(slot)).await;
    for version in [&TLS12, &TLS13] {
        assert_eq!(agreed(&relay, &[version], b"http/1.1").await.expect("tls").as_deref(), Some(&b"http/1.1"[..]));
        assert!(agreed(&relay, &[version], b"h2").await.is_err());
        assert!(agreed(&relay, &[version], b"acme-tls/1").await.is_err(), "there is no CA that could ask");
    }
}

#[tokio::test]
async fn without_a_certificate_yet_nobody_is_served_and_no_ca_is_answered_what_it_did_not_ask() {
    let relay = Relay::with(|config| config.tls = Some(CertificateSlot::waiting())).await;
    for alpn in [&b"http/1.1"[..], b"acme-tls/1"] {
        assert!(agreed(&relay, &[&TLS13], alpn).await.is_err());
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_gets_no_answer() {
    let directory = tempfile::tempdir().expect("directory");
    let tls = CertificateSlot::holding(self_signed(directory.path(), "127.0.0.1").expect("certificate")).expect("usable");
    let relay = Relay::with(|config| config.tls = Some(tls)).await;
    let mut io = relay.connect().await;
    tokio::io::AsyncWriteExt::write_all(&mut io, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut answer = Vec::new();
    // Either end of it is right: an alert and a close, or a reset.
    let _ = io.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}
