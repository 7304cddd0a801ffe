//! A certificate in files that somebody else renews: it is read again when they change, and when that is asked for.

use std::path::PathBuf;
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
    /// The certificate chain (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// What serves them.
    pub slot: Arc<CertificateSlot>,
    /// Wakes it to read them at once.
    pub reload: Arc<Notify>,
    /// Counts what could not be used.
    pub metrics: Metrics,
}

type Versions = (Option<Version>, Option<Version>);

impl Files {
    /// Follows the files for as long as it is polled. What cannot be used is said once, and changes nothing.
    pub async fn keep(self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settled = self.versions();
        let mut seen = settled;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let now = self.versions();
                    // Two files are not replaced in one step: they are read once neither has changed for a look.
                    let is_done = now == seen && now != settled;
                    seen = now;
                    if !is_done {
                        continue;
                    }
                }
                () = self.reload.notified() => seen = self.versions(),
            }
            settled = seen;
            self.read();
        }
    }

    fn versions(&self) -> Versions {
        (Version::of(&self.certificate), Version::of(&self.key))
    }

    fn read(&self) {
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
