//! Owns the legs of a link: dials, carries, dials again, and gives up when it must.
//!
//! ```text
//!   Dialling ──leg stands──▶ Carrying ──lost, 1012, silent …──▶ Dialling ──grace over, final answer──▶ ended
//! ```
//! Never: two legs at once. The old one is dropped before the next is dialled.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::core::Link;
use super::end::LinkEnd;
use super::frame::LinkId;
use super::patience::Patience;
use super::status::LinkStatus;
use super::stream::{LinkStream, Shared};
use crate::leg::dial::Dialer;
use crate::limits::FIRST_LEG;

/// How often time is looked at: a tenth of the shortest thing judged by it.
const TICK: Duration = Duration::from_millis(250);
/// First and longest pause between dials.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

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
    let patience = Patience::new(config.grace, Instant::now(), SystemTime::now());
    let driver = Driver {
        shared: shared.clone(),
        patience: if config.dialer.is_agent() { patience } else { patience.until_first_leg(FIRST_LEG) },
        dialer: config.dialer,
        ticks: ticks(),
        status,
        stop: stop.clone(),
        wake: wake.clone(),
        relay: 0,
        begun: Instant::now(),
        pause: PAUSES.0,
        dials: 0,
        strays: 0,
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

pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) dialer: Dialer,
    pub(super) patience: Patience,
    pub(super) ticks: Interval,
    pub(super) status: watch::Sender<LinkStatus>,
    pub(super) stop: CancellationToken,
    pub(super) wake: Arc<Notify>,
    /// Index of the relay to dial, counted round.
    pub(super) relay: usize,
    /// When the first dial began, or its latest repetition after a freeze.
    pub(super) begun: Instant,
    pub(super) pause: Duration,
    /// How many were begun.
    pub(super) dials: u32,
    /// Dials that were given up amid their way: each may yet reach the relay, and take the place of a leg that stands.
    pub(super) strays: u32,
}

/// However the driver ends, also when its owner drops it: whoever waits on the stream learns of it.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.link().give_up(LinkEnd::Abandoned);
        self.shared.wake_stream();
    }
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
            self.patience.reached();
            let relay = self.relay % self.dialer.relays();
            self.status.send_modify(|status| status.leg = Some(relay));
            match self.carry(leg).await {
                Ok(pause) => wait = pause,
                Err(end) => return end,
            }
        }
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
