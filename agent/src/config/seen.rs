//! What the file was when it was read, so that a later change of it is noticed.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tunnel::ticket::sha256;

use super::private_file;

/// A file as it was read. It keeps a hash, no text: that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    path: PathBuf,
    /// `None` where there was no file.
    hash: Option<[u8; 32]>,
}

impl Seen {
    pub(super) fn new(path: &Path, text: Option<&str>) -> Self {
        Self { path: path.to_owned(), hash: text.map(|text| sha256(text.as_bytes())) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there was a file.
    pub fn was_there(&self) -> bool {
        self.hash.is_some()
    }

    /// Whether the file says something else now, or is gone.
    pub fn has_changed(&self) -> io::Result<bool> {
        match private_file::read(&self.path) {
            Ok(now) => Ok(Self::new(&self.path, Some(&now.text)).hash != self.hash),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(self.was_there()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_seen_until_it_is_undone() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        let without = Seen::new(&file, None);
        assert!(!without.has_changed().expect("no file"));
        fs::write(&file, "frequency = 5").expect("written");
        assert!(without.has_changed().expect("read"));
        let seen = Seen::new(&file, Some("frequency = 5"));
        assert!(!seen.has_changed().expect("read"));
        fs::write(&file, "frequency = 6").expect("written");
        assert!(seen.has_changed().expect("read"), "of the same length, at the same time");
        fs::write(&file, "frequency = 5").expect("written");
        assert!(!seen.has_changed().expect("read"));
        fs::remove_file(&file).expect("removed");
        assert!(seen.has_changed().expect("no file"));
    }
}
