//! Hands the relay's ports to a process that takes its place: the open sockets themselves, over a Unix socket in the state
//! directory, which only its owner enters. Both processes then have one queue of connections, so none of them is lost when the
//! old one goes.
//!
//! Never: a port is closed, or counted as handed on, before its heir has it; an heir that ends leaves it to the old one.

use std::fs::{Permissions, remove_file, set_permissions};
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::cmsg_space;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{UnixListener, UnixStream as AsyncUnixStream};
use tokio::time::sleep;

/// The relay's port, and that of its metrics, in this order.
const MOST_PORTS: usize = 2;
/// The place of the relay's port.
const RELAY_PORT: u8 = 0;
/// Sent beside the ports: a message without a byte is none.
const HERE: [u8; 1] = [b'.'];
/// How long a relay may take to answer its heir.
const PATIENCE: Duration = Duration::from_secs(3);
/// The wait after the socket could not be opened.
const AGAIN: Duration = Duration::from_secs(60);

/// What an heir has been given, as long as it lives.
#[derive(Default)]
pub(crate) struct Inheritance {
    /// In the order in which they were given; `None` is one that was taken since.
    ports: Vec<Option<TcpListener>>,
    /// Closed by the system when the heir ends, however it does.
    life: Option<UnixStream>,
}

impl Inheritance {
    /// Asks the relay that offers its ports at `path`; nothing, if none does.
    pub(crate) fn ask(path: &Path) -> io::Result<Self> {
        let relay = match UnixStream::connect(path) {
            Ok(relay) => relay,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(error),
        };
        relay.set_read_timeout(Some(PATIENCE))?;
        let ports = receive(&relay)?.into_iter().map(Some).collect();
        Ok(Self { ports, life: Some(relay) })
    }

    /// The port of this address, if it is among what was given.
    pub(crate) fn port(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let has_it = |port: &mut TcpListener| port.local_addr().is_ok_and(|its| its == address);
        self.ports.iter_mut().find_map(|port| port.take_if(has_it))
    }

    /// Gives up what is left, and says which addresses that are. Kept open, it would let clients in whom nobody accepts.
    pub(crate) fn decline(&mut self) -> Vec<SocketAddr> {
        let mut declined = Vec::new();
        for (place, port) in (RELAY_PORT..).zip(&mut self.ports) {
            let Some(port) = port.take() else { continue };
            declined.extend(port.local_addr());
            drop(port);
            // A relay that does not hear it has ended, and its port with it.
            let _ = self.life.as_ref().map(|mut relay| relay.write_all(&[place]));
        }
        declined
    }
}

/// Offers ports at a path until it is dropped.
struct Offer {
    path: PathBuf,
    listener: UnixListener,
    is_taken: bool,
}

/// Offers `ports`, of which the first is the relay's, at `path`, within a runtime, for as long as it is polled. While an heir
/// has that one, `outlives` says so.
///
/// An heir finds the offer from the call on: whoever is then told that the relay is ready can have it succeeded.
pub(crate) fn offer(path: PathBuf, ports: Vec<TcpListener>, outlives: Arc<AtomicBool>) -> impl Future<Output = ()> + Send {
    let first = Offer::new(&path);
    keep_offering(first, path, ports, outlives)
}

async fn keep_offering(first: io::Result<Offer>, path: PathBuf, ports: Vec<TcpListener>, outlives: Arc<AtomicBool>) {
    let mut next = first;
    loop {
        let heir = match next {
            Ok(offer) => offer.taken(&ports).await,
            Err(error) => Err(error),
        };
        match heir {
            Ok(heir) => {
                outlives.store(true, Ordering::Relaxed);
                tracing::info!("another relay has the port too; stop this one with SIGTERM");
                until_gone(heir, &outlives).await;
                outlives.store(false, Ordering::Relaxed);
                next = Offer::new(&path);
                tracing::warn!("the relay that was to take this one's place has ended; this one goes on");
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the ports cannot be offered to a relay with --take-over");
                sleep(AGAIN).await;
                next = Offer::new(&path);
            }
        }
    }
}

