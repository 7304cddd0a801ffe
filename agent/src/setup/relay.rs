//! Knocks at a relay: is it reached, is its certificate right, does it know the token? With a ticket that nobody will use.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tunnel::leg::dial::{AgentRelay, Dialer};
use tunnel::leg::known::{Outcome, Trouble};
use tunnel::limits::DIAL_TIMEOUT;
use tunnel::link::{LinkConfig, open};
use tunnel::ticket::Ticket;

/// How long a relay may take to give the place of the ticket free again; it does so by itself, too.
const CLOSING: Duration = Duration::from_millis(500);

/// Dials `relay` as an agent does, once, and leaves again. Returns how long it took until the leg stood.
pub async fn knock(relay: &AgentRelay) -> Result<Duration, Trouble> {
    let begun = Instant::now();
    let ticket = Ticket::mint();
    let dialer = Dialer::for_agent(std::slice::from_ref(relay), ticket.hash());
    let (_stream, link) = open(LinkConfig { id: ticket.hash().prefix(), dialer, grace: 2 * DIAL_TIMEOUT });
    let mut known = relay.known.watch();
    let told = timeout(2 * DIAL_TIMEOUT, known.wait_for(|known| known.outcome.is_some())).await;
    let outcome = told.ok().and_then(Result::ok).and_then(|known| known.outcome.clone());
    let took = begun.elapsed();
    link.close();
    let _in_time = timeout(CLOSING, link.ended()).await;
    match outcome {
        Some(Outcome::Stood) => Ok(took),
        Some(Outcome::Failed(trouble)) => Err(trouble),
        None => Err(silent()),
    }
}

fn silent() -> Trouble {
    Trouble {
        code: "relay_unreachable",
        text: "no answer in time".to_owned(),
        hint: "check relay.url, the network and that the relay runs",
        of_proxy: false,
        of_us: false,
    }
}
