//! Errors of commands, and the exit codes of the contract.

use std::io;
use std::process::ExitCode;

use crate::agents::AgentsError;
use crate::config::ConfigError;
use crate::tls::TlsError;
use crate::update::UpdateError;

/// Something went wrong.
pub(super) const FAILURE: u8 = 1;
/// The configuration, or what it names, is at fault.
pub(super) const CONFIG: u8 = 3;
/// Interrupted by a second signal.
pub(super) const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// What was asked makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The configuration, or a file that it names.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The certificate, which the configuration names.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The socket that systemd hands over is not the one that the configuration names.
    #[error("{0}")]
    Port(String),
    /// The list of agents.
    #[error(transparent)]
    Agents(#[from] AgentsError),
    /// The update.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// An operation of the system.
    #[error("{what}: {source}")]
    System {
        /// What was tried, and on what.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl CliError {
    pub(super) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::Agents(_) | Self::Update(_) | Self::System { .. } => ExitCode::from(FAILURE),
            Self::Usage(_) => ExitCode::from(2),
            Self::Config(_) | Self::Tls(_) | Self::Port(_) => ExitCode::from(CONFIG),
        }
    }
}
