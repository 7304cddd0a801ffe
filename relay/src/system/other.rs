//! Systems without Unix modes: files are as private as the user's profile is.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a directory; what exists stays as it is.
pub(crate) fn create_private_directory(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)
}

/// Opens the file at `path`. Two commands at once are not kept apart here; the file itself is still whole.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Time and length must do.
pub(crate) fn inode(_: &Metadata) -> u64 {
    0
}

/// Nobody is.
pub(crate) fn is_root() -> bool {
    false
}

/// There is no such limit.
pub(crate) fn raise_descriptor_limit() -> usize {
    usize::MAX
}

/// Ctrl-C.
pub(crate) struct Signals;

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
