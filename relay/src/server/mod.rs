//! Accepts connections until told to stop, then stops in good order.
//!
//! ```text
//!   accept (handshakes) → connection (TLS, head) → reception (judge, 101) → bridge (a task per leg)
//!   observatory   a port of its own: /metrics, /readyz
//! ```

mod address;
mod connection;
mod handshakes;
mod observatory;
mod reception;

#[cfg(feature = "fuzzing")]
pub(crate) use address::client;
pub(crate) use reception::HEALTH_PATH;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::leg::port::close;

use crate::admission::{Conduct, Limits, Places};
use crate::agents::Agents;
use crate::bridge::Buffers;
use crate::metrics::{Census, Metrics};
use crate::pairing::Handle;
use crate::system::{self, Phase};
use crate::tls::CertificateSlot;
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
    /// TLS with the certificate of this slot; `None` is plain WebSocket, behind a proxy or on loopback.
    pub tls: Option<Arc<CertificateSlot>>,
    /// Whose tokens are good.
    pub agents: Agents,
    /// What can be changed while it runs, as it is at first.
    pub adjustable: Adjustable,
    /// Where changes of that come from.
    pub changes: Option<watch::Receiver<Adjustable>>,
    /// What is counted.
    pub metrics: Metrics,
    /// Where that can be read.
    pub observed_at: Option<Arc<TcpListener>>,
    /// Whether the port stays open if the relay stops now, since somebody holds it for the next one.
    pub port_outlives: Arc<AtomicBool>,
}

/// What can be changed while a relay runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustable {
    /// How much is taken.
    pub limits: Limits,
    /// Proxies whose word on the client's address is believed.
    pub trusted: Vec<IpNet>,
    /// How long a stop may take.
    pub drain: Duration,
}

impl Default for Adjustable {
    fn default() -> Self {
        Self { limits: Limits::default(), trusted: Vec::new(), drain: DRAIN }
    }
}

impl Config {
    /// Plain WebSocket for these agents, with every default.
    pub fn plain(agents: Agents) -> Self {
        Self {
            tls: None,
            agents,
            adjustable: Adjustable::default(),
            changes: None,
            metrics: Metrics::default(),
            observed_at: None,
            port_outlives: Arc::default(),
        }
    }
}

/// What the tasks of a running relay share.
struct Relay {
    tls: Option<Tls>,
    agents: Agents,
    adjustable: RwLock<Adjustable>,
    handshakes: Handshakes,
    places: Places,
    conduct: Conduct,
    tunnels: Handle,
    buffers: Buffers,
    metrics: Metrics,
    tasks: TaskTracker,
    /// Cancelled when the relay is to stop.
    shutdown: CancellationToken,
    /// Cancelled when its time to stop is over: what runs then is cut.
    cut: CancellationToken,
}

/// TLS, and the certificate on which it waits.
struct Tls {
    config: Arc<rustls::ServerConfig>,
    slot: Arc<CertificateSlot>,
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
    let (changes, observed_at) = (config.changes.clone(), config.observed_at.clone());
    let port_outlives = Arc::clone(&config.port_outlives);
    let relay = Arc::new(Relay::new(config, shutdown));
    relay.spawn(keep_house(Arc::clone(&relay), changes));
    // Not one of the tasks that a stop waits for: it tells of the stop.
    let observatory = observed_at.map(|port| tokio::spawn(observatory::serve(Arc::clone(&relay), port)));
    let _observatory = observatory.map(AbortOnDropHandle::new);
    tokio::select! {
        () = relay.shutdown.cancelled() => {}
        () = accept_all(&relay, &listener) => {}
    }
    system::notify(Phase::Stopping);
    let closes_the_port = !port_outlives.load(Ordering::Relaxed);
    relay
        .stop(async {
            if closes_the_port {
                turn_away(&relay, listener).await;
            }
        })
        .await;
    Ok(())
}

