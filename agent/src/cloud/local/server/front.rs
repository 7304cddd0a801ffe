//! The HTTP side of Lambda's API: who may call, what is called, and the answers in Lambda's form.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::de::IgnoredAny;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::debug;

use super::instance::Completed;
use super::names;
use super::refusal::Refusal;
use super::region;
use crate::cloud::local::api;
use crate::cloud::local::options::Token;

/// How long a request may take to arrive; on loopback it is there at once, and a stranger must not hold a connection.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Largest change of a configuration, bytes: 4 KiB of variables, with room for JSON.
const LARGEST_CHANGE: usize = 64 * 1024;

/// What every connection shares.
pub(super) struct Front {
    pub(super) token: Token,
    pub(super) function: String,
    pub(super) regions: HashMap<String, mpsc::Sender<region::Request>>,
}

type Answer = Result<Response<Full<Bytes>>, http::Error>;

/// Serves one connection, which carries one request.
pub(super) async fn serve(front: Arc<Front>, tcp: TcpStream) {
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { front.answer(request).await.or_else(|refusal| refusal.to_response()) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(ARRIVAL).keep_alive(false);
    if let Err(error) = builder.serve_connection(TokioIo::new(tcp), service).await {
        debug!(%error, "a call of the local Lambda broke off");
    }
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Refusal> {
        if !self.admits(request.headers()) {
            return Err(Refusal::AccessDenied);
        }
        let (head, body) = request.into_parts();
        let (region, resource) = self.route(head.uri.path())?;
        let answer = match (&head.method, resource) {
            (&Method::POST, "invocations") => invoke(region, &head.headers, body).await?,
            (&Method::PUT, "configuration") => configure(region, body).await?,
            (&Method::GET, "configuration") => describe(region).await?,
            _ => return Err(Refusal::InvalidParameter("no such operation".into())),
        };
        answer.map_err(|error| Refusal::InvalidParameter(error.to_string()))
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION).is_some_and(|value| self.token.admits(value.as_bytes()))
    }

    pub(super) fn route<'a>(&self, path: &'a str) -> Result<(&mpsc::Sender<region::Request>, &'a str), Refusal> {
        let segments: Vec<_> = path.splitn(6, '/').collect();
        let ["", region, api::VERSION, "functions", function, resource] = segments[..] else {
            return Err(Refusal::InvalidParameter("no such path".into()));
        };
        let known = self.regions.get(region).filter(|_| function == self.function);
        known.map(|sender| (sender, resource)).ok_or_else(|| Refusal::NotFound(names::arn(region, function)))
    }
}

async fn invoke(region: &mpsc::Sender<region::Request>, headers: &HeaderMap, body: Incoming) -> Result<Answer, Refusal> {
    let kind = headers.get(api::INVOCATION_TYPE).map_or(api::REQUEST_RESPONSE.as_bytes(), |kind| kind.as_bytes());
    if kind != api::REQUEST_RESPONSE.as_bytes() {
        return Err(Refusal::InvalidParameter("only the invocation type RequestResponse is known here".into()));
    }
    let mut payload = read(body, api::LARGEST_PAYLOAD).await?;
    if payload.is_empty() {
        payload = Bytes::from_static(b"{}");
    }
    serde_json::from_slice::<IgnoredAny>(&payload).map_err(|_| Refusal::NotJson)?;
    let completed = ask(region, |reply| region::Request::Invoke { payload, reply }).await??;
    Ok(invoked(completed, headers.get(api::LOG_TYPE).is_some_and(|kind| kind == api::TAIL)))
}

fn invoked(completed: Completed, with_tail: bool) -> Answer {
    let mut response = Response::builder()
        .header("Content-Type", "application/json")
        .header(api::REQUEST_ID, completed.request_id)
        .header(api::EXECUTED_VERSION, "$LATEST");
    if let Some(error) = completed.function_error {
        response = response.header(api::FUNCTION_ERROR, error);
    }
    if with_tail {
        response = response.header(api::LOG_RESULT, STANDARD.encode(completed.log_tail));
    }
    response.body(Full::new(completed.payload))
}

async fn configure(region: &mpsc::Sender<region::Request>, body: Incoming) -> Result<Answer, Refusal> {
    let body = read(body, LARGEST_CHANGE).await?;
    let change = serde_json::from_slice(&body).map_err(|error| Refusal::InvalidParameter(error.to_string()))?;
    Ok(document(&ask(region, |reply| region::Request::Configure { change, reply }).await??))
}

async fn describe(region: &mpsc::Sender<region::Request>) -> Result<Answer, Refusal> {
    Ok(document(&ask(region, |reply| region::Request::Describe { reply }).await?))
}

fn document(value: &impl serde::Serialize) -> Answer {
    let response = Response::builder().header("Content-Type", "application/json").header(api::REQUEST_ID, names::request_id());
    match serde_json::to_vec(value) {
        Ok(body) => response.body(Full::from(body)),
        Err(_) => response.status(StatusCode::INTERNAL_SERVER_ERROR).body(Full::default()),
    }
}

/// Asks the region's task; one that has ended is closing.
async fn ask<T>(
    region: &mpsc::Sender<region::Request>,
    question: impl FnOnce(oneshot::Sender<T>) -> region::Request,
) -> Result<T, Refusal> {
    let (reply, answer) = oneshot::channel();
    region.send(question(reply)).await.map_err(|_| Refusal::Closing)?;
    answer.await.map_err(|_| Refusal::Closing)
}

async fn read(body: Incoming, largest: usize) -> Result<Bytes, Refusal> {
    let collected = timeout(ARRIVAL, Limited::new(body, largest).collect()).await.map_err(|_| Refusal::Truncated)?;
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(cause) if cause.is::<http_body_util::LengthLimitError>() => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::Truncated),
    }
}
