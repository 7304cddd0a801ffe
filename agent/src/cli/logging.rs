//! The log: to standard error, as text or JSON, filtered by `-v`, `-q` or `AWSLAMBDAPROXY_LOG`.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::arguments::{Global, LogFormat};
use super::exit::Exit;
use super::failure::Failure;
use crate::log::{OURS, VARIABLE, may_be_shown};

/// What can be asked for.
const LEVELS: &str = "off, error, warn, info, debug and trace";

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
    let wrong = |what: String| Failure::new(Exit::Usage, anyhow::anyhow!("{VARIABLE}: {what}"));
    if let Some(word) = text.split(',').map(str::trim).find(|word| is_no_level(word)) {
        return Err(wrong(format!("\"{word}\" is no level; there are {LEVELS}, alone or as in agent=debug")));
    }
    EnvFilter::try_new(&text).map_err(|error| wrong(error.to_string()))
}

/// A bare word that is neither a level nor a module. `tracing` takes it for a module, of which there is none, and says nothing
/// of any other.
fn is_no_level(word: &str) -> bool {
    let is_bare = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    is_bare && !OURS.contains(&word) && word.parse::<LevelFilter>().is_err()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_is_a_level_or_a_mistake() {
        for word in ["debug", "WARN", "off", "2", "agent", "agent::exits", "hyper=trace", "", "[a_span]"] {
            assert!(!is_no_level(word), "{word}");
        }
        assert!(["verbose", "all", "yes", "hyper"].into_iter().all(is_no_level));
    }
}
