//! The one-tunnel TLS identities: a key pair for each end, made by the agent for one invitation.
//!
//! They are raw public keys (RFC 7250): there is no name, no date and no issuer to judge, only the exact key
//! that the invitation named.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs as provider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::AlwaysResolvesClientRawPublicKeys, server::AlwaysResolvesServerRawPublicKeys, version::TLS13,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Why a key of an invitation cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 key in PKCS #8")]
pub struct BadKey;

/// One end's key pair. Its `Debug` shows nothing of the private half.
#[derive(Clone)]
pub struct Identity {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl Identity {
    /// A fresh key pair.
    ///
    /// # Panics
    /// When the system has no random source.
    pub fn mint() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("the system has a random source");
        let pkcs8 = pair.to_pkcs8v1().expect("a generated key has an encoding");
        Self {
            pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
            public: PublicKey::of(&pair).expect("a generated key has an encoding"),
        }
    }

    /// Reads a key in PKCS #8 (RFC 5208).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, BadKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map_err(|_| BadKey)?;
        Ok(Self { pkcs8: Zeroizing::new(der.to_vec()), public: PublicKey::of(&pair)? })
    }

    /// The key in PKCS #8. Treat the result as the secret it is.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The half that the peer is told.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// TLS of the agent's end: proves this identity, takes only `peer`.
    pub fn client(&self, peer: &PublicKey) -> Result<Arc<ClientConfig>, BadKey> {
        let verifier = Arc::new(ExactKey::new(peer));
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(|_| BadKey)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(self.certified()?)));
        config.resumption = rustls::client::Resumption::disabled();
        config.enable_sni = false;
        Ok(Arc::new(config))
    }

    /// TLS of the function's end: proves this identity, takes only `peer`.
    pub fn server(&self, peer: &PublicKey) -> Result<Arc<ServerConfig>, BadKey> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(|_| BadKey)?
            .with_client_cert_verifier(Arc::new(ExactKey::new(peer)))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(self.certified()?)));
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    fn certified(&self) -> Result<Arc<CertifiedKey>, BadKey> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()));
        let key = provider::default_provider().key_provider.load_private_key(der).map_err(|_| BadKey)?;
        let spki = CertificateDer::from(self.public.0.clone());
        Ok(Arc::new(CertifiedKey::new(vec![spki], key)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.public)
    }
}

/// The public half of an [`Identity`]: a DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Takes the peer's key as the invitation carries it; a wrong one matches no peer.
    pub fn from_spki(der: Vec<u8>) -> Self {
        Self(der)
    }

    /// The DER bytes.
    pub fn spki(&self) -> &[u8] {
        &self.0
    }

    fn of(pair: &EcdsaKeyPair) -> Result<Self, BadKey> {
        let spki = pair.public_key().as_der().map_err(|_| BadKey)?;
        Ok(Self(spki.as_ref().to_vec()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}…)", hex::encode(&crate::ticket::sha256(&self.0)[..4]))
    }
}

/// Accepts one raw public key and nothing else, whatever the clock says.
#[derive(Debug)]
struct ExactKey {
    expected: PublicKey,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ExactKey {
    fn new(expected: &PublicKey) -> Self {
        let provider: CryptoProvider = provider::default_provider();
        Self { expected: expected.clone(), algorithms: provider.signature_verification_algorithms }
    }

    fn check(&self, presented: &CertificateDer<'_>) -> Result<(), Error> {
        if bool::from(presented.as_ref().ct_eq(self.expected.spki())) {
            return Ok(());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn check_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(key.as_ref()), signed, &self.algorithms)
    }
}

/// TLS 1.2 is never offered on a tunnel, so nothing can be signed in it.
fn no_tls12() -> Error {
    Error::General("TLS 1.2 inside a tunnel".into())
}

impl ServerCertVerifier for ExactKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for ExactKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    /// What the agent's end and the function's end say of a handshake and one byte each way.
    async fn handshake(agent: (&Identity, &PublicKey), function: (&Identity, &PublicKey)) -> (bool, bool) {
        // Room for whole flights: with less, two ends that both write an alert would wait for each other.
        let (near, far) = tokio::io::duplex(16 * 1024);
        let connector = TlsConnector::from(agent.0.client(agent.1).expect("client"));
        let acceptor = TlsAcceptor::from(function.0.server(function.1).expect("server"));
        let name = ServerName::try_from("tunnel.invalid").expect("name");
        let client = async move {
            let mut tls = connector.connect(name, near).await?;
            tls.write_all(b"x").await?;
            tls.flush().await?;
            tls.read_u8().await
        };
        let server = async move {
            let mut tls = acceptor.accept(far).await?;
            tls.write_all(b"y").await?;
            tls.flush().await?;
            tls.read_u8().await
        };
        let (a, b) = tokio::join!(client, server);
        (a.is_ok(), b.is_ok())
    }

    #[tokio::test]
    async fn only_the_invited_keys_meet() {
        let (agent, function, stranger) = (Identity::mint(), Identity::mint(), Identity::mint());
        assert_eq!(handshake((&agent, function.public()), (&function, agent.public())).await, (true, true));
        assert!(!handshake((&agent, stranger.public()), (&function, agent.public())).await.0);
        assert!(!handshake((&stranger, function.public()), (&function, agent.public())).await.1);
    }

    #[test]
    fn a_key_survives_the_invitation_and_is_never_shown() {
        let identity = Identity::mint();
        let again = Identity::from_pkcs8(identity.pkcs8()).expect("own encoding");
        assert_eq!(again.public(), identity.public());
        assert!(!format!("{identity:?}").contains(&hex::encode(identity.pkcs8())));
        assert_eq!(Identity::from_pkcs8(b"no key").err(), Some(BadKey));
    }
}
