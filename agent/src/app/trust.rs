//! Which authorities vouch for relays and for the address server: the system's, and those of `ca_file`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tunnel::leg::tls::trusting;

/// The system's roots, or the built-in ones where the system has none, and `more`.
pub(super) fn roots(more: Vec<CertificateDer<'static>>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (taken, _unreadable) = roots.add_parsable_certificates(system.certs);
    if taken == 0 {
        roots = tunnel::leg::tls::public_roots();
    }
    for certificate in more {
        roots.add(certificate).context("relay.ca_file holds something that is no certificate")?;
    }
    Ok(roots)
}

/// What this machine trusts, for TLS.
pub(crate) fn own() -> anyhow::Result<Arc<ClientConfig>> {
    Ok(trusting(roots(Vec::new())?)?)
}

/// The certificates of a `ca_file`.
pub(super) fn authorities(ca_file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let shown = ca_file.display();
    let found = CertificateDer::pem_file_iter(ca_file).with_context(|| format!("relay.ca_file: cannot read {shown}"))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().with_context(|| format!("relay.ca_file: {shown} is not PEM"))?;
    ensure!(!found.is_empty(), "relay.ca_file: {shown} holds no certificate");
    Ok(found)
}
