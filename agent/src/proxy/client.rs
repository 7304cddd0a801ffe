//! An accepted connection, with what was read of it and not yet used.
//!
//! Never: a connection that is dropped half way looks cleanly closed; it is reset unless [`Client::close`] ends it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use socket2::TcpKeepalive;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::timeout;
use tunnel::splice::reset_on_close;

/// Room for one read, bytes: a request with its first body bytes; larger ones only save calls.
const READ: usize = 16 * 1024;
/// How long a refused client may go on sending before it is cut off: enough to read our answer meanwhile.
const LINGER: Duration = Duration::from_secs(2);
/// How much a refused client may go on sending, bytes.
const LINGER_BYTES: usize = 1024 * 1024;

/// How much is read ahead of a client while it waits, bytes: what it may send along with its request.
const AHEAD: usize = 64 * 1024;
/// Silence after which the system asks whether the client's machine is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The user's program.
#[derive(Debug)]
pub struct Client {
    tcp: TcpStream,
    buffer: BytesMut,
}

impl Client {
    /// Takes an accepted connection.
    pub fn new(tcp: TcpStream) -> Self {
        // These only fail on a connection that is gone already, which the first read tells.
        let _gone = tcp.set_nodelay(true);
        let _gone = socket2::SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
        reset_on_close(&tcp);
        Self { tcp, buffer: BytesMut::new() }
    }

    /// Where the client reached this proxy; `None` once it is gone.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.tcp.local_addr().ok()
    }

    /// What was read and not yet used.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Reads more; `false` at the end of input.
    pub async fn fill(&mut self) -> io::Result<bool> {
        fill(&mut self.tcp, &mut self.buffer).await
    }

    /// Writes all of `bytes`.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tcp.write_all(bytes).await
    }

    /// Waits until the client is gone. What it sends meanwhile is kept; the end of its input says nothing yet.
    pub async fn gone(&mut self) -> io::Error {
        let (mut input, _) = self.split();
        match input.read_ahead(AHEAD).await {
            Err(error) => error,
            Ok(()) => std::future::pending().await,
        }
    }

    /// Both directions, to be used at once.
    pub fn split(&mut self) -> (Input<'_, ReadHalf<'_>>, WriteHalf<'_>) {
        let (reader, writer) = self.tcp.split();
        (Input { reader, buffer: &mut self.buffer }, writer)
    }

    /// The socket and what was read of it. From here on dropping it is a clean close.
    pub fn into_parts(self) -> (TcpStream, Bytes) {
        close_cleanly(&self.tcp);
        (self.tcp, self.buffer.freeze())
    }

    /// Ends the connection so that the last answer arrives: what the client still sends is read and dropped for a while,
    /// since closing on unread bytes would be a reset (RFC 9112 section 9.6).
    pub async fn close(mut self) {
        if self.tcp.shutdown().await.is_ok() && timeout(LINGER, self.drain()).await.is_ok() {
            close_cleanly(&self.tcp);
        }
    }

    async fn drain(&mut self) {
        let mut left = LINGER_BYTES;
        while left > 0 {
            self.buffer.clear();
            match self.fill().await {
                Ok(true) => left = left.saturating_sub(self.buffer.len()),
                Ok(false) | Err(_) => break,
            }
        }
    }
}

/// One direction of a connection, with what was read of it and not yet used.
pub struct Input<'a, R> {
    reader: R,
    /// What was read and not yet used.
    pub buffer: &'a mut BytesMut,
}

impl<'a, R: AsyncRead + Unpin> Input<'a, R> {
    /// Joins a reader and what was read of it before.
    pub fn new(reader: R, buffer: &'a mut BytesMut) -> Self {
        Self { reader, buffer }
    }

    /// Reads more; `false` at the end of input.
    pub async fn fill(&mut self) -> io::Result<bool> {
        fill(&mut self.reader, self.buffer).await
    }

    /// Reads to the end of input, or until so much is kept.
    pub async fn read_ahead(&mut self, most: usize) -> io::Result<()> {
        while self.buffer.len() < most && self.fill().await? {}
        Ok(())
    }
}

async fn fill(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<bool> {
    buffer.reserve(READ);
    Ok(reader.read_buf(buffer).await? > 0)
}

/// Makes the coming close of `tcp` an ordinary one again.
pub fn close_cleanly(tcp: &TcpStream) {
    // An error means that the connection is gone already.
    let _gone = socket2::SockRef::from(tcp).set_linger(None);
}