/// Waits for the end of an heir. All that it says before is which ports it has no use for, by their places.
async fn until_gone(mut heir: AsyncUnixStream, outlives: &AtomicBool) {
    let mut declined = [0];
    while matches!(heir.read(&mut declined).await, Ok(1)) {
        if declined == [RELAY_PORT] {
            outlives.store(false, Ordering::Relaxed);
            tracing::warn!("that relay listens elsewhere: this one's port is closed when it stops");
        }
    }
}

impl Offer {
    /// In the place of what a relay that was killed, or has been succeeded, has left.
    fn new(path: &Path) -> io::Result<Self> {
        super::create_private_directory(path.parent().unwrap_or(Path::new(".")))?;
        match remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        let offer = Self { path: path.to_owned(), listener, is_taken: false };
        set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(offer)
    }

    /// Waits for an heir, and gives it the ports.
    async fn taken(mut self, ports: &[TcpListener]) -> io::Result<AsyncUnixStream> {
        let (heir, _) = self.listener.accept().await?;
        heir.async_io(Interest::WRITABLE, || send(heir.as_fd(), ports)).await?;
        // From now on the path is the heir's.
        self.is_taken = true;
        Ok(heir)
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if !self.is_taken {
            let _ = remove_file(&self.path);
        }
    }
}

fn send(to: BorrowedFd<'_>, ports: &[TcpListener]) -> io::Result<()> {
    let ports: Vec<BorrowedFd<'_>> = ports.iter().take(MOST_PORTS).map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_PORTS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&ports));
    sendmsg(to, &[IoSlice::new(&HERE)], &mut control, SendFlags::empty())?;
    Ok(())
}

fn receive(from: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let (mut byte, mut space) = (HERE, [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_PORTS))]);
    let mut control = RecvAncillaryBuffer::new(&mut space);
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::empty())?;
    let mut ports = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sockets) = message {
            for socket in sockets {
                fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
                ports.push(TcpListener::from(socket));
            }
        }
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use tokio::task::spawn_blocking;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn an_offer_stands_before_anything_is_awaited_and_is_gone_with_its_future() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("succession.sock");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let offering = offer(path.clone(), vec![port], Arc::default());
        UnixStream::connect(&path).expect("an heir is heard");
        drop(offering);
        assert!(!path.exists());
    }

    async fn until(flag: &AtomicBool, wanted: bool) {
        let waiting = async {
            while flag.load(Ordering::Relaxed) != wanted {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), waiting).await.expect("in time");
    }

    #[tokio::test]
    async fn a_port_that_the_heir_has_no_use_for_is_closed_there_and_does_not_outlive_the_relay() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("succession.sock");
        let ports = ["127.0.0.1:0"; 2].map(|any| TcpListener::bind(any).expect("a port"));
        let [relay, metrics] = ports.each_ref().map(|port| port.local_addr().expect("an address"));
        let outlives = Arc::new(AtomicBool::new(false));
        let offering = tokio::spawn(offer(path.clone(), Vec::from(ports), Arc::clone(&outlives)));
        for (wanted, declined) in [(relay, metrics), (metrics, relay)] {
            let asking = path.clone();
            let asked = spawn_blocking(move || Inheritance::ask(&asking)).await.expect("no panic");
            let mut inheritance = asked.expect("it was offered");
            until(&outlives, true).await;
            assert!(inheritance.port(wanted).is_some() && inheritance.port(wanted).is_none());
            assert_eq!(inheritance.decline(), [declined]);
            assert_eq!(inheritance.decline(), []);
            until(&outlives, wanted == relay).await;
            drop(inheritance);
            until(&outlives, false).await;
        }
        offering.abort();
    }
}
