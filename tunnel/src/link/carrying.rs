//! Carrying: what a standing leg tells, what time says of it, and what follows.

use std::future::poll_fn;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::driver::{Driver, PAUSES};
use super::end::LinkEnd;
use super::pump::{Happening, Pump};
use super::reaction::{self, Reaction};
use super::silence::{Judgement, Silence};
use crate::leg::dial::Leg;
use crate::leg::known::Trouble;
use crate::leg::port::{Notice, close};
use crate::limits::LEG_SILENCE;

/// How long a function hears `down` before it tries another relay.
const FUNCTION_MOVES_AFTER: Duration = Duration::from_secs(3);
/// The same for an agent, times the number of relays: every function has tried them all by then.
const AGENT_MOVES_AFTER: Duration = Duration::from_secs(5);
/// How long the close of a leg may take: the process may be about to be frozen or to exit.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// What can be done about a leg that was lost.
const LOST_LEG: &str = "it is dialled again at once; where this goes on, look at the relay's log and at the network";

/// What the driver waits for while a leg stands.
enum Event {
    Leg(Happening),
    Tick,
    Wake,
    Stop,
}

enum Verdict {
    /// The link ends; the relay is told with 1000.
    End(LinkEnd),
    /// The link is over and the leg closed already.
    Over(LinkEnd),
    /// Another leg at once, for this cause; the present one is closed with the code, or dropped.
    Redial(String, Option<u16>),
    /// The leg went by itself, for this cause: another after a pause, since its relay may do so again and again.
    Lost(String),
}

impl Driver {
    /// Carries the link over a standing leg, until it is over or another is to be dialled, after the pause that is returned.
    pub(super) async fn carry(&mut self, leg: Leg) -> Result<Duration, LinkEnd> {
        let mut pump = Pump::new(leg);
        let mut silence = Silence::new(pump.heard(), Instant::now());
        let mut down_since = Some(Instant::now());
        loop {
            let verdict = match self.next_event(&mut pump).await {
                Event::Stop => Some(Verdict::End(LinkEnd::Abandoned)),
                Event::Wake => Some(Verdict::Redial("the network changed".into(), None)),
                Event::Tick => self.look(&mut pump, &mut silence, down_since),
                Event::Leg(happening) => self.handle(happening, &mut down_since),
            };
            match verdict {
                None => {}
                Some(Verdict::End(end)) => return Err(self.finish(&mut pump, end).await),
                Some(Verdict::Over(end)) => return Err(end),
                Some(Verdict::Redial(cause, code)) => {
                    self.leave(&mut pump, &cause, code).await;
                    return Ok(Duration::ZERO);
                }
                Some(Verdict::Lost(cause)) => {
                    self.leave(&mut pump, &cause, None).await;
                    return Ok(self.next_pause());
                }
            }
        }
    }

