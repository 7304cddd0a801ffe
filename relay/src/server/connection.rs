//! One connection: TLS, one request head, one answer. What was upgraded goes on in a task of its own.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tunnel::limits::LARGEST_HEAD;

use super::{Relay, reception};
use crate::system;
use crate::tls::ACME_TLS;

/// How long TLS may take.
const TLS_TIME: Duration = Duration::from_secs(10);
/// How long the request's head may take, and the answer with it.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Why a connection ended without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("socket options: {0}")]
    Socket(io::Error),
    #[error("TLS: {0}")]
    Tls(io::Error),
    #[error("HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("no TLS within {} s", TLS_TIME.as_secs())]
    SlowTls,
    #[error("no request within {} s", REQUEST_TIME.as_secs())]
    SlowRequest,
}

/// Serves one accepted connection until it is answered.
pub(super) async fn serve(relay: Arc<Relay>, socket: TcpStream, sender: SocketAddr) -> Result<(), ConnectionError> {
    system::tune(&socket).map_err(ConnectionError::Socket)?;
    let Some(tls) = &relay.tls else { return request(relay, socket, sender).await };
    let begun = Instant::now();
    let accept = Box::pin(TlsAcceptor::from(Arc::clone(&tls.config)).accept(socket));
    let accepted = timeout(TLS_TIME, accept).await.map_err(|_| ConnectionError::SlowTls)?;
    let mut io = accepted.map_err(ConnectionError::Tls)?;
    relay.metrics.shook_hands(begun.elapsed());
    if io.get_ref().1.alpn_protocol() == Some(ACME_TLS) {
        // A CA has seen the certificate that it asked for, and wants nothing else.
        return io.shutdown().await.map_err(ConnectionError::Tls);
    }
    request(relay, io, sender).await
}

async fn request<T>(relay: Arc<Relay>, io: T, sender: SocketAddr) -> Result<(), ConnectionError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let (response, wait) = reception::answer(&relay, sender, request);
        async move {
            if !wait.is_zero() {
                sleep(wait).await;
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new().max_buf_size(LARGEST_HEAD).serve_connection(TokioIo::new(io), service).with_upgrades();
    timeout(REQUEST_TIME, connection).await.map_err(|_| ConnectionError::SlowRequest)?.map_err(ConnectionError::Http)
}
