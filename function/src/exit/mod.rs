//! One tunnel, from its link to its end, over all the invocations that serve it.
//!
//! ```text
//!   establish: leg → paired → TLS, HTTP/2 ──▶ serving: streams, control, life ──▶ the last answer
//! ```
//! Never: a stream is accepted from anyone but the agent of the invitation.

mod control;
mod establish;
mod life;
mod line;
mod serving;
mod streams;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;
use tunnel::answer::Outcome;
use tunnel::control::FromFunction;
use tunnel::identity::{Identity, PublicKey};
use tunnel::instance::InstanceNonce;
use tunnel::link::LinkStatus;

use crate::connect::Connector;
use crate::deadline::Times;
pub use line::Line;

/// What an exit is made of, beside its link.
pub struct Terms {
    /// Whose tunnel it is.
    pub agent: InstanceNonce,
    /// How long the tunnel may be unpaired.
    pub grace: Duration,
    /// The function's one-tunnel identity.
    pub identity: Identity,
    /// The agent's public key.
    pub agent_key: PublicKey,
    /// What the control stream begins with.
    pub hello: FromFunction,
    /// How sites are reached.
    pub connector: Connector,
}

/// One Lambda invocation, to be answered once.
pub struct Invocation {
    times: Times,
    answer: oneshot::Sender<Outcome>,
}

impl Invocation {
    /// An invocation and its answer. If the answer fails the exit is gone without a word.
    pub fn new(times: Times) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, answered) = oneshot::channel();
        (Self { times, answer }, answered)
    }

    fn answer(self, outcome: Outcome) {
        // A handler that is gone has no use for it.
        let _gone = self.answer.send(outcome);
    }
}

/// The owner's handle of a running exit. Dropped, it ends the exit at once.
pub struct Exit {
    /// Whose tunnel it is.
    pub agent: InstanceNonce,
    /// How long the tunnel may be unpaired.
    pub grace: Duration,
    status: watch::Receiver<LinkStatus>,
    invocations: mpsc::Sender<Invocation>,
    task: AbortOnDropHandle<()>,
}

impl Exit {
    /// Begins a tunnel on `io`, the stream of `line`, under its first invocation.
    pub fn begin<T, L>(io: T, line: L, terms: Terms, first: Invocation) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        L: Line,
    {
        let (invocations, coming) = mpsc::channel(1);
        let (agent, grace, status) = (terms.agent, terms.grace, line.status());
        let life = async move {
            if let Some(serving) = establish::establish(io, line, terms, first, coming).await {
                serving.run().await;
            }
        };
        let task = AbortOnDropHandle::new(tokio::spawn(life));
        Self { agent, grace, status, invocations, task }
    }

    /// Whether the tunnel is over.
    pub fn is_over(&self) -> bool {
        self.task.is_finished() || self.status.borrow().end.is_some()
    }

    /// The link's state, to be watched.
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        self.status.clone()
    }

    /// Lets another invocation serve this tunnel. If the tunnel is over, the answer fails.
    pub async fn serve(&self, invocation: Invocation) {
        let _over = self.invocations.send(invocation).await;
    }
}
