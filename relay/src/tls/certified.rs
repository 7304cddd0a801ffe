//! A certificate chain with its key.

use std::path::{Path, PathBuf};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tunnel::ticket::sha256;

use super::{Facts, TlsError};

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

    /// What the certificate says of itself.
    pub fn facts(&self) -> Result<Facts, TlsError> {
        let first = self.chain.first().ok_or_else(|| TlsError::NoCertificate(self.path.clone()))?;
        Facts::read(first).map_err(|reason| TlsError::Unreadable { path: self.path.clone(), reason })
    }

    /// The certificate of this chain that is the relay's own.
    pub(super) fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.chain.first()
    }

    /// As rustls takes it, which says whether certificate and key belong together.
    pub(super) fn into_key(self) -> Result<CertifiedKey, TlsError> {
        CertifiedKey::from_der(self.chain, self.key, &aws_lc_rs::default_provider())
            .map_err(|source| TlsError::Unusable { path: self.path, source })
    }
}
