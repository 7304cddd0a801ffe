//! Copies between a TCP connection and a tunnel's stream, both ways.
//!
//! FIN ⇄ END_STREAM, one direction at a time; anything else ends both sides with a reset.
//! Never: an abnormal end is never passed on as a clean one.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::meter::Meter;
use crate::stream::{CHUNK, Cause, Receiver, Sender, TunnelStream};

/// First read of a stream, bytes: most requests fit; a bulk transfer moves on to [`CHUNK`].
const FIRST_READ: usize = 8 * 1024;

/// How a spliced connection ended.
#[derive(Debug)]
pub enum SpliceEnd {
    /// Both directions ended with FIN.
    Clean,
    /// The TCP side failed; the tunnel's stream was reset.
    Tcp(io::Error),
    /// The tunnel's side failed; the TCP connection was reset.
    Tunnel(io::Error),
}

enum Side {
    Tcp(io::Error),
    Tunnel(io::Error),
}

/// Copies until both directions have ended, or one has failed. `already_read` are bytes of `tcp` that were read before.
/// Dropped, it resets both sides.
pub async fn splice(tcp: TcpStream, already_read: Bytes, stream: TunnelStream, meter: &Meter) -> SpliceEnd {
    let TunnelStream { sender, receiver } = stream;
    let mut ends = Ends { tcp, sender, clean: false, cause: Cause::GivenUp };
    let (reader, writer) = ends.tcp.split();
    let copied =
        tokio::try_join!(into_tunnel(reader, already_read, &mut ends.sender, meter), out_of_tunnel(receiver, writer, meter));
    match copied {
        Ok(_) => {
            ends.clean = true;
            SpliceEnd::Clean
        }
        Err(Side::Tcp(error)) => {
            ends.cause = Cause::Tcp;
            SpliceEnd::Tcp(error)
        }
        Err(Side::Tunnel(error)) => SpliceEnd::Tunnel(error),
    }
}

/// Both sides of a copy; whatever ends it before its time resets them.
struct Ends {
    tcp: TcpStream,
    sender: Sender,
    clean: bool,
    cause: Cause,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if !self.clean {
            self.sender.reset(self.cause);
            reset_on_close(&self.tcp);
        }
    }
}

/// Makes the coming close of `tcp` an RST (RFC 9293 section 3.5.2) rather than a FIN.
pub fn reset_on_close(tcp: &TcpStream) {
    // An error means that the connection is gone already.
    let _gone = socket2::SockRef::from(tcp).set_linger(Some(std::time::Duration::ZERO));
}

async fn into_tunnel(tcp: ReadHalf<'_>, first: Bytes, sender: &mut Sender, meter: &Meter) -> Result<(), Side> {
    let mut rest = first;
    while !rest.is_empty() {
        let room = poll_fn(|cx| sender.poll_room(cx, rest.len())).await.map_err(Side::Tunnel)?;
        let piece = rest.split_to(room.min(rest.len()));
        meter.add_into_tunnel(piece.len());
        sender.send(piece).map_err(Side::Tunnel)?;
    }
    let mut buffer = BytesMut::new();
    let mut size = FIRST_READ;
    loop {
        readable_or_reset(&tcp, sender).await?;
        let room = poll_fn(|cx| sender.poll_room(cx, size)).await.map_err(Side::Tunnel)?.min(size);
        buffer.reserve(room);
        match tcp.try_read_buf(&mut limit(&mut buffer, room)) {
            Ok(0) => return end(sender).await,
            Ok(read) => {
                meter.add_into_tunnel(read);
                size = if read == room { CHUNK } else { size };
                sender.send(buffer.split().freeze()).map_err(Side::Tunnel)?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Idle: keep neither room nor memory.
                sender.release();
                buffer = BytesMut::new();
                size = FIRST_READ;
            }
            Err(error) => return Err(Side::Tcp(error)),
        }
    }
}

/// A view of `buffer` that takes at most `room` bytes more.
fn limit(buffer: &mut BytesMut, room: usize) -> bytes::buf::Limit<&mut BytesMut> {
    bytes::BufMut::limit(buffer, room)
}

/// Ends the direction, then waits only for a reset: the other direction decides when the stream is done.
async fn end(sender: &mut Sender) -> Result<(), Side> {
    sender.release();
    sender.finish().map_err(Side::Tunnel)
}

async fn readable_or_reset(tcp: &ReadHalf<'_>, sender: &mut Sender) -> Result<(), Side> {
    let stream: &TcpStream = tcp.as_ref();
    poll_fn(|cx| {
        if let Poll::Ready(error) = sender.poll_reset(cx) {
            return Poll::Ready(Err(Side::Tunnel(error)));
        }
        Poll::Ready(ready!(stream.poll_read_ready(cx)).map_err(Side::Tcp))
    })
    .await
}

async fn out_of_tunnel(mut receiver: Receiver, mut tcp: WriteHalf<'_>, meter: &Meter) -> Result<(), Side> {
    while let Some(chunk) = poll_fn(|cx| receiver.poll_chunk(cx)).await.map_err(Side::Tunnel)? {
        tcp.write_all(&chunk).await.map_err(Side::Tcp)?;
        meter.add_out_of_tunnel(chunk.len());
        receiver.release(chunk.len());
    }
    tcp.shutdown().await.map_err(Side::Tcp)
}
