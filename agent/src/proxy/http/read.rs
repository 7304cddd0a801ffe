//! Reads a head from a connection.

use std::io;

use bytes::{Buf, Bytes};
use tokio::io::AsyncRead;

use super::head::{BadHead, Exactness, Scanner};
use crate::proxy::client::Input;

/// Why no head was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeadError {
    /// It is none.
    #[error(transparent)]
    Bad(#[from] BadHead),
    /// The connection ended amid it.
    #[error("the connection ended amid a head")]
    CutOff,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads one whole head; `None` if the connection ends before its first byte.
pub(super) async fn read_head<R: AsyncRead + Unpin>(
    input: &mut Input<'_, R>,
    exactness: Exactness,
) -> Result<Option<Bytes>, HeadError> {
    let mut scanner = Scanner::new(exactness);
    loop {
        if let Some(end) = scanner.look(input.buffer)? {
            return Ok(Some(input.buffer.split_to(end).freeze()));
        }
        if !input.fill().await? {
            return if input.buffer.is_empty() { Ok(None) } else { Err(HeadError::CutOff) };
        }
    }
}

/// Drops one empty line before a request, which some clients send after a body (RFC 9112 section 2.2).
/// Returns whether a request has begun.
pub(super) fn skip_empty_line<R: AsyncRead + Unpin>(input: &mut Input<'_, R>, skipped: &mut bool) -> bool {
    if !*skipped && input.buffer.starts_with(b"\r\n") {
        input.buffer.advance(2);
        *skipped = true;
    }
    !input.buffer.is_empty() && (*skipped || input.buffer[..] != b"\r"[..])
}
