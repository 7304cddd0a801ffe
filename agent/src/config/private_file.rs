//! Reads a file that may hold a secret, and says whether others can read it too.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Largest file read, bytes: a configuration has some hundreds of lines.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Bits of a mode that let anyone but the owner in.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// A file's text, and its mode when that lets others read or write it.
pub(super) struct PrivateFile {
    pub(super) text: String,
    pub(super) open_to_others: Option<u32>,
}

/// Reads the file. Mode and text are of the same open file, whatever is renamed meanwhile.
pub(super) fn read(path: &Path) -> io::Result<PrivateFile> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other(format!("is larger than {LARGEST_FILE} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("is not UTF-8 text"))?;
    Ok(PrivateFile { text, open_to_others: open_to_others(&metadata) })
}

#[cfg(unix)]
fn open_to_others(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then_some(mode)
}

/// Other systems keep a user's files to the user by their access lists.
#[cfg(not(unix))]
fn open_to_others(_: &Metadata) -> Option<u32> {
    None
}

/// The mend of a file that others can read.
pub(super) fn mend(mode: u32, path: &Path) -> String {
    format!("holds a secret but others may read it (mode {mode:04o}); run: chmod 600 {}", shell_word(path))
}

/// A path as a shell takes it.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%:,~".contains(c)) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
