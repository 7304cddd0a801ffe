//! Owns the legs of a link: dials, carries, dials again, and gives up when it must.
//!
//! ```text
//!   Dialling ──leg stands──▶ Carrying ──lost, 1012, silent …──▶ Dialling ──grace over, final answer──▶ ended
//! ```
//! Never: two legs at once. The old one is dropped before the next is dialled.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::core::Link;
use super::end::LinkEnd;
use super::frame::LinkId;
use super::patience::Patience;
use super::pump::{Happening, Pump};
use super::reaction::{self, Reaction};
use super::silence::{Judgement, Silence};
use super::status::LinkStatus;
use super::stream::{LinkStream, Shared};
use crate::leg::dial::{DialError, Dialer, Leg};
use crate::leg::port::{Notice, close};
use crate::limits::{FIRST_DIAL, LEG_SILENCE};

/// How often time is looked at: a tenth of the shortest thing judged by it.
const TICK: Duration = Duration::from_millis(250);
/// First and longest pause between dials.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How long a function hears `down` before it tries another relay.
const FUNCTION_MOVES_AFTER: Duration = Duration::from_secs(3);
/// The same for an agent, times the number of relays: every function has tried them all by then.
const AGENT_MOVES_AFTER: Duration = Duration::from_secs(5);
/// How long a link that only awaits acknowledgements waits for a peer that is gone.
const CLOSING: Duration = Duration::from_secs(2);
/// How long the close of a leg may take: the process may be about to be frozen or to exit.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// What a link needs.
pub struct LinkConfig {
    /// Its name, the same at both ends.
    pub id: LinkId,
    /// How it reaches the relays.
    pub dialer: Dialer,
    /// How long it may be unpaired.
    pub grace: Duration,
}

/// Opens a link. It dials at once and ends by itself; see [`LinkHandle`].
pub fn open(config: LinkConfig) -> (LinkStream, LinkHandle) {
    let shared = Arc::new(Shared::new(Link::new(config.id)));
    let (status, watched) = watch::channel(LinkStatus::default());
    let (stop, wake) = (CancellationToken::new(), Arc::new(Notify::new()));
    let driver = Driver {
        shared: shared.clone(),
        dialer: config.dialer,
        patience: Patience::new(config.grace, Instant::now(), SystemTime::now()),
        ticks: ticks(),
        status,
        stop: stop.clone(),
        wake: wake.clone(),
        relay: 0,
        begun: Instant::now(),
        pause: PAUSES.0,
    };
    let task = AbortOnDropHandle::new(tokio::spawn(driver.run()));
    (LinkStream::new(shared.clone()), LinkHandle { shared, status: watched, stop, wake, task })
}

/// The owner's handle. Dropped, it ends the link without a word; [`LinkHandle::close`] tells the other end.
pub struct LinkHandle {
    shared: Arc<Shared>,
    status: watch::Receiver<LinkStatus>,
    stop: CancellationToken,
    wake: Arc<Notify>,
    task: AbortOnDropHandle<LinkEnd>,
}

impl LinkHandle {
    /// The link's state, to be watched.
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        self.status.clone()
    }

    /// Waits until the first leg stands, or the link has ended.
    pub async fn leg_stands(&mut self) -> Result<(), LinkEnd> {
        match self.status.wait_for(|status| status.leg.is_some() || status.end.is_some()).await {
            Ok(status) => status.end.clone().map_or(Ok(()), Err),
            Err(_) => Err(LinkEnd::Abandoned),
        }
    }

    /// Waits until both ends have exchanged HELLO, or the link has ended.
    pub async fn paired(&mut self) -> Result<(), LinkEnd> {
        match self.status.wait_for(|status| status.paired || status.end.is_some()).await {
            Ok(status) => status.end.clone().map_or(Ok(()), Err),
            Err(_) => Err(LinkEnd::Abandoned),
        }
    }

    /// Waits until everything written was acknowledged, at most for `limit`; says whether it was.
    pub async fn acknowledged(&self, limit: Duration) -> bool {
        let all = async {
            loop {
                let told = self.shared.acknowledged.notified();
                if !self.shared.link().is_waiting() {
                    return;
                }
                told.await;
            }
        };
        timeout(limit, all).await.is_ok()
    }

    /// What tells the link that the network changed.
    pub fn redialer(&self) -> Redialer {
        Redialer(self.wake.clone())
    }

    /// Ends the link now: the other end sees a reset if it has not ended already.
    pub fn close(&self) {
        self.stop.cancel();
    }

    /// Waits for the end.
    pub async fn ended(self) -> LinkEnd {
        self.task.await.unwrap_or(LinkEnd::Abandoned)
    }
}

