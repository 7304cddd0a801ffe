//! SIGHUP: configuration and certificate are read again. What can change changes; for the rest it is said that it cannot.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::descriptors;
use crate::config::{Settings, Tls};
use crate::server::Adjustable;
use crate::tls::acme::{Authority, Wishes};

/// Reads it all again.
pub(super) struct Reloader {
    path: PathBuf,
    running: Settings,
    changes: watch::Sender<Adjustable>,
    certificate: Arc<Notify>,
    email: watch::Sender<Option<String>>,
}

impl Reloader {
    /// For a relay that runs with these settings, out of the file at `path`.
    pub(super) fn new(path: PathBuf, running: Settings) -> Self {
        let (changes, _) = watch::channel(running.adjustable.clone());
        let (email, _) = watch::channel(email(&running.tls));
        Self { path, running, changes, certificate: Arc::default(), email }
    }

    /// Where changes of what can change come from.
    pub(super) fn changes(&self) -> watch::Receiver<Adjustable> {
        self.changes.subscribe()
    }

    /// Asks for another look at the certificate.
    pub(super) fn certificate(&self) -> Arc<Notify> {
        Arc::clone(&self.certificate)
    }

    /// What a CA is to do.
    pub(super) fn wishes(&self) -> Wishes {
        Wishes { hurry: self.certificate(), email: self.email.subscribe() }
    }

    /// Does it. A file that cannot be used changes nothing.
    pub(super) fn reload(&mut self) {
        match Settings::load(&self.path) {
            Ok(new) => self.follow(new),
            Err(error) => tracing::error!(%error, "the configuration is of no use; the relay goes on with the old one"),
        }
        // Last, so that it finds what has changed.
        self.certificate.notify_one();
    }

    fn follow(&mut self, mut new: Settings) {
        new.adjustable.limits = descriptors::within(new.adjustable.limits);
        for key in self.fixed(&new) {
            tracing::warn!(key, "this was changed, and will only be followed after a restart");
        }
        for key in self.followed(&new) {
            tracing::info!(key, "this was changed, and is followed from now on");
        }
        if but_for_email(&self.running.tls) == but_for_email(&new.tls) {
            self.email.send_replace(email(&new.tls));
            self.running.tls = new.tls;
        }
        self.running.adjustable = new.adjustable.clone();
        self.changes.send_replace(new.adjustable);
        tracing::info!("the configuration was read again");
    }

    /// The keys that were changed and cannot be followed.
    fn fixed(&self, new: &Settings) -> Vec<&'static str> {
        let old = &self.running;
        changed([
            ("listen", old.listen != new.listen),
            ("tls", but_for_email(&old.tls) != but_for_email(&new.tls)),
            ("metrics.listen", old.metrics != new.metrics),
        ])
    }

    /// Those that were changed and can be.
    fn followed(&self, new: &Settings) -> Vec<&'static str> {
        let (old, new) = ((&self.running.tls, &self.running.adjustable), (&new.tls, &new.adjustable));
        let (limits, new_limits) = (old.1.limits, new.1.limits);
        changed([
            ("limits.connections", limits.connections != new_limits.connections),
            ("limits.per_address", limits.per_address != new_limits.per_address),
            ("limits.per_agent", limits.per_agent != new_limits.per_agent),
            ("limits.waiting", limits.waiting != new_limits.waiting),
            ("limits.handshakes", limits.handshakes != new_limits.handshakes),
            ("limits.bytes_per_second", limits.bytes_per_second != new_limits.bytes_per_second),
            ("proxy.trusted", old.1.trusted != new.1.trusted),
            ("drain.time", old.1.drain != new.1.drain),
            ("tls.acme_email", but_for_email(old.0) == but_for_email(new.0) && email(old.0) != email(new.0)),
        ])
    }
}

fn changed<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    keys.into_iter().filter_map(|(key, has_changed)| has_changed.then_some(key)).collect()
}

/// Whom a CA may write to.
fn email(tls: &Tls) -> Option<String> {
    match tls {
        Tls::Acme(authority) => authority.email.clone(),
        Tls::Files { .. } | Tls::SelfSigned | Tls::Off => None,
    }
}

/// How TLS is done, whomever a CA may write to.
fn but_for_email(tls: &Tls) -> Tls {
    match tls {
        Tls::Acme(authority) => Tls::Acme(Authority { email: None, ..authority.clone() }),
        other => other.clone(),
    }
}
