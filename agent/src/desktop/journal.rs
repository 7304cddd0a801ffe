//! What the desktop's settings said before they were changed: one file, written before the first change, gone after the last
//! has been put back.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::system::make_private_directory;

const FILE: &str = "desktop-proxy.json";
/// Largest journal read, bytes: some settings of every network service.
const LARGEST: u64 = 1024 * 1024;

/// Where the journal is.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    path: PathBuf,
}

/// What was changed, for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) desktop: Kind,
    /// The configuration file of the agent whose proxy was set.
    pub(super) agent: PathBuf,
    pub(super) changes: Vec<Change>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) setting: String,
    pub(super) before: Option<String>,
    pub(super) ours: String,
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the journal of the desktop's proxy {} cannot be {what}: {source}", path.display())]
pub struct JournalError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Journal {
    pub(super) fn within(state: &Path) -> Self {
        Self { path: state.join(FILE) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(io::Error) -> JournalError + '_ {
        move |source| JournalError { what, path: self.path.clone(), source }
    }

    /// What it says; `None` when nothing is changed.
    pub(super) fn read(&self) -> Result<Option<Entry>, JournalError> {
        let read = fs::metadata(&self.path).and_then(|metadata| match metadata.len() {
            ..=LARGEST => fs::read(&self.path),
            _ => Err(io::Error::other("it is too large")),
        });
        match read {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from).map_err(self.failed("read")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read")(error)),
        }
    }

    /// Writes it, and returns once it is on the disk.
    pub(super) fn write(&self, entry: &Entry) -> Result<(), JournalError> {
        self.write_whole(entry).map_err(self.failed("written"))
    }

    fn write_whole(&self, entry: &Entry) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        make_private_directory(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&serde_json::to_vec(entry)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error).map(drop)
    }

    /// Nothing is changed any more.
    pub(super) fn clear(&self) -> Result<(), JournalError> {
        fs::remove_file(&self.path).map_err(self.failed("removed"))
    }
}
