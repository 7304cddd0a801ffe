//! One exit, from its ticket to its end: a task that owns the link, the session and the invocation.
//!
//! ```text
//!   dial ─▶ invoke ─▶ pair ─▶ TLS ─▶ hello ─▶ carry ─▶ end        start.rs up to hello, carry.rs from there on
//!             ▲                                 │  ▲
//!             │ another instance came           ▼  │ hello again    service.rs; when to do what: renewal.rs
//!             └────────────────────────────── renewal
//! ```
//! It tells what happens ([`Report`]) and takes orders ([`Order`]).
//! Never: it chooses nothing. Whether it gets streams, and when it ends, is the scheduler's to say.

mod carry;
mod crash;
mod invocation;
mod renewal;
mod roster;
mod service;
mod start;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::answer::Phases;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::Egress;
use tunnel::link::LinkStatus;
use tunnel::session::client::Opener;

pub(crate) use self::carry::LAST_WORDS;
pub use self::invocation::Invocation;
pub use self::roster::Roster;
use self::start::Beginning;
use super::state::{ExitState, Phase, Reason};
use crate::cloud::Cloud;
use crate::health::Refuser;
use crate::money::Book;
use crate::network::Network;
use crate::relays::Relays;
use crate::scheduler::plan::ExitId;

/// Orders that may wait for an exit: each is given once, and there are few kinds.
const ORDERS: usize = 8;
/// How long the close of a link may take once its tunnel is over.
const CLOSING: Duration = Duration::from_secs(1);

/// What all exits of an agent share.
pub struct Outfit<C> {
    /// Where functions run.
    pub cloud: Arc<C>,
    /// The relays; there is at least one.
    pub relays: Relays,
    /// The agent, as functions know it.
    pub agent: InstanceNonce,
    /// What exits may connect to.
    pub egress: Egress,
    /// How long a tunnel may be unpaired.
    pub grace: Duration,
    /// Counts what is invoked.
    pub book: Book,
    /// The Invokes under way, also those of exits that have gone.
    pub calls: TaskTracker,
    /// This machine's network: when it changes, every leg is dialled anew.
    pub network: Network,
}

/// What an exit is told to do.
#[derive(Debug)]
pub enum Order {
    /// End, for this reason.
    End(Reason),
    /// Pass the function's time limit in the same instance.
    Renew {
        /// Whether another instance that gets the Invoke may become an exit.
        slot: bool,
    },
    /// The Invoke under way reached the instance of another exit, which takes the answer.
    Elsewhere(ExitId),
    /// Take the answer of an Invoke that was meant for another exit.
    Adopt(Invocation),
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
    pub hint: Cow<'static, str>,
    /// Whether the same invocation may succeed later.
    pub retryable: bool,
    /// Whose no it was, where somebody said no.
    pub refuser: Option<Refuser>,
    /// The name of the problem in `status`.
    pub code: &'static str,
    /// How far the function came, where it could tell.
    pub function: Option<Box<Phases>>,
}

impl Fault {
    /// One that the next try may not have.
    pub(crate) fn new(phase: Phase, reason: Reason, text: impl Into<String>, hint: impl Into<Cow<'static, str>>) -> Self {
        let is_relays = matches!(reason, Reason::RelayRefused | Reason::RelayUnreachable);
        let refuser = is_relays.then_some(Refuser::Relay);
        Self {
            phase,
            reason,
            text: text.into(),
            hint: hint.into(),
            retryable: true,
            refuser,
            code: reason.name(),
            function: None,
        }
    }
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
    /// The function was answered and keeps the tunnel: only an Invoke wakes it.
    Kept,
    /// `hello` came again: an Invoke serves the tunnel on.
    Renewed(Renewed),
    /// The renewal that was ordered has failed.
    RenewalFailed {
        /// In words.
        cause: String,
        /// Since the order.
        took: Duration,
        /// The function was answered: only an Invoke wakes it.
        kept: bool,
    },
    /// A renewal's Invoke reached an instance without a tunnel, which is about to become an exit.
    Landed(Box<Landed>),
    /// The answer of an Invoke that reached the other exit's instance.
    Forward(ExitId, Invocation),
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
    /// How long the function took for its part, where it is new enough to tell.
    pub phases: Option<Phases>,
}

