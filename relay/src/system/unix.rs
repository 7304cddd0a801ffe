//! Unix.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Makes a directory that only its owner enters; what exists stays as it is.
pub(crate) fn create_private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Opens the file at `path` and waits until nobody else holds it; held while the returned file is open.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// What a rename changes even when time and length stay.
pub(crate) fn inode(metadata: &Metadata) -> u64 {
    metadata.ino()
}

/// Whether the whole machine is ours.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// As many descriptors as the system lets us have: one leg is one, and shells start programs with 1024.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// SIGTERM and SIGINT alike.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Puts the program at `new`, on the same file system, in the place of the one that runs.
pub(crate) fn replace_program(new: &Path) -> io::Result<()> {
    let old = std::env::current_exe()?.canonicalize()?;
    std::fs::set_permissions(new, std::fs::metadata(&old)?.permissions())?;
    std::fs::rename(new, old)
}
