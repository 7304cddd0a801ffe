//! The second port, for who runs the relay: `/metrics` for Prometheus and `/readyz` for a supervisor.
//!
//! Never: it is not the port that faces the internet, and what it tells names nobody.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::{ACCEPT_BACKOFF, Relay};

/// Connections at a time: one scraper has one, and a second look must be possible.
const CONNECTIONS: usize = 16;
/// How long a request and its answer may take.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// Longest request head, bytes; hyper takes no less.
const LONGEST_HEAD: usize = 8 * 1024;
/// What [`crate::metrics::Metrics::text`] writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Answers at `port` for as long as it is polled.
pub(super) async fn serve(relay: Arc<Relay>, port: Arc<TcpListener>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match port.accept().await {
            Ok((socket, _)) => {
                let relay = Arc::clone(&relay);
                tokio::spawn(async move {
                    // Whether the asker hears the answer is the asker's matter.
                    let _ = timeout(REQUEST_TIME, exchange(&relay, socket)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed at the port for metrics");
                sleep(ACCEPT_BACKOFF.1).await;
            }
        }
    }
}

async fn exchange(relay: &Relay, socket: TcpStream) -> Result<(), hyper::Error> {
    let service = service_fn(|request| ready(Ok::<_, Infallible>(answer(relay, &request))));
    http1::Builder::new().max_buf_size(LONGEST_HEAD).serve_connection(TokioIo::new(socket), service).await
}

fn answer(relay: &Relay, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/metrics" if is_read => match relay.metrics.text(relay.tunnels.census()) {
            Ok(text) => page(StatusCode::OK, OPEN_METRICS, text),
            Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{error}\n")),
        },
        "/readyz" if is_read => match relay.unready() {
            None => page(StatusCode::OK, PLAIN, "ok\n"),
            Some(reason) => page(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{reason}\n")),
        },
        _ => page(StatusCode::NOT_FOUND, PLAIN, "there are /metrics and /readyz\n"),
    }
}

fn page(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
