//! `run`: the relay in the foreground.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::args::RunArgs;
use super::certificate::{self, Certificate};
use super::exit::{CliError, INTERRUPTED};
use super::reload::Reloader;
use super::{port, print};
use crate::admission::Limits;
use crate::agents::{Agents, AgentsFile};
use crate::config::{Settings, Tls};
use crate::metrics::Metrics;
use crate::server::{self, Config};
use crate::system::{self, Phase, Signal, Signals, raise_descriptor_limit};

/// Runs until a signal comes.
pub(super) fn run(config: &Path, args: &RunArgs) -> Result<ExitCode, CliError> {
    let settings = Settings::load(config)?;
    let agents = Agents::from_file(AgentsFile::in_directory(&settings.state_dir))?;
    let (metrics, reload) = (Metrics::default(), Arc::new(Notify::new()));
    let certificate = certificate::open(&settings, &reload, &metrics)?;
    if settings.tls == Tls::Off && !settings.listen.ip().is_loopback() {
        tracing::warn!(listen = %settings.listen, "plain WebSocket on an address that others reach: tokens can be read on the way");
    }
    let limits = within_descriptors(settings.limits);
    let reloader = Reloader::new(config.to_owned(), settings.clone(), reload);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::system("asynchronous runtime"))?;
    let starting = Starting { settings, limits, agents, metrics, certificate, reloader };
    runtime.block_on(starting.serve(args.take_over))
}

/// Everything that can be had before the runtime runs.
struct Starting {
    settings: Settings,
    limits: Limits,
    agents: Agents,
    metrics: Metrics,
    certificate: Certificate,
    reloader: Reloader,
}

impl Starting {
    async fn serve(self, take_over: bool) -> Result<ExitCode, CliError> {
        let Self { settings, limits, agents, metrics, certificate, mut reloader } = self;
        let mut signals = Signals::new().map_err(CliError::system("signals"))?;
        let port = port::open(&settings, take_over)?;
        let observed_at = port::open_metrics(settings.metrics, take_over)?;
        let address = port.listener.local_addr().map_err(CliError::system("listen address"))?;
        if let Some(address) = observed_at.as_ref().and_then(|port| port.local_addr().ok()) {
            tracing::info!(%address, "metrics are at /metrics, and readiness at /readyz");
        }
        let scheme = if certificate.slot.is_some() { "wss" } else { "ws" };
        let config = Config {
            tls: certificate.slot,
            agents,
            limits,
            adjustable: settings.adjustable,
            changes: Some(reloader.changes()),
            metrics,
            observed_at,
            port_outlives: port.outlives,
        };
        let shutdown = CancellationToken::new();
        let mut server = Box::pin(server::run(port.listener, config, shutdown.clone()));
        let _keeper = certificate.keeping.map(|keeping| AbortOnDropHandle::new(tokio::spawn(keeping)));
        print::line(format_args!("listening on {scheme}://{address}"))?;
        system::notify(Phase::Ready);
        let ended = loop {
            tokio::select! {
                ended = &mut server => break ended,
                signal = signals.next() => match signal {
                    Signal::Stop if shutdown.is_cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
                    Signal::Stop => shutdown.cancel(),
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

/// What of the limits the system's own allows.
fn within_descriptors(limits: Limits) -> Limits {
    let descriptors = raise_descriptor_limit();
    let within = limits.within(descriptors);
    if within != limits {
        let (connections, handshakes) = (within.connections, within.handshakes);
        tracing::warn!(
            descriptors,
            connections,
            handshakes,
            "the system's limit of open files is below limits.connections: fewer are taken; raise it with `ulimit -n` or \
             LimitNOFILE"
        );
    }
    within
}
