//! Time-outs that count only time in which this process ran: a frozen function, a stopped agent or a sleeping machine has
//! not kept anybody waiting.
//!
//! A gap between two looks at the clock that is longer than [`FREEZE`] was such a time. Some systems' monotonic clocks
//! stand still in a sleep by themselves; then there is nothing to credit.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::limits::FREEZE;

/// How often the clock is looked at: well within [`FREEZE`], which a busy machine must not seem to sleep through.
pub const LOOK: Duration = Duration::from_millis(250);

/// The limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer in time")]
pub struct Elapsed;

/// Notices time not run. It has to be asked every [`LOOK`].
#[derive(Debug)]
pub struct Awake {
    looked: Instant,
}

impl Awake {
    /// Begins to watch.
    pub fn since(now: Instant) -> Self {
        Self { looked: now }
    }

    /// How long this process has not run since the last question; nothing if it has.
    pub fn missed(&mut self, now: Instant) -> Duration {
        let gap = now.saturating_duration_since(std::mem::replace(&mut self.looked, now));
        if gap > FREEZE { gap } else { Duration::ZERO }
    }
}

/// Waits for `future`, at most for `limit` of running time.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let begun = Instant::now();
    let (mut awake, mut deadline) = (Awake::since(begun), begun + limit);
    loop {
        tokio::select! {
            biased;
            output = &mut future => return Ok(output),
            () = sleep_until(deadline.min(Instant::now() + LOOK)) => {}
        }
        let now = Instant::now();
        deadline += awake.missed(now);
        if now >= deadline {
            return Err(Elapsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{advance, sleep};

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_kept_to_the_moment() {
        let begun = Instant::now();
        assert_eq!(timeout(3 * S + S / 10, pending::<()>()).await, Err(Elapsed));
        assert_eq!(begun.elapsed(), 3 * S + S / 10);
        assert_eq!(timeout(3 * S, sleep(2 * S)).await, Ok(()));
        assert_eq!(timeout(Duration::ZERO, async { 7 }).await, Ok(7), "what is there already is taken");
    }

    #[tokio::test(start_paused = true)]
    async fn time_not_run_is_no_time_passed() {
        let waiting = tokio::spawn(timeout(3 * S, pending::<()>()));
        sleep(S).await;
        advance(600 * S).await;
        let woken = Instant::now();
        assert_eq!(waiting.await.expect("task"), Err(Elapsed));
        assert!((S..=2 * S + LOOK).contains(&woken.elapsed()), "{:?}", woken.elapsed());
    }

    #[test]
    fn a_busy_moment_is_no_sleep() {
        let now = Instant::now();
        let mut awake = Awake::since(now);
        assert_eq!(awake.missed(now + FREEZE), Duration::ZERO);
        assert_eq!(awake.missed(now + FREEZE + 5 * S), 5 * S);
        assert_eq!(awake.missed(now + FREEZE + 5 * S + LOOK), Duration::ZERO);
    }
}
