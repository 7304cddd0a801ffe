//! Who serves a standing tunnel at its other end, and the renewal that changes it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tunnel::awake::{Awake, LOOK, timeout};
use tunnel::control::{self, FromAgent, FromFunction};
use tunnel::link::LinkStatus;

use super::invocation::Verdict;
use super::renewal::{Act, Renewal};
use super::start::{Beginning, Session};
use super::{Actor, End, Invocation, Landed, Order, Renewed, Report};
use crate::cloud::Cloud;

/// How long an order may take to enter the session, whose window may be full for a moment.
const SAYING: Duration = Duration::from_secs(2);

/// ```text
///                renew                    hello again
///   Attended ───────────▶ Renewing ─────────────────────▶ Attended
///      │                   ▲    │ failed
///      │ answered          │    ▼
///      └───────────────▶  Kept ─┘      and hello again, by whichever Invoke, leads from anywhere to Attended
/// ```
#[derive(Default)]
pub(super) enum Service {
    /// An invocation, as far as is known.
    #[default]
    Attended,
    /// None: the function was answered and keeps the tunnel.
    Kept,
    /// None soon, and another is on its way.
    Renewing(Box<Renewing>),
}

/// A renewal under way.
pub(super) struct Renewing {
    renewal: Renewal,
    begun: Instant,
    invoked: Instant,
    /// Whether an instance without a tunnel may take the invitation.
    slot: bool,
    landing: Landing,
    awake: Awake,
}

impl Renewing {
    /// The time now, after what was not run of it was credited.
    fn now(&mut self) -> Instant {
        let now = Instant::now();
        self.renewal.credit(self.awake.missed(now));
        now
    }
}

/// The tunnel of the renewal's invitation. It is needed only where another instance takes it.
struct Landing {
    beginning: Beginning,
    status: watch::Receiver<LinkStatus>,
}

impl Landing {
    fn new(beginning: Beginning) -> Self {
        let status = beginning.link.status();
        Self { beginning, status }
    }

    fn stands(&self) -> bool {
        self.status.borrow().leg.is_some()
    }

    fn is_taken(&self) -> bool {
        self.status.borrow().paired
    }
}

impl Service {
    /// Waits until the renewal has something to do; for ever without one. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        let Self::Renewing(renewing) = self else { return std::future::pending().await };
        let due = renewing.renewal.wake_at(renewing.landing.stands());
        let due = sleep_until(due.min(Instant::now() + LOOK));
        tokio::select! {
            Ok(()) = renewing.landing.status.changed() => {}
            () = due => {}
        }
    }

    /// Whether a function runs that can be told anything.
    pub(super) fn is_attended(&self) -> bool {
        !matches!(self, Self::Kept)
    }
}

impl<C: Cloud> Actor<C> {
    pub(super) async fn on_order(&mut self, session: &mut Session, service: &mut Service, order: Order) {
        match (order, &mut *service) {
            (Order::Renew { slot }, Service::Attended) => {
                let begun = Instant::now();
                if say_renew(session).await {
                    *service = self.renewing(slot, false);
                } else {
                    let cause = "the function could not be told".to_owned();
                    self.tell(Report::RenewalFailed { cause, took: begun.elapsed(), kept: false }).await;
                }
            }
            (Order::Renew { slot }, Service::Kept) => *service = self.renewing(slot, true),
            (Order::Elsewhere(to), Service::Renewing(renewing)) if renewing.renewal.is_invoked() => {
                self.forward(to, &mut session.invocation).await;
                let act = renewing.renewal.went_astray(Instant::now(), "the Invoke renewed another exit");
                self.act(session, service, act).await;
            }
            (Order::Adopt(invocation), Service::Attended) if !session.invocation.is_under_way() => {
                session.invocation = invocation;
            }
            (Order::End(_) | Order::Renew { .. } | Order::Elsewhere(_) | Order::Adopt(_), _) => {}
        }
    }

    pub(super) async fn on_said(&mut self, session: &mut Session, service: &mut Service, said: FromFunction) {
        match (said, &mut *service) {
            (FromFunction::Ending { .. }, Service::Attended) => self.tell(Report::Asked).await,
            (FromFunction::Answering {}, Service::Renewing(renewing)) => renewing.renewal.answering(Instant::now()),
            (FromFunction::Hello { .. }, _) => self.greeted(session, service).await,
            (FromFunction::Ending { .. } | FromFunction::Answering {}, _) => {}
        }
    }

