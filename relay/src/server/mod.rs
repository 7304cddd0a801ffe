//! Accepts connections until told to stop, then stops in good order.
//!
//! ```text
//!   accept (handshakes) → connection (TLS, head) → reception (judge, 101) → bridge (a task per leg)
//! ```

mod address;
mod connection;
mod handshakes;
mod reception;

#[cfg(feature = "fuzzing")]
pub(crate) use address::client;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::leg::port::close;

use crate::admission::{Conduct, Limits, Places};
use crate::agents::Agents;
use crate::bridge::Buffers;
use crate::pairing::Handle;
use handshakes::{Handshakes, Slot};

/// How long the legs have after they were told that the relay stops: an end answers within a round trip.
pub const DRAIN: Duration = Duration::from_secs(2);
/// How often entries are looked at for their end, and the agents' file for a change.
const TICK: Duration = Duration::from_secs(1);
/// Wait after a failed accept, at first and at most: it fails when descriptors run out, and they come back.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a server needs to run.
#[derive(Clone)]
pub struct Config {
    /// TLS with this certificate; `None` is plain WebSocket, behind a proxy or on loopback.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Whose tokens are good.
    pub agents: Agents,
    /// How much is taken.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted: Vec<IpNet>,
    /// How long a stop may take.
    pub drain: Duration,
}

impl Config {
    /// Plain WebSocket for these agents, with every default.
    pub fn plain(agents: Agents) -> Self {
        Self { tls: None, agents, limits: Limits::default(), trusted: Vec::new(), drain: DRAIN }
    }
}

/// What the tasks of a running relay share.
struct Relay {
    tls: Option<Arc<rustls::ServerConfig>>,
    agents: Agents,
    trusted: Vec<IpNet>,
    places: Places,
    conduct: Conduct,
    tunnels: Handle,
    buffers: Buffers,
    tasks: TaskTracker,
    /// Cancelled when the relay is to stop.
    shutdown: CancellationToken,
    /// Cancelled when its time to stop is over: what runs then is cut.
    cut: CancellationToken,
}

/// Runs a relay on `listener` until `shutdown` is cancelled and its legs are gone, at most the drain time later.
///
/// # Errors
/// When the listener has no address. Errors of single connections, and of accepting, are logged and outlived.
pub async fn run(listener: TcpListener, config: Config, shutdown: CancellationToken) -> io::Result<()> {
    let listen = listener.local_addr()?;
    if config.agents.is_empty() {
        tracing::warn!("no agent may use this relay yet; `awslambdaproxy-relay agent add NAME` adds one");
    }
    tracing::info!(%listen, tls = config.tls.is_some(), "relay is ready");
    let (handshakes, drain) = (Handshakes::new(config.limits.handshakes), config.drain);
    let relay = Arc::new(Relay::new(config, shutdown));
    relay.spawn(keep_house(Arc::clone(&relay)));
    tokio::select! {
        () = relay.shutdown.cancelled() => {}
        () = accept_all(&relay, &listener, &handshakes) => {}
    }
    drop(listener);
    relay.stop(drain).await;
    Ok(())
}

async fn accept_all(relay: &Arc<Relay>, listener: &TcpListener, handshakes: &Handshakes) {
    let mut backoff = ACCEPT_BACKOFF.0;
    loop {
        match listener.accept().await {
            Ok((socket, sender)) => {
                backoff = ACCEPT_BACKOFF.0;
                // While none is free the next ones wait in the kernel's queue.
                let slot = handshakes.enter(relay.own_address(sender)).await;
                relay.spawn(serve(Arc::clone(relay), socket, sender, slot));
            }
            // The client went before it was its turn.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(error) => {
                tracing::warn!(%error, wait_ms = backoff.as_millis(), "no connection can be accepted");
                sleep(backoff).await;
                backoff = (backoff * 2).min(ACCEPT_BACKOFF.1);
            }
        }
    }
}

async fn serve(relay: Arc<Relay>, socket: TcpStream, sender: SocketAddr, slot: Slot) {
    let wait = relay.own_address(sender).map_or(Duration::ZERO, |address| relay.conduct.connected(now(), address));
    let served = async {
        sleep(wait).await;
        connection::serve(relay, socket, sender).await
    };
    let served = tokio::select! {
        served = served => served,
        () = slot.lost() => {
            tracing::debug!(peer = %sender.ip(), "connection gave way to a newer one before its request came");
            return;
        }
    };
    if let Err(error) = served {
        tracing::debug!(peer = %sender.ip(), %error, "connection ended");
    }
}

/// What happens by the clock.
async fn keep_house(relay: Arc<Relay>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = relay.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        relay.tunnels.expire();
        for agent in relay.agents.refresh() {
            relay.tunnels.revoke(&agent);
        }
    }
}

impl Relay {
    fn new(config: Config, shutdown: CancellationToken) -> Self {
        Self {
            tls: config.tls,
            agents: config.agents,
            trusted: config.trusted,
            places: Places::new(config.limits),
            conduct: Conduct::new(config.limits),
            tunnels: Handle::new(config.limits),
            buffers: Buffers::default(),
            tasks: TaskTracker::new(),
            shutdown,
            cut: CancellationToken::new(),
        }
    }

    /// The sender's address, unless it is a trusted proxy's: that stands for many.
    fn own_address(&self, sender: SocketAddr) -> Option<IpAddr> {
        let address = sender.ip().to_canonical();
        (!self.trusted.iter().any(|net| net.contains(&address))).then_some(address)
    }

    fn is_draining(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Runs a task that the relay waits for, and cuts when its time is over.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = cut.cancelled() => {}
            }
        });
    }

    async fn stop(&self, drain: Duration) {
        let (tunnels, legs) = self.tunnels.counts();
        tracing::info!(tunnels, legs, "relay stops");
        self.tunnels.close_all(close::RESTARTING);
        self.tasks.close();
        if timeout(drain, self.tasks.wait()).await.is_err() {
            tracing::info!(tasks = self.tasks.len(), "time is over: the rest is cut");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// The runtime's clock, which tests can stop.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
