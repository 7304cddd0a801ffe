//! TLS of the relay's own.

use std::sync::Arc;

use relay::tls::{CertificateSlot, self_signed};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::{Ticket, sha256};

use crate::support::{Relay, exchange, open};

/// Believes one certificate, whoever's name it bears.
#[derive(Debug)]
pub(crate) struct Pinned {
    /// `None` believes any.
    pin: Option<String>,
    provider: CryptoProvider,
}

impl Pinned {
    /// A client that believes whatever it is shown.
    pub(crate) fn anybody() -> ClientConfig {
        Self::client(None)
    }

    fn client(pin: Option<String>) -> ClientConfig {
        let provider = aws_lc_rs::default_provider();
        let verifier = Arc::new(Self { pin, provider: provider.clone() });
        let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let builder = builder.expect("versions").dangerous().with_custom_certificate_verifier(verifier);
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pin.as_ref().is_none_or(|pin| hex::encode(sha256(certificate)) == *pin) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another certificate".into()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) async fn connect(io: TcpStream, pin: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let config = Pinned::client(Some(pin.to_owned()));
    TlsConnector::from(Arc::new(config)).connect("relay.invalid".try_into().expect("name"), io).await
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
    let provider = aws_lc_rs::default_provider();
    let verifier = Arc::new(Pinned { pin: None, provider: provider.clone() });
    let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions).expect("versions");
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let connecting =
        TlsConnector::from(Arc::new(config)).connect("relay.example.com".try_into().expect("name"), relay.connect().await);
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
