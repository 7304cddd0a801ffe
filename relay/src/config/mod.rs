//! relay.toml: read, checked, and told all its problems at once.
//!
//! Never: a room of the relay reads it; `cli` turns it into what each of them needs.

mod acme;
mod check;
mod paths;
mod problem;
mod public_url;
mod raw;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use acme::{NOT_CERTIFIABLE, certifiable};
pub use paths::default_config;
use paths::state_of;
pub use problem::{ConfigError, Problems};
pub use public_url::{BadPublicUrl, PublicUrl};

use crate::server::Adjustable;
use crate::tls::acme::Authority;
use check::Checker;
use raw::RawFile;

/// What relay.toml means.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Where ends reach the relay, for pairing codes; the listen address when `None`.
    pub public_url: Option<PublicUrl>,
    /// Where token hashes and certificates of one's own are kept.
    pub state_dir: PathBuf,
    /// How TLS is done.
    pub tls: Tls,
    /// What can be changed while the relay runs.
    pub adjustable: Adjustable,
    /// Where the metrics are.
    pub metrics: MetricsPort,
}

/// The second port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsPort {
    /// Nobody has said where; a port that is taken is done without.
    Usual(SocketAddr),
    /// There or not at all.
    At(SocketAddr),
    /// None.
    Off,
}

/// How TLS is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// With a certificate that this CA issues.
    Acme(Authority),
    /// With these PEM files.
    Files {
        /// The certificate chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// With a pair of one's own, in the state directory.
    SelfSigned,
    /// Not at all: something in front does it.
    Off,
}

impl Settings {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
            _ => ConfigError::Unreadable { path: path.to_owned(), source },
        })?;
        Self::parse(path, &text)
    }

    /// Reads `source`, the text of the file at `path`.
    pub fn parse(path: &Path, source: &str) -> Result<Self, ConfigError> {
        let mut problems = Problems::new(path);
        let raw = match raw::read(source) {
            Ok(raw) => raw,
            Err(mistakes) => {
                mistakes.into_iter().for_each(|error| problems.add(source, error.span(), "", error.message()));
                return problems.into_result(None);
            }
        };
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut checker = Checker { source, directory, problems };
        let settings = checker.settings(&raw, state_of(path));
        checker.problems.into_result(settings)
    }

    /// Where ends reach the relay, if that is known.
    pub fn reached_at(&self) -> Option<PublicUrl> {
        self.public_url.clone().or_else(|| match &self.tls {
            Tls::Acme(authority) => PublicUrl::secure(&authority.domain, self.listen.port()).ok(),
            Tls::Files { .. } | Tls::SelfSigned => PublicUrl::listening(true, self.listen),
            Tls::Off => PublicUrl::listening(false, self.listen),
        })
    }

    /// The name or address for a certificate of one's own.
    pub fn certificate_host(&self) -> String {
        self.public_url.as_ref().map_or_else(|| self.listen.ip().to_string(), |url| url.host().to_owned())
    }
}

impl Checker<'_> {
    fn settings(&mut self, raw: &RawFile, state_dir: PathBuf) -> Option<Settings> {
        let (listen, public_url) = (self.listen(raw), self.public_url(raw));
        let tls = self.tls(&raw.tls, public_url.as_ref());
        let (trusted, drain) = (self.trusted(&raw.proxy.trusted), self.drain(raw));
        let (limits, metrics) = (self.limits(&raw.limits), self.metrics(&raw.metrics));
        let adjustable = Adjustable { limits, trusted, drain };
        Some(Settings { listen: listen?, public_url, state_dir, tls: tls?, adjustable, metrics: metrics? })
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
