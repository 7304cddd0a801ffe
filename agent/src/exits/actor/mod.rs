//! One exit, from its ticket to its end: a task that owns the link, the session and the invocation.
//!
//! ```text
//!   dial ─▶ invoke ─▶ pair ─▶ TLS ─▶ hello ─▶ carry ─▶ end        start.rs up to hello, carry.rs from there on
//! ```
//! It tells what happens ([`Report`]) and takes orders ([`Order`]).
//! Never: it chooses nothing. Whether it gets streams, and when it ends, is the scheduler's to say.

mod carry;
mod invocation;
mod start;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::Egress;
use tunnel::leg::dial::AgentRelay;
use tunnel::link::LinkStatus;
use tunnel::session::client::Opener;

use super::state::{ExitState, Phase, Reason};
use crate::cloud::Cloud;
use crate::network::Network;
use crate::scheduler::plan::ExitId;

/// Orders that may wait for an exit: each is given once.
const ORDERS: usize = 4;
/// How long the close of a link may take once its tunnel is over.
const CLOSING: Duration = Duration::from_secs(1);

/// What all exits of an agent share.
pub struct Outfit<C> {
    /// Where functions run.
    pub cloud: Arc<C>,
    /// The relays, the agent's own first; never empty.
    pub relays: Vec<AgentRelay>,
    /// The agent, as functions know it.
    pub agent: InstanceNonce,
    /// What exits may connect to.
    pub egress: Egress,
    /// How long a tunnel may be unpaired.
    pub grace: Duration,
    /// This machine's network: when it changes, every leg is dialled anew.
    pub network: Network,
}

/// What an exit is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// End, for this reason.
    End(Reason),
}

/// How an exit failed, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which phase.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// The cause in words.
    pub text: String,
    /// What can be done about it.
    pub hint: &'static str,
    /// Whether the same invocation may succeed later.
    pub retryable: bool,
}

/// What happened to an exit.
#[derive(Debug)]
pub enum Report {
    /// Both ends exchanged HELLO for the first time.
    Paired,
    /// `hello` came: it can carry streams.
    Ready(Ready),
    /// The link's state changed.
    Link(LinkStatus),
    /// The function said that its time is nearly over.
    Asked,
    /// It is over.
    Ended(ExitState, Option<Fault>),
}

/// What `hello` told, and the way in.
#[derive(Debug)]
pub struct Ready {
    /// Opens streams.
    pub opener: Opener,
    /// The process.
    pub nonce: InstanceNonce,
    /// The generation in its environment.
    pub generation: u64,
    /// The function's version.
    pub version: String,
    /// From Invoke to `hello`.
    pub cold_start: Duration,
}

/// A report and whose it is.
#[derive(Debug)]
pub struct Told {
    /// The exit.
    pub id: ExitId,
    /// What happened.
    pub report: Report,
}

/// The way an exit ended.
type End = Result<Reason, Fault>;

/// A running exit. Dropped, it is cut off without a word.
#[derive(Debug)]
pub struct ExitHandle {
    orders: mpsc::Sender<Order>,
    _task: AbortOnDropHandle<()>,
}

impl ExitHandle {
    /// Gives an order. An exit that is over, or has as many to carry out as it can hold, needs no more.
    pub fn order(&self, order: Order) {
        let _over = self.orders.try_send(order);
    }
}

/// Starts an exit in `region`.
pub fn spawn<C: Cloud>(outfit: Arc<Outfit<C>>, id: ExitId, region: String, reports: mpsc::Sender<Told>) -> ExitHandle {
    let (orders, taken) = mpsc::channel(ORDERS);
    let actor = Actor { outfit, id, region, orders: taken, reports };
    ExitHandle { orders, _task: AbortOnDropHandle::new(tokio::spawn(actor.run())) }
}

struct Actor<C> {
    outfit: Arc<Outfit<C>>,
    id: ExitId,
    region: String,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Told>,
}

impl<C: Cloud> Actor<C> {
    async fn run(mut self) {
        let end = self.live().await;
        let (state, fault) = match end {
            Ok(reason) => (ExitState::Closed(reason), None),
            Err(fault) => (ExitState::Failed(fault.phase, fault.reason), Some(fault)),
        };
        self.tell(Report::Ended(state, fault)).await;
    }

    async fn live(&mut self) -> End {
        let mut beginning = start::Beginning::new(&self.outfit);
        let end = match self.start(&mut beginning).await {
            Ok(session) => self.carry(session, &mut beginning).await,
            Err(end) => end,
        };
        beginning.link.close();
        // The relay hears of the end by a 1000 on the leg; if it does not, the entry ends by itself.
        let _in_time = timeout(CLOSING, beginning.link.ended()).await;
        end
    }

    async fn tell(&self, report: Report) {
        // Without a supervisor the agent is ending, and nobody needs to know.
        let _ending = self.reports.send(Told { id: self.id, report }).await;
    }
}