    async fn next_event(&mut self, pump: &mut Pump) -> Event {
        let shared = self.shared.clone();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Event::Stop,
            () = self.wake.notified() => Event::Wake,
            _ = self.ticks.tick() => Event::Tick,
            happening = poll_fn(|cx| pump.poll(cx, &shared)) => Event::Leg(happening),
        }
    }

    fn handle(&mut self, happening: Happening, down_since: &mut Option<Instant>) -> Option<Verdict> {
        match happening {
            Happening::Notice(Notice::Up { .. }) => {
                *down_since = None;
                self.note_unpaired("the relay paired the ends anew");
            }
            Happening::Notice(Notice::Down) => {
                down_since.get_or_insert(Instant::now());
                self.note_unpaired("the relay lost the other end");
            }
            Happening::Changed => return self.after_change(),
            Happening::Closed(code) => return Some(self.closed(code)),
            Happening::Failed(cause) => return Some(Verdict::Lost(cause)),
        }
        None
    }

    fn closed(&mut self, code: Option<u16>) -> Verdict {
        match reaction::to_close(code) {
            Reaction::Final(_) if self.shared.link().is_closing() => Verdict::Over(LinkEnd::Done),
            Reaction::Final(LinkEnd::Superseded) if self.strays > 0 => {
                self.strays -= 1;
                Verdict::Lost("an abandoned dial came late and took the leg's place".to_owned())
            }
            Reaction::Final(end) => Verdict::Over(end),
            Reaction::Redial { elsewhere, .. } => {
                self.relay += usize::from(elsewhere);
                let cause = code.map_or_else(
                    || "the relay closed the leg".to_owned(),
                    |code| format!("the relay closed the leg with {code}"),
                );
                Verdict::Lost(cause)
            }
        }
    }

    /// HELLO came, or the link ended.
    fn after_change(&mut self) -> Option<Verdict> {
        let (open, end) = {
            let link = self.shared.link();
            (link.is_open(), link.end().cloned())
        };
        if let Some(end) = end {
            self.shared.wake_stream();
            return Some(Verdict::End(end));
        }
        if open {
            self.note_paired();
        }
        None
    }

    fn note_paired(&mut self) {
        let Some(outage) = self.patience.paired(Instant::now()) else { return };
        self.pause = PAUSES.0;
        self.status.send_modify(|status| {
            status.resumes += u64::from(status.last_outage.is_some());
            status.last_outage = Some(outage);
            status.paired = true;
        });
    }

    fn note_unpaired(&mut self, cause: &str) {
        self.patience.unpaired(Instant::now());
        self.status.send_if_modified(|status| {
            if status.paired {
                status.interruption = Some(cause.to_owned());
            }
            std::mem::take(&mut status.paired)
        });
    }

    /// What time says of a standing leg.
    fn look(&mut self, pump: &mut Pump, silence: &mut Silence, down_since: Option<Instant>) -> Option<Verdict> {
        if self.froze() {
            return Some(Verdict::Redial("woke from a freeze".into(), None));
        }
        let now = Instant::now();
        let waiting = self.shared.link().is_waiting();
        match silence.judge(now, pump.heard(), waiting) {
            Judgement::Alive => {}
            Judgement::Ping => pump.ping(),
            Judgement::Dead => return Some(Verdict::Redial(format!("nothing heard for {} s", LEG_SILENCE.as_secs()), None)),
        }
        if let Err(end) = self.check_patience("the other end did not come back") {
            return Some(Verdict::End(end));
        }
        self.wants_another_relay(now, down_since).then(|| {
            self.relay += 1;
            Verdict::Redial("the other end is not at this relay".into(), Some(close::GOING_AWAY))
        })
    }

    /// With several relays, an end that hears `down` for long enough looks elsewhere. An agent that was never
    /// paired stays: its function tries the agent's own relay first.
    fn wants_another_relay(&self, now: Instant, down_since: Option<Instant>) -> bool {
        let Some(since) = down_since else { return false };
        let relays = self.dialer.relays();
        let limit = if self.dialer.is_agent() { AGENT_MOVES_AFTER * relays as u32 } else { FUNCTION_MOVES_AFTER };
        let first = self.dialer.is_agent() && self.status.borrow().last_outage.is_none();
        relays > 1 && !first && now - since >= limit
    }

    /// The leg is given up; another will be dialled.
    async fn leave(&mut self, pump: &mut Pump, cause: &str, code: Option<u16>) {
        tracing::debug!(cause, "leg lost");
        self.shared.link().unpaired();
        self.note_unpaired(cause);
        let trouble = Trouble { code: "leg_lost", text: cause.to_owned(), hint: LOST_LEG, of_proxy: false, of_us: false };
        self.status.send_modify(|status| (status.leg, status.last_trouble) = (None, Some(trouble)));
        if let Some(code) = code {
            self.close(pump, code).await;
            // The peer may have come meanwhile: that was news of the leg that is left.
            self.shared.link().unpaired();
        }
    }

    /// Says the last word and closes with 1000.
    async fn finish(&mut self, pump: &mut Pump, end: LinkEnd) -> LinkEnd {
        if end == LinkEnd::Abandoned {
            self.shared.link().abandon_now();
            self.shared.wake_stream();
        }
        self.close(pump, close::DONE).await;
        end
    }

    /// Sends a close frame and waits shortly for its answer.
    async fn close(&mut self, pump: &mut Pump, code: u16) {
        pump.close(code);
        let shared = self.shared.clone();
        let closing =
            async { while !matches!(poll_fn(|cx| pump.poll(cx, &shared)).await, Happening::Closed(_) | Happening::Failed(_)) {} };
        let _in_time = timeout(CLOSE_TIMEOUT, closing).await;
    }
}
