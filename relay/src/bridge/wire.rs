//! The WebSocket of a leg: its bounds, when it was last read, and how it is closed in bounded time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tunnel::limits::LARGEST_MESSAGE;

/// Read buffer, bytes: most legs are idle most of the time, and this is what an idle one keeps.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes that are gathered before they are written: small messages share a write, large ones do not wait.
const WRITE_BUFFER: usize = 16 * 1024;
/// How long a leg's last words may take: a half-dead socket takes none.
const FAREWELL: Duration = Duration::from_secs(1);

/// A byte stream that remembers when it was last read from with success.
pub(super) struct Stamped<T> {
    io: T,
    last_read: Instant,
}

impl<T> Stamped<T> {
    pub(super) fn last_read(&self) -> Instant {
        self.last_read
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stamped<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.last_read = Instant::now();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stamped<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// The WebSocket over an upgraded connection.
pub(super) async fn websocket<T: AsyncRead + AsyncWrite + Unpin>(io: T) -> WebSocketStream<Stamped<T>> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        // One message beside a full buffer, and control frames: what `poll_ready` lets in before it waits.
        .max_write_buffer_size(WRITE_BUFFER + 2 * LARGEST_MESSAGE)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let io = Stamped { io, last_read: Instant::now() };
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// Says the last words and closes, all within [`FAREWELL`].
///
/// What still comes in is read and thrown away until the end closes too: a socket closed with unread bytes is reset, and a
/// reset would overtake the close frame.
pub(super) async fn farewell<T>(mut ws: WebSocketStream<Stamped<T>>, rest: Vec<Bytes>, code: Option<u16>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let words = async {
        for message in rest {
            ws.feed(Message::Binary(message)).await?;
        }
        match code {
            Some(code) => ws.send(Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() }))).await?,
            None => ws.flush().await?,
        }
        let io = &mut ws.get_mut().io;
        io.shutdown().await?;
        let mut scrap = [0; 1024];
        while io.read(&mut scrap).await? > 0 {}
        Ok::<(), tokio_tungstenite::tungstenite::Error>(())
    };
    match timeout(FAREWELL, words).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the leg was gone before its last words"),
        Err(_) => tracing::debug!("the leg did not take its last words in time"),
    }
}
