//! The HTTP side of the Lambda Runtime API (2018-06-01), on the one address that an instance was given.
//!
//! As in AWS there is no secret in it: who reaches the address is the function. Web pages are kept out: a request must name
//! the address as its host (so no other name can be bent to it) and must not come from a browser.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, ORIGIN};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::debug;

use crate::cloud::local::api;

/// Version of the Runtime API in every path.
const VERSION: &str = "2018-06-01";
/// Connections at once: a runtime needs one; one per call with some left over is enough for a shell script.
const CONNECTIONS: usize = 8;
/// How long accepting pauses after it failed, for instance because descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What browsers add to requests of pages, and programs do not.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An invocation on its way to the program.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) request_id: String,
    pub(super) deadline_ms: u64,
    pub(super) arn: String,
    pub(super) trace_id: String,
    pub(super) payload: Bytes,
}

/// Why a call of the program is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It names an invocation that this instance does not run.
    InvalidRequestId,
    /// It does not fit what went before.
    InvalidState,
    /// Its body is larger than a payload may be.
    TooLarge,
    /// The instance is ending.
    Ending,
}

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// The answer of this invocation.
    Response(String),
    /// The error of this invocation.
    Error(String),
    /// The program could not initialise.
    InitError,
}

/// A call of the program.
#[derive(Debug)]
pub(super) enum Call {
    /// It asks for the next invocation.
    Next(oneshot::Sender<Result<Delivery, Fault>>),
    /// It reports; a body beyond the bound is absent.
    Report { subject: Subject, body: Option<Bytes>, reply: oneshot::Sender<Result<(), Fault>> },
}

/// Serves the Runtime API of one instance. Dropping it closes every connection.
pub(super) async fn serve(listener: &TcpListener, address: SocketAddr, calls: mpsc::Sender<Call>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((tcp, _)) => {
                    let calls = calls.clone();
                    let service = service_fn(move |request| answer(address, calls.clone(), request));
                    connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
                }
                Err(error) => {
                    debug!(%error, "cannot accept a connection of a function");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

type Answer = Result<Response<Full<Bytes>>, http::Error>;

async fn answer(address: SocketAddr, calls: mpsc::Sender<Call>, request: Request<Incoming>) -> Answer {
    if !is_function(request.headers(), address) {
        return error(StatusCode::FORBIDDEN, "Forbidden", "not a function of this instance");
    }
    match route(request.method(), request.uri().path()) {
        Some(Route::Next) => next(calls).await,
        Some(Route::Report(subject)) => report(calls, subject, request.into_body()).await,
        None => error(StatusCode::NOT_FOUND, "NotFound", "no such path"),
    }
}

fn is_function(headers: &HeaderMap, address: SocketAddr) -> bool {
    let host = headers.get(HOST).is_some_and(|host| host.as_bytes() == address.to_string().as_bytes());
    host && !headers.contains_key(ORIGIN) && !headers.contains_key(SEC_FETCH_SITE)
}

#[derive(Debug, PartialEq, Eq)]
enum Route {
    Next,
    Report(Subject),
}

fn route(method: &Method, path: &str) -> Option<Route> {
    let path = path.strip_prefix('/')?.strip_prefix(VERSION)?.strip_prefix("/runtime/")?;
    let segments: Vec<_> = path.splitn(4, '/').collect();
    match (method, &segments[..]) {
        (&Method::GET, ["invocation", "next"]) => Some(Route::Next),
        (&Method::POST, ["init", "error"]) => Some(Route::Report(Subject::InitError)),
        (&Method::POST, ["invocation", id, "response"]) => Some(Route::Report(Subject::Response((*id).to_owned()))),
        (&Method::POST, ["invocation", id, "error"]) => Some(Route::Report(Subject::Error((*id).to_owned()))),
        _ => None,
    }
}

/// Whether the Runtime API has such a path.
#[cfg(feature = "fuzzing")]
pub(in super::super) fn is_routed(method: &Method, path: &str) -> bool {
    route(method, path).is_some()
}

async fn next(calls: mpsc::Sender<Call>) -> Answer {
    let (reply, delivery) = oneshot::channel();
    // When the instance ends, both channels close.
    let _ = calls.send(Call::Next(reply)).await;
    match delivery.await.unwrap_or(Err(Fault::Ending)) {
        Ok(delivery) => Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", delivery.request_id)
            .header("Lambda-Runtime-Deadline-Ms", delivery.deadline_ms)
            .header("Lambda-Runtime-Invoked-Function-Arn", delivery.arn)
            .header("Lambda-Runtime-Trace-Id", delivery.trace_id)
            .body(Full::new(delivery.payload)),
        Err(fault) => refuse(fault),
    }
}

async fn report(calls: mpsc::Sender<Call>, subject: Subject, body: Incoming) -> Answer {
    let body = match Limited::new(body, api::LARGEST_PAYLOAD).collect().await {
        Ok(body) => Some(body.to_bytes()),
        Err(cause) if cause.is::<http_body_util::LengthLimitError>() => None,
        Err(_lost) => return error(StatusCode::BAD_REQUEST, "TruncatedBody", "the body was cut short"),
    };
    let (reply, verdict) = oneshot::channel();
    let _ = calls.send(Call::Report { subject, body, reply }).await;
    match verdict.await.unwrap_or(Err(Fault::Ending)) {
        Ok(()) => json(StatusCode::ACCEPTED, &serde_json::json!({"status": "OK"})),
        Err(fault) => refuse(fault),
    }
}

fn refuse(fault: Fault) -> Answer {
    match fault {
        Fault::InvalidRequestId => error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Fault::InvalidState => error(StatusCode::FORBIDDEN, "InvalidStateTransition", "not allowed in this state"),
        Fault::TooLarge => error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "Exceeded maximum allowed payload size"),
        Fault::Ending => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "the instance is ending"),
    }
}