/// Tells a link that the network changed. It keeps nothing alive.
#[derive(Clone)]
pub struct Redialer(Arc<Notify>);

impl Redialer {
    /// The leg is given up, or the dial under way, and dialled anew at once.
    pub fn redial(&self) {
        self.0.notify_one();
    }
}

struct Driver {
    shared: Arc<Shared>,
    dialer: Dialer,
    patience: Patience,
    ticks: Interval,
    status: watch::Sender<LinkStatus>,
    stop: CancellationToken,
    wake: Arc<Notify>,
    /// Index of the relay to dial, counted round.
    relay: usize,
    /// When the first dial began, or its latest repetition after a freeze.
    begun: Instant,
    pause: Duration,
}

/// However the driver ends, also when its owner drops it: whoever waits on the stream learns of it.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.link().give_up(LinkEnd::Abandoned);
        self.shared.wake_stream();
    }
}

/// What the driver waits for while a leg stands.
enum Event {
    Leg(Happening),
    Tick,
    Wake,
    Stop,
}

impl Driver {
    async fn run(mut self) -> LinkEnd {
        let end = self.live().await;
        let end = self.shared.link().end().cloned().unwrap_or(end);
        tracing::debug!(end = end.code(), "link ended");
        self.shared.link().give_up(end.clone());
        self.shared.wake_stream();
        self.status.send_modify(|status| {
            (status.leg, status.paired, status.end) = (None, false, Some(end.clone()));
        });
        end
    }

    async fn live(&mut self) -> LinkEnd {
        let mut wait = Duration::ZERO;
        loop {
            let leg = match self.dial(wait).await {
                Ok(leg) => leg,
                Err(end) => return end,
            };
            let relay = self.relay % self.dialer.relays();
            self.status.send_modify(|status| status.leg = Some(relay));
            match self.carry(leg).await {
                Ok(pause) => wait = pause,
                Err(end) => return end,
            }
        }
    }

    /// Dials until a leg stands or the link is over; first after `wait`.
    async fn dial(&mut self, mut wait: Duration) -> Result<Leg, LinkEnd> {
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

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    fn check_patience(&self, cause: &str) -> Result<(), LinkEnd> {
        let now = Instant::now();
        if self.shared.link().is_closing() && self.patience.unpaired_for(now) >= CLOSING {
            return Err(LinkEnd::Done);
        }
        if self.patience.is_over(now) { Err(LinkEnd::GraceOver(cause.to_owned())) } else { Ok(()) }
    }

    fn froze(&mut self) -> bool {
        let froze = self.patience.tick(Instant::now(), SystemTime::now());
        if froze {
            tracing::debug!("woke from a freeze");
            (self.pause, self.begun) = (PAUSES.0, Instant::now());
        }
        froze
    }

    /// Carries the link over a standing leg, until it is over or another is to be dialled, after the pause that is returned.
    async fn carry(&mut self, leg: Leg) -> Result<Duration, LinkEnd> {
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
            Happening::Notice(Notice::Up { .. }) => *down_since = None,
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

    /// HELLO came, the link ended, or the pairing did.
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
        } else {
            self.note_unpaired("the relay paired the ends anew");
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
        self.status.send_modify(|status| (status.leg, status.last_cause) = (None, Some(cause.to_owned())));
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

fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
