//! The certificate that the configuration names: loaded, and kept while the relay runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::exit::CliError;
use super::reload::Reloader;
use crate::config::{Settings, Tls};
use crate::metrics::Metrics;
use crate::tls::acme::Keeper;
use crate::tls::files::Files;
use crate::tls::{CertificateSlot, Certified, made_before, self_signed};

/// A task that runs as long as the relay does.
pub(super) type Keeping = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What serves the certificate, and what keeps it fresh.
pub(super) struct Certificate {
    /// `None` where something in front does TLS.
    pub(super) slot: Option<Arc<CertificateSlot>>,
    pub(super) keeping: Option<Keeping>,
}

/// Loads the certificate of these settings. `reloader` asks for another look at it.
pub(super) fn open(settings: &Settings, reloader: &Reloader, metrics: &Metrics) -> Result<Certificate, CliError> {
    let metrics = metrics.clone();
    Ok(match &settings.tls {
        Tls::Off => Certificate { slot: None, keeping: None },
        Tls::SelfSigned => {
            let slot = CertificateSlot::holding(self_signed(&settings.state_dir, &settings.certificate_host())?)?;
            metrics.certificate(slot.facts().as_ref());
            Certificate { slot: Some(slot), keeping: None }
        }
        Tls::Files { certificate, key } => {
            let files = Files::open(certificate.clone(), key.clone(), reloader.certificate(), metrics)?;
            Certificate { slot: Some(files.slot()), keeping: Some(Box::pin(files.keep())) }
        }
        Tls::Acme(authority) => {
            let slot = CertificateSlot::waiting();
            let keeper = Keeper::new(authority.clone(), &settings.state_dir, Arc::clone(&slot), reloader.wishes(), metrics);
            Certificate { slot: Some(slot), keeping: Some(Box::pin(keeper.keep())) }
        }
    })
}

/// The certificate as it is on disk, and one of our own made if it is not there; `None` where there is none of ours, or none
/// yet.
pub(super) fn on_disk_or_made(settings: &Settings) -> Result<Option<Certified>, CliError> {
    match &settings.tls {
        Tls::SelfSigned => Ok(Some(self_signed(&settings.state_dir, &settings.certificate_host())?)),
        _ => on_disk(settings),
    }
}

/// The certificate as it is on disk; `None` where there is none of ours, or none yet.
pub(super) fn on_disk(settings: &Settings) -> Result<Option<Certified>, CliError> {
    Ok(match &settings.tls {
        Tls::Acme(authority) => authority.cached(&settings.state_dir)?,
        Tls::Files { certificate, key } => Some(Certified::from_files(certificate, key)?),
        Tls::SelfSigned => made_before(&settings.state_dir)?,
        Tls::Off => None,
    })
}
