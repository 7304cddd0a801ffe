//! Which authorities vouch for relays and for the address server: the system's, and those of `ca_file`.

use std::path::Path;

use anyhow::Context;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The system's roots, or the built-in ones where the system has none, and those of `ca_file`.
pub(super) fn roots(ca_file: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (taken, _unreadable) = roots.add_parsable_certificates(system.certs);
    if taken == 0 {
        roots = tunnel::leg::tls::public_roots();
    }
    if let Some(path) = ca_file {
        let shown = path.display();
        let more = CertificateDer::pem_file_iter(path).with_context(|| format!("relay.ca_file: cannot read {shown}"))?;
        for certificate in more {
            let certificate = certificate.with_context(|| format!("relay.ca_file: {shown} is not PEM"))?;
            roots.add(certificate).with_context(|| format!("relay.ca_file: {shown} holds something that is no certificate"))?;
        }
    }
    Ok(roots)
}
