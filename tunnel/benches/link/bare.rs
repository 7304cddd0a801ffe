//! A leg as a byte stream, with nothing that would outlive it: WebSocket messages and no more.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tunnel::instance::InstanceNonce;
use tunnel::leg::port::{AGENT_PATH, FUNCTION_PATH, INSTANCE_HEADER, Notice, SUBPROTOCOL, TUNNEL_HEADER, sync};
use tunnel::limits::LARGEST_MESSAGE;
use tunnel::ticket::{Ticket, TicketHash};

use crate::TOKEN;

/// Bytes of a message; the link's are of this size.
const PIECE: usize = 64 * 1024;

/// Whose leg.
pub(crate) enum Leg<'a> {
    Agent(TicketHash),
    Function(&'a Ticket, InstanceNonce),
}

pub(crate) struct Bare {
    socket: WebSocketStream<TcpStream>,
    unread: Bytes,
}

impl Bare {
    /// Dials until the relay pairs it with its peer.
    pub(crate) async fn dial(relay: SocketAddr, leg: Leg<'_>) -> Self {
        loop {
            // The relay may not know the ticket yet.
            if let Some(socket) = upgrade(relay, &leg).await {
                return Self { socket: paired(socket).await, unread: Bytes::new() };
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

async fn upgrade(relay: SocketAddr, leg: &Leg<'_>) -> Option<WebSocketStream<TcpStream>> {
    let (path, bearer, name, value) = match leg {
        Leg::Agent(hash) => (AGENT_PATH, TOKEN.to_owned(), TUNNEL_HEADER, hash.to_string()),
        Leg::Function(ticket, instance) => (FUNCTION_PATH, ticket.to_hex(), INSTANCE_HEADER, instance.to_string()),
    };
    let mut request = format!("ws://{relay}{path}").into_client_request().expect("a request");
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {bearer}").parse().expect("a value"));
    headers.insert("sec-websocket-protocol", SUBPROTOCOL.parse().expect("a value"));
    headers.insert(name, value.parse().expect("a value"));
    let tcp = TcpStream::connect(relay).await.expect("the relay");
    tcp.set_nodelay(true).expect("option");
    let config = WebSocketConfig::default()
        .read_buffer_size(PIECE)
        .write_buffer_size(0)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    client_async_with_config(request, tcp, Some(config)).await.ok().map(|(socket, _)| socket)
}

async fn paired(mut socket: WebSocketStream<TcpStream>) -> WebSocketStream<TcpStream> {
    loop {
        let message = socket.next().await.expect("a notice").expect("a message");
        let notice = message.to_text().ok().and_then(Notice::parse);
        if let Some(Notice::Up { pairing }) = notice {
            socket.send(Message::text(sync(pairing))).await.expect("sync");
            return socket;
        }
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

impl AsyncRead for Bare {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Poll::Ready(Ok(())),
                // Nothing here would wait for the peer to come again.
                Some(Ok(Message::Text(text))) if matches!(Notice::parse(&text), Some(Notice::Down)) => {
                    return Poll::Ready(Ok(()));
                }
                Some(Ok(_)) => {}
            }
        }
        let size = out.remaining().min(self.unread.len());
        out.put_slice(&self.unread[..size]);
        self.unread.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bare {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(other)?;
        let size = data.len().min(PIECE);
        let message = Message::Binary(Bytes::copy_from_slice(&data[..size]));
        Pin::new(&mut self.socket).start_send(message).map_err(other)?;
        Poll::Ready(Ok(size))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(other)
    }
}
