//! The control stream: bounded JSON lines on one reserved stream per tunnel, opened by the agent.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::answer::Phases;
use crate::instance::InstanceNonce;
use crate::limits::LONGEST_CONTROL_LINE;

/// Host of the reserved authority; `.invalid` (RFC 2606) can be no site.
pub const HOST: &str = "control.awslambdaproxy.invalid";
/// The reserved authority, never reachable by users.
pub const AUTHORITY: &str = "control.awslambdaproxy.invalid:1";

/// What the function says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromFunction {
    /// First of all: who answered.
    Hello {
        /// The process.
        nonce: InstanceNonce,
        /// The generation in its environment.
        generation: u64,
        /// The function's version.
        version: String,
        /// How long the beginning of the tunnel took; not told again where the tunnel is served on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phases: Option<Phases>,
    },
    /// The invocation nears its deadline; the agent orders `renew` or `end`.
    Ending {
        /// The deadline, ms since the Unix epoch.
        deadline: u64,
    },
    /// The answer to `renew`: the invocation is about to be answered, the tunnel stays.
    Answering {},
}

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromAgent {
    /// Answer the invocation and keep the tunnel: another Invoke follows.
    Renew {},
    /// Send GOAWAY and end.
    End {},
}

/// Why the control stream gave no message.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The stream failed.
    #[error("control stream: {0}")]
    Io(#[from] std::io::Error),
    /// A line that is longer than any message.
    #[error("control stream: a line of over {LONGEST_CONTROL_LINE} bytes")]
    TooLong,
    /// A line that is no message of this protocol version.
    #[error("control stream: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reads messages off one direction of the control stream.
#[derive(Debug)]
pub struct Reader<R> {
    stream: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads from `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream: BufReader::new(stream), line: Vec::new() }
    }

    /// The next message; `None` at a clean end. Cancel-safe: what was read of a line is kept.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ControlError> {
        let room = (LONGEST_CONTROL_LINE + 1).saturating_sub(self.line.len());
        (&mut self.stream).take(room as u64).read_until(b'\n', &mut self.line).await?;
        let line = std::mem::take(&mut self.line);
        match line.len() {
            0 => Ok(None),
            length if length > LONGEST_CONTROL_LINE => Err(ControlError::TooLong),
            _ => Ok(Some(serde_json::from_slice(&line)?)),
        }
    }
}

/// Writes one message and flushes it.
pub async fn write<T: Serialize + Sync, W: AsyncWrite + Unpin>(stream: &mut W, message: &T) -> Result<(), ControlError> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_survive_the_wire() {
        let (mut near, far) = tokio::io::duplex(8);
        let phases = Some(Phases { resolved: Some(2), ..Phases::default() });
        let hello = FromFunction::Hello { nonce: InstanceNonce::mint(), generation: 3, version: "0.1.0".into(), phases };
        let mut far = Reader::new(far);
        let (sent, got) = tokio::join!(
            async { write(&mut near, &hello).await.and(write(&mut near, &FromFunction::Ending { deadline: 5 }).await) },
            async { (far.next().await, far.next().await) }
        );
        sent.expect("written");
        assert_eq!(got.0.expect("hello"), Some(hello.clone()));
        assert_eq!(got.1.expect("ending"), Some(FromFunction::Ending { deadline: 5 }));
        drop(near);
        assert_eq!(far.next::<FromFunction>().await.expect("end"), None);
    }

    #[test]
    fn the_wire_form_is_fixed() {
        assert_eq!(serde_json::to_string(&FromAgent::Renew {}).expect("json"), r#"{"renew":{}}"#);
        assert_eq!(serde_json::to_string(&FromFunction::Ending { deadline: 7 }).expect("json"), r#"{"ending":{"deadline":7}}"#);
    }

    #[tokio::test]
    async fn what_a_newer_neighbour_adds_is_not_minded() {
        let nonce = InstanceNonce::mint();
        let line = format!("{{\"hello\":{{\"nonce\":\"{nonce}\",\"generation\":3,\"version\":\"9.0.0\",\"more\":1}}}}\n");
        let hello = FromFunction::Hello { nonce, generation: 3, version: "9.0.0".into(), phases: None };
        assert_eq!(Reader::new(line.as_bytes()).next().await.expect("hello"), Some(hello));
    }

    #[tokio::test]
    async fn an_endless_line_is_refused() {
        let flood = vec![b'x'; LONGEST_CONTROL_LINE * 4];
        let error = Reader::new(flood.as_slice()).next::<FromAgent>().await.expect_err("too long");
        assert!(matches!(error, ControlError::TooLong), "{error}");
    }
}
