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

/// Takes as many descriptors as the system lets us have, and says how many: one leg is one, and shells start programs with
/// 1024.
pub(crate) fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = match raised {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            limit.current
        }
    };
    now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
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
