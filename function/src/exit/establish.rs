//! From a dialling link to a session with the agent, timed by phase.

use std::pin::pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tunnel::answer::{Ended, Outcome, Phases};
use tunnel::leg::steps::Steps;
use tunnel::link::LinkStatus;
use tunnel::session::SessionError;
use tunnel::session::server::{self, Server};

use super::line::{self, Line};
use super::serving::Serving;
use super::{Invocation, Terms};
use crate::clock;

/// Waits for the session, at most until the invocation must be over. Without one the invocation is answered here.
pub(super) async fn establish<T, L>(
    io: T,
    line: L,
    terms: Terms,
    invocation: Invocation,
    coming: mpsc::Receiver<Invocation>,
) -> Option<Serving<T, L>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    L: Line,
{
    let mut watch = PhaseWatch { began: Instant::now(), status: line.status(), phases: Phases::default() };
    let accepted = {
        let mut accepting = pin!(server::accept(io, &terms.identity, &terms.agent_key));
        loop {
            tokio::select! {
                accepted = &mut accepting => break Some(accepted),
                () = watch.changed() => {}
                () = clock::until(Some(invocation.times.stop)) => break None,
            }
        }
    };
    watch.look();
    match accepted {
        Some(Ok(server)) => {
            let phases = Phases { tls: Some(watch.elapsed()), ..watch.phases };
            tracing::info!(?phases, "tunnel stands");
            Some(Serving::new(server, Arc::new(line), terms, invocation, coming, phases))
        }
        failed => {
            let outcome = watch.failure(failed);
            tracing::info!(ended = ?outcome.ended, detail = outcome.detail, "no tunnel");
            invocation.answer(outcome);
            None
        }
    }
}

struct PhaseWatch {
    began: Instant,
    status: watch::Receiver<LinkStatus>,
    phases: Phases,
}

impl PhaseWatch {
    fn elapsed(&self) -> u64 {
        self.since_invitation(Instant::now())
    }

    fn since_invitation(&self, then: Instant) -> u64 {
        u64::try_from(then.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for a change of the link and notes the phases it completes. Cancel-safe.
    async fn changed(&mut self) {
        self.look();
        if self.status.changed().await.is_err() {
            // The link has ended; the session's error tells.
            std::future::pending::<()>().await;
        }
    }

    fn look(&mut self) {
        let elapsed = self.elapsed();
        let (dial, stands, paired) = {
            let status = self.status.borrow_and_update();
            (status.dial, status.leg.is_some() || status.paired, status.paired)
        };
        if let (Some(steps), None) = (dial, self.phases.dialled) {
            self.note(&steps);
        }
        if stands {
            self.phases.dialled.get_or_insert(elapsed);
        }
        if paired {
            self.phases.paired.get_or_insert(elapsed);
        }
    }

    /// The steps of a dial: those of one in vain give way to those of the next.
    fn note(&mut self, steps: &Steps) {
        let at = |step: Option<Instant>| step.map(|then| self.since_invitation(then));
        self.phases = Phases {
            dialling: at((steps.before > 0).then_some(steps.began)),
            resolved: at(steps.resolved),
            connected: at(steps.connected),
            secured: at(steps.secured),
            dialled: at(steps.upgraded),
            ..self.phases
        };
    }

    fn failure<T>(&self, accepted: Option<Result<Server<T>, SessionError>>) -> Outcome {
        let status = self.status.borrow();
        let was_paired = self.phases.paired.is_some();
        let outcome = match (&status.end, accepted) {
            (Some(end), _) => line::outcome(end, was_paired),
            (None, Some(Err(error))) => Outcome { detail: Some(error.to_string()), ..Ended::Lost.into() },
            (None, _) => {
                Outcome { detail: status.last_trouble.as_ref().map(|trouble| trouble.text.clone()), ..Ended::Deadline.into() }
            }
        };
        Outcome { phases: self.phases, ..outcome }
    }
}
