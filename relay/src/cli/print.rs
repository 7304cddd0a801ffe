//! The one place that prints: data on standard output, talk on standard error.

use std::fmt::Display;
use std::io::{self, Write};

use super::exit::CliError;

/// One line of data.
pub(super) fn line(text: impl Display) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::system("standard output"))
}

/// Data, as it is.
pub(super) fn text(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(CliError::system("standard output"))
}

/// One line for the person who reads along.
pub(super) fn note(text: impl Display) {
    // Nobody is left to be told that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Why the command failed.
pub(super) fn error(error: &CliError) {
    note(format_args!("error: {error}"));
}
