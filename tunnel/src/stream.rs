//! A tunnel's stream: one HTTP/2 CONNECT as `AsyncRead + AsyncWrite`.
//!
//! END_STREAM is the end of one direction; a reset or a lost tunnel is an error, never an end of file.

use std::io::{self, ErrorKind as K};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::session::gauge::Gauge;

/// Largest piece that one write takes, bytes; less than a frame by its headers, so that it leaves as one.
pub const CHUNK: usize = 65_431;

/// One stream. Dropped before both directions have ended, it is reset.
pub struct TunnelStream {
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

impl TunnelStream {
    pub(crate) fn new(send: SendStream<Bytes>, receive: RecvStream, gauge: Arc<Gauge>) -> Self {
        Self { sender: Sender { send, ended: false }, receiver: Receiver { receive, gauge, rest: Bytes::new(), ended: false } }
    }

    /// Ends both directions with RST_STREAM: the other end must not take this for a clean end.
    pub fn reset(mut self) {
        self.sender.reset(Cause::GivenUp);
    }
}

/// Why a stream is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its TCP connection broke (RFC 9113 section 8.5).
    Tcp,
    /// It was given up on this side.
    GivenUp,
}

/// Whether a stream ended because its exit gave it up or was lost, rather than its site.
pub fn was_cut(error: &io::Error) -> bool {
    error.kind() == K::ConnectionAborted
}

impl AsyncRead for TunnelStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let receiver = &mut self.receiver;
        if receiver.rest.is_empty() {
            match ready!(receiver.poll_chunk(cx))? {
                Some(chunk) => receiver.rest = chunk,
                None => return Poll::Ready(Ok(())),
            }
        }
        let size = receiver.rest.len().min(buf.remaining());
        buf.put_slice(&receiver.rest[..size]);
        receiver.rest.advance(size);
        receiver.release(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(self.sender.poll_room(cx, buf.len()))?;
        let size = room.min(buf.len());
        self.sender.send(Bytes::copy_from_slice(&buf[..size]))?;
        Poll::Ready(Ok(size))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.sender.finish())
    }
}

/// The direction towards the other end.
pub(crate) struct Sender {
    send: SendStream<Bytes>,
    ended: bool,
}

impl Sender {
    /// Waits until some bytes may be sent, at most `wanted`.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        self.send.reserve_capacity(wanted.min(CHUNK));
        loop {
            match self.send.capacity() {
                0 => {}
                room => return Poll::Ready(Ok(room.min(CHUNK))),
            }
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(broken(&error))),
                None => return Poll::Ready(Err(closed())),
            }
        }
    }

    /// Gives back what [`Sender::poll_room`] reserved.
    pub(crate) fn release(&mut self) {
        self.send.reserve_capacity(0);
    }

    /// Sends what there is room for.
    pub(crate) fn send(&mut self, data: Bytes) -> io::Result<()> {
        self.send.send_data(data, false).map_err(|error| broken(&error))
    }

    /// END_STREAM, once.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        self.send.send_data(Bytes::new(), true).map_err(|error| broken(&error))
    }

    /// RST_STREAM.
    pub(crate) fn reset(&mut self, cause: Cause) {
        self.send.send_reset(match cause {
            Cause::Tcp => Reason::CONNECT_ERROR,
            Cause::GivenUp => Reason::CANCEL,
        });
    }

    /// Ready when the other end has reset the stream, or the tunnel is lost.
    pub(crate) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        match ready!(self.send.poll_reset(cx)) {
            Ok(reason) => Poll::Ready(ended(Some(reason), &reason.to_string())),
            Err(error) => Poll::Ready(broken(&error)),
        }
    }
}

/// The direction from the other end.
pub(crate) struct Receiver {
    receive: RecvStream,
    gauge: Arc<Gauge>,
    rest: Bytes,
    ended: bool,
}

impl Receiver {
    /// The next piece; `None` at END_STREAM. Call [`Receiver::release`] when it has been passed on.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        loop {
            match ready!(self.receive.poll_data(cx)) {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.gauge.count_received(chunk.len());
                    return Poll::Ready(Ok(Some(chunk)));
                }
                Some(Err(error)) => return Poll::Ready(Err(broken(&error))),
                None => {
                    self.ended = true;
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }

    /// Lets the other end send as much again. A stream that has gone meanwhile needs no window.
    pub(crate) fn release(&mut self, size: usize) {
        let _gone = self.receive.flow_control().release_capacity(size);
    }
}

fn broken(error: &h2::Error) -> io::Error {
    ended(error.reason(), &error.to_string())
}

fn ended(reason: Option<Reason>, cause: &str) -> io::Error {
    let kind = if reason == Some(Reason::CONNECT_ERROR) { K::ConnectionReset } else { K::ConnectionAborted };
    io::Error::new(kind, cause.to_owned())
}

fn closed() -> io::Error {
    io::Error::new(K::BrokenPipe, "the stream is closed")
}