fn error(status: StatusCode, error_type: &str, text: &str) -> Answer {
    json(status, &serde_json::json!({"errorMessage": text, "errorType": error_type}))
}

fn json(status: StatusCode, document: &serde_json::Value) -> Answer {
    let body = Full::from(document.to_string());
    Response::builder().status(status).header("Content-Type", "application/json").body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_those_of_the_runtime_api() {
        let id = || "8476a536".to_owned();
        let post = |path: &str| route(&Method::POST, path);
        assert_eq!(route(&Method::GET, "/2018-06-01/runtime/invocation/next"), Some(Route::Next));
        let response = Some(Route::Report(Subject::Response(id())));
        assert_eq!(post("/2018-06-01/runtime/invocation/8476a536/response"), response);
        assert_eq!(post("/2018-06-01/runtime/invocation/8476a536/error"), Some(Route::Report(Subject::Error(id()))));
        assert_eq!(post("/2018-06-01/runtime/init/error"), Some(Route::Report(Subject::InitError)));
        for path in ["/", "/2018-06-01/runtime/invocation/next", "/2015-03-31/runtime/init/error", "//", "/2018-06-01/runtime/"] {
            assert_eq!(post(path), None, "{path}");
        }
    }

    #[test]
    fn web_pages_are_kept_out() {
        let address: SocketAddr = "127.0.0.1:9001".parse().expect("address");
        let headers = |pairs: &[(HeaderName, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        assert!(is_function(&headers(&[(HOST, "127.0.0.1:9001")]), address));
        assert!(!is_function(&headers(&[(HOST, "bent.example.com:9001")]), address));
        assert!(!is_function(&headers(&[(HOST, "127.0.0.1:9001"), (ORIGIN, "https://example.com")]), address));
        assert!(!is_function(&headers(&[(HOST, "127.0.0.1:9001"), (SEC_FETCH_SITE, "cross-site")]), address));
        assert!(!is_function(&HeaderMap::new(), address));
    }
}
