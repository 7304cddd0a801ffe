//! What carries the lines on this system: a Unix socket, or a named pipe of Windows.
//!
//! Never: nobody but the user reaches it, and no other machine.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as here;
#[cfg(windows)]
use windows as here;

pub(super) use here::{Listener, address, connect, name};
