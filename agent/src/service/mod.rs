//! The agent as a service of its user: started with the session, again after a failure, its log where the system keeps logs.
//!
//! ```text
//!   systemd   a user unit        launchd   an agent        task   a scheduled task (Windows)
//! ```
//!
//! Each is a text that the system reads, and the program that tells it so.
//! Never: nothing here needs another user's rights, and no secret is in a service's text.

mod launchd;
mod program;
pub mod shell;
mod systemd;
mod task;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use crate::tools::{ToolError, Tools};
pub use program::lasting;

/// What runs as a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The program.
    pub program: PathBuf,
    /// Its configuration, when it is not the user's own.
    pub config: Option<PathBuf>,
    /// The profile of its credentials, when it is not the configuration's.
    pub profile: Option<String>,
}

/// Whether the service is there, and whether it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The file that defines it, or its name.
    pub place: String,
    /// It is defined.
    pub is_installed: bool,
    /// It runs now.
    pub is_running: bool,
}

/// Why a service was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The system's program.
    #[error("the service manager: {0}")]
    Tool(#[from] ToolError),
    /// The file that defines it.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path or a name that the service's text cannot hold.
    #[error("{} cannot be written in a service's definition; give it a name of plain text", .0.display())]
    Path(PathBuf),
    /// A service that was told to end and does not.
    #[error("launchd does not end {0}, which it was told; try again when it has")]
    Lasting(String),
}

/// A system's way to run services.
pub trait Manager {
    /// Defines the service, starts it now and with every session.
    fn install(&self, tools: &dyn Tools, service: &Service) -> Result<(), ServiceError>;
    /// Ends it and takes its definition away; says whether there was one.
    fn uninstall(&self, tools: &dyn Tools) -> Result<bool, ServiceError>;
    /// What is there.
    fn condition(&self, tools: &dyn Tools) -> Result<Condition, ServiceError>;
    /// How its log is read.
    fn log_hint(&self) -> String;
}

/// This system's manager. `home` is the user's home directory, `config` the one of their configurations.
pub fn manager(home: &Path, config: &Path) -> Box<dyn Manager> {
    if cfg!(target_os = "macos") {
        return Box::new(launchd::Launchd::new(home));
    }
    if cfg!(windows) {
        return Box::new(task::Task);
    }
    Box::new(systemd::Systemd::new(config))
}

impl Service {
    /// The words after the program.
    fn arguments(&self) -> Result<Vec<String>, ServiceError> {
        let profile = self.profile.as_deref().map(Path::new);
        let mut words = Vec::new();
        for (option, value) in [("--config", self.config.as_deref()), ("--profile", profile)] {
            if let Some(value) = value {
                words.extend([option.to_owned(), text(value)?]);
            }
        }
        words.push("run".to_owned());
        Ok(words)
    }
}

/// A path or a name as a definition can hold it: text, on one line.
fn text(path: &Path) -> Result<String, ServiceError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.map(str::to_owned).ok_or_else(|| ServiceError::Path(path.to_owned()))
}

/// Writes a definition, and the directories above it.
fn write(path: &Path, definition: &str) -> Result<(), ServiceError> {
    let directory = path.parent().unwrap_or(path);
    let written = std::fs::create_dir_all(directory).and_then(|()| std::fs::write(path, definition));
    written.map_err(|source| ServiceError::File { what: "write", path: path.to_owned(), source })
}

/// Removes a definition; says whether there was one.
fn remove(path: &Path) -> Result<bool, ServiceError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ServiceError::File { what: "remove", path: path.to_owned(), source }),
    }
}

/// As XML takes it.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
