//! The running agent as the control socket sees it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::config_file::ConfigFile;
use super::ending::{Ending, REFUSAL};
use super::status::{Fixed, status};
use crate::control_socket::{Agent, RotateOrder, RotateReport, RotatedRegion};
use crate::health::Health;
use crate::money::Book;
use crate::proxy::Counters;
use crate::scheduler::supervisor::{Rotated, SupervisorHandle};
use crate::status::model::Status;

/// Answers questions about the agent, and takes its orders.
pub(super) struct Face {
    fixed: Fixed,
    counters: Arc<Counters>,
    supervisor: SupervisorHandle,
    file: ConfigFile,
    health: Health,
    book: Book,
    ending: OnceLock<Ending>,
    /// One permit for each time that the agent was asked to stop.
    stop: Semaphore,
}

impl Face {
    pub(super) fn new(
        fixed: Fixed,
        counters: Arc<Counters>,
        supervisor: SupervisorHandle,
        file: ConfigFile,
        health: Health,
        book: Book,
    ) -> Self {
        Self { fixed, counters, supervisor, file, health, book, ending: OnceLock::new(), stop: Semaphore::new(0) }
    }

    /// From now on the agent is ending; streams may finish for as long as `drain`.
    pub(super) fn begin_to_end(&self, drain: Option<Duration>) {
        self.ending.get_or_init(|| Ending::begin(drain));
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
        self.file.look().await;
        let mut status = status(&self.fixed, &snapshot, &self.counters, &self.health, &self.book);
        let ending = self.ending.get().map(|ending| ending.problem(status.totals.streams_open));
        status.problems.extend(ending);
        status
    }

    async fn rotate(&self, order: RotateOrder) -> Result<RotateReport, String> {
        if self.ending.get().is_some() {
            return Err(REFUSAL.to_owned());
        }
        let rotated = self.supervisor.rotate(order.regions, order.fresh).await;
        let region = |it: Rotated| {
            let Rotated { region, old, new, error, refuser, note } = it;
            RotatedRegion { region, old, new, error, refuser, note }
        };
        Ok(RotateReport { regions: rotated.into_iter().map(region).collect() })
    }

    fn stop(&self) {
        self.stop.add_permits(1);
    }
}
