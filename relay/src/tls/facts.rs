//! What a certificate says of itself: its dates and its names.

use std::time::{Duration, SystemTime};

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::parse_x509_certificate;

/// The dates and names of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// When it begins to be valid.
    pub not_before: SystemTime,
    /// When it ends.
    pub not_after: SystemTime,
    certificate: CertificateDer<'static>,
}

impl Facts {
    /// Reads them.
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) = parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
        let validity = parsed.validity();
        Ok(Self {
            not_before: moment(validity.not_before.timestamp()),
            not_after: moment(validity.not_after.timestamp()),
            certificate: certificate.clone().into_owned(),
        })
    }

    /// Whether a client that asks for `host`, a name or an address, takes it for that host's.
    pub fn covers(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host) else { return false };
        ParsedCertificate::try_from(&self.certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    }

    /// The certificate itself.
    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// How long it is valid yet; nothing when it has ended.
    pub fn remaining(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }
}

/// A moment as certificates count it. Before 1970 is 1970: it has begun, or ended, long ago.
fn moment(timestamp: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(timestamp).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::self_signed;
    use super::*;

    #[test]
    fn names_are_matched_as_clients_match_them() {
        let directory = tempfile::tempdir().expect("directory");
        let facts = self_signed(directory.path(), "relay.example.com").expect("made").facts().expect("facts");
        assert!(facts.covers("relay.example.com") && facts.covers("RELAY.example.com"));
        assert!(!facts.covers("example.com") && !facts.covers("192.0.2.1") && !facts.covers("not a name"));
        assert!(facts.not_before < facts.not_after);
        assert_eq!(facts.remaining(facts.not_after), Duration::ZERO);
        let other = tempfile::tempdir().expect("directory");
        assert!(self_signed(other.path(), "192.0.2.1").expect("made").facts().expect("facts").covers("192.0.2.1"));
    }

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        assert!(Facts::read(&CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])).is_err());
    }
}
