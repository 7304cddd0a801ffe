//! Unix.

mod succession;

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use listenfd::ListenFd;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use sd_notify::NotifyState;
use socket2::{Domain, Socket, Type};
use tokio::signal::unix::{SignalKind, signal};

use super::{Phase, Signal};

pub(crate) use succession::{Inheritance, offer};

/// Connections that the kernel keeps until they are accepted: all ends of a relay dial at once after its restart. The system
/// has a bound of its own, 4096 as a rule.
const BACKLOG: i32 = 4096;

/// Makes a directory that only its owner enters; what exists stays as it is.
pub(crate) fn create_private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Opens the file at `path` and waits until nobody else holds it; held while the returned file is open.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    give_to_owner_of(path.parent().unwrap_or(Path::new(".")), &file)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// What a rename changes even when time and length stay.
pub(crate) fn inode(metadata: &Metadata) -> u64 {
    metadata.ino()
}

/// When contents, owner, modes or links changed last, in seconds and nanoseconds since 1970. Programs cannot set it.
pub(crate) fn touched(metadata: &Metadata) -> (i64, i64) {
    (metadata.ctime(), metadata.ctime_nsec())
}

/// Whether the whole machine is ours.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// Takes as many descriptors as the system lets us have, and says how many: one leg is one, and shells start programs with
/// 1024.
pub(crate) fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = match raised {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            limit.current
        }
    };
    now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
}

/// The owner alone reads and writes it.
pub(super) fn keep_private(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o600))
}

/// The owner writes it, everybody reads it.
pub(super) fn let_everybody_read(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o644))
}

/// What root writes into somebody's directory is theirs.
pub(super) fn give_to_owner_of(directory: &Path, file: &File) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    let owner = std::fs::metadata(directory)?;
    if owner.uid() == file.metadata()?.uid() {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Listens on a port that nobody has.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.cloexec().nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The listening socket that the service manager has opened for this process (`LISTEN_FDS`), if it has.
pub(crate) fn handed_over() -> io::Result<Option<TcpListener>> {
    let mut handed = ListenFd::from_env();
    match handed.len() {
        0 => return Ok(None),
        1 => {}
        more => return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{more} sockets came, and one is expected"))),
    }
    let listener = handed.take_tcp_listener(0)?;
    listener.as_ref().map(|listener| listener.set_nonblocking(true)).transpose()?;
    Ok(listener)
}

/// Tells the service manager, if there is one.
pub(crate) fn notify(phase: Phase) {
    let told = match phase {
        Phase::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Phase::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Phase::Reloading => NotifyState::monotonic_usec_now().and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
    };
    if let Err(error) = told {
        tracing::debug!(%error, ?phase, "the service manager could not be told");
    }
}

/// SIGTERM and SIGINT, which are alike, and SIGHUP.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}

/// Puts the program at `new`, on the same file system, in the place of the one that runs.
pub(crate) fn replace_program(new: &Path) -> io::Result<()> {
    let old = std::env::current_exe()?.canonicalize()?;
    std::fs::set_permissions(new, std::fs::metadata(&old)?.permissions())?;
    std::fs::rename(new, old)
}
