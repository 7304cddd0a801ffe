//! Several addresses of one site: staggered attempts, the first to connect wins (RFC 8305 section 5).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tunnel::outcome::{ProxyError, Refusal};

/// How long all attempts together may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an attempt runs alone before the next one is started beside it.
const STAGGER: Duration = Duration::from_millis(250);
/// Attempts at once: the limit of streams counts on two descriptors for each.
const LANES: usize = 2;

/// Tries `addresses` in their order until `dial` gives a connection. The others are dropped.
pub(super) async fn first_to_connect<T, D, F>(addresses: &[SocketAddr], dial: D) -> Result<T, Refusal>
where
    T: Send + 'static,
    D: Fn(SocketAddr) -> F,
    F: Future<Output = Result<T, Refusal>> + Send + 'static,
{
    timeout(PATIENCE, race(addresses, dial)).await.unwrap_or_else(|_| Err(timed_out()))
}

async fn race<T, D, F>(addresses: &[SocketAddr], dial: D) -> Result<T, Refusal>
where
    T: Send + 'static,
    D: Fn(SocketAddr) -> F,
    F: Future<Output = Result<T, Refusal>> + Send + 'static,
{
    let patience = share(addresses.len());
    let mut waiting = addresses.iter();
    let mut running = JoinSet::new();
    let mut told: Option<Refusal> = None;
    loop {
        if running.len() < LANES {
            running.extend(waiting.next().map(|address| timeout(patience, dial(*address))));
        }
        let may_start_another = running.len() < LANES && waiting.len() > 0;
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok(Ok(Ok(connection)))) => return Ok(connection),
                Some(Ok(Ok(Err(refusal)))) => told = Some(more_telling(told, refusal)),
                Some(Ok(Err(_))) => told = Some(more_telling(told, timed_out())),
                Some(Err(_)) => {}
                None => return Err(told.unwrap_or_else(timed_out)),
            },
            () = sleep(STAGGER), if may_start_another => {}
        }
    }
}

/// One attempt's part of the time, so that silent addresses leave some for the last one.
fn share(addresses: usize) -> Duration {
    PATIENCE / u32::try_from(addresses.div_ceil(LANES)).unwrap_or(u32::MAX).max(1)
}

/// Of two failures the one that says more about the site: an answer before silence, silence before no route.
fn more_telling(first: Option<Refusal>, second: Refusal) -> Refusal {
    let rank = |refusal: &Refusal| match refusal.error {
        ProxyError::DestinationIpUnroutable => 0,
        ProxyError::ConnectionTimeout => 1,
        _ => 2,
    };
    match first {
        Some(first) if rank(&first) >= rank(&second) => first,
        _ => second,
    }
}

fn timed_out() -> Refusal {
    Refusal::new(ProxyError::ConnectionTimeout, "the site did not answer in time")
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::time::Instant;

    use super::*;

    type Attempt = Pin<Box<dyn Future<Output = Result<u16, Refusal>> + Send>>;

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| SocketAddr::from(([192, 0, 2, 1], port))).collect()
    }

    fn after(ms: u64, outcome: Result<u16, ProxyError>) -> Attempt {
        Box::pin(async move {
            sleep(Duration::from_millis(ms)).await;
            outcome.map_err(|error| Refusal::new(error, ""))
        })
    }

    fn silent() -> Attempt {
        Box::pin(std::future::pending())
    }

    async fn run(count: u16, dial: fn(u16) -> Attempt) -> (Result<u16, ProxyError>, u128) {
        let start = Instant::now();
        let outcome = first_to_connect(&addresses(count), |address| dial(address.port())).await;
        (outcome.map_err(|refusal| refusal.error), start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_is_overtaken_after_the_stagger() {
        let dial = |port| if port == 1 { silent() } else { after(30, Ok(port)) };
        assert_eq!(run(2, dial).await, (Ok(2), 280));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_address_is_followed_at_once() {
        let dial = |port| if port < 3 { after(10, Err(ProxyError::ConnectionRefused)) } else { after(10, Ok(port)) };
        assert_eq!(run(3, dial).await, (Ok(3), 30));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_all_is_a_timeout_within_the_limit() {
        for count in [1, 2, 16] {
            let (outcome, ms) = run(count, |_| silent()).await;
            assert_eq!(outcome, Err(ProxyError::ConnectionTimeout));
            assert!(ms <= PATIENCE.as_millis() + 1, "{count}: {ms}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silent_addresses_leave_time_for_the_last() {
        let dial = |port| if port < 16 { silent() } else { after(30, Ok(port)) };
        assert_eq!(run(16, dial).await.0, Ok(16));
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_is_the_one_that_says_most() {
        let dial = |port| match port {
            1 => after(1, Err(ProxyError::ConnectionRefused)),
            2 => after(1, Err(ProxyError::DestinationIpUnroutable)),
            _ => silent(),
        };
        assert_eq!(run(3, dial).await.0, Err(ProxyError::ConnectionRefused));
        assert_eq!(run(2, dial).await.0, Err(ProxyError::ConnectionRefused));
    }
}
