//! One instance: a function program, its Runtime API, and the one invocation that it may have at a time.
//!
//! ```text
//!              next                response, error          next, or 2 s
//!   Init ───────────────▶ Running ─────────────────▶ Settling ──────────▶ Idle (frozen)
//!    │ exit, error, 10 s    │ ▲ exit, time-out          │ exit             │ │ exit, retired
//!    ▼                      ▼ └─────────────────────────┼─── invoked ──────┘ ▼
//!   ended ◀─────────────────┴───────────────────────────┴────────────────── ended
//! ```
//!
//! The caller gets its answer when the instance is idle or spent, not before: who then invokes again finds it free. AWS's
//! own emulator of Lambda does the same.

mod life;
mod logs;
mod program;
mod report;
mod runtime_api;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::pool::{InstanceId, InvocationId};
use super::refusal::Refusal;
use crate::cloud::local::billing::Ledger;
pub(super) use program::{Program, task_root};
#[cfg(feature = "fuzzing")]
pub(super) use runtime_api::is_routed;

/// Calls of the program that wait for the instance: its connections are few and each has one call.
const CALLS: usize = 8;
/// Most stale connections that are cleared from a seat; a listener's backlog holds no more.
const BACKLOG: usize = 4096;

/// An invocation that was accepted.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) invocation: InvocationId,
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// A caller that went away is not answered; its invocation goes on.
    pub(super) reply: oneshot::Sender<Result<Completed, Refusal>>,
}

/// What the caller of an invocation gets.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) function_error: Option<&'static str>,
    pub(super) log_tail: Vec<u8>,
}

/// One of the addresses that a region's Runtime APIs have; an instance holds it for its life.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) number: usize,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Seat {
    /// Drops connections that the seat's former instance left behind: a poll among them would swallow an invocation.
    fn clear(&self) {
        let listener = SockRef::from(&self.listener);
        for _ in 0..BACKLOG {
            if listener.accept().is_err() {
                break;
            }
        }
    }
}

/// What an instance is made of.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) instance: InstanceId,
    pub(super) region: String,
    pub(super) arn: String,
    pub(super) program: Program,
    pub(super) timeout: Duration,
    pub(super) memory_mb: u32,
    pub(super) ledger: Arc<Ledger>,
}

/// What the region is told while the instance lives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Report {
    /// It has answered and is idle.
    Freed(InstanceId),
    /// It has answered and ends.
    Spent(InstanceId),
}

/// The wires between an instance and its region.
#[derive(Debug)]
pub(super) struct Wires {
    /// Invocations, sent only to an idle instance.
    pub(super) work: mpsc::Receiver<Work>,
    /// Ends the instance at once.
    pub(super) kill: CancellationToken,
    pub(super) reports: mpsc::Sender<Report>,
}

/// What is left of an instance.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) instance: InstanceId,
    pub(super) seat: Seat,
    unbegun: Option<Work>,
    work: mpsc::Receiver<Work>,
}

impl Ended {
    /// An invocation that came when the program had already died, so that another instance can have it.
    pub(super) fn take_unbegun(&mut self) -> Option<Work> {
        self.unbegun.take().or_else(|| self.work.try_recv().ok())
    }
}

/// Lives one instance's life, from the start of its program for `first` until the program is gone.
pub(super) async fn run(launch: Launch, seat: Seat, first: Work, mut wires: Wires) -> Ended {
    seat.clear();
    let instance = launch.instance;
    let (calls_in, mut calls) = mpsc::channel(CALLS);
    let unbegun = tokio::select! {
        unbegun = life::live(launch, first, &mut calls, &mut wires) => unbegun,
        never = runtime_api::serve(&seat.listener, seat.address, calls_in) => match never {},
    };
    Ended { instance, seat, unbegun, work: wires.work }
}
