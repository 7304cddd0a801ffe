//! What goes to a leg's end: one frame after the other, each written whole before the next is chosen.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

/// Writes a leg.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Held until all of it is on the wire: TLS holds as much again until then, so the buffer stays lent that long.
    frame: Bytes,
    written: usize,
}

impl Outgoing {
    /// Ready when nothing is left to be written, and the next frame may be started.
    pub(super) fn poll_ready(&mut self, io: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.frame.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while let Some(rest) = self.frame.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        ready!(Pin::new(io).poll_flush(cx))?;
        (self.frame, self.written) = (Bytes::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Begins a frame, after [`Outgoing::poll_ready`].
    pub(super) fn start(&mut self, frame: Bytes) {
        (self.frame, self.written) = (frame, 0);
    }

    /// What was begun and not written.
    pub(super) fn into_rest(self) -> Bytes {
        self.frame.slice(self.written..)
    }
}
