//! Carries one body from one connection to another.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::body::{BadBody, Decoder, Framing, Piece};
use super::fields::{Fields, write_field};
use crate::proxy::client::Input;

/// Why a body did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    /// The side that sends it failed.
    #[error("reading the body: {0}")]
    Input(#[source] io::Error),
    /// The side that sends it broke the rules, or ended too early.
    #[error(transparent)]
    Body(#[from] BadBody),
    /// The side that gets it failed.
    #[error("writing the body: {0}")]
    Output(#[source] io::Error),
}

/// Copies a body that ends as `framing` says. With `chunked` it is written in chunks and its trailers go on, too.
pub(super) async fn copy_body<R, W>(
    framing: Framing,
    input: &mut Input<'_, R>,
    output: &mut W,
    chunked: bool,
) -> Result<(), CopyError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut decoder = Decoder::new(framing);
    let mut is_last = false;
    loop {
        let written = match decoder.take(input.buffer, is_last)? {
            Piece::Data(data) if chunked => output.write_all(&chunk(&data)).await,
            Piece::Data(data) => output.write_all(&data).await,
            Piece::End(trailers) if chunked => return output.write_all(&last_chunk(&trailers)).await.map_err(CopyError::Output),
            Piece::End(_) => return Ok(()),
            Piece::More => {
                is_last = !input.fill().await.map_err(CopyError::Input)?;
                Ok(())
            }
        };
        written.map_err(CopyError::Output)?;
    }
}

/// In one piece, so that it leaves in one.
fn chunk(data: &[u8]) -> Vec<u8> {
    let mut out = format!("{:X}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out
}

fn last_chunk(trailers: &Fields) -> Vec<u8> {
    let mut out = b"0\r\n".to_vec();
    for field in &trailers.trailers_for_next_hop().0 {
        write_field(&mut out, &field.name, &field.value);
    }
    out.extend_from_slice(b"\r\n");
    out
}
