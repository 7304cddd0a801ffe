//! Dialling: from a lost leg, or none, to one that stands, or to the end of the link.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::driver::{Driver, PAUSES};
use super::end::LinkEnd;
use super::reaction::{self, Reaction};
use crate::leg::dial::{DialError, Leg};
use crate::limits::FIRST_DIAL;

/// How long a link that only awaits acknowledgements waits for a peer that is gone.
const CLOSING: Duration = Duration::from_secs(2);

impl Driver {
    /// Dials until a leg stands or the link is over; first after `wait`.
    pub(super) async fn dial(&mut self, mut wait: Duration) -> Result<Leg, LinkEnd> {
        loop {
            self.rest(wait).await?;
            let Some(result) = self.attempt().await? else {
                wait = Duration::ZERO;
                continue;
            };
            self.patience.dialled();
            match result {
                Ok(leg) => return Ok(leg),
                Err(error) => wait = self.after_failure(&error)?,
            }
        }
    }

    /// One dial; `None` when a freeze or another network came between, so that what becomes of it says nothing.
    async fn attempt(&mut self) -> Result<Option<Result<Leg, DialError>>, LinkEnd> {
        let dialer = self.dialer.clone();
        let dialling = dialer.dial(self.relay);
        tokio::pin!(dialling);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(LinkEnd::Abandoned),
                () = self.wake.notified() => return Ok(None),
                _ = self.ticks.tick() => {
                    if self.froze() {
                        return Ok(None);
                    }
                    self.check_unattended()?;
                }
                result = &mut dialling => return Ok(Some(result)),
            }
        }
    }

    /// Waits before the next dial; a wake-up shortens it.
    async fn rest(&mut self, wait: Duration) -> Result<(), LinkEnd> {
        let waiting = sleep(wait);
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(LinkEnd::Abandoned),
                () = &mut waiting => return Ok(()),
                () = self.wake.notified() => return Ok(()),
                _ = self.ticks.tick() => {
                    if self.froze() {
                        return Ok(());
                    }
                    self.check_unattended()?;
                }
            }
        }
    }

    /// An end while no leg stands: the stream's, of which nobody can be told, or that of grace, however long the pause
    /// is that a relay asked for.
    fn check_unattended(&self) -> Result<(), LinkEnd> {
        if let Some(end) = self.shared.link().end() {
            return Err(end.clone());
        }
        let cause = self.status.borrow().last_cause.clone();
        self.check_patience(cause.as_deref().unwrap_or("the relay did not answer"))
    }

    /// Decides about a failed dial: how long to wait before the next.
    fn after_failure(&mut self, error: &DialError) -> Result<Duration, LinkEnd> {
        tracing::debug!(%error, "dial failed");
        self.status.send_modify(|status| status.last_cause = Some(error.to_string()));
        let unknown = matches!(error, DialError::Refused { status, .. } if status.as_u16() == 404);
        let never_paired = self.status.borrow().last_outage.is_none();
        if unknown && never_paired && !self.dialer.is_agent() && self.begun.elapsed() >= FIRST_DIAL {
            return Err(LinkEnd::Unknown);
        }
        match reaction::to_dial_error(error, self.dialer.is_agent()) {
            Reaction::Final(end) => Err(end),
            Reaction::Redial { not_before, elsewhere } => {
                self.check_patience(&error.to_string())?;
                self.relay += usize::from(elsewhere);
                let another = self.dialer.relays() > 1;
                Ok(self.next_pause().max(not_before.filter(|_| !another).unwrap_or_default()))
            }
        }
    }

    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    pub(super) fn check_patience(&self, cause: &str) -> Result<(), LinkEnd> {
        let now = Instant::now();
        if self.shared.link().is_closing() && self.patience.unpaired_for(now) >= CLOSING {
            return Err(LinkEnd::Done);
        }
        if self.patience.is_over(now) { Err(LinkEnd::GraceOver(cause.to_owned())) } else { Ok(()) }
    }

    pub(super) fn froze(&mut self) -> bool {
        let froze = self.patience.tick(Instant::now(), SystemTime::now());
        if froze {
            tracing::debug!("woke from a freeze");
            (self.pause, self.begun) = (PAUSES.0, Instant::now());
        }
        froze
    }
}
