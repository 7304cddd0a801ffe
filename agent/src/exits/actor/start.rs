//! The start of an exit: the agent's leg, the Invoke, the tunnel, and `hello`.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tunnel::answer::Phases;
use tunnel::awake::timeout;
use tunnel::control::{self, FromFunction};
use tunnel::identity::Identity;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::Invitation;
use tunnel::leg::dial::Dialer;
use tunnel::link::{LinkConfig, LinkEnd, LinkHandle, LinkStatus, LinkStream, Redialer, open};
use tunnel::session::client::{self, Driver, Opener};
use tunnel::stream::TunnelStream;
use tunnel::ticket::Ticket;

use super::invocation::{Invocation, Verdict};
use super::{Actor, End, Fault, Order, Outfit, Ready, Report, Roster};
use crate::cloud::Cloud;
use crate::exits::state::{Phase, Reason};
use crate::relays::Order as RelayOrder;

/// How long the agent's own leg may take: a few dials of 3 s and the pauses between them.
const LEG_TIMEOUT: Duration = Duration::from_secs(12);
/// How long a function may take to stand at the relay: Lambda's init may take 10 s, its first dials 5 s.
const PAIR_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the handshakes inside the tunnel may take: two round trips of a slow path.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

/// What exists from the first moment of an exit on.
pub(super) struct Beginning {
    pub(super) link: LinkHandle,
    stream: Option<LinkStream>,
    ticket: Ticket,
    identities: (Identity, Identity),
    /// In which order both ends try the relays.
    order: RelayOrder,
    _redialling: AbortOnDropHandle<()>,
}

impl Beginning {
    /// Mints the tunnel's secrets and begins to dial.
    pub(super) fn new<C>(outfit: &Outfit<C>) -> Self {
        let ticket = Ticket::mint();
        let order = outfit.relays.order();
        let dialer = Dialer::for_agent(&outfit.relays.in_order(&order), ticket.hash());
        let (stream, link) = open(LinkConfig { id: ticket.hash().prefix(), dialer, grace: outfit.grace });
        let redialling = tokio::spawn(redial_at_each(outfit.network.changes(), link.redialer()));
        Self {
            link,
            stream: Some(stream),
            ticket,
            identities: (Identity::mint(), Identity::mint()),
            order,
            _redialling: AbortOnDropHandle::new(redialling),
        }
    }

    /// The payload that invites an instance to this tunnel. `fresh`: whether one without a tunnel may take it.
    pub(super) fn payload<C>(&self, outfit: &Outfit<C>, roster: Roster, fresh: bool) -> Bytes {
        self.invitation(outfit, roster, fresh).to_json().to_string().into()
    }

    /// The link's state, as it is told.
    pub(super) fn told(&self, status: &LinkStatus) -> LinkStatus {
        told(&self.order, status)
    }

    fn invitation<C>(&self, outfit: &Outfit<C>, roster: Roster, fresh: bool) -> Invitation {
        Invitation {
            agent: outfit.agent,
            relays: outfit.relays.in_order(&self.order).into_iter().map(|relay| relay.endpoint).collect(),
            ticket: self.ticket.clone(),
            identity: self.identities.1.clone(),
            agent_key: self.identities.0.public().clone(),
            egress: outfit.egress.clone(),
            grace_ms: u64::try_from(outfit.grace.as_millis()).unwrap_or(u64::MAX),
            live: roster.live,
            renew: roster.renew,
            fresh,
            source: None,
        }
    }
}

/// A link's state, with the relay's place in the configuration for that in its tunnel's order.
fn told(order: &RelayOrder, status: &LinkStatus) -> LinkStatus {
    LinkStatus { leg: status.leg.and_then(|leg| order.place(leg)), ..status.clone() }
}

/// Tells the link whenever this machine's network has changed.
async fn redial_at_each(mut changes: watch::Receiver<u64>, link: Redialer) {
    while changes.changed().await.is_ok() {
        link.redial();
    }
}

/// A tunnel that can carry streams.
pub(super) struct Session {
    pub(super) opener: Opener,
    pub(super) driver: Moving,
    pub(super) heard: control::Reader<ReadHalf<TunnelStream>>,
    pub(super) said: WriteHalf<TunnelStream>,
    pub(super) invocation: Invocation,
}

/// Moves the session's bytes, and remembers how it ended.
pub(super) struct Moving {
    driver: Driver<LinkStream>,
    over: Option<Result<(), String>>,
}

