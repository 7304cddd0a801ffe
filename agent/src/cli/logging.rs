//! The log: to standard error, as text or JSON, filtered by `-v`, `-q` or `AWSLAMBDAPROXY_LOG`.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::arguments::{Global, LogFormat};
use super::exit::Exit;
use super::failure::Failure;

/// A filter in `tracing`'s syntax that replaces the flags'.
const VARIABLE: &str = "AWSLAMBDAPROXY_LOG";

/// Our crates; the others speak up in trouble only.
const OURS: [&str; 4] = ["agent", "tunnel", "relay", "function"];

/// Starts the log. A second start in one process keeps the first.
pub(super) fn start(global: &Global) -> Result<(), Failure> {
    let filter = filter(global, std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()))?;
    let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(color);
    let log = tracing_subscriber::registry().with(filter).with(filter_fn(|event| may_be_shown(event.target(), *event.level())));
    let _ = match global.log_format {
        LogFormat::Text => log.with(lines.with_target(global.verbose > 0)).try_init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).try_init(),
    };
    Ok(())
}

/// At their lowest level the crates of others show what they carry: requests with their keys and tokens. No filter lifts that.
fn may_be_shown(target: &str, level: Level) -> bool {
    let crate_of = target.split("::").next().unwrap_or_default();
    level != Level::TRACE || OURS.contains(&crate_of)
}

fn filter(global: &Global, variable: Option<String>) -> Result<EnvFilter, Failure> {
    let text = variable.unwrap_or_else(|| directives(global.verbose, global.quiet));
    EnvFilter::try_new(text).map_err(|error| Failure::new(Exit::Usage, anyhow::anyhow!("{VARIABLE}: {error}")))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_never_heard_at_their_lowest_level() {
        assert!(may_be_shown("agent::exits", Level::TRACE) && may_be_shown("tunnel", Level::TRACE));
        assert!(may_be_shown("aws_smithy_runtime::client", Level::DEBUG));
        assert!(!may_be_shown("aws_smithy_runtime::client", Level::TRACE) && !may_be_shown("agent_x", Level::TRACE));
    }
}
