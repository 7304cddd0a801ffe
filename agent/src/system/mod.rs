//! What systems do differently for the whole agent: its user's own files, the signals that end it, the limit of descriptors.
//! What only one room needs differently stands in that room (`control_socket::transport`, `cloud::local::server::system`).

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as here;
#[cfg(windows)]
use windows as here;

pub(crate) use here::{Signals, become_it, in_a_group_of_its_own, is_same_file, raise_descriptor_limit};

/// What makes or opens a file that is its user's alone.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    here::keep_file_private(&mut options);
    options
}

/// Makes a directory that is not there yet, its parents too, for this user only.
pub(crate) fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    here::keep_directory_private(&mut builder);
    builder.recursive(true).create(directory)
}

/// The same, and one that is there is shut to others.
pub(crate) fn shut_directory(directory: &Path) -> io::Result<()> {
    make_private_directory(directory)?;
    here::shut(directory)
}
