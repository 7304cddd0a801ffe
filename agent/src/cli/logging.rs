//! The log: to standard error, as text or JSON, filtered by `-v`, `-q` or `AWSLAMBDAPROXY_LOG`.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::arguments::{Global, LogFormat};
use super::exit::Exit;
use super::failure::Failure;
use crate::log::{OURS, VARIABLE, may_be_shown};

/// Starts the log. A second start in one process keeps the first.
pub(super) fn start(global: &Global) -> Result<(), Failure> {
    let filter = filter(global, std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()))?;
    let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // There is nobody to tell when a line cannot be written: the terminal has closed.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(color).log_internal_errors(false);
    let log = tracing_subscriber::registry().with(filter).with(may_be_shown());
    let _ = match global.log_format {
        LogFormat::Text => log.with(lines.with_target(global.verbose > 0)).try_init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).try_init(),
    };
    Ok(())
}

fn filter(global: &Global, variable: Option<String>) -> Result<EnvFilter, Failure> {
    let text = variable.unwrap_or_else(|| directives(global.verbose, global.quiet));
    EnvFilter::try_new(text).map_err(|error| Failure::new(Exit::Usage, anyhow::anyhow!("{VARIABLE}: {error}")))
}

/// Our crates say what the flags want; the others speak up in trouble only.
fn directives(verbose: u8, quiet: u8) -> String {
    let (ours, others) = match (verbose, quiet) {
        (0, 0) => ("info", "warn"),
        (0, 1) => ("warn", "error"),
        (0, _) => ("error", "error"),
        (1, _) => ("debug", "warn"),
        _ => ("trace", "debug"),
    };
    let ours = OURS.map(|name| format!("{name}={ours}")).join(",");
    format!("{others},{ours}")
}
