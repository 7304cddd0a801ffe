//! On, off, status, in the order that loses nothing: read, journal, change; put back, then forget.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::Kind;
use super::journal::{Change, Entry, Journal, JournalError};
use crate::tools::{ToolError, Tools};

/// The desktop's proxy setting, and the journal of what it was.
pub struct SystemProxy<'a> {
    tools: &'a dyn Tools,
    journal: Journal,
    session: Option<String>,
}

/// Whose proxy it shall be.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where programs of this machine reach it.
    pub proxy: SocketAddr,
    /// The configuration file of its agent.
    pub agent: &'a Path,
}

/// What a putting back came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// Nothing had been changed.
    Nothing,
    /// All is as it was, but for settings that somebody changed meanwhile.
    Done {
        /// Those settings.
        kept: Vec<String>,
    },
}

/// What holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing of ours.
    Off,
    /// All of ours.
    On {
        /// The desktop.
        desktop: &'static str,
        /// The configuration file of the agent whose proxy it is.
        agent: PathBuf,
    },
    /// Ours, but for settings that somebody changed meanwhile.
    Changed {
        /// Those settings.
        settings: Vec<String>,
    },
}

/// Why the setting was not changed or put back.
#[derive(Debug, thiserror::Error)]
pub enum DesktopError {
    /// None that is known.
    #[error(
        "this desktop is not one whose proxy setting is known (GNOME and its relatives, KDE, macOS, Windows); set the proxy by \
         hand, or use `awslambdaproxy env` or `awslambdaproxy exec`"
    )]
    Unknown,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A program of the desktop.
    #[error("the desktop's proxy setting: {0}")]
    Tool(#[from] ToolError),
    /// Some of it could not be put back.
    #[error(
        "{} of the desktop's proxy settings could not be put back: {}; `awslambdaproxy proxy off` tries them again, and \
         without {} they stay as they are",
        .failed.len(), list(.failed), .journal.display()
    )]
    Left {
        /// Each setting, with the reason.
        failed: Vec<(String, ToolError)>,
        /// What says how they were.
        journal: PathBuf,
    },
    /// Half of it could be set, and was put back.
    #[error("the desktop's proxy setting could not be changed and is as it was: {0}")]
    Undone(#[source] ToolError),
}

fn list(failed: &[(String, ToolError)]) -> String {
    failed.iter().map(|(setting, error)| format!("{setting}: {error}")).collect::<Vec<_>>().join("; ")
}

impl<'a> SystemProxy<'a> {
    /// The desktop of this session (`XDG_CURRENT_DESKTOP`), with its journal in the directory `state`.
    pub fn new(tools: &'a dyn Tools, state: &Path, session: Option<String>) -> Self {
        Self { tools, journal: Journal::within(state), session }
    }

    /// Sets the proxy. What an earlier `on` left is put back first.
    pub fn on(&self, asked: Asked<'_>) -> Result<(), DesktopError> {
        self.off()?;
        let kind = Kind::of_session(self.session.as_deref()).ok_or(DesktopError::Unknown)?;
        let desktop = kind.desktop();
        let wanted = desktop.wanted(self.tools, asked.proxy)?;
        let change = |(setting, ours): (String, String)| {
            let before = desktop.read(self.tools, &setting)?;
            Ok(Change { setting, before, ours })
        };
        let changes = wanted.into_iter().map(change).collect::<Result<Vec<_>, ToolError>>()?;
        let entry = Entry { desktop: kind, agent: asked.agent.to_owned(), changes };
        self.journal.write(&entry)?;
        if let Err(error) = self.set(&entry) {
            self.off()?;
            return Err(DesktopError::Undone(error));
        }
        Ok(())
    }

    fn set(&self, entry: &Entry) -> Result<(), ToolError> {
        let desktop = entry.desktop.desktop();
        for Change { setting, ours, .. } in &entry.changes {
            desktop.write(self.tools, setting, Some(ours))?;
            // Without a session `gsettings` ends well whatever it did.
            if desktop.read(self.tools, setting)?.as_ref() != Some(ours) {
                return Err(ToolError::Idle { what: setting.clone() });
            }
        }
        self.announce(entry.desktop);
        Ok(())
    }

    /// Puts back what was there before.
    pub fn off(&self) -> Result<Restored, DesktopError> {
        self.journal.read()?.map_or(Ok(Restored::Nothing), |entry| self.restore(entry))
    }

    /// The same, if it was set for the agent of this configuration file: when that agent ends, and when it starts and an
    /// earlier one did not end well.
    pub fn off_for(&self, agent: &Path) -> Result<Restored, DesktopError> {
        match self.journal.read()? {
            Some(entry) if entry.agent == agent => self.restore(entry),
            _ => Ok(Restored::Nothing),
        }
    }

    /// What switches the proxy on was written last, so it goes first. One setting that cannot be put back keeps none of the
    /// others from it; it alone stays in the journal.
    fn restore(&self, mut entry: Entry) -> Result<Restored, DesktopError> {
        let (mut kept, mut failed) = (Vec::new(), Vec::new());
        for change in entry.changes.iter().rev() {
            match self.put_back(entry.desktop, change) {
                Ok(true) => {}
                Ok(false) => kept.push(change.setting.clone()),
                Err(error) => failed.push((change.setting.clone(), error)),
            }
        }
        self.announce(entry.desktop);
        if failed.is_empty() {
            self.journal.clear()?;
            return Ok(Restored::Done { kept });
        }
        entry.changes.retain(|change| failed.iter().any(|(setting, _)| *setting == change.setting));
        self.journal.write(&entry)?;
        Err(DesktopError::Left { failed, journal: self.journal.path().to_owned() })
    }

    /// Whether the setting is as before; it is not where somebody changed it meanwhile.
    fn put_back(&self, kind: Kind, Change { setting, before, ours }: &Change) -> Result<bool, ToolError> {
        let desktop = kind.desktop();
        let now = desktop.read(self.tools, setting)?;
        if now.as_ref() == Some(ours) {
            desktop.write(self.tools, setting, before.as_deref())?;
            let is_still_ours = before.as_ref() != Some(ours) && desktop.read(self.tools, setting)?.as_ref() == Some(ours);
            return if is_still_ours { Err(ToolError::Idle { what: setting.clone() }) } else { Ok(true) };
        }
        Ok(now == *before)
    }

    /// What holds now.
    pub fn state(&self) -> Result<State, DesktopError> {
        let Some(entry) = self.journal.read()? else { return Ok(State::Off) };
        let desktop = entry.desktop.desktop();
        let mut settings = Vec::new();
        for Change { setting, ours, .. } in &entry.changes {
            if desktop.read(self.tools, setting)?.as_ref() != Some(ours) {
                settings.push(setting.clone());
            }
        }
        Ok(match settings.is_empty() {
            true => State::On { desktop: entry.desktop.name(), agent: entry.agent },
            false => State::Changed { settings },
        })
    }

    /// Whoever does not hear it learns it from the setting itself.
    fn announce(&self, kind: Kind) {
        if let Err(error) = kind.desktop().announce(self.tools) {
            tracing::debug!(%error, "programs that run are not told of the desktop's proxy setting");
        }
    }
}
