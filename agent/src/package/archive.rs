//! Takes `bootstrap` out of a zip that anyone may have made.
//!
//! Never: a small file does not become a large one in memory, whatever its directory claims.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

/// The one entry, as Lambda's custom runtimes name it.
const ENTRY: &str = "bootstrap";

/// Largest zip, bytes: what Lambda takes in one request.
pub(super) const LARGEST_ZIP: u64 = 50 * 1024 * 1024;

/// Largest executable, bytes. A release has 5 MB, a build for tests some 40.
const LARGEST_EXECUTABLE: u64 = 128 * 1024 * 1024;

/// Bits of a mode that let everybody read and run; Lambda runs functions as a user of its own.
const RUNNABLE: u32 = 0o555;

/// Why a zip is none of a function.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadArchive {
    /// It is larger than Lambda takes.
    #[error("it is larger than {LARGEST_ZIP} bytes")]
    Large,
    /// It is no zip, or a damaged one.
    #[error("it is not a sound zip: {0}")]
    Malformed(String),
    /// It holds something else.
    #[error("it must hold `{ENTRY}` and nothing else")]
    Entries,
    /// Lambda could not run it.
    #[error("its `{ENTRY}` may not be run by everybody (mode {0:o})")]
    Mode(u32),
    /// It unpacks to more than a function has.
    #[error("its `{ENTRY}` is larger than {LARGEST_EXECUTABLE} bytes")]
    Bomb,
}

impl From<ZipError> for BadArchive {
    fn from(error: ZipError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The executable of a function's zip.
pub(super) fn bootstrap(bytes: &[u8]) -> Result<Vec<u8>, BadArchive> {
    if bytes.len() as u64 > LARGEST_ZIP {
        return Err(BadArchive::Large);
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    if archive.len() != 1 {
        return Err(BadArchive::Entries);
    }
    let entry = archive.by_index(0)?;
    if entry.name()? != ENTRY || !entry.is_file() {
        return Err(BadArchive::Entries);
    }
    let mode = entry.unix_mode().unwrap_or(0) & 0o777;
    if mode & RUNNABLE != RUNNABLE {
        return Err(BadArchive::Mode(mode));
    }
    // The size that the directory claims is not believed.
    let mut executable = Vec::new();
    let read = entry.take(LARGEST_EXECUTABLE + 1).read_to_end(&mut executable);
    read.map_err(|error| BadArchive::Malformed(error.to_string()))?;
    if executable.len() as u64 > LARGEST_EXECUTABLE {
        return Err(BadArchive::Bomb);
    }
    Ok(executable)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A zip of files with modes.
    pub(in super::super) fn zip(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes, mode) in files {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).expect("begun");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    #[test]
    fn one_bootstrap_that_everybody_may_run_is_taken() {
        assert_eq!(bootstrap(&zip(&[("bootstrap", b"x", 0o755)])), Ok(b"x".to_vec()));
        let refused = |files: &[(&str, &[u8], u32)]| bootstrap(&zip(files)).expect_err("refused");
        assert_eq!(refused(&[]), BadArchive::Entries);
        assert_eq!(refused(&[("bin/bootstrap", b"x", 0o755)]), BadArchive::Entries);
        assert_eq!(refused(&[("bootstrap", b"x", 0o755), ("more", b"", 0o644)]), BadArchive::Entries);
        assert_eq!(refused(&[("bootstrap", b"x", 0o700)]), BadArchive::Mode(0o700));
        assert!(matches!(bootstrap(b"PK"), Err(BadArchive::Malformed(_))));
    }

    #[test]
    fn a_bomb_is_left_packed_beyond_the_limit() {
        let size = usize::try_from(LARGEST_EXECUTABLE).expect("size") + 1;
        let bomb = zip(&[("bootstrap", &vec![0; size], 0o755)]);
        assert!(bomb.len() < size / 100);
        assert_eq!(bootstrap(&bomb), Err(BadArchive::Bomb));
    }

    #[test]
    fn a_changed_byte_of_the_content_is_noticed() {
        let mut bytes = zip(&[("bootstrap", &[7; 4096], 0o755)]);
        let middle = 30 + "bootstrap".len() + 4;
        bytes[middle] ^= 0x10;
        assert!(matches!(bootstrap(&bytes), Err(BadArchive::Malformed(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(change in 0..200_usize, to: u8, cut in 0..200_usize) {
            let mut bytes = zip(&[("bootstrap", &[7; 50], 0o755)]);
            let at = change % bytes.len();
            bytes[at] = to;
            bytes.truncate(bytes.len().saturating_sub(cut % 3 * cut));
            let _any = bootstrap(&bytes);
        }
    }
}
