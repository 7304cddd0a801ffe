//! What systems do differently: private files, locks, ports, limits, signals. The library also runs inside the agent, on every
//! desktop.

mod version;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tokio::net::TcpStream;

pub(crate) use version::Version;

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as here;
#[cfg(unix)]
use unix as here;

pub(crate) use here::{
    Inheritance, Signals, create_private_directory, handed_over, inode, is_root, listen, lock_file, notify, offer,
    raise_descriptor_limit, replace_program, touched,
};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To stop in good order.
    Stop,
    /// To read configuration and certificate again.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no signal that asks for it"))]
    Reload,
}

/// What the service manager is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Ready,
    Reloading,
    Stopping,
}

/// Writes a file whole, or not at all. Where there are modes it is 0600; where there are owners, root gives it to the owner
/// of its directory, since the relay that is to read it may run as somebody else.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, here::keep_private)
}

/// The same for a file that everybody may read.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, here::let_everybody_read)
}

fn write(path: &Path, content: &[u8], set_mode: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    set_mode(file.as_file())?;
    here::give_to_owner_of(directory, file.as_file())?;
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
