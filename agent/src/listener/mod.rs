//! The ports on which users' programs connect: binds, accepts, and serves each connection in a task of its own.
//!
//! Never: more connections than [`MOST_CONNECTIONS`] are held; further ones wait in the kernel.

mod connection;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::proxy::Proxy;

/// Most connections at once: beyond what browsers and scrapers of one desktop open, and what all exits carry.
pub const MOST_CONNECTIONS: usize = 4096;
/// How long to wait after an accept failed: it does for want of descriptors, and connections end meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bound ports.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// When to end. `stop` takes no new work and lets running streams finish; `cut` resets what still runs.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// No new connections or requests.
    pub stop: CancellationToken,
    /// No connections at all.
    pub cut: CancellationToken,
}

impl Listener {
    /// Binds every address.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let mut sockets = Vec::new();
        for address in addresses {
            let socket = TcpListener::bind(address).await.map_err(|source| BindError { address: *address, source })?;
            sockets.push(socket);
        }
        Ok(Self { sockets })
    }

    /// The addresses as they were bound, ports included.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets.iter().map(TcpListener::local_addr).collect()
    }

    /// Serves until `stop`, then returns when the last connection has ended.
    pub async fn run(self, proxy: Arc<Proxy>, shutdown: Shutdown) {
        let tasks = TaskTracker::new();
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        for socket in self.sockets {
            let connections =
                Connections { proxy: proxy.clone(), shutdown: shutdown.clone(), tasks: tasks.clone(), room: room.clone() };
            tasks.spawn(connections.accept(socket));
        }
        tasks.close();
        tasks.wait().await;
    }
}

/// What the accept loops share.
struct Connections {
    proxy: Arc<Proxy>,
    shutdown: Shutdown,
    tasks: TaskTracker,
    room: Arc<Semaphore>,
}

impl Connections {
    async fn accept(self, socket: TcpListener) {
        let stop = self.shutdown.stop.clone();
        let cut = self.shutdown.cut.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = cut.cancelled() => {}
            () = self.accept_all(&socket) => {}
        }
    }

    async fn accept_all(&self, socket: &TcpListener) {
        // The semaphore is never closed.
        while let Ok(permit) = self.room.clone().acquire_owned().await {
            match socket.accept().await {
                Ok((tcp, peer)) => {
                    let served = serve(tcp, peer, self.proxy.clone(), self.shutdown.clone());
                    self.tasks.spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn serve(tcp: TcpStream, peer: SocketAddr, proxy: Arc<Proxy>, shutdown: Shutdown) {
    tokio::select! {
        () = connection::serve(tcp, &proxy, &shutdown.stop) => {}
        () = shutdown.cut.cancelled() => tracing::debug!(%peer, "cut off"),
    }
}

/// The address at which programs of this machine reach a listener.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Errors of a connection that went before it was accepted say nothing of the next one (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted)
}
