//! The running agent as the control socket sees it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::status::{Fixed, status};
use crate::config::Config;
use crate::control_socket::{Agent, RotateOrder, RotateReport, RotatedRegion};
use crate::health::Health;
use crate::money::Book;
use crate::proxy::Counters;
use crate::relays::Relays;
use crate::scheduler::supervisor::{Rotated, SupervisorHandle};
use crate::status::model::Status;

/// Answers questions about the agent, and takes its orders.
pub(super) struct Face {
    fixed: Fixed,
    counters: Arc<Counters>,
    supervisor: SupervisorHandle,
    health: Health,
    book: Book,
    /// One permit for each time that the agent was asked to stop.
    stop: Semaphore,
}

impl Face {
    pub(super) fn new(
        config: &Config,
        listen: Vec<SocketAddr>,
        relays: Relays,
        counters: Arc<Counters>,
        supervisor: SupervisorHandle,
        health: Health,
        book: Book,
    ) -> Self {
        let fixed = Fixed { listen, relays, limit_usd: config.budget.monthly_usd };
        Self { fixed, counters, supervisor, health, book, stop: Semaphore::new(0) }
    }

    /// Resolves when somebody asked the agent to stop; again when somebody did so again.
    pub(super) async fn stopped(&self) {
        // It is never closed.
        if let Ok(asked) = self.stop.acquire().await {
            asked.forget();
        }
    }
}

impl Agent for Face {
    async fn status(&self) -> Status {
        let snapshot = self.supervisor.snapshot().await.unwrap_or_default();
        status(&self.fixed, &snapshot, &self.counters, &self.health, &self.book)
    }

    async fn rotate(&self, order: RotateOrder) -> RotateReport {
        let rotated = self.supervisor.rotate(order.regions, order.fresh).await;
        let region = |it: Rotated| {
            let Rotated { region, old, new, error, refused, note } = it;
            RotatedRegion { region, old, new, error, refused, note }
        };
        RotateReport { regions: rotated.into_iter().map(region).collect() }
    }

    fn stop(&self) {
        self.stop.add_permits(1);
    }
}
