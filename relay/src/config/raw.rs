//! relay.toml as it is written: every key optional, unknown ones refused, each with its place in the text.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFile {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) public_url: Option<Spanned<String>>,
    pub(super) tls: RawTls,
    pub(super) proxy: RawProxy,
    pub(super) limits: RawLimits,
    pub(super) metrics: RawMetrics,
    pub(super) drain: RawDrain,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTls {
    pub(super) mode: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) domain: Option<Spanned<String>>,
    pub(super) acme_directory: Option<Spanned<String>>,
    pub(super) acme_root: Option<Spanned<PathBuf>>,
    pub(super) acme_email: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProxy {
    pub(super) trusted: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) connections: Option<Spanned<usize>>,
    pub(super) per_address: Option<Spanned<usize>>,
    pub(super) per_agent: Option<Spanned<usize>>,
    pub(super) waiting: Option<Spanned<usize>>,
    pub(super) handshakes: Option<Spanned<usize>>,
    pub(super) bytes_per_second: Option<Spanned<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMetrics {
    pub(super) listen: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDrain {
    pub(super) time: Option<Spanned<RawDuration>>,
}

/// Seconds as a number, or a text like `1m 30s`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawDuration {
    Seconds(u64),
    Text(String),
}

impl RawDuration {
    pub(super) fn parse(&self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(*seconds)),
            Self::Text(text) => humantime::parse_duration(text).ok(),
        }
    }
}
