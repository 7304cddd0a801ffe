//! relay.toml as it is written: every key optional, unknown ones refused, each with its place in the text.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::Error;

/// Reads `source`; or tells, in their order, all keys that do not belong there and all values of another kind.
pub(super) fn read(source: &str) -> Result<RawFile, Vec<Error>> {
    let mut mistakes = Vec::new();
    let mut text = Some(source.to_owned());
    while let Some(rest) = text {
        match toml::from_str(&rest) {
            Ok(raw) if mistakes.is_empty() => return Ok(raw),
            Ok(_) => break,
            Err(error) => {
                text = error.span().and_then(|at| without(&rest, at));
                mistakes.push(error);
            }
        }
    }
    mistakes.sort_by_key(|error| error.span().map(|at| at.start));
    Err(mistakes)
}

/// The text without the lines of what stands at `at`, or without its whole section where that is a header; everything else
/// stays in its place. `None` where the text is no TOML: then nothing more can be told.
fn without(text: &str, at: Range<usize>) -> Option<String> {
    toml::from_str::<toml::Table>(text).ok()?;
    let start = text.get(..at.start)?.rfind('\n').map_or(0, |end| end + 1);
    let is_header = text.get(start..)?.trim_start().starts_with('[');
    let after = text.get(at.end..)?.find(if is_header { "\n[" } else { "\n" });
    let end = after.map_or(text.len(), |line| at.end + line);
    let lines = text.get(start..end)?;
    let blank: String = lines.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    (blank != lines).then(|| [text.get(..start).unwrap_or_default(), &blank, text.get(end..).unwrap_or_default()].concat())
}

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
