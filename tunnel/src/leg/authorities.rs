//! Private authorities that vouch for a relay, as an invitation carries them to a function that knows the public ones only.
//!
//! Never: an invitation grows with them beyond [`LARGEST_AUTHORITIES`].

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::tls::public_roots;

/// Most bytes (DER) that the authorities of all relays together may have: a handful, where a system's bundle has hundreds of
/// kilobytes, and an invitation is sent again and again.
pub const LARGEST_AUTHORITIES: usize = 16 * 1024;

/// Certificates of authorities, each checked to be one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why certificates cannot be an invitation's authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthorities {
    /// One is no certificate.
    #[error("one of the authorities is no certificate")]
    Certificate,
    /// They are too many.
    #[error("the authorities have {0} bytes, at most {LARGEST_AUTHORITIES} can be sent to a function")]
    TooLarge(usize),
}

impl Authorities {
    /// Takes certificates that can be authorities.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, BadAuthorities> {
        let authorities = Self(certificates);
        if authorities.size() > LARGEST_AUTHORITIES {
            return Err(BadAuthorities::TooLarge(authorities.size()));
        }
        let mut roots = RootCertStore::empty();
        let added = authorities.0.iter().try_for_each(|certificate| roots.add(certificate.clone()));
        added.map_err(|_| BadAuthorities::Certificate)?;
        Ok(authorities)
    }

    /// Bytes of all of them (DER).
    pub fn size(&self) -> usize {
        self.0.iter().map(|certificate| certificate.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and the public ones, to judge by.
    pub(crate) fn and_public(&self) -> RootCertStore {
        let mut roots = public_roots();
        // They were added to a store before.
        let _all = roots.add_parsable_certificates(self.0.iter().cloned());
        roots
    }

    pub(crate) fn to_hex(&self) -> Vec<String> {
        self.0.iter().map(hex::encode).collect()
    }

    pub(crate) fn from_hex(texts: &[String]) -> Result<Self, BadAuthorities> {
        let decode = |text: &String| hex::decode(text).map(CertificateDer::from).map_err(|_| BadAuthorities::Certificate);
        Self::new(texts.iter().map(decode).collect::<Result<_, _>>()?)
    }
}