async fn accept_all(relay: &Arc<Relay>, listener: &TcpListener) {
    let mut backoff = ACCEPT_BACKOFF.0;
    loop {
        match listener.accept().await {
            Ok((socket, sender)) => {
                backoff = ACCEPT_BACKOFF.0;
                relay.metrics.connected();
                // While none is free the next ones wait in the kernel's queue.
                let slot = relay.handshakes.enter(relay.own_address(sender)).await;
                relay.spawn(serve(Arc::clone(relay), socket, sender, slot));
                // Who gave way is to be gone before the next one comes: under a flood the accepting alone would run.
                yield_now().await;
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

/// Accepts what waits at the port and closes it: who was in the queue hears that the relay drains, and is not reset.
async fn turn_away(relay: &Arc<Relay>, listener: TcpListener) {
    // Asking the kernel itself: the runtime hears of connections a little later.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((socket, sender)) = listener.accept() {
        let Ok(socket) = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket)) else { continue };
        let slot = relay.handshakes.enter(relay.own_address(sender)).await;
        relay.spawn(serve(Arc::clone(relay), socket, sender, slot));
        // Under a flood this does not end by itself.
        yield_now().await;
    }
}

async fn serve(relay: Arc<Relay>, socket: TcpStream, sender: SocketAddr, slot: Slot) {
    let wait = relay.own_address(sender).map_or(Duration::ZERO, |address| relay.conduct.connected(now(), address));
    let served = async {
        if !wait.is_zero() {
            sleep(wait).await;
        }
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

/// What happens by the clock, or because somebody has changed the configuration.
async fn keep_house(relay: Arc<Relay>, mut changes: Option<watch::Receiver<Adjustable>>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = relay.shutdown.cancelled() => return,
            changed = next_change(&mut changes) => relay.adjust(changed),
            _ = ticks.tick() => {}
        }
        relay.tunnels.expire();
        for agent in relay.agents.refresh() {
            relay.tunnels.revoke(&agent);
        }
    }
}

/// The next change; none ever comes once nobody can make one.
async fn next_change(changes: &mut Option<watch::Receiver<Adjustable>>) -> Adjustable {
    if let Some(receiver) = changes {
        if receiver.changed().await.is_ok() {
            return receiver.borrow_and_update().clone();
        }
        *changes = None;
    }
    std::future::pending().await
}

impl Relay {
    fn new(config: Config, shutdown: CancellationToken) -> Self {
        let limits = config.adjustable.limits;
        Self {
            tls: config.tls.map(|slot| Tls { config: slot.server_config(), slot }),
            agents: config.agents,
            adjustable: RwLock::new(config.adjustable),
            handshakes: Handshakes::new(limits.handshakes),
            places: Places::new(limits),
            conduct: Conduct::new(limits),
            tunnels: Handle::new(limits, config.metrics.clone()),
            buffers: Buffers::default(),
            metrics: config.metrics,
            tasks: TaskTracker::new(),
            shutdown,
            cut: CancellationToken::new(),
        }
    }

    /// The sender's address, unless it is a trusted proxy's: that stands for many.
    fn own_address(&self, sender: SocketAddr) -> Option<IpAddr> {
        let (address, adjustable) = (sender.ip().to_canonical(), self.adjustable.read().unwrap_or_else(PoisonError::into_inner));
        (!adjustable.trusted.iter().any(|net| net.contains(&address))).then_some(address)
    }

    fn is_draining(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Why no leg can be served now, if so.
    fn unready(&self) -> Option<&'static str> {
        let has_no_certificate = self.tls.as_ref().is_some_and(|tls| tls.slot.facts().is_none());
        match (self.is_draining(), has_no_certificate) {
            (true, _) => Some("draining"),
            (false, true) => Some("no certificate yet"),
            (false, false) => None,
        }
    }

    fn adjust(&self, changed: Adjustable) {
        let limits = changed.limits;
        self.handshakes.adjust(limits.handshakes);
        self.places.adjust(limits);
        self.conduct.adjust(limits);
        self.tunnels.adjust(limits);
        *self.adjustable.write().unwrap_or_else(PoisonError::into_inner) = changed;
    }

    /// Whose address a request counts for.
    fn client(&self, sender: SocketAddr, headers: &hyper::HeaderMap) -> IpAddr {
        let adjustable = self.adjustable.read().unwrap_or_else(PoisonError::into_inner);
        address::client(sender.ip(), &adjustable.trusted, headers)
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

    /// Tells the legs first: they dial elsewhere while `last` is done. All of it takes the drain time at most.
    async fn stop(&self, last: impl Future<Output = ()>) {
        let Census { tunnels, agent_legs, function_legs, .. } = self.tunnels.census();
        tracing::info!(tunnels, legs = agent_legs + function_legs, "relay stops");
        self.tunnels.close_all(close::RESTARTING);
        self.tasks.close();
        let drain = self.adjustable.read().unwrap_or_else(PoisonError::into_inner).drain;
        let drained = async {
            last.await;
            self.tasks.wait().await;
        };
        if timeout(drain, drained).await.is_err() {
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
