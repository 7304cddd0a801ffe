//! Has a certificate authority vouch for the relay's name, over ACME (RFC 8555) on the relay's own port (RFC 8737).
//!
//! ```text
//!   store      account, certificate and attempts on disk      attempts  (pure) when the CA may be asked again
//!   keeper     waits, orders, serves, waits                    renewal   (pure) when a certificate is due
//!   order      one order, from its name to its chain           contact   (pure) whom the CA may write to
//!   http       how the CA is reached
//! ```
//!
//! Never: the CA is not asked before the attempt is written down, so no crash or restart makes it more than it bears.

mod attempts;
mod contact;
mod http;
mod keeper;
mod order;
mod renewal;
mod store;

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use instant_acme::Problem;

pub use keeper::{Keeper, Wishes};

use super::{Certified, TlsError};
use http::Http;
use store::Store;

/// The CA that most people use, which is free.
pub const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Its twin for trying things out: nobody trusts its certificates, and its limits are wide.
pub const STAGING_DIRECTORY: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// Which CA is asked, and for which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The relay's name.
    pub domain: String,
    /// The CA's directory, an https URL.
    pub directory: String,
    /// Who vouches for the CA itself (PEM); the public roots when `None`.
    pub root: Option<PathBuf>,
    /// Whom the CA may write to, at first.
    pub email: Option<String>,
}

impl Authority {
    /// Whether who vouches for the CA can be read.
    pub fn check_root(&self) -> Result<(), TlsError> {
        Http::new(self.root.as_deref()).map(drop)
    }

    /// The certificate that was issued before, if there is one.
    pub fn cached(&self, state_dir: &Path) -> Result<Option<Certified>, TlsError> {
        Store::new(state_dir, self).certificate()
    }
}

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
enum AcmeError {
    /// A file of one's own.
    #[error("{}: {source}", path.display())]
    Store { path: PathBuf, source: io::Error },
    /// Certificates that are to vouch for the CA, or that it has issued.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No answer, or none that makes sense.
    #[error("{authority} cannot be asked: {reason}")]
    Unreachable { authority: String, reason: String },
    /// The CA has said no.
    #[error("{authority} refuses: {problem}")]
    Refused {
        authority: String,
        problem: Problem,
        /// Not before then, if it has said so.
        until: Option<SystemTime>,
    },
    /// The CA has looked for the proof, and not found it.
    #[error(
        "{authority} did not find its proof at {domain}:443: {reason} \
        (does {domain} point at this machine, and can everybody reach its port 443?)"
    )]
    NotProven { authority: String, domain: String, reason: String },
    /// Something that cannot be made.
    #[error("no request for a certificate of {domain} can be made: {reason}")]
    Request { domain: String, reason: String },
}

impl AcmeError {
    /// Whether the CA counts it against us, also when it has issued nothing.
    fn counts(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NotProven { .. })
    }

    /// When the CA wants to be asked again at the earliest, if it has said so.
    fn until(&self) -> Option<SystemTime> {
        match self {
            Self::Refused { until, .. } => *until,
            _ => None,
        }
    }

    /// Whether the CA does not know the account (any more).
    fn is_unknown_account(&self) -> bool {
        let kind = match self {
            Self::Refused { problem, .. } => problem.r#type.as_deref(),
            _ => None,
        };
        kind == Some("urn:ietf:params:acme:error:accountDoesNotExist")
    }
}
