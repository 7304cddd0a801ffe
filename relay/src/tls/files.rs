//! A certificate in files that somebody else renews: it is read again when they change, when that is asked for, and now and
//! then as long as it is of no use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{CertificateSlot, Certified, TlsError};
use crate::metrics::Metrics;
use crate::system::Version;

/// How often the files are looked at: two `stat`s.
const LOOK: Duration = Duration::from_secs(1);
/// How often files of no use are read again although they look the same: what kept them from being read may be over.
const AGAIN: Duration = Duration::from_secs(60);

/// Where a certificate and its key are, and the slot that serves them.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    slot: Arc<CertificateSlot>,
    reload: Arc<Notify>,
    metrics: Metrics,
    watch: Watch,
    /// Why these versions are of no use, if that was said.
    failure: Option<String>,
}

type Versions = (Option<Version>, Option<Version>);

/// When files are to be read.
struct Watch {
    /// The versions at the last look.
    seen: Versions,
    /// Those that were read last, with success or without.
    read: Versions,
    /// When they are read again, if they were of no use.
    again: Option<Instant>,
}

impl Watch {
    fn new(read: Versions) -> Self {
        Self { seen: read, read, again: None }
    }

    /// Whether the files, of these versions now, are to be read. Two files are not replaced in one step: they are read once
    /// neither has changed for a look.
    fn is_due(&mut self, now: Instant, versions: Versions) -> bool {
        let is_settled = std::mem::replace(&mut self.seen, versions) == versions;
        is_settled && (versions != self.read || self.again.is_some_and(|again| again <= now))
    }

    /// They were read as they are, and are of use or not.
    fn were_read(&mut self, now: Instant, versions: Versions, are_of_use: bool) {
        let again = (!are_of_use).then_some(now + AGAIN);
        *self = Self { again, ..Self::new(versions) };
    }
}

impl Files {
    /// Reads the files (PEM) and is ready to follow them. `reload` wakes it to read them at once.
    pub fn open(certificate: PathBuf, key: PathBuf, reload: Arc<Notify>, metrics: Metrics) -> Result<Self, TlsError> {
        // The versions are taken first: a change in between is then seen as one, and read again.
        let watch = Watch::new(versions(&certificate, &key));
        let slot = CertificateSlot::holding(Certified::from_files(&certificate, &key)?)?;
        metrics.certificate(slot.facts().as_ref());
        Ok(Self { certificate, key, slot, reload, metrics, watch, failure: None })
    }

    /// What serves them.
    pub fn slot(&self) -> Arc<CertificateSlot> {
        Arc::clone(&self.slot)
    }

    /// Follows the files for as long as it is polled. What cannot be used is said once, and changes nothing.
    pub async fn keep(mut self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let versions = tokio::select! {
                _ = ticks.tick() => {
                    let versions = self.versions();
                    if !self.watch.is_due(Instant::now(), versions) {
                        continue;
                    }
                    versions
                }
                () = self.reload.notified() => {
                    // Who asks is told, also what was said before.
                    self.failure = None;
                    self.versions()
                }
            };
            self.read_again(versions);
        }
    }

    fn versions(&self) -> Versions {
        versions(&self.certificate, &self.key)
    }

    fn read_again(&mut self, versions: Versions) {
        if versions != self.watch.read {
            self.failure = None;
        }
        let read = self.load();
        self.watch.were_read(Instant::now(), versions, read.is_ok());
        match read {
            Ok(()) => {
                self.failure = None;
                self.metrics.certificate(self.slot.facts().as_ref());
                tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &TlsError) {
        self.metrics.certificate_failed();
        let failure = error.to_string();
        if self.failure.as_ref() != Some(&failure) {
            tracing::error!(%error, "the new certificate is of no use; the old one is served on");
        }
        self.failure = Some(failure);
    }

    fn load(&self) -> Result<(), TlsError> {
        self.slot.serve(Certified::from_files(&self.certificate, &self.key)?)
    }
}

fn versions(certificate: &Path, key: &Path) -> Versions {
    (Version::of(certificate), Version::of(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_when_they_have_changed_and_again_while_they_are_of_no_use() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (now, none, new) = (Instant::now(), (None, None), versions(file.path(), file.path()));
        let mut watch = Watch::new(none);
        assert!(!watch.is_due(now, none));
        assert!(!watch.is_due(now, new), "it may be half of a change");
        assert!(watch.is_due(now, new));
        watch.were_read(now, new, false);
        assert!(!watch.is_due(now + LOOK, new), "not ever again");
        assert!(watch.is_due(now + AGAIN, new), "it may be readable now, and look the same");
        watch.were_read(now + AGAIN, new, true);
        assert!(!watch.is_due(now + 3 * AGAIN, new));
    }
}
