//! A certificate in files that somebody else renews: it is read again when they change, and when that is asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::{CertificateSlot, Certified, TlsError};
use crate::metrics::Metrics;
use crate::system::Version;

/// How often the files are looked at: two `stat`s.
const LOOK: Duration = Duration::from_secs(1);

/// Where a certificate and its key are, and the slot that serves them.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    slot: Arc<CertificateSlot>,
    reload: Arc<Notify>,
    metrics: Metrics,
    /// Those that were read last, with success or without.
    read: Versions,
}

type Versions = (Option<Version>, Option<Version>);

impl Files {
    /// Reads the files (PEM) and is ready to follow them. `reload` wakes it to read them at once.
    pub fn open(certificate: PathBuf, key: PathBuf, reload: Arc<Notify>, metrics: Metrics) -> Result<Self, TlsError> {
        // The versions are taken first: a change in between is then seen as one, and read again.
        let read = versions(&certificate, &key);
        let slot = CertificateSlot::holding(Certified::from_files(&certificate, &key)?)?;
        metrics.certificate(slot.facts().as_ref());
        Ok(Self { certificate, key, slot, reload, metrics, read })
    }

    /// What serves them.
    pub fn slot(&self) -> Arc<CertificateSlot> {
        Arc::clone(&self.slot)
    }

    /// Follows the files for as long as it is polled. What cannot be used is said once, and changes nothing.
    pub async fn keep(mut self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = self.read;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let now = self.versions();
                    // Two files are not replaced in one step: they are read once neither has changed for a look.
                    let is_done = now == seen && now != self.read;
                    seen = now;
                    if !is_done {
                        continue;
                    }
                }
                () = self.reload.notified() => seen = self.versions(),
            }
            self.read = seen;
            self.read_again();
        }
    }

    fn versions(&self) -> Versions {
        versions(&self.certificate, &self.key)
    }

    fn read_again(&self) {
        match self.load() {
            Ok(()) => {
                self.metrics.certificate(self.slot.facts().as_ref());
                tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
            }
            Err(error) => {
                self.metrics.certificate_failed();
                tracing::error!(%error, "the new certificate is of no use; the old one is served on");
            }
        }
    }

    fn load(&self) -> Result<(), TlsError> {
        self.slot.serve(Certified::from_files(&self.certificate, &self.key)?)
    }
}

fn versions(certificate: &Path, key: &Path) -> Versions {
    (Version::of(certificate), Version::of(key))
}
