//! Wires the rooms into a running agent.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::config::Config;
use crate::control_socket::{Agent, ControlSocket, RotateOrder, RotateReport};
use crate::health::Health;
use crate::status::model::{Month, Overall, ProxyStatus, SCHEMA, Status, Totals, Versions};

/// How to run, beyond the configuration.
#[derive(Debug)]
pub struct RunOptions {
    /// Without an account: everything on this machine.
    pub local: bool,
    /// How long streams may finish after the first signal; `None` ends them.
    pub drain: Option<Duration>,
    /// Where the agent is asked; while it is open, no other runs on this configuration.
    pub socket: ControlSocket,
}

/// The agent as the control socket sees it.
struct App {
    config: Config,
    health: Health,
    stop: Notify,
}

impl Agent for App {
    async fn status(&self) -> Status {
        Status {
            schema: SCHEMA,
            health: Overall::judge(&[], &[]),
            versions: Versions { agent: env!("CARGO_PKG_VERSION").to_owned(), function: None },
            proxy: ProxyStatus { listen: self.config.proxy.listen.clone() },
            relays: Vec::new(),
            regions: Vec::new(),
            exits: Vec::new(),
            totals: Totals::default(),
            month: Month { limit_usd: self.config.budget.monthly_usd, ..Month::default() },
            problems: self.health.list(),
        }
    }

    async fn rotate(&self, _: RotateOrder) -> RotateReport {
        RotateReport::default()
    }

    fn stop(&self) {
        self.stop.notify_one();
    }
}

/// Runs until a signal, or until it is asked to stop.
pub async fn run(config: Config, options: RunOptions) -> anyhow::Result<()> {
    let app = Arc::new(App { config, health: Health::default(), stop: Notify::new() });
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    tracing::info!(local = options.local, "running");
    tokio::select! {
        () = options.socket.serve(Arc::clone(&app)) => {}
        () = app.stop.notified() => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
