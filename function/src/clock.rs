//! Waiting by wall clock.

use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::UnixMs;

/// The wall clock is looked at this often: it may be set, and after a freeze it jumps while timers do not.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until the wall clock shows `at`; for ever without one. Cancel-safe.
pub(crate) async fn until(at: Option<UnixMs>) {
    let Some(at) = at else { return std::future::pending().await };
    loop {
        let left = at.since(UnixMs::now());
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOK)).await;
    }
}