    /// The present Invoke was answered. An `End` is how the exit is over.
    pub(super) async fn on_answer(&mut self, session: &mut Session, service: &mut Service, verdict: Verdict) -> Option<End> {
        match (verdict, &mut *service) {
            (Verdict::Over(end), Service::Renewing(renewing)) if renewing.renewal.is_invoked() => {
                let act = astray(&mut renewing.renewal, end);
                self.act(session, service, act).await;
            }
            // A function that was invoked would have said hello: it is tried again. One that runs after all is only busy then.
            (Verdict::Doubtful(cause), Service::Renewing(renewing)) if renewing.renewal.is_invoked() => {
                let act = renewing.renewal.went_astray(Instant::now(), &cause);
                self.act(session, service, act).await;
            }
            (Verdict::Over(end), Service::Attended | Service::Renewing(_)) => return Some(end),
            (Verdict::Kept, Service::Attended) => {
                *service = Service::Kept;
                self.tell(Report::Kept).await;
            }
            (Verdict::Kept, Service::Renewing(renewing)) => renewing.renewal.kept(Instant::now()),
            // A late answer to an Invoke that this exit had no good of.
            (Verdict::Over(_) | Verdict::Kept, Service::Kept) | (Verdict::TunnelTells | Verdict::Doubtful(_), _) => {}
        }
        None
    }

    /// Time has passed for the renewal, or its landing has changed.
    pub(super) async fn on_renewal_change(&mut self, session: &mut Session, service: &mut Service) {
        let Service::Renewing(renewing) = service else { return };
        let now = renewing.now();
        let act = if renewing.landing.is_taken() {
            self.hand_over(session, renewing).await;
            renewing.renewal.went_astray(now, "another instance took the Invoke")
        } else {
            renewing.renewal.tick(now, renewing.landing.stands())
        };
        self.act(session, service, act).await;
    }

    /// The landing of a renewal that is over before its time.
    pub(super) fn dismiss(&mut self, service: &mut Service) {
        if let Service::Renewing(renewing) = std::mem::take(service) {
            self.leave(renewing.landing.beginning);
        }
    }

    fn renewing(&self, slot: bool, kept: bool) -> Service {
        let now = Instant::now();
        let renewal = Renewal::begin(now, self.outfit.grace, kept);
        let landing = Landing::new(Beginning::new(&self.outfit));
        let awake = Awake::since(now);
        Service::Renewing(Box::new(Renewing { renewal, begun: now, invoked: now, slot, landing, awake }))
    }

    async fn act(&mut self, session: &mut Session, service: &mut Service, act: Option<Act>) {
        let Service::Renewing(renewing) = &mut *service else { return };
        match act {
            None => {}
            Some(Act::Invoke) => {
                renewing.invoked = Instant::now();
                session.invocation.has_ended();
                session.invocation = self.invoke(&renewing.landing.beginning, renewing.slot);
            }
            Some(Act::Fail(cause)) => {
                let (took, kept) = (renewing.begun.elapsed(), !renewing.renewal.is_asked());
                self.dismiss(service);
                *service = if kept { Service::Kept } else { Service::Attended };
                self.tell(Report::RenewalFailed { cause, took, kept }).await;
            }
        }
    }

    /// The instance of this tunnel was invoked again.
    async fn greeted(&mut self, session: &mut Session, service: &mut Service) {
        let renewed = match &*service {
            Service::Renewing(renewing) => Renewed {
                took: Some(renewing.begun.elapsed()),
                invoked: renewing.invoked.elapsed(),
                borrowed: !renewing.renewal.is_invoked(),
            },
            // A late one of its own, or another exit's.
            Service::Attended | Service::Kept => {
                Renewed { took: None, invoked: Duration::ZERO, borrowed: !session.invocation.is_under_way() }
            }
        };
        self.dismiss(service);
        if renewed.borrowed {
            // What is still to come of an older Invoke says nothing of this one.
            session.invocation.has_ended();
            session.invocation = Invocation::default();
        }
        self.tell(Report::Renewed(renewed)).await;
    }

    /// Another instance took the invitation: with a slot it is an exit of its own. The next try has no slot left.
    async fn hand_over(&mut self, session: &mut Session, renewing: &mut Renewing) {
        let next = Landing::new(Beginning::new(&self.outfit));
        let taken = std::mem::replace(&mut renewing.landing, next).beginning;
        if std::mem::take(&mut renewing.slot) {
            let landed = Landed { beginning: taken, invocation: session.invocation.take(), begun: renewing.invoked };
            self.tell(Report::Landed(Box::new(landed))).await;
        } else {
            self.leave(taken);
        }
    }
}

/// An Invoke that came to an end without reaching the instance. Who must change something first is not asked again.
fn astray(renewal: &mut Renewal, end: End) -> Option<Act> {
    match end {
        Ok(_) => renewal.went_astray(Instant::now(), "the Invoke reached an instance that has no slot"),
        Err(fault) if fault.retryable => renewal.went_astray(Instant::now(), &fault.text),
        Err(fault) => Some(Act::Fail(fault.text)),
    }
}

/// Says `renew`, while the session moves on. A session that ends meanwhile tells so itself.
async fn say_renew(session: &mut Session) -> bool {
    let saying = control::write(&mut session.said, &FromAgent::Renew {});
    tokio::select! {
        said = timeout(SAYING, saying) => matches!(said, Ok(Ok(()))),
        _over = session.driver.ended() => false,
    }
}
