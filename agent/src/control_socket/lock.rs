//! One agent per configuration: an advisory lock that the system lets go when its holder dies, however it dies.
//!
//! Never: the lock file is never removed, or two agents could each hold a lock on a file of that name.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::holder::Holder;
use super::place::Place;
use crate::system::{private_file, shut_directory};

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

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
    holder: PathBuf,
}

impl RunLock {
    /// Takes it and says that the agent is asked at `socket`, or says who has it.
    pub(super) fn take(place: &Place, socket: PathBuf) -> Result<Self, LockError> {
        let fail = |source| LockError::File { path: place.lock.clone(), source };
        place.lock.parent().map_or(Ok(()), shut_directory).map_err(fail)?;
        let file = private_file().create(true).truncate(false).write(true).open(&place.lock).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Running { pid: wait_for_pid(&place.holder()) }),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let holder = place.holder();
        let written = Holder { pid: std::process::id(), socket }.write(&holder);
        written.map_err(|source| LockError::File { path: holder.clone(), source })?;
        Ok(Self { _file: file, holder })
    }
}

impl Drop for RunLock {
    /// Before the lock goes: afterwards the file is a successor's.
    fn drop(&mut self) {
        Holder::forget(&self.holder);
    }
}

fn wait_for_pid(path: &Path) -> Option<u32> {
    for _ in 0..LOOKS {
        if let Some(holder) = Holder::read(path) {
            return Some(holder.pid);
        }
        thread::sleep(LOOK_AGAIN);
    }
    None
}
