//! SIGHUP: configuration and certificate are read again. What can change changes; for the rest it is said that it cannot.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::config::Settings;
use crate::server::Adjustable;

/// Reads it all again.
pub(super) struct Reloader {
    path: PathBuf,
    running: Settings,
    changes: watch::Sender<Adjustable>,
    certificate: Arc<Notify>,
}

impl Reloader {
    /// For a relay that runs with these settings, out of the file at `path`. `certificate` wakes who keeps the certificate.
    pub(super) fn new(path: PathBuf, running: Settings, certificate: Arc<Notify>) -> Self {
        let (changes, _) = watch::channel(running.adjustable.clone());
        Self { path, running, changes, certificate }
    }

    /// Where changes of what can change come from.
    pub(super) fn changes(&self) -> watch::Receiver<Adjustable> {
        self.changes.subscribe()
    }

    /// Does it. A file that cannot be used changes nothing.
    pub(super) fn reload(&mut self) {
        self.certificate.notify_one();
        let new = match Settings::load(&self.path) {
            Ok(new) => new,
            Err(error) => {
                tracing::error!(%error, "the configuration is of no use; the relay goes on with the old one");
                return;
            }
        };
        for key in self.fixed(&new) {
            tracing::warn!(key, "this was changed, and will only be followed after a restart");
        }
        self.running.adjustable = new.adjustable.clone();
        self.changes.send_replace(new.adjustable);
        tracing::info!("the configuration was read again");
    }

    /// The keys that were changed and cannot be followed.
    fn fixed(&self, new: &Settings) -> Vec<&'static str> {
        let old = &self.running;
        let changed = [
            ("listen", old.listen != new.listen),
            ("tls", old.tls != new.tls),
            ("limits", old.limits != new.limits),
            ("metrics", old.metrics != new.metrics),
        ];
        changed.into_iter().filter_map(|(key, has_changed)| has_changed.then_some(key)).collect()
    }
}
