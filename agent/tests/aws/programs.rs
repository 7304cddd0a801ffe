//! Programs that stand in for the function where a test is about a function that fails, zipped.

use std::io::{Cursor, Write};
use std::path::PathBuf;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A zip with this program as its `bootstrap`; the file lives as long as the test's process.
pub fn zip(program: &str) -> PathBuf {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).expect("an entry");
    archive.write_all(program.as_bytes()).expect("the program");
    let bytes = archive.finish().expect("a zip").into_inner();
    let (mut file, path) = tempfile::NamedTempFile::new().expect("a file").keep().expect("a file that stays");
    file.write_all(&bytes).expect("the zip");
    path
}
