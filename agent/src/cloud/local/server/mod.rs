//! The local Lambda itself: Lambda's Invoke API in front, a task per region, a task per instance.
//!
//! ```text
//!   front (HTTP, token) ──▶ region (configuration, seats) ──▶ instance (program, its Runtime API)
//!                             └ pool: which instance runs what (pure)
//! ```
//!
//! A region has one seat per invocation that may run: an address for a Runtime API, bound at the start so that all are known
//! and exits can be forbidden to reach them.
//!
//! Never: an invocation is not stopped because its caller went away, and nothing of our own environment reaches a program.

mod configuration;
mod front;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod instance;
mod names;
mod pool;
mod process_body;
mod refusal;
mod region;
mod system;

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::billing::Ledger;
use super::options::{BadOptions, Options, Ready};
use front::Front;
use instance::Seat;
pub use process_body::run_process;
use region::Region;

/// Connections at once beyond the invocations that may run: for throttled callers, questions, strangers.
const SPARE_CONNECTIONS: usize = 64;
/// How long accepting pauses after it failed, for instance because descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the last answers may take to be written when all instances are gone.
const FLUSH: Duration = Duration::from_secs(1);

/// How far the local Lambda is told to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Serve.
    Serve,
    /// Take no more invocations, and go when the last one has ended.
    Drain,
    /// Kill every instance and go.
    Kill,
}

/// Why the local Lambda cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its options make no sense.
    #[error(transparent)]
    Options(#[from] BadOptions),
    /// A loopback port could not be bound.
    #[error("cannot bind a loopback port")]
    Bind(#[source] io::Error),
    /// The billing file could not be opened.
    #[error("cannot open the billing file")]
    Billing(#[source] io::Error),
    /// The system gives it no hold over the programs that it starts.
    #[error("cannot make sure that functions end with the local Lambda")]
    Hold(#[source] io::Error),
    /// It was not started as a process of the agent's.
    #[error("the local Lambda is started by `awslambdaproxy run --local`, with its options on standard input")]
    Parent(#[source] io::Error),
}

/// A local Lambda whose ports are bound.
pub struct Server {
    listener: TcpListener,
    ready: Ready,
    front: Front,
    regions: Vec<Region>,
    most_connections: usize,
}

impl Server {
    /// Binds every port and opens the billing file.
    pub async fn bind(options: Options) -> Result<Self, ServeError> {
        options.check()?;
        let ledger = Arc::new(Ledger::open(&options.billing).map_err(ServeError::Billing)?);
        let listener = bind().await?;
        let mut ready = Ready { listen: listener.local_addr().map_err(ServeError::Bind)?, runtime_apis: Vec::new() };
        let (mut regions, mut senders) = (Vec::new(), HashMap::new());
        for (octet, label) in (1..=u8::MAX).zip(&options.regions) {
            let seats = seats(options.concurrency).await?;
            ready.runtime_apis.extend(seats.iter().map(|seat| seat.address));
            let (region, sender) = Region::new(label.clone(), octet, &options, seats, ledger.clone());
            regions.push(region);
            senders.insert(label.clone(), sender);
        }
        let most_connections = options.regions.len() * options.concurrency + SPARE_CONNECTIONS;
        let front = Front { token: options.token, function: options.function_name, regions: senders };
        Ok(Self { listener, ready, front, regions, most_connections })
    }

    /// Where it listens, and every address of a Runtime API.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Serves until told to stop and nothing is left. A dropped sender of `stop` means `Drain`.
    ///
    /// Where programs are started by [`super::local_child`], it must run on a thread that lives as long as the process.
    pub async fn run(self, stop: watch::Receiver<Stop>) {
        let mut regions = JoinSet::new();
        for region in self.regions {
            regions.spawn(region.run(stop.clone()));
        }
        let front = Arc::new(self.front);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < self.most_connections => match accepted {
                    Ok((tcp, _)) => { connections.spawn(front::serve(front.clone(), tcp)); }
                    Err(error) => {
                        warn!(%error, "cannot accept a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
                ended = regions.join_next() => match ended {
                    Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Some(_) => {}
                    None => break,
                },
            }
        }
        // What is not written by then has a caller that does not read.
        let _ = timeout(FLUSH, async { while connections.join_next().await.is_some() {} }).await;
    }
}

async fn bind() -> Result<TcpListener, ServeError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ServeError::Bind)
}

async fn seats(count: usize) -> Result<Vec<Seat>, ServeError> {
    let mut seats = Vec::with_capacity(count);
    for number in 0..count {
        let listener = bind().await?;
        let address = listener.local_addr().map_err(ServeError::Bind)?;
        seats.push(Seat { number, listener, address });
    }
    Ok(seats)
}

/// Resolves when the order goes beyond `now`.
async fn stopped(stop: &mut watch::Receiver<Stop>, now: Stop) -> Stop {
    match stop.wait_for(|order| *order > now).await {
        Ok(order) => return *order,
        Err(_dropped) if now < Stop::Drain => return Stop::Drain,
        Err(_dropped) => {}
    }
    std::future::pending().await
}
