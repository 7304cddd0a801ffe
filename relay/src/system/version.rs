//! What tells one version of a file from the next, without reading it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::inode;

/// One version of a file. A rename changes the inode even when time and length stay; a link is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Version {
    /// Which version stands on disk; `None` when there is no file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), length: metadata.len(), inode: inode(&metadata) })
    }
}