/// What is known of a renewal that worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// Since it was ordered; nothing if it was not.
    pub took: Option<Duration>,
    /// Since the Invoke, from which its time runs.
    pub invoked: Duration,
    /// The Invoke was another exit's.
    pub borrowed: bool,
}

/// An exit that another one's renewal has begun.
pub struct Landed {
    beginning: Beginning,
    invocation: Invocation,
    begun: Instant,
}

impl std::fmt::Debug for Landed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Landed").field("invocation", &self.invocation).finish_non_exhaustive()
    }
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

/// What an exit is, and to whom it reports.
pub struct Post {
    /// Its name.
    pub id: ExitId,
    /// Where it runs.
    pub region: String,
    /// The region's instances, always as they are now.
    pub roster: watch::Receiver<Roster>,
    /// Takes what happens.
    pub reports: mpsc::Sender<Told>,
}

/// Starts an exit.
pub fn spawn<C: Cloud>(outfit: Arc<Outfit<C>>, post: Post) -> ExitHandle {
    spawn_from(outfit, post, None)
}

/// Starts an exit whose instance was already invoked, for another one's renewal.
pub fn spawn_landed<C: Cloud>(outfit: Arc<Outfit<C>>, post: Post, landed: Landed) -> ExitHandle {
    spawn_from(outfit, post, Some(landed))
}

fn spawn_from<C: Cloud>(outfit: Arc<Outfit<C>>, post: Post, landed: Option<Landed>) -> ExitHandle {
    let (orders, taken) = mpsc::channel(ORDERS);
    let actor = Actor { outfit, post, orders: taken, leaving: JoinSet::new() };
    ExitHandle { orders, _task: AbortOnDropHandle::new(tokio::spawn(actor.run(landed))) }
}

struct Actor<C> {
    outfit: Arc<Outfit<C>>,
    post: Post,
    orders: mpsc::Receiver<Order>,
    /// Links that are being closed.
    leaving: JoinSet<()>,
}

impl<C: Cloud> Actor<C> {
    async fn run(mut self, landed: Option<Landed>) {
        // On the heap: there are many exits, and a start holds handshakes.
        let end = Box::pin(self.live(landed)).await;
        let (state, fault) = match end {
            Ok(reason) => (ExitState::Closed(reason), None),
            Err(fault) => (ExitState::Failed(fault.phase, fault.reason), Some(fault)),
        };
        self.tell(Report::Ended(state, fault)).await;
    }

    async fn live(&mut self, landed: Option<Landed>) -> End {
        let (mut beginning, invoked) = match landed {
            Some(Landed { beginning, invocation, begun }) => (beginning, Some((invocation, begun))),
            None => (Beginning::new(&self.outfit), None),
        };
        let end = match self.start(&mut beginning, invoked).await {
            Ok(session) => self.carry(session, &mut beginning).await,
            Err(end) => end,
        };
        self.leave(beginning);
        while self.leaving.join_next().await.is_some() {}
        end
    }

    /// Closes a link that is not needed any more. The relay hears of it by a 1000 on the leg; if it does not, the entry ends
    /// by itself.
    fn leave(&mut self, beginning: Beginning) {
        beginning.link.close();
        self.leaving.spawn(async move {
            let _in_time = timeout(CLOSING, beginning.link.ended()).await;
        });
    }

    /// The present Invoke was another exit's, which takes the answer.
    async fn forward(&self, to: ExitId, invocation: &mut Invocation) {
        self.tell(Report::Forward(to, invocation.take())).await;
    }

    async fn tell(&self, report: Report) {
        // Without a supervisor the agent is ending, and nobody needs to know.
        let _ending = self.post.reports.send(Told { id: self.post.id, report }).await;
    }
}
