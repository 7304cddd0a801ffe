//! How the clients of an address have behaved lately, and what follows: they are slowed, never locked out.
//!
//! Never: who holds a good token or ticket is refused, or waits for its answer, for what others of the address did. Only
//! taking a connection is paced, by address, before anybody can tell who it is.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tunnel::limits::DIAL_TIMEOUT;

use super::bucket::Rate;
use super::rates::Rates;
use super::{Limits, Refusal};

/// Wrong tokens of an address that are answered at once. An honest agent stops at its first.
const WRONG_TOKENS: Rate = Rate { steady: 0.2, burst: 5.0 };
/// Longest wait for the answer to a wrong one. An agent that has given up its dial by then would take the relay for one that
/// is down, and go on for ever. Who asks by many connections at once is bound by the handshakes of an address, of which each
/// wait holds one.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Unknown tickets of an address: functions share addresses, and an honest one asks ten times before its agent is there.
const UNKNOWN_TICKETS: Rate = Rate { steady: 50.0, burst: 500.0 };
/// New connections of an address at once, for each leg that it may have: all of them come back when a relay restarts, and
/// dial more than once.
const CONNECTIONS_PER_LEG: f64 = 4.0;
/// Seconds in which as many connections may come as the address may have legs.
const TURNOVER: f64 = 4.0;
/// Longest wait of a connection that came too fast: its end does not give up the dial meanwhile.
const LONGEST_PACE: Duration = Duration::from_secs(1);
/// What is left of a dial for what it is there for: TCP, TLS and the request, of three round trips around the world.
const LEFT_OF_A_DIAL: Duration = Duration::from_secs(1);
const _: () =
    assert!(LONGEST_PACE.as_millis() + LONGEST_WAIT.as_millis() + LEFT_OF_A_DIAL.as_millis() <= DIAL_TIMEOUT.as_millis());

/// What is remembered of addresses.
pub(crate) struct Conduct {
    wrong_tokens: Mutex<Rates>,
    unknown_tickets: Mutex<Rates>,
    connections: Mutex<Rates>,
}

impl Conduct {
    /// Nothing yet.
    pub(crate) fn new(limits: Limits) -> Self {
        let [wrong_tokens, unknown_tickets, connections] =
            [WRONG_TOKENS, UNKNOWN_TICKETS, connections(limits)].map(|rate| Mutex::new(Rates::new(rate)));
        Self { wrong_tokens, unknown_tickets, connections }
    }

    /// Other limits from now on.
    pub(crate) fn adjust(&self, limits: Limits) {
        lock(&self.connections).adjust(connections(limits));
    }

    /// A connection came: how long it waits before anything is spent on it.
    pub(crate) fn connected(&self, now: Instant, address: IpAddr) -> Duration {
        lock(&self.connections).take(now, address).min(LONGEST_PACE)
    }

    /// A wrong token was shown: how long the answer waits.
    pub(crate) fn showed_wrong_token(&self, now: Instant, address: IpAddr) -> Duration {
        lock(&self.wrong_tokens).take(now, address).min(LONGEST_WAIT)
    }

    /// An unknown ticket was shown: what is answered.
    pub(crate) fn showed_unknown_ticket(&self, now: Instant, address: IpAddr) -> Refusal {
        if lock(&self.unknown_tickets).try_take(now, address) { Refusal::Unknown } else { Refusal::Guessing }
    }
}

/// How often an address may connect.
fn connections(limits: Limits) -> Rate {
    let legs = limits.per_address as f64;
    Rate { steady: (legs / TURNOVER).max(1.0), burst: legs * CONNECTIONS_PER_LEG }
}

fn lock(rates: &Mutex<Rates>) -> MutexGuard<'_, Rates> {
    rates.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    #[test]
    fn wrong_tokens_are_answered_ever_later_up_to_a_bound() {
        let (now, conduct) = (Instant::now(), Conduct::new(Limits::default()));
        let waits: Vec<_> = (0..9).map(|_| conduct.showed_wrong_token(now, address(1))).collect();
        assert_eq!(waits[..5], [Duration::ZERO; 5]);
        assert!(waits[5..].iter().all(|wait| *wait == LONGEST_WAIT));
        assert_eq!(conduct.showed_wrong_token(now, address(2)), Duration::ZERO);
        assert_eq!(conduct.showed_wrong_token(now + SECOND * 60, address(1)), Duration::ZERO);
    }

    #[test]
    fn unknown_tickets_are_refused_as_such_until_there_are_too_many() {
        let (now, conduct) = (Instant::now(), Conduct::new(Limits::default()));
        let unknown = |now| (0..1000).filter(|_| conduct.showed_unknown_ticket(now, address(1)) == Refusal::Unknown).count();
        assert_eq!(unknown(now), 500);
        assert_eq!(unknown(now + SECOND), 50);
        assert_eq!(conduct.showed_unknown_ticket(now, address(1)).status(), 429);
    }

    #[test]
    fn an_address_may_open_all_its_legs_again_at_once_and_not_without_end() {
        let (now, conduct) = (Instant::now(), Conduct::new(Limits { per_address: 10, ..Limits::default() }));
        let waits: Vec<_> = (0..60).map(|_| conduct.connected(now, address(1))).collect();
        assert_eq!(waits[..40], [Duration::ZERO; 40]);
        assert_eq!(waits[40], Duration::from_millis(400));
        assert_eq!(waits[59], LONGEST_PACE);
        conduct.adjust(Limits { per_address: 1000, ..Limits::default() });
        assert_eq!(conduct.connected(now + SECOND, address(1)), Duration::ZERO);
    }
}
