//! This process: it holds at most one tunnel, which outlives the invocations that serve it.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tunnel::answer::{Ended, Outcome, Summary};
use tunnel::control::FromFunction;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::Invitation;
use tunnel::limits::{DIAL_TIMEOUT, FREEZE};

use crate::connect::{Connector, Resolver, system};
use crate::deadline::{Times, UnixMs};
use crate::decide::{Contact, Decision, Held, decide};
use crate::dial;
use crate::exit::{Exit, Invocation, Terms};
use crate::policy::Policy;
use crate::settings::Settings;

/// How long a woken link is given to notice that it was frozen, dial and pair.
const ONE_DIAL: Duration = DIAL_TIMEOUT.saturating_add(FREEZE);

/// A function process.
pub struct Instance {
    nonce: InstanceNonce,
    settings: Settings,
    resolver: Resolver,
    trust: Arc<ClientConfig>,
    kept: Mutex<Option<Kept>>,
}

/// A tunnel between invocations.
struct Kept {
    exit: Exit,
    since: UnixMs,
}

impl Instance {
    /// A process with a fresh name and no tunnel.
    pub fn new(settings: Settings) -> Result<Self, rustls::Error> {
        let (nonce, resolver) = (InstanceNonce::mint(), Resolver::system());
        Ok(Self { nonce, settings, resolver, trust: dial::trust()?, kept: Mutex::new(None) })
    }

    /// The name of the process.
    pub fn nonce(&self) -> InstanceNonce {
        self.nonce
    }

    /// Serves one invocation to its end. Lambda sends one at a time; another would wait.
    pub async fn invoke(&self, invitation: Invitation, deadline: UnixMs) -> Summary {
        let times = Times::new(deadline, UnixMs::now());
        let mut kept = self.kept.lock().await;
        let outcome = self.serve(invitation, times, &mut kept).await;
        Summary {
            outcome,
            instance: self.nonce,
            generation: self.settings.generation,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    async fn serve(&self, invitation: Invitation, times: Times, kept: &mut Option<Kept>) -> Outcome {
        kept.take_if(|kept| kept.exit.is_over());
        let decision = self.decide(&invitation, kept).await;
        tracing::info!(?decision, holds = kept.is_some(), "invited");
        let (invocation, answered) = Invocation::new(times);
        match (decision, kept.take()) {
            (Decision::Renew, Some(held)) => {
                held.exit.serve(invocation).await;
                *kept = Some(held);
            }
            // Any other decision than to leave it alone lets go of what was held.
            (Decision::Busy | Decision::AwaitDial, held) => {
                *kept = held;
                return Ended::Busy.into();
            }
            (Decision::End, _) => return Ended::ToldToEnd.into(),
            (Decision::Take | Decision::Renew, held) => {
                drop(held);
                *kept = Some(Kept { exit: self.begin(&invitation, invocation), since: UnixMs::now() });
            }
        }
        let outcome = answered.await.unwrap_or_else(|_| Ended::Lost.into());
        if let Some(kept) = kept {
            kept.since = UnixMs::now();
        }
        outcome
    }

    async fn decide(&self, invitation: &Invitation, kept: &mut Option<Kept>) -> Decision {
        let judge = |kept: &Option<Kept>, contact| {
            let held = kept.as_ref().map(|kept| Held {
                agent: kept.exit.agent,
                grace: kept.exit.grace,
                kept_since: kept.since,
                contact,
            });
            decide(self.nonce, invitation, held.as_ref(), UnixMs::now())
        };
        match judge(kept, Contact::Unknown) {
            Decision::AwaitDial => {
                let contact = await_dial(kept.as_ref()).await;
                kept.take_if(|kept| kept.exit.is_over());
                judge(kept, contact)
            }
            decision => decision,
        }
    }

    fn begin(&self, invitation: &Invitation, invocation: Invocation) -> Exit {
        let policy = Policy::new(&invitation.egress, &self.settings.runtime_api, system::is_own);
        let source = invitation.source.or(self.settings.source);
        let terms = Terms {
            agent: invitation.agent,
            grace: Duration::from_millis(invitation.grace_ms),
            identity: invitation.identity.clone(),
            agent_key: invitation.agent_key.clone(),
            hello: FromFunction::Hello {
                nonce: self.nonce,
                generation: self.settings.generation,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                phases: None,
            },
            connector: Connector::new(policy, self.resolver.clone(), source),
        };
        let (stream, link) = dial::open(invitation, self.nonce, &self.trust);
        Exit::begin(stream, link, terms, invocation)
    }
}

/// Waits until a kept tunnel was found again or one dial had its chance. The link notices by itself that it was
/// frozen, and dials at once.
async fn await_dial(kept: Option<&Kept>) -> Contact {
    let Some(kept) = kept else { return Contact::Unpaired };
    let mut status = kept.exit.status();
    let resumes = status.borrow().resumes;
    let found = status.wait_for(|status| status.resumes != resumes || status.end.is_some());
    let _in_time = timeout(ONE_DIAL, found).await.is_ok();
    let status = status.borrow();
    if status.paired && status.end.is_none() { Contact::Paired } else { Contact::Unpaired }
}
