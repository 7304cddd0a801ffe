//! What the agent that holds the lock says of itself: its process, and where it is asked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::system::private_file;

/// Largest file read, bytes: a pid and a path.
const LARGEST: u64 = 16 * 1024;

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) socket: PathBuf,
}

impl Holder {
    /// As the file says; nobody can tell whether that is still so but its socket.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Only whoever has the lock writes.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        private_file().create(true).truncate(true).write(true).open(path)?.write_all(&serde_json::to_vec(self)?)
    }

    /// Nobody should read of a holder that is gone; if that fails, its dead socket says the same.
    pub(super) fn forget(path: &Path) {
        let _ = fs::remove_file(path);
    }
}
