//! The certificate that is served now. It can be replaced while the relay runs: the next handshake has the new one.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Certified, Facts, TlsError};

/// What is inside TLS: middle boxes pass only textbook upgrades over HTTP/1.1.
const HTTP: &[u8] = b"http/1.1";
/// The protocol in which a CA asks for proof of the name (RFC 8737).
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// One served certificate, or none yet, and the proof that a CA asks for meanwhile.
#[derive(Debug, Default)]
pub struct CertificateSlot {
    served: RwLock<Option<Served>>,
    proof: RwLock<Option<Proof>>,
    answers_acme: bool,
}

#[derive(Debug)]
struct Served {
    key: Arc<CertifiedKey>,
    facts: Facts,
}

#[derive(Debug)]
struct Proof {
    name: String,
    key: Arc<CertifiedKey>,
}

/// Takes the proof away when dropped.
pub(super) struct Proving<'a>(&'a CertificateSlot);

impl CertificateSlot {
    /// A slot with this certificate.
    pub fn holding(certified: Certified) -> Result<Arc<Self>, TlsError> {
        let slot = Self::default();
        slot.serve(certified)?;
        Ok(Arc::new(slot))
    }

    /// A slot that waits for its certificate and answers a CA's question for it.
    pub fn waiting() -> Arc<Self> {
        Arc::new(Self { answers_acme: true, ..Self::default() })
    }

    /// Serves `certified` from now on. When it is of no use, everything stays as it was.
    pub fn serve(&self, certified: Certified) -> Result<(), TlsError> {
        let facts = certified.facts()?;
        let key = Arc::new(certified.into_key()?);
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(Served { key, facts });
        Ok(())
    }

    /// What the served certificate says of itself; `None` while there is none.
    pub fn facts(&self) -> Option<Facts> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|served| served.facts.clone())
    }

    /// How the server speaks TLS: 1.2 or 1.3, HTTP/1.1 inside, no client certificates.
    pub fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("the provider has suites for the default versions");
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols.push(HTTP.to_vec());
        if self.answers_acme {
            config.alpn_protocols.push(ACME_TLS.to_vec());
        }
        Arc::new(config)
    }

    /// Answers a CA's question for `name` with this certificate until the value is dropped.
    pub(super) fn prove(&self, name: &str, key: CertifiedKey) -> Proving<'_> {
        let proof = Proof { name: name.to_owned(), key: Arc::new(key) };
        *self.proof.write().unwrap_or_else(PoisonError::into_inner) = Some(proof);
        Proving(self)
    }

    fn proof_for(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let proof = self.proof.read().unwrap_or_else(PoisonError::into_inner);
        proof.as_ref().filter(|proof| proof.name.eq_ignore_ascii_case(name)).map(|proof| Arc::clone(&proof.key))
    }
}

impl ResolvesServerCert for CertificateSlot {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A CA offers this protocol and no other; whoever offers more is a client.
        let is_ca = hello.alpn().is_some_and(|mut offered| offered.next() == Some(ACME_TLS) && offered.next().is_none());
        if is_ca {
            return self.proof_for(hello.server_name()?);
        }
        self.served.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|served| Arc::clone(&served.key))
    }
}

impl Drop for Proving<'_> {
    fn drop(&mut self) {
        *self.0.proof.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
