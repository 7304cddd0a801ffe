//! What systems do differently: private files, locks, limits, signals. The library also runs inside the agent, on every desktop.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tokio::net::TcpStream;

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as here;
#[cfg(unix)]
use unix as here;

pub(crate) use here::{Signals, create_private_directory, inode, is_root, lock_file, raise_descriptor_limit, replace_program};

/// Writes a file whole, or not at all; where there are modes it is 0600.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // A rename lasts once its directory is written; not every system lets one open a directory.
    File::open(directory).and_then(|directory| directory.sync_all()).or_else(|error| if cfg!(unix) { Err(error) } else { Ok(()) })
}

/// A tunnel's latency is made here: nothing waits to be gathered, and the kernel holds no more unsent than the wire takes.
pub(crate) fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(socket);
        socket.set_tcp_notsent_lowat(tunnel::limits::NOTSENT_LOWAT)?;
        socket.set_tcp_user_timeout(Some(STALLED))?;
    }
    Ok(())
}

/// How long writing to an end may stall before the system gives its connection up (TCP_USER_TIMEOUT). An end always reads its
/// leg, so only a dead one stalls; without this, two ends that die with full buffers would hold each other's leg unread, and
/// neither silence would count.
#[cfg(target_os = "linux")]
const STALLED: std::time::Duration = std::time::Duration::from_secs(30);
