//! A certificate chain with its key.

use std::path::{Path, PathBuf};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
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
        let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
        let chain = some(chain.map_err(at(certificate))?, certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(at(key))?;
        Ok(Self { chain, key, path: certificate.to_owned() })
    }

    /// Reads both from PEM text that is to be kept at `path`.
    pub(super) fn from_text(chain: &str, key: &str, path: &Path) -> Result<Self, TlsError> {
        let chain: Result<_, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let chain = some(chain.map_err(at(path))?, path)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(at(path))?;
        Ok(Self { chain, key, path: path.to_owned() })
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

    /// As rustls takes it, which says whether certificate and key belong together.
    pub(super) fn into_key(self) -> Result<CertifiedKey, TlsError> {
        CertifiedKey::from_der(self.chain, self.key, &aws_lc_rs::default_provider())
            .map_err(|source| TlsError::Unusable { path: self.path, source })
    }
}

fn at(path: &Path) -> impl FnOnce(pem::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::Pem { path, source }
}

fn some(chain: Vec<CertificateDer<'static>>, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if chain.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(chain) }
}
