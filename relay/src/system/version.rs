//! What tells one version of a file from the next, without reading it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::{inode, touched};

/// One version of a file. A rename changes the inode even when time and length stay, and a change of who may read it nothing
/// but the time at which it was touched; a link is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
    touched: (i64, i64),
}

impl Version {
    /// Which version stands on disk; `None` when there is no file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let (modified, length) = (metadata.modified().ok(), metadata.len());
        Some(Self { modified, length, inode: inode(&metadata), touched: touched(&metadata) })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_file_that_others_may_read_from_now_on_is_another_version() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (begun, first) = (Instant::now(), Version::of(file.path()).expect("it is there"));
        assert_eq!(Version::of(file.path()), Some(first));
        // Two changes within a tick of the kernel's clock have the same time.
        while Version::of(file.path()) == Some(first) {
            assert!(begun.elapsed() < Duration::from_secs(5), "its modes change, and nobody sees it");
            set_permissions(file.path(), Permissions::from_mode(0o644)).expect("it is ours");
        }
    }
}
