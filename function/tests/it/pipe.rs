//! A pipe that behaves like a link: what is written after the other end has left is taken, and its end of file decides.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tunnel::limits::LINK_CAPACITY;

pub(crate) struct Pipe(DuplexStream);

impl Pipe {
    pub(crate) fn pair() -> (Self, Self) {
        let (near, far) = tokio::io::duplex(LINK_CAPACITY);
        (Self(near), Self(far))
    }
}

fn forgive<T>(polled: Poll<io::Result<T>>, instead: T) -> Poll<io::Result<T>> {
    match polled {
        Poll::Ready(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Poll::Ready(Ok(instead)),
        polled => polled,
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        forgive(Pin::new(&mut self.0).poll_write(cx, data), data.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forgive(Pin::new(&mut self.0).poll_flush(cx), ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forgive(Pin::new(&mut self.0).poll_shutdown(cx), ())
    }
}
