//! The relay's own TLS: certificate and key from files, or a self-signed pair that is generated once.
//!
//! Never: it is not the tunnel's TLS. What it protects is the token, the ticket, and who talks to whom.

mod self_signed;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tunnel::ticket::sha256;

pub use self_signed::self_signed;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM of the wanted kind.
    #[error("{}: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file without a certificate.
    #[error("{}: no certificate in it", .0.display())]
    NoCertificate(PathBuf),
    /// Certificate and key do not fit each other, or are of an unknown kind.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// No certificate can be made for this name.
    #[error("no certificate can be made for {name}: {source}")]
    Generate {
        /// The name or address.
        name: String,
        /// What is wrong with it.
        source: rcgen::Error,
    },
}

/// A certificate chain with its key.
pub struct Certified {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    path: PathBuf,
}

impl Certified {
    /// Reads both from PEM files, which may be one and the same.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Pem { path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate).map_err(at(certificate))?;
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(at(certificate))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(certificate.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(at(key))?;
        Ok(Self { chain, key, path: certificate.to_owned() })
    }

    /// The SHA-256 of the certificate (DER) in hexadecimal: the pin of a pairing code.
    pub fn pin(&self) -> String {
        self.chain.first().map(|certificate| hex::encode(sha256(certificate))).unwrap_or_default()
    }

    /// How the server speaks TLS: 1.2 or 1.3, HTTP/1.1 inside, no client certificates.
    pub fn server_config(self) -> Result<Arc<ServerConfig>, TlsError> {
        let path = self.path;
        let unusable = |source| TlsError::Unusable { path, source };
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = builder.with_safe_default_protocol_versions().and_then(|builder| {
            let mut config = builder.with_no_client_auth().with_single_cert(self.chain, self.key)?;
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok(config)
        });
        config.map(Arc::new).map_err(unusable)
    }
}
