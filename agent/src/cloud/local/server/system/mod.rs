//! What systems do differently for the local Lambda: how it is told to go, and how it holds its programs.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as here;
#[cfg(windows)]
use windows as here;

pub(super) use here::{Group, Hold, KEPT_VARIABLES, Orders, Output, signal_of, standard_input};

/// Bytes per read of a program's output: a pipe holds 64 KiB, and one program must not keep the task from its other work.
const READ: usize = 8192;
/// Room for one read.
pub(super) type Buffer = [u8; READ];
