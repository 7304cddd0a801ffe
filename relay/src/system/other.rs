//! Systems without Unix modes: files are as private as the user's profile is.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Phase, Signal};

/// Makes a directory; what exists stays as it is.
pub(crate) fn create_private_directory(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)
}

/// Opens the file at `path` and waits until nobody else holds it; held while the returned file is open.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Time and length must do.
pub(crate) fn inode(_: &Metadata) -> u64 {
    0
}

/// The same.
pub(crate) fn touched(_: &Metadata) -> (i64, i64) {
    (0, 0)
}

/// Nobody is.
pub(crate) fn is_root() -> bool {
    false
}

/// There is no such limit.
pub(crate) fn raise_descriptor_limit() -> usize {
    usize::MAX
}

/// The profile's own.
pub(super) fn keep_private(_: &File) -> io::Result<()> {
    Ok(())
}

/// The profile's own.
pub(super) fn let_everybody_read(_: &File) -> io::Result<()> {
    Ok(())
}

/// It is already.
pub(super) fn give_to_owner_of(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Listens on a port.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Nobody hands a socket over.
pub(crate) fn handed_over() -> io::Result<Option<TcpListener>> {
    Ok(None)
}

/// No port is handed to another process here.
#[derive(Default)]
pub(crate) struct Inheritance;

impl Inheritance {
    pub(crate) fn ask(_: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "on this system no process hands its port to another"))
    }

    pub(crate) fn port(&mut self, _: SocketAddr) -> Option<TcpListener> {
        None
    }

    pub(crate) fn decline(&mut self) -> Vec<SocketAddr> {
        Vec::new()
    }
}

/// To nobody.
pub(crate) async fn offer(_: PathBuf, _: Vec<TcpListener>, _: Arc<AtomicBool>) {
    std::future::pending().await
}

/// Nobody is to be told.
pub(crate) fn notify(_: Phase) {}

/// Ctrl-C.
pub(crate) struct Signals;

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Stop
    }
}

/// Puts the program at `new` in the place of the one that runs, which the system keeps open.
pub(crate) fn replace_program(new: &Path) -> io::Result<()> {
    self_replace::self_replace(new)
}
