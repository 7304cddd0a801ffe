//! A Unix socket of mode 0600, in a directory of mode 0700.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::system::shut_directory;

/// Where the socket of that name is.
pub(in super::super) fn name(runtime: &Path, name: &str) -> PathBuf {
    runtime.join(format!("{name}.sock"))
}

/// The same in every run: whoever may write there is the user.
pub(in super::super) fn address(name: &Path) -> PathBuf {
    name.to_owned()
}

/// The open socket, with its name in the file system.
#[derive(Debug)]
pub(in super::super) struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Opens it, in the place of what an agent that died may have left. Needs a runtime.
    pub(in super::super) fn bind(path: &Path) -> io::Result<Self> {
        path.parent().map_or(Ok(()), shut_directory)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let bound = Self { listener: UnixListener::bind(path)?, path: path.to_owned() };
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(bound)
    }

    /// The next one who asks.
    pub(in super::super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // One that is gone already hinders nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// Reaches the agent at `path`.
pub(in super::super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}
