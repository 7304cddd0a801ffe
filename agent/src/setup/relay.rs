//! Knocks at a relay: is it reached, is its certificate right, does it know the token? With a ticket that nobody will use.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tunnel::leg::dial::{AgentRelay, Dialer, UNKNOWN_ISSUER, UNREACHED};
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

/// What can be done about it by whoever gave a pairing code: no configuration stands yet, and nothing goes on dialling.
pub fn mend_of_code(trouble: &Trouble) -> &'static str {
    match trouble.hint {
        UNREACHED => "are address and port in the pairing code right, does the relay run, and is its port open to this machine?",
        UNKNOWN_ISSUER => {
            "a relay that made its certificate itself prints a pairing code that ends with #sha256=…: paste the whole line; where \
             a private authority signed it, this machine has to trust that one"
        }
        other => other,
    }
}

fn silent() -> Trouble {
    Trouble { code: "relay_unreachable", text: "no answer in time".to_owned(), hint: UNREACHED, of_proxy: false, of_us: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_code_lacks_is_said_of_the_code() {
        let trouble = |hint| Trouble { hint, ..silent() };
        assert!(mend_of_code(&silent()).contains("in the pairing code"));
        assert!(mend_of_code(&trouble(UNKNOWN_ISSUER)).contains("#sha256=…: paste the whole line"));
        assert_eq!(mend_of_code(&trouble("another")), "another");
    }
}
