//! Dialling: from a lost leg, or none, to one that stands, or to the end of the link.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::driver::{Driver, PAUSES};
use super::end::LinkEnd;
use super::reaction::{self, Reaction};
use crate::leg::dial::{DialError, Leg};
use crate::leg::steps::Steps;
use crate::limits::FIRST_DIAL;

/// How long a link that only awaits acknowledgements waits for a peer that is gone.
const CLOSING: Duration = Duration::from_secs(2);

impl Driver {
    /// Dials until a leg stands or the link is over; first after `wait`.
    pub(super) async fn dial(&mut self, mut wait: Duration) -> Result<Leg, LinkEnd> {
        loop {
            self.rest(wait).await?;
            wait = self.take_turn();
            if !wait.is_zero() {
                continue;
            }
            let Some(result) = self.attempt().await? else {
                self.strays += 1;
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

    /// Chooses the relay to dial, and says how long to wait before: one that asked to be left alone is passed over, and
    /// only when all have asked is the first of them waited for.
    fn take_turn(&mut self) -> Duration {
        let (relay, hold) = turn(self.relay, &self.dialer.holds(Instant::now()));
        self.relay = relay;
        if !hold.is_zero() {
            // There is nobody to dial; what the relays said is their answer.
            self.patience.dialled();
        }
        hold
    }

    /// One dial; `None` when a freeze or another network came between, so that what becomes of it says nothing.
    async fn attempt(&mut self) -> Result<Option<Result<Leg, DialError>>, LinkEnd> {
        let (dialer, mut steps) = (self.dialer.clone(), Steps::begin(self.dials));
        self.dials = self.dials.saturating_add(1);
        let result = {
            let mut dialling = pin!(dialer.dial(self.relay, &mut steps));
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
                    result = &mut dialling => break result,
                }
            }
        };
        // Told together with what came of it, which follows.
        self.status.send_if_modified(|status| {
            status.dial = Some(steps);
            false
        });
        Ok(Some(result))
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
        let trouble = self.status.borrow().last_trouble.clone();
        self.check_patience(trouble.as_ref().map_or("the relay did not answer", |trouble| trouble.text.as_str()))
    }

    /// Decides about a failed dial: how long to wait before the next.
    fn after_failure(&mut self, error: &DialError) -> Result<Duration, LinkEnd> {
        tracing::debug!(%error, "dial failed");
        self.strays += u32::from(matches!(error, DialError::Timeout));
        self.status.send_modify(|status| status.last_trouble = Some(error.trouble()));
        let unknown = matches!(error, DialError::Refused { status, .. } if status.as_u16() == 404);
        let never_paired = self.status.borrow().last_outage.is_none();
        if unknown && never_paired && !self.dialer.is_agent() && self.begun.elapsed() >= FIRST_DIAL {
            return Err(LinkEnd::Unknown);
        }
        match reaction::to_dial_error(error, self.dialer.is_agent()) {
            Reaction::Final(end) => Err(end),
            Reaction::Redial { elsewhere } => {
                self.check_patience(&error.to_string())?;
                self.relay += usize::from(elsewhere);
                Ok(self.next_pause())
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
        match self.patience.is_over(now) {
            false => Ok(()),
            true if self.patience.awaits_first_leg() => Err(LinkEnd::Unreached(cause.to_owned())),
            true => Err(LinkEnd::GraceOver(cause.to_owned())),
        }
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

/// The relay whose turn it is, counted round from `from`, and how long to wait for it.
fn turn(from: usize, holds: &[Duration]) -> (usize, Duration) {
    let held = |relay: usize| holds.get(relay % holds.len()).copied().unwrap_or_default();
    let soonest = (from..from + holds.len()).min_by_key(|relay| held(*relay)).unwrap_or(from);
    (soonest, if holds.is_empty() { Duration::ZERO } else { held(soonest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_relay_that_asked_for_a_pause_keeps_it_while_the_others_are_tried() {
        const FREE: Duration = Duration::ZERO;
        assert_eq!(turn(0, &[FREE, FREE, FREE]), (0, FREE));
        assert_eq!(turn(0, &[7 * S, FREE, FREE]), (1, FREE));
        assert_eq!(turn(4, &[FREE, 7 * S, 3 * S]), (6, FREE), "counted round");
        assert_eq!(turn(1, &[7 * S, 5 * S, 3 * S]), (2, 3 * S), "all have asked: the first to be free again");
        assert_eq!(turn(1, &[7 * S]), (1, 7 * S));
    }
}
