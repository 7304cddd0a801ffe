//! A link as `AsyncRead + AsyncWrite`, and what it shares with the driver.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::core::Link;
use super::end::LinkEnd;

/// One link, between its stream and its driver.
pub(super) struct Shared {
    link: Mutex<Link>,
    /// Wakes the driver: there may be something to send.
    pub(super) driver: AtomicWaker,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Told whenever something was acknowledged.
    pub(super) acknowledged: Notify,
}

impl Shared {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link: Mutex::new(link),
            driver: AtomicWaker::new(),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            acknowledged: Notify::new(),
        }
    }

    /// The core. Held only for one step, never across an await.
    pub(super) fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the peer's bytes or the link's end: whoever waits looks again.
    pub(super) fn wake_stream(&self) {
        self.reader.wake();
        self.writer.wake();
        self.acknowledged.notify_waiters();
    }
}

/// The bytes of a link. Shut down, it ends cleanly; dropped before that, the other end sees a reset.
pub struct LinkStream {
    shared: Arc<Shared>,
}

impl LinkStream {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl AsyncRead for LinkStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.shared.reader.register(cx.waker());
        let mut link = self.shared.link();
        if link.is_readable() {
            let size = link.read(buf.initialize_unfilled());
            drop(link);
            buf.advance(size);
            // The peer is owed an acknowledgement.
            self.shared.driver.wake();
            return Poll::Ready(Ok(()));
        }
        match link.end() {
            None => Poll::Pending,
            Some(end) => Poll::Ready(ended(end)),
        }
    }
}

impl AsyncWrite for LinkStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(data)])
    }

    /// Takes all records of a flush at once, so that they leave in one message.
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.shared.writer.register(cx.waker());
        let mut link = self.shared.link();
        if let Some(end) = link.end() {
            return Poll::Ready(Err(broken(end)));
        }
        if link.is_finished() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, "the stream was shut down")));
        }
        if !link.is_writable() {
            return Poll::Pending;
        }
        let mut taken = 0;
        for slice in slices {
            let size = link.write(slice);
            taken += size;
            if size < slice.len() {
                break;
            }
        }
        drop(link);
        self.shared.driver.wake();
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.link().finish();
        self.shared.driver.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for LinkStream {
    fn drop(&mut self) {
        self.shared.link().abandon();
        self.shared.driver.wake();
    }
}

fn ended(end: &LinkEnd) -> io::Result<()> {
    if *end == LinkEnd::Done { Ok(()) } else { Err(broken(end)) }
}

fn broken(end: &LinkEnd) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, end.to_string())
}
