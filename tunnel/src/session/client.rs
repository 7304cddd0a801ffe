//! The agent's end of a session.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::header::HeaderName;
use http::{Method, Request, StatusCode};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::gauge::Gauge;
use super::tuner::{Tuner, Windows};
use super::{FIRST_SESSION_WINDOW, FIRST_STREAM_WINDOW, FRAME, HEADERS, SHARES, SMALL_FRAMES, SessionError, TLS_NAME};
use crate::identity::{BadKey, Identity, PublicKey};
use crate::outcome::{ProxyError, Refusal};
use crate::stream::TunnelStream;

/// `Proxy-Status` (RFC 9209).
pub(super) const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// Why a stream could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The exit's own answer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The exit takes no new streams.
    #[error("the exit is ending")]
    GoingAway,
    /// The exit had not begun with the stream.
    #[error("the exit refused the stream")]
    RefusedStream,
    /// The tunnel is lost.
    #[error("the tunnel was lost: {0}")]
    Lost(String),
}

impl OpenError {
    /// Whether another exit may be tried: nothing of the request has left, and the fault is the exit's.
    pub fn is_worth_another_exit(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.error == ProxyError::ConnectionLimitReached,
            Self::GoingAway | Self::RefusedStream | Self::Lost(_) => true,
        }
    }
}

impl From<h2::Error> for OpenError {
    fn from(error: h2::Error) -> Self {
        match error.reason() {
            Some(Reason::REFUSED_STREAM) => Self::RefusedStream,
            _ if error.is_go_away() => Self::GoingAway,
            // One stream ended, which says nothing of the others.
            _ if error.is_reset() => Self::Refused(Refusal::new(ProxyError::ConnectionTerminated, error)),
            _ => Self::Lost(error.to_string()),
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused(refusal) => refusal,
            // Nothing of the request has left: there was no exit for it.
            other => Self::new(ProxyError::DestinationUnavailable, other),
        }
    }
}

/// Begins a session on `io`: TLS with the invitation's keys, then HTTP/2. The [`Driver`] must be polled for anything to move.
pub async fn connect<T>(io: T, identity: &Identity, peer: &PublicKey) -> Result<(Opener, Driver<T>), SessionError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let name = ServerName::try_from(TLS_NAME).map_err(|_| BadKey)?;
    let tls = TlsConnector::from(identity.client(peer)?).connect(name, io).await.map_err(SessionError::Tls)?;
    let (send, mut connection) = h2::client::Builder::new()
        .enable_push(false)
        .initial_window_size(FIRST_STREAM_WINDOW)
        .initial_connection_window_size(FIRST_SESSION_WINDOW)
        .max_frame_size(FRAME)
        .max_header_list_size(HEADERS)
        .data_frame_budget(SMALL_FRAMES)
        // h2 counts late frames of streams that it has forgotten, never forgets the count, and ends the session at 1024:
        // some hundred cancelled downloads on a slow path. The peer is authenticated; there is nothing to defend against.
        .max_local_error_reset_streams(None)
        .handshake(tls)
        .await?;
    let gauge = Arc::new(Gauge::default());
    let tuner = Tuner::new(connection.ping_pong(), gauge.clone());
    Ok((Opener { send, gauge }, Driver { connection: Some(connection), tuner }))
}

/// Opens streams; cheap to clone.
#[derive(Clone)]
pub struct Opener {
    send: h2::client::SendRequest<Bytes>,
    gauge: Arc<Gauge>,
}

impl Opener {
    /// Opens one CONNECT to `authority` (`host:port`) and waits for the exit's answer.
    pub async fn open(&self, authority: &str) -> Result<TunnelStream, OpenError> {
        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = authority.parse().map_err(|_| Refusal::new(ProxyError::HttpRequestError, "not a host and port"))?;
        let mut send = self.send.clone().ready().await?;
        let (response, body) = send.send_request(request, false)?;
        let (head, received) = response.await?.into_parts();
        if head.status != StatusCode::OK {
            return Err(Refusal::from_response(head.status, head.headers.get(PROXY_STATUS)).into());
        }
        Ok(TunnelStream::new(body, received, self.gauge.clone()))
    }

    /// The last round trip through the tunnel, if one was measured.
    pub fn rtt(&self) -> Option<Duration> {
        self.gauge.rtt()
    }

    /// What the session measures.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

/// Moves a session's bytes. Ends when the session does, and lets go of what is under it; dropped, it ends the session at
/// once.
pub struct Driver<T> {
    /// None once it has ended: the other end waits for the end of the link, which waits for its last reader.
    connection: Option<h2::client::Connection<TlsStream<T>, Bytes>>,
    tuner: Tuner,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Windows for h2::client::Connection<TlsStream<T>, Bytes> {
    fn set(&mut self, size: u32) -> Result<(), h2::Error> {
        self.set_initial_window_size(size)?;
        self.set_target_window_size(SHARES * size);
        Ok(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Future for Driver<T> {
    type Output = Result<(), SessionError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { connection: slot, tuner } = &mut *self;
        let Some(connection) = slot else { return Poll::Ready(Ok(())) };
        tuner.poll(cx, connection);
        let ended = ready!(Pin::new(connection).poll(cx));
        *slot = None;
        Poll::Ready(ended.map_err(SessionError::from))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    /// Polls the session until it ends, by reference, so that it can stand in a `select!`.
    pub async fn ended(&mut self) -> Result<(), SessionError> {
        poll_fn(|cx| Pin::new(&mut *self).poll(cx)).await
    }
}
