//! What every program of this executable minds in its log, whatever the filter.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, filter_fn};

/// A filter in `tracing`'s syntax, in place of the usual one.
pub(crate) const VARIABLE: &str = "AWSLAMBDAPROXY_LOG";

/// Our crates.
pub(crate) const OURS: [&str; 4] = ["agent", "tunnel", "relay", "function"];

/// It warns of a URL that it cannot use and shows it, with a password if there is one; we name what says it.
const ENDPOINTS_OF_AWS: &str = "aws_config::default_provider::endpoint_url";
/// It warns of the place of credentials that failed with the whole answer that it got from there; our own error names the cause.
const CREDENTIALS_OF_AWS: &str = "aws_config::meta::credentials::chain";

/// At their lowest level the crates of others show what they carry: requests with their keys and tokens. No filter lifts that.
pub(crate) fn may_be_shown() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|event| is_harmless(event.target(), *event.level()))
}

fn is_harmless(target: &str, level: Level) -> bool {
    let crate_of = target.split("::").next().unwrap_or_default();
    let is_told_by_us = target == ENDPOINTS_OF_AWS || (target == CREDENTIALS_OF_AWS && level == Level::WARN);
    !is_told_by_us && (level != Level::TRACE || OURS.contains(&crate_of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_never_heard_at_their_lowest_level() {
        assert!(is_harmless("agent::exits", Level::TRACE) && is_harmless("tunnel", Level::TRACE));
        assert!(is_harmless("aws_smithy_runtime::client", Level::DEBUG));
        assert!(!is_harmless(ENDPOINTS_OF_AWS, Level::WARN) && is_harmless("aws_config::profile", Level::WARN));
        assert!(!is_harmless(CREDENTIALS_OF_AWS, Level::WARN) && is_harmless(CREDENTIALS_OF_AWS, Level::DEBUG));
        assert!(!is_harmless("aws_smithy_runtime::client", Level::TRACE) && !is_harmless("agent_x", Level::TRACE));
    }
}
