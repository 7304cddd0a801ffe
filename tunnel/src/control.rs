//! The control stream: bounded JSON lines on one reserved stream per tunnel, opened by the agent.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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

/// Reads one message; `None` at a clean end. Not cancel-safe: a dropped call loses what it had read of a line.
pub async fn read<T, R>(stream: &mut R) -> Result<Option<T>, ControlError>
where
    T: for<'de> Deserialize<'de>,
    R: AsyncBufRead + Unpin,
{
    let mut line = Vec::new();
    let read = stream.take(LONGEST_CONTROL_LINE as u64 + 1).read_until(b'\n', &mut line).await?;
    match read {
        0 => Ok(None),
        _ if line.len() > LONGEST_CONTROL_LINE => Err(ControlError::TooLong),
        _ => Ok(Some(serde_json::from_slice(&line)?)),
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
        let hello = FromFunction::Hello { nonce: InstanceNonce::mint(), generation: 3, version: "0.1.0".into() };
        let mut far = tokio::io::BufReader::new(far);
        let (sent, got) = tokio::join!(
            async { write(&mut near, &hello).await.and(write(&mut near, &FromFunction::Ending { deadline: 5 }).await) },
            async { (read::<FromFunction, _>(&mut far).await, read::<FromFunction, _>(&mut far).await) }
        );
        sent.expect("written");
        assert_eq!(got.0.expect("hello"), Some(hello.clone()));
        assert_eq!(got.1.expect("ending"), Some(FromFunction::Ending { deadline: 5 }));
        drop(near);
        assert_eq!(read::<FromFunction, _>(&mut far).await.expect("end"), None);
    }

    #[test]
    fn the_wire_form_is_fixed() {
        assert_eq!(serde_json::to_string(&FromAgent::Renew {}).expect("json"), r#"{"renew":{}}"#);
        assert_eq!(serde_json::to_string(&FromFunction::Ending { deadline: 7 }).expect("json"), r#"{"ending":{"deadline":7}}"#);
    }

    #[tokio::test]
    async fn an_endless_line_is_refused() {
        let flood = vec![b'x'; LONGEST_CONTROL_LINE * 4];
        let error = read::<FromAgent, _>(&mut flood.as_slice()).await.expect_err("too long");
        assert!(matches!(error, ControlError::TooLong), "{error}");
    }
}
