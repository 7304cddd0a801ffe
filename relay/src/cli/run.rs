//! `run`: the relay in the foreground.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::args::RunArgs;
use super::certificate::{self, Certificate};
use super::exit::{CliError, INTERRUPTED};
use super::port::{self, Ports};
use super::reload::Reloader;
use super::{descriptors, print};
use crate::agents::{Agents, AgentsFile};
use crate::config::{Settings, Tls};
use crate::metrics::Metrics;
use crate::server::{self, Config};
use crate::system::{self, Phase, Signal, Signals};

/// Runs until a signal comes.
pub(super) fn run(config: &Path, args: &RunArgs) -> Result<ExitCode, CliError> {
    let mut settings = Settings::load(config)?;
    let agents = Agents::from_file(AgentsFile::in_directory(&settings.state_dir))?;
    settings.adjustable.limits = descriptors::within(settings.adjustable.limits);
    let reloader = Reloader::new(config.to_owned(), settings.clone());
    let metrics = Metrics::default();
    let certificate = certificate::open(&settings, &reloader, &metrics)?;
    if settings.tls == Tls::Off && !settings.listen.ip().is_loopback() {
        tracing::warn!(listen = %settings.listen, "plain WebSocket on an address that others reach: tokens can be read on the way");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::system("asynchronous runtime"))?;
    let starting = Starting { settings, agents, metrics, certificate, reloader };
    runtime.block_on(starting.serve(args.take_over))
}

/// Everything that can be had before the runtime runs.
struct Starting {
    settings: Settings,
    agents: Agents,
    metrics: Metrics,
    certificate: Certificate,
    reloader: Reloader,
}

impl Starting {
    async fn serve(self, take_over: bool) -> Result<ExitCode, CliError> {
        let Self { settings, agents, metrics, certificate, mut reloader } = self;
        let mut signals = Signals::new().map_err(CliError::system("signals"))?;
        let Ports { relay, metrics: observed_at, mut succession } = port::open(&settings, take_over)?;
        let address = relay.local_addr().map_err(CliError::system("listen address"))?;
        if let Some(address) = observed_at.as_ref().and_then(|port| port.local_addr().ok()) {
            tracing::info!(%address, "metrics are at /metrics, and readiness at /readyz");
        }
        let scheme = if certificate.slot.is_some() { "wss" } else { "ws" };
        let config = Config {
            tls: certificate.slot,
            agents,
            adjustable: settings.adjustable,
            changes: Some(reloader.changes()),
            metrics,
            observed_at,
            port_outlives: Arc::clone(&succession.outlives),
        };
        let shutdown = CancellationToken::new();
        let mut server = Box::pin(server::run(relay, config, shutdown.clone()));
        let _keeper = certificate.keeping.map(|keeping| AbortOnDropHandle::new(tokio::spawn(keeping)));
        print::line(format_args!("listening on {scheme}://{address}"))?;
        system::notify(Phase::Ready);
        let ended = loop {
            tokio::select! {
                ended = &mut server => break ended,
                signal = signals.next() => match signal {
                    Signal::Stop if shutdown.is_cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
                    Signal::Stop => {
                        succession.withdraw();
                        shutdown.cancel();
                    }
                    Signal::Reload => {
                        system::notify(Phase::Reloading);
                        reloader.reload();
                        system::notify(Phase::Ready);
                    }
                }
            }
        };
        ended.map_err(CliError::system("relay"))?;
        Ok(ExitCode::SUCCESS)
    }
}
