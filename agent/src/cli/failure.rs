//! An error with its exit code: the one place that maps the rooms' errors to codes.

use std::io;

use super::exit::Exit;
use super::printer::Printer;
use crate::causes::in_one_line;
use crate::cloud::CloudError;
use crate::config::Mistakes;
use crate::control_socket::{AskError, LockError, NoPlace, OpenError};
use crate::corporate::BadProxy;
use crate::desktop::DesktopError;
use crate::service::ServiceError;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// An error that the command itself classifies.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// Tells the user, and gives the exit code. A reader that has seen enough (`| head`) is no failure.
    pub(super) fn report(&self, printer: &Printer) -> Exit {
        if self.error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return Exit::Ok;
        }
        printer.talk(&format!("error: {}", self.text()));
        if let Some(hint) = &self.hint {
            printer.talk(&format!("  hint: {hint}"));
        }
        self.exit
    }

    /// With what can be done about it.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The error in words.
    pub(super) fn text(&self) -> String {
        in_one_line(self.error.chain())
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        let exit = if mistakes.only_flags() { Exit::Usage } else { Exit::Config };
        Self::new(exit, mistakes)
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let exit = if matches!(error, AskError::NotRunning) { Exit::NotRunning } else { Exit::Failure };
        Self::new(exit, error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let hint = hint_of_lock(&error);
        Self { hint, ..Self::new(Exit::Failure, error) }
    }
}

/// Where the lock is not this user's, `sudo` may once have made its directory.
fn hint_of_lock(error: &OpenError) -> Option<String> {
    let OpenError::Lock(LockError::File { path, .. }) = error else { return None };
    let directory = path.parent().unwrap_or(path).display();
    let other = if cfg!(target_os = "linux") { ", or set XDG_STATE_HOME to another directory" } else { "" };
    Some(format!("make {directory} this user's own and writable (chown){other}"))
}

impl From<NoPlace> for Failure {
    fn from(error: NoPlace) -> Self {
        Self::new(Exit::Failure, error)
    }
}

impl From<DesktopError> for Failure {
    fn from(error: DesktopError) -> Self {
        Self::new(Exit::Failure, error)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::new(Exit::Failure, error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Failure, error)
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        let hint = Some(error.hint().into_owned());
        let exit = match &error {
            CloudError::Setting { .. } => Exit::Config,
            refusal if refusal.is_refusal() => Exit::Aws,
            _ => Exit::Failure,
        };
        Self { hint, ..Self::new(exit, error) }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<CloudError>() {
            Ok(refused) => refused.into(),
            Err(other) if other.is::<BadProxy>() => Self::new(Exit::Config, other),
            Err(other) => Self::new(Exit::Failure, other),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}
