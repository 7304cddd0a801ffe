//! The lines on the socket: `{"status":{}}`, `{"rotate":{"fresh":false,"regions":[]}}`, `{"stop":{}}` and their answers.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::health::Refuser;
use crate::status::model::Status;

/// Longest request, bytes: a rotation that names every region has some kilobytes.
pub(super) const LONGEST_REQUEST: u64 = 64 * 1024;

/// Longest answer, bytes: a status of a hundred regions has some hundred kilobytes.
pub(super) const LONGEST_ANSWER: u64 = 16 * 1024 * 1024;

/// How long reading or writing a line, and answering anything but a rotation, may take.
pub(super) const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a rotation may take: the retries of a cold start, and a wait for a slot that has no end of its own.
pub(super) const ROTATE_TIMEOUT: Duration = Duration::from_secs(150);

/// How long one may take that wants a new address: several new generations and their exits.
pub(super) const FRESH_TIMEOUT: Duration = Duration::from_secs(480);

/// A wish for new exits now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateOrder {
    /// Whether the instances must be new.
    #[serde(default)]
    pub fresh: bool,
    /// In which regions; empty means all.
    #[serde(default)]
    pub regions: Vec<String>,
}

impl RotateOrder {
    /// How long it may take.
    pub(super) fn timeout(&self) -> Duration {
        if self.fresh { FRESH_TIMEOUT } else { ROTATE_TIMEOUT }
    }
}

/// What came of a [`RotateOrder`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateReport {
    /// Region by region.
    pub regions: Vec<RotatedRegion>,
}

/// What came of it in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotatedRegion {
    /// The region.
    pub region: String,
    /// The address before, if one was known.
    pub old: Option<IpAddr>,
    /// The address now, if it is known.
    pub new: Option<IpAddr>,
    /// Why there is no new exit, or none with a new address where that was asked for.
    pub error: Option<String>,
    /// Whose no that is, where somebody said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuser: Option<Refuser>,
    /// What is to be said of the new address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Without fields, but written `{}`: room for some.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// What a command asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    Status(Nothing),
    Rotate(RotateOrder),
    Stop(Nothing),
}

impl Request {
    /// How long its answer may take.
    pub(super) fn timeout(&self) -> Duration {
        match self {
            Self::Rotate(order) => order.timeout(),
            Self::Status(_) | Self::Stop(_) => ASK_TIMEOUT,
        }
    }
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Status(Box<Status>),
    Rotate(RotateReport),
    Stopping { pid: u32 },
    Error { text: String },
}

/// Writes one line.
pub(super) async fn send(io: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    io.write_all(&line).await?;
    io.flush().await
}

/// Reads one line of at most `longest` bytes.
pub(super) async fn receive<T: DeserializeOwned>(io: &mut (impl AsyncRead + Unpin), longest: u64) -> io::Result<T> {
    let mut line = Vec::new();
    BufReader::new(io.take(longest)).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the line did not end"));
    }
    serde_json::from_slice(&line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_the_documented_lines() {
        for (request, line) in [
            (Request::Status(Nothing {}), r#"{"status":{}}"#),
            (Request::Rotate(RotateOrder::default()), r#"{"rotate":{"fresh":false,"regions":[]}}"#),
            (Request::Stop(Nothing {}), r#"{"stop":{}}"#),
        ] {
            assert_eq!(serde_json::to_string(&request).expect("json"), line);
            assert_eq!(serde_json::from_str::<Request>(line).expect("json"), request);
        }
        assert!(serde_json::from_str::<Request>(r#"{"shell":{}}"#).is_err());
    }

    #[tokio::test]
    async fn a_line_is_bounded_and_must_end() {
        assert_eq!(receive::<u8>(&mut &b"7\nrest"[..], 10).await.expect("a line"), 7);
        assert!(receive::<u8>(&mut &b"7"[..], 10).await.is_err());
        assert!(receive::<String>(&mut &b"\"long enough\"\n"[..], 8).await.is_err());
        assert!(receive::<u8>(&mut &b"no json\n"[..], 10).await.is_err());
    }
}
