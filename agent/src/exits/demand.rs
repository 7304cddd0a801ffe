//! What users want of the exits, published to the scheduler: who waits, what is open, when something was last opened.
//!
//! Never: the data plane calls nobody; the scheduler watches.

use tokio::sync::watch;
use tokio::time::Instant;

/// What users want now. Streams of the agent itself do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Requests that wait for an exit.
    pub waiting: usize,
    /// Streams that are open, or being opened.
    pub open: usize,
    /// When a stream was last asked for.
    pub last_asked: Option<Instant>,
}

/// The one place that changes the published [`Demand`].
#[derive(Debug, Clone)]
pub(super) struct Publisher(watch::Sender<Demand>);

impl Publisher {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Demand::default()))
    }

    pub(super) fn watch(&self) -> watch::Receiver<Demand> {
        self.0.subscribe()
    }

    /// A request waits until the guard is dropped.
    pub(super) fn wait(&self) -> Waiting {
        self.0.send_modify(|demand| {
            demand.waiting += 1;
            demand.last_asked = Some(Instant::now());
        });
        Waiting(self.clone())
    }

    /// A stream is open until the guard is dropped.
    pub(super) fn open(&self) -> Open {
        self.0.send_modify(|demand| {
            demand.open += 1;
            demand.last_asked = Some(Instant::now());
        });
        Open(self.clone())
    }
}

/// Counts a waiting request.
#[derive(Debug)]
pub(super) struct Waiting(Publisher);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.send_modify(|demand| demand.waiting -= 1);
    }
}

/// Counts an open stream.
#[derive(Debug)]
pub(super) struct Open(Publisher);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|demand| demand.open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn demand_follows_the_guards() {
        let publisher = Publisher::new();
        let watched = publisher.watch();
        assert_eq!(*watched.borrow(), Demand::default());
        let waiting = publisher.wait();
        let open = publisher.open();
        let now = Some(Instant::now());
        assert_eq!(*watched.borrow(), Demand { waiting: 1, open: 1, last_asked: now });
        drop((waiting, open));
        assert_eq!(*watched.borrow(), Demand { waiting: 0, open: 0, last_asked: now });
    }
}