impl Moving {
    /// Moves the session on until it ends; then says how, as often as it is asked. Cancel-safe.
    pub(super) async fn ended(&mut self) -> Result<(), String> {
        if let Some(outcome) = &self.over {
            return outcome.clone();
        }
        let outcome = self.driver.ended().await.map_err(|error| error.to_string());
        self.over.insert(outcome).clone()
    }
}

impl<C: Cloud> Actor<C> {
    /// Brings the exit up to `hello`. An `Err` is how it ended instead. `invoked`: the instance was invoked already, then.
    pub(super) async fn start(
        &mut self,
        beginning: &mut Beginning,
        invoked: Option<(Invocation, Instant)>,
    ) -> Result<Session, End> {
        if invoked.is_none() {
            self.stand(beginning).await?;
        }
        let standing = beginning.told(&beginning.link.status().borrow());
        self.tell(Report::Link(standing)).await;
        let (mut invocation, begun) = match invoked {
            Some(invoked) => invoked,
            None => (self.invoke(beginning, true), Instant::now()),
        };
        let reports = Reporter { actor: (self.post.id, self.post.reports.clone()) };
        let mut raising = pin!(raise(beginning, &reports, begun));
        let (opener, driver, heard, said) = loop {
            tokio::select! {
                tunnel = &mut raising => break tunnel.map_err(Err)?,
                end = early_answer(&mut invocation) => return Err(end),
                order = ordered(&mut self.orders) => match order {
                    // Nobody asked for this end: it is told like every failed start.
                    Order::End(Reason::StartTimeout) => return Err(Err(no_function(&LinkEnd::Unknown))),
                    Order::End(reason) => return Err(Ok(reason)),
                    Order::Elsewhere(to) => {
                        self.forward(to, &mut invocation).await;
                        return Err(Err(elsewhere()));
                    }
                    Order::Renew { .. } | Order::Adopt(_) => {}
                },
            }
        };
        let driver = Moving { driver, over: None };
        Ok(Session { opener, driver, heard, said, invocation })
    }

    /// Waits for the agent's own leg, and tells of every dial that fails.
    async fn stand(&mut self, beginning: &mut Beginning) -> Result<(), End> {
        let (mut status, order) = (beginning.link.status(), beginning.order.clone());
        let standing = {
            let mut leg = pin!(timeout(LEG_TIMEOUT, beginning.link.leg_stands()));
            loop {
                tokio::select! {
                    standing = &mut leg => break standing.unwrap_or(Err(LinkEnd::Unknown)),
                    reason = told_to_end(&mut self.orders) => return Err(Ok(reason)),
                    Ok(()) = status.changed() => {
                        let now = told(&order, &status.borrow_and_update());
                        self.tell(Report::Link(now)).await;
                    }
                }
            }
        };
        standing.map_err(|end| Err(no_leg(&end, beginning)))
    }

    /// Invokes the function for this tunnel, with the region's instances as they are now.
    pub(super) fn invoke(&self, beginning: &Beginning, fresh: bool) -> Invocation {
        let payload = beginning.payload(&self.outfit, self.post.roster.borrow().clone(), fresh);
        Invocation::begin(&self.outfit, self.post.region.clone(), payload)
    }
}

struct Reporter {
    actor: (crate::scheduler::plan::ExitId, mpsc::Sender<super::Told>),
}

impl Reporter {
    async fn tell(&self, report: Report) {
        let _ending = self.actor.1.send(super::Told { id: self.actor.0, report }).await;
    }
}

/// The next order; without anybody to give one, the agent ends.
pub(super) async fn ordered(orders: &mut mpsc::Receiver<Order>) -> Order {
    orders.recv().await.unwrap_or(Order::End(Reason::Shutdown))
}

/// Waits for the order to end. Before the Invoke no other has a meaning.
async fn told_to_end(orders: &mut mpsc::Receiver<Order>) -> Reason {
    loop {
        if let Order::End(reason) = ordered(orders).await {
            return reason;
        }
    }
}

/// Waits for an answer that ends the exit before it was up.
async fn early_answer(invocation: &mut Invocation) -> End {
    loop {
        if let Verdict::Over(end) = invocation.answer(Phase::Pair).await {
            return end;
        }
    }
}

type Tunnel = (Opener, Driver<LinkStream>, control::Reader<ReadHalf<TunnelStream>>, WriteHalf<TunnelStream>);

