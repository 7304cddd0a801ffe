//! The function's end of a session.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Method, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client::PROXY_STATUS;
use super::gauge::Gauge;
use super::tuner::{Tuner, Windows};
use super::{FIRST_SESSION_WINDOW, FIRST_STREAM_WINDOW, FRAME, HEADERS, PENDING_RESETS, SHARES, SMALL_FRAMES, SessionError};
use crate::identity::{Identity, PublicKey};
use crate::limits::STREAMS_PER_EXIT;
use crate::outcome::{ProxyError, Refusal};
use crate::stream::TunnelStream;

/// Streams above the exit's own limit that HTTP/2 still lets in, so that they get an answer rather than a silent wait.
const ROOM_FOR_REFUSALS: usize = 112;

/// Takes a session on `io`: TLS with the invitation's keys, then HTTP/2.
pub async fn accept<T>(io: T, identity: &Identity, peer: &PublicKey) -> Result<Server<T>, SessionError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let tls = TlsAcceptor::from(identity.server(peer)?).accept(io).await.map_err(SessionError::Tls)?;
    let mut connection = h2::server::Builder::new()
        .initial_window_size(FIRST_STREAM_WINDOW)
        .initial_connection_window_size(FIRST_SESSION_WINDOW)
        .max_frame_size(FRAME)
        .max_header_list_size(HEADERS)
        .data_frame_budget(SMALL_FRAMES)
        .max_concurrent_streams((STREAMS_PER_EXIT + ROOM_FOR_REFUSALS) as u32)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(None)
        .handshake(tls)
        .await?;
    let gauge = Arc::new(Gauge::default());
    let tuner = Tuner::new(connection.ping_pong(), gauge.clone());
    Ok(Server { connection, tuner, gauge })
}

/// Accepts streams. Must be polled by [`Server::next`] for anything to move.
pub struct Server<T> {
    connection: h2::server::Connection<TlsStream<T>, Bytes>,
    tuner: Tuner,
    gauge: Arc<Gauge>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Windows for h2::server::Connection<TlsStream<T>, Bytes> {
    fn set(&mut self, size: u32) -> Result<(), h2::Error> {
        self.set_initial_window_size(size)?;
        self.set_target_window_size(SHARES * size);
        Ok(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Server<T> {
    /// The next CONNECT; `None` when the session has ended cleanly. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Incoming, SessionError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SessionError>>> {
        self.tuner.poll(cx, &mut self.connection);
        let accepted = std::task::ready!(self.connection.poll_accept(cx));
        Poll::Ready(accepted.map(|result| match result {
            Ok((request, respond)) => Ok(Incoming::new(request, respond, self.gauge.clone())),
            Err(error) => Err(error.into()),
        }))
    }

    /// Sends GOAWAY: no new streams; [`Server::next`] gives `None` when the last one has ended.
    pub fn graceful_shutdown(&mut self) {
        self.connection.graceful_shutdown();
    }

    /// Ends every stream with a reset and the session with it.
    pub fn abrupt_shutdown(&mut self) {
        self.connection.abrupt_shutdown(Reason::NO_ERROR);
    }

    /// What the session measures.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }
}

/// One CONNECT that awaits its answer. Dropped, it is refused.
pub struct Incoming {
    authority: String,
    respond: SendResponse<Bytes>,
    received: RecvStream,
    gauge: Arc<Gauge>,
}

impl Incoming {
    /// A request that is no CONNECT has an empty authority, which parses as no destination.
    fn new(request: Request<RecvStream>, respond: SendResponse<Bytes>, gauge: Arc<Gauge>) -> Self {
        let (head, received) = request.into_parts();
        let authority = match (head.method, head.uri.authority()) {
            (Method::CONNECT, Some(authority)) => authority.as_str().to_owned(),
            _ => String::new(),
        };
        Self { authority, respond, received, gauge }
    }

    /// `host:port` as the agent wrote it.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Answers 200.
    pub fn accept(mut self) -> Result<TunnelStream, SessionError> {
        let body = self.respond.send_response(Response::new(()), false)?;
        Ok(TunnelStream::new(body, self.received, self.gauge))
    }

    /// Answers with the refusal's status and `Proxy-Status`. If the agent has gone meanwhile nobody is left to tell.
    pub fn refuse(mut self, refusal: &Refusal) {
        let mut response = Response::new(());
        *response.status_mut() = refusal.error.status();
        response.headers_mut().insert(PROXY_STATUS, refusal.to_proxy_status());
        if self.respond.send_response(response, true).is_err() {
            self.respond.send_reset(Reason::REFUSED_STREAM);
        }
    }

    /// Waits until the agent has taken its request back.
    pub async fn cancelled(&mut self) {
        let _ended = poll_fn(|cx| self.respond.poll_reset(cx)).await;
    }

    /// Refuses for a cause of this proxy's own.
    pub fn fail(self, error: ProxyError, details: impl std::fmt::Display) {
        self.refuse(&Refusal::new(error, details));
    }
}
