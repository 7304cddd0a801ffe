//! The programs that local mode starts from the agent's own executable, so that one file is enough.
//!
//! | subcommand | what it is |
//! |---|---|
//! | `local-relay` | the relay, on a loopback port |
//! | `local-lambda` | the local Lambda |
//! | `local-child` | the step that makes a function die with the local Lambda, on Unix |
//! | `local-function` | the real function program |
//!
//! They are not part of the command line: nobody types them, and they take no options.

use std::ffi::OsString;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::app::local_relay;
#[cfg(unix)]
use crate::cloud::local::local_child;
use crate::cloud::local::server;
use crate::log::{VARIABLE, may_be_shown};

/// Runs the hidden program that the arguments name; `None` when they name none.
pub fn run(arguments: &[OsString]) -> Option<ExitCode> {
    Some(match arguments.get(1)?.to_str()? {
        "local-relay" => process(local_relay::run_process()),
        "local-lambda" => process(async { server::run_process().await.map_err(anyhow::Error::from) }),
        #[cfg(unix)]
        "local-child" => report(&local_child(arguments.iter().skip(2).cloned()).into()),
        "local-function" => function::main(),
        _ => return None,
    })
}

fn process(body: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    log();
    let ended = crate::process::block_on(body).map_err(anyhow::Error::from).and_then(|ended| ended);
    ended.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS)
}

fn report(error: &anyhow::Error) -> ExitCode {
    tracing::error!("{error:#}");
    ExitCode::FAILURE
}

/// These programs log to the agent's own standard error, in trouble only unless `AWSLAMBDAPROXY_LOG` wants more.
fn log() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).log_internal_errors(false);
    // A log that was started before stays.
    let _started = tracing_subscriber::registry().with(filter).with(may_be_shown()).with(lines).try_init();
}
