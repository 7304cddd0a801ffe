//! Programs that stand in for the function where a test is about another one, zipped.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::world::ZIP;

/// The version of this build.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Another one, as long as that.
pub const OTHER_VERSION: &str = "9.9.9";

/// The function itself, but for what it says of its version.
pub fn of_other_version() -> PathBuf {
    let mut archive = ZipArchive::new(File::open(&*ZIP).expect("the function's zip")).expect("a zip");
    let mut program = Vec::new();
    archive.by_name("bootstrap").expect("its program").read_to_end(&mut program).expect("its program");
    assert_eq!(VERSION.len(), OTHER_VERSION.len(), "nothing in the program may move");
    let places: Vec<usize> = places_of(&program, VERSION.as_bytes());
    assert!(!places.is_empty(), "it says its version nowhere");
    places.into_iter().for_each(|place| program[place..place + VERSION.len()].copy_from_slice(OTHER_VERSION.as_bytes()));
    zip(program)
}

/// Where a text stands in a program.
fn places_of(program: &[u8], text: &[u8]) -> Vec<usize> {
    program.windows(text.len()).enumerate().filter(|(_, window)| *window == text).map(|(place, _)| place).collect()
}

/// A zip with this program as its `bootstrap`; the file lives as long as the test's process.
pub fn zip(program: impl AsRef<[u8]>) -> PathBuf {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).expect("an entry");
    archive.write_all(program.as_ref()).expect("the program");
    let bytes = archive.finish().expect("a zip").into_inner();
    let (mut file, path) = tempfile::NamedTempFile::new().expect("a file").keep().expect("a file that stays");
    file.write_all(&bytes).expect("the zip");
    path
}
