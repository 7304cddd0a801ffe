//! Bytes and silence of one stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Counts one stream; shared between who moves its bytes and who shows or judges them.
#[derive(Debug)]
pub struct Meter {
    into_tunnel: AtomicU64,
    out_of_tunnel: AtomicU64,
    begun: Instant,
    moved_ms: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter {
    /// A meter that begins now.
    pub fn new() -> Self {
        Self {
            into_tunnel: AtomicU64::new(0),
            out_of_tunnel: AtomicU64::new(0),
            begun: Instant::now(),
            moved_ms: AtomicU64::new(0),
        }
    }

    /// Bytes that went into the tunnel: up at the agent, down at the function.
    pub fn into_tunnel(&self) -> u64 {
        self.into_tunnel.load(Ordering::Relaxed)
    }

    /// Bytes that came out of the tunnel: down at the agent, up at the function.
    pub fn out_of_tunnel(&self) -> u64 {
        self.out_of_tunnel.load(Ordering::Relaxed)
    }

    /// How long no byte has moved.
    pub fn idle_for(&self) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(self.moved_ms.load(Ordering::Relaxed)))
    }

    /// How long the stream has been open.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Counts bytes that went into the tunnel.
    pub fn add_into_tunnel(&self, bytes: usize) {
        self.into_tunnel.fetch_add(bytes as u64, Ordering::Relaxed);
        self.touch();
    }

    /// Counts bytes that came out of the tunnel.
    pub fn add_out_of_tunnel(&self, bytes: usize) {
        self.out_of_tunnel.fetch_add(bytes as u64, Ordering::Relaxed);
        self.touch();
    }

    fn touch(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(since, Ordering::Relaxed);
    }
}
