//! One agent per configuration: an advisory lock that the system lets go when its holder dies, however it dies.
//!
//! Never: the lock file is never removed, or two agents could each hold a lock on a file of that name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// Largest lock file read, bytes: a pid and a path.
const LARGEST_LOCK: u64 = 16 * 1024;

/// A holder writes its pid right after it has the lock; a second run looks this often for it.
const LOOKS: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent runs on the same configuration.
    #[error("already running on this configuration{}", match pid { Some(pid) => format!(", as process {pid}"), None => String::new() })]
    Running {
        /// Its process.
        pid: Option<u32>,
    },
    /// The file cannot be used.
    #[error("the lock {} cannot be used: {source}", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What a holder says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) socket: PathBuf,
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct RunLock(File);

impl RunLock {
    /// Takes it, or says who has it.
    pub(super) fn take(path: &Path, socket: &Path) -> Result<Self, LockError> {
        let fail = |source| LockError::File { path: path.to_owned(), source };
        let mut file = open(path).map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LockError::Running { pid: wait_for_pid(path) }),
            Err(error) => return Err(fail(error.into())),
        }
        let holder = Holder { pid: std::process::id(), socket: socket.to_owned() };
        write(&mut file, &holder).map_err(fail)?;
        Ok(Self(file))
    }
}

impl Drop for RunLock {
    /// Nobody should read of a holder that is gone; if that fails, its dead socket says the same.
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(holder)?)
}

/// Who holds the lock, as the file says; nobody can tell whether that is still so but its socket.
pub(super) fn holder(path: &Path) -> Option<Holder> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LARGEST_LOCK).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn wait_for_pid(path: &Path) -> Option<u32> {
    for _ in 0..LOOKS {
        if let Some(holder) = holder(path) {
            return Some(holder.pid);
        }
        thread::sleep(LOOK_AGAIN);
    }
    None
}
