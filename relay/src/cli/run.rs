//! `run`: the relay in the foreground.

use std::path::Path;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::exit::{CliError, INTERRUPTED};
use super::print;
use crate::admission::Limits;
use crate::agents::{Agents, AgentsFile};
use crate::config::{Settings, Tls};
use crate::server::{self, Config};
use crate::system::{Signals, raise_descriptor_limit};
use crate::tls::{Certified, self_signed};

/// Runs until a signal comes.
pub(super) fn run(config: &Path) -> Result<ExitCode, CliError> {
    let settings = Settings::load(config)?;
    let mut config = assemble(&settings)?;
    config.limits = within_descriptors(config.limits);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::system("asynchronous runtime"))?;
    runtime.block_on(serve(&settings, config))
}

async fn serve(settings: &Settings, config: Config) -> Result<ExitCode, CliError> {
    let mut signals = Signals::new().map_err(CliError::system("signals"))?;
    let listener =
        TcpListener::bind(settings.listen).await.map_err(CliError::system(format!("listen on {}", settings.listen)))?;
    let address = listener.local_addr().map_err(CliError::system("listen address"))?;
    let scheme = if config.tls.is_some() { "wss" } else { "ws" };
    let shutdown = CancellationToken::new();
    let mut server = Box::pin(server::run(listener, config, shutdown.clone()));
    print::line(format_args!("listening on {scheme}://{address}"))?;
    let ended = tokio::select! {
        ended = &mut server => ended,
        () = signals.next() => {
            shutdown.cancel();
            tokio::select! {
                ended = &mut server => ended,
                () = signals.next() => return Ok(ExitCode::from(INTERRUPTED)),
            }
        }
    };
    ended.map_err(CliError::system("relay"))?;
    Ok(ExitCode::SUCCESS)
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

fn assemble(settings: &Settings) -> Result<Config, CliError> {
    let tls = certified(settings)?.map(Certified::server_config).transpose()?;
    if tls.is_none() && !settings.listen.ip().is_loopback() {
        tracing::warn!(listen = %settings.listen, "plain WebSocket on an address that others reach: tokens can be read on the way");
    }
    let agents = Agents::from_file(AgentsFile::in_directory(&settings.state_dir))?;
    let (limits, trusted, drain) = (settings.limits, settings.trusted.clone(), settings.drain);
    Ok(Config { tls, agents, limits, trusted, drain })
}

/// The certificate of these settings, if TLS is done here.
pub(super) fn certified(settings: &Settings) -> Result<Option<Certified>, CliError> {
    Ok(match &settings.tls {
        Tls::Files { certificate, key } => Some(Certified::from_files(certificate, key)?),
        Tls::SelfSigned => Some(self_signed(&settings.state_dir, &settings.certificate_host())?),
        Tls::Off => None,
    })
}
