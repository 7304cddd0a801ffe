//! What `status` shows of the data plane.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tunnel::outcome::ProxyError;

use super::fullness::Fullness;
use crate::exits::{StreamStats, Streams};
use crate::health::Problem;

/// Totals since the agent's start.
#[derive(Debug, Default)]
pub struct Counters {
    streams: Arc<Streams>,
    failed: [AtomicU64; ProxyError::ALL.len()],
    fullness: Fullness,
}

impl Counters {
    /// Streams opened, open, and their bytes.
    pub fn stats(&self) -> StreamStats {
        self.streams.stats()
    }

    /// Streams that could not be opened.
    pub fn failed(&self) -> u64 {
        self.failed.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Streams that could not be opened, by error, without the errors that never were.
    pub fn failed_by_error(&self) -> impl Iterator<Item = (ProxyError, u64)> {
        let count = |(error, count): (ProxyError, &AtomicU64)| (error, count.load(Ordering::Relaxed));
        ProxyError::ALL.into_iter().zip(&self.failed).map(count).filter(|(_, count)| *count > 0)
    }

    /// What is wrong because of what users ask.
    pub fn problem(&self) -> Option<Problem> {
        self.fullness.problem(Instant::now())
    }

    pub(super) fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    pub(super) fn count_failed(&self, error: ProxyError) {
        if error == ProxyError::ConnectionLimitReached {
            self.fullness.hit(Instant::now());
        }
        if let Some(place) = ProxyError::ALL.iter().position(|it| *it == error) {
            self.failed[place].fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_error() {
        let counters = Counters::default();
        counters.count_failed(ProxyError::DnsError);
        counters.count_failed(ProxyError::ConnectionTerminated);
        counters.count_failed(ProxyError::DnsError);
        assert_eq!(counters.failed(), 3);
        let by_error: Vec<_> = counters.failed_by_error().collect();
        assert_eq!(by_error, [(ProxyError::DnsError, 2), (ProxyError::ConnectionTerminated, 1)]);
    }
}
