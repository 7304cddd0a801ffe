//! What every program of this executable sets up: its runtime and its clock.

use std::future::Future;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::scheduler::time::Timestamp;

/// Runs `body` on a runtime of one thread: two carry no more (see the measurements). Blocking threads that still run then
/// are left behind: one that resolves a name, or reads standard input, may take long, and nobody waits for it any more.
pub(crate) fn block_on<T>(body: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(body);
    runtime.shutdown_background();
    Ok(ended)
}

/// The wall clock, for rooms that take the time as a number.
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_blocks_does_not_hold_the_end_up() {
        let (held, release) = std::sync::mpsc::channel::<()>();
        let (tell, ended) = std::sync::mpsc::channel();
        let program = std::thread::spawn(move || {
            let body = async {
                let (begun, begins) = tokio::sync::oneshot::channel();
                let blocking = tokio::task::spawn_blocking(move || {
                    let _test_over = begun.send(());
                    release.recv().is_err()
                });
                begins.await.expect("it runs");
                drop(blocking);
            };
            block_on(body).expect("a runtime");
            tell.send(()).expect("the test waits");
        });
        ended.recv_timeout(std::time::Duration::from_secs(10)).expect("the program has ended");
        drop(held);
        program.join().expect("thread");
    }
}