/// From the standing leg to `hello`.
async fn raise(beginning: &mut Beginning, reports: &Reporter, begun: Instant) -> Result<Tunnel, Fault> {
    let pairing = timeout(PAIR_TIMEOUT, beginning.link.paired()).await;
    pairing.unwrap_or(Err(LinkEnd::Unknown)).map_err(|end| no_function(&end))?;
    reports.tell(Report::Paired).await;
    let stream = beginning.stream.take().ok_or_else(|| protocol(Phase::Tls, "the link was taken twice"))?;
    let identities = (&beginning.identities.0, beginning.identities.1.public());
    let session = timeout(HANDSHAKE_TIMEOUT, client::connect(stream, identities.0, identities.1)).await;
    let (opener, mut driver) =
        session.map_err(|_| slow(Phase::Tls))?.map_err(|error| protocol(Phase::Tls, &error.to_string()))?;
    let hello = tokio::select! {
        hello = timeout(HANDSHAKE_TIMEOUT, greet(&opener)) => hello.map_err(|_| slow(Phase::Ready))?,
        ended = driver.ended() => Err(protocol(Phase::Ready, &ended.map_or_else(|error| error.to_string(), |()| "it ended".into()))),
    };
    let Greeting { heard, said, nonce, generation, version, phases } = hello?;
    let ready = Ready { opener: opener.clone(), nonce, generation, version, cold_start: begun.elapsed(), phases };
    reports.tell(Report::Ready(ready)).await;
    Ok((opener, driver, heard, said))
}

/// The control stream, and what `hello` told on it.
struct Greeting {
    heard: control::Reader<ReadHalf<TunnelStream>>,
    said: WriteHalf<TunnelStream>,
    nonce: InstanceNonce,
    generation: u64,
    version: String,
    phases: Option<Phases>,
}

/// Opens the control stream and reads `hello`.
async fn greet(opener: &Opener) -> Result<Greeting, Fault> {
    let failed = |error: &dyn std::fmt::Display| protocol(Phase::Ready, &error.to_string());
    let stream = opener.open(control::AUTHORITY).await.map_err(|error| failed(&error))?;
    let (heard, said) = split(stream);
    let mut heard = control::Reader::new(heard);
    match heard.next().await.map_err(|error| failed(&error))? {
        Some(FromFunction::Hello { nonce, generation, version, phases }) => {
            Ok(Greeting { heard, said, nonce, generation, version, phases })
        }
        _ => Err(failed(&"the function did not say hello")),
    }
}

fn elsewhere() -> Fault {
    let text = "the instance that was invoked renewed the tunnel that it held";
    Fault::new(Phase::Pair, Reason::Busy, text, "it is tried again on another")
}

fn no_leg(end: &LinkEnd, beginning: &Beginning) -> Fault {
    let trouble = beginning.link.status().borrow().last_trouble.clone();
    let retryable = !matches!(end, LinkEnd::Refused { .. });
    let (code, text, hint) = trouble.map_or_else(
        || ("", end.to_string(), "check relay.url, the network and that the relay runs"),
        |trouble| (trouble.code, trouble.text, trouble.hint),
    );
    let is_refusal = !retryable || code == Reason::RelayRefused.name();
    let reason = if is_refusal { Reason::RelayRefused } else { Reason::RelayUnreachable };
    Fault { retryable, ..Fault::new(Phase::Dial, reason, format!("the relay: {text}"), hint) }
}

fn no_function(end: &LinkEnd) -> Fault {
    let reason = match end {
        LinkEnd::Unknown => Reason::StartTimeout,
        LinkEnd::Mismatch | LinkEnd::Desync => Reason::ProtocolError,
        LinkEnd::Superseded => Reason::Superseded,
        _ => Reason::Lost,
    };
    let text = match end {
        LinkEnd::Unknown => format!("the function did not come to the relay within {} s", PAIR_TIMEOUT.as_secs()),
        other => other.to_string(),
    };
    Fault::new(Phase::Pair, reason, text, "check that the relay can be reached from the internet")
}

fn slow(phase: Phase) -> Fault {
    protocol(phase, &format!("no answer within {} s", HANDSHAKE_TIMEOUT.as_secs()))
}

fn protocol(phase: Phase, text: &str) -> Fault {
    let hint = "agent and function may be of different versions, or the relay interferes";
    Fault::new(phase, Reason::ProtocolError, text, hint)
}
