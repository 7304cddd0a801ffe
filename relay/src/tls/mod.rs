//! The relay's own TLS: a certificate from files, from an ACME server, or a self-signed one that is generated once.
//!
//! ```text
//!   certified   a chain with its key, as files hold it       facts   (x509) its dates and names
//!   slot        what is served now; replaced while running   files   replaces it when its files change
//!   acme        has a CA make it, and renews it in time      self_signed
//!   unverified  looks at what a port serves
//! ```
//!
//! Never: it is not the tunnel's TLS. What it protects is the token, the ticket, and who talks to whom.

pub mod acme;
mod certified;
mod facts;
pub mod files;
mod self_signed;
mod slot;
mod unverified;

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;

pub use certified::Certified;
pub use facts::Facts;
pub use self_signed::{made_before, self_signed};
pub(crate) use slot::ACME_TLS;
pub use slot::CertificateSlot;
pub use unverified::unverified;

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
    /// A certificate whose dates or names cannot be read.
    #[error("{}: no certificate that can be read: {reason}", path.display())]
    Unreadable {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
