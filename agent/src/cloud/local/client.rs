//! The client of the local Lambda: Lambda's own requests, over loopback, one connection for each.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Builder;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::api::{self, ConfigurationChange, Environment, ErrorDocument, FunctionConfiguration};
use super::options::{Options, Token};
use crate::cloud::generation::{GENERATION, next};
use crate::cloud::permissions::INVOKE;
use crate::cloud::permissions::functions;
use crate::cloud::{Answer, Cloud, CloudError, Reply};

/// How often the kernel probes a silent connection, the same as towards AWS: home routers drop silent ones after minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What a call takes beside the function's own time: 10 s of init, 2 s of settling, and some for the machine.
const BESIDE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a question about the configuration may take: nothing runs for it.
const CONFIGURATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read: a payload with room for an API error around it.
const LARGEST_ANSWER: usize = api::LARGEST_PAYLOAD + 64 * 1024;

/// The local Lambda as a [`Cloud`].
#[derive(Debug, Clone)]
pub struct LocalCloud {
    address: SocketAddr,
    token: Token,
    function: String,
    deadline: Duration,
    concurrency: u32,
}

impl LocalCloud {
    /// The local Lambda that was started with `options` and listens at `address`.
    pub fn new(address: SocketAddr, options: &Options) -> Self {
        Self {
            address,
            token: options.token.clone(),
            function: options.function_name.clone(),
            deadline: Duration::from_secs(options.timeout_s.into()) + BESIDE_TIMEOUT,
            concurrency: u32::try_from(options.concurrency).unwrap_or(u32::MAX),
        }
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, self.token.authorization())
            .header(CONTENT_TYPE, "application/json")
    }

    async fn configuration(&self, path: &str) -> Result<FunctionConfiguration, CloudError> {
        let request = self.request("GET", path).body(Full::default());
        read_configuration(&self.call(functions::GET, request, CONFIGURATION_TIMEOUT).await?)
    }

    /// One request on a connection of its own; an answer that is no 2xx is an error.
    async fn call(
        &self,
        action: &str,
        request: Result<Request<Full<Bytes>>, http::Error>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, CloudError> {
        let request = request.map_err(|error| {
            CloudError::Refused(Reply::new(action, "InvalidParameterValueException", &error.to_string(), None))
        })?;
        let tcp = TcpStream::connect(self.address).await.map_err(CloudError::Unreachable)?;
        let late = || CloudError::Lost(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
        let response = timeout(deadline, exchange(tcp, request)).await.map_err(|_| late())?.map_err(CloudError::Lost)?;
        if response.status().is_success() { Ok(response) } else { Err(error_of(action, &response)) }
    }
}

impl Cloud for LocalCloud {
    async fn invoke(&self, region: &str, payload: Bytes) -> Result<Answer, CloudError> {
        let request = self
            .request("POST", &api::invocations_path(region, &self.function))
            .header(api::INVOCATION_TYPE, api::REQUEST_RESPONSE)
            .header(api::LOG_TYPE, api::TAIL)
            .body(Full::new(payload));
        Ok(answer_of(self.call(INVOKE, request, self.deadline).await?))
    }

    async fn raise_generation(&self, region: &str) -> Result<u64, CloudError> {
        let path = api::configuration_path(region, &self.function);
        let old = self.configuration(&path).await?;
        let mut variables = old.environment.variables;
        let generation = next(variables.get(GENERATION).map(String::as_str));
        variables.insert(GENERATION.into(), generation.to_string());
        let change = ConfigurationChange {
            environment: Some(Environment { variables }),
            revision_id: Some(old.revision_id),
            ..ConfigurationChange::default()
        };
        let body = serde_json::to_vec(&change).map_err(|error| strange(&error))?;
        let request = self.request("PUT", &path).body(Full::from(body));
        self.call(functions::UPDATE_CONFIGURATION, request, CONFIGURATION_TIMEOUT).await?;
        Ok(generation)
    }

    async fn concurrency(&self, _region: &str) -> Option<u32> {
        Some(self.concurrency)
    }
}

async fn exchange(tcp: TcpStream, request: Request<Full<Bytes>>) -> io::Result<Response<Bytes>> {
    tcp.set_nodelay(true)?;
    SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await.map_err(io::Error::other)?;
    let mut connection = pin!(connection);
    let mut answer = pin!(async move {
        let (head, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Response::from_parts(head, body))
    });
    tokio::select! {
        answer = &mut answer => answer,
        // A connection that closed after its answer: the answer is all there, or an error.
        _ = &mut connection => answer.await,
    }
}

pub(super) fn answer_of(response: Response<Bytes>) -> Answer {
    let (head, payload) = response.into_parts();
    let tail = head.headers.get(api::LOG_RESULT).and_then(|value| STANDARD.decode(value.as_bytes()).ok()).unwrap_or_default();
    Answer {
        payload,
        function_error: text_of(&head.headers, api::FUNCTION_ERROR),
        log_tail: String::from_utf8_lossy(&tail).into_owned(),
        request_id: text_of(&head.headers, api::REQUEST_ID).unwrap_or_default(),
    }
}

pub(super) fn error_of(action: &str, response: &Response<Bytes>) -> CloudError {
    let document: ErrorDocument = serde_json::from_slice(response.body()).unwrap_or_default();
    let status = response.status();
    // AWS may append `:http://…` to the type.
    let code = text_of(response.headers(), api::ERROR_TYPE).and_then(|text| text.split(':').next().map(str::to_owned));
    let code = code.unwrap_or_else(|| status.to_string());
    let reply = Reply::new(action, &code, &document.message, text_of(response.headers(), api::REQUEST_ID).as_deref());
    CloudError::from_reply(status.as_u16(), action, document.reason.as_deref(), reply)
}

pub(super) fn read_configuration(response: &Response<Bytes>) -> Result<FunctionConfiguration, CloudError> {
    serde_json::from_slice(response.body()).map_err(|error| strange(&error))
}

fn strange(error: &serde_json::Error) -> CloudError {
    CloudError::Service(Reply::new(functions::GET, "SerializationException", &error.to_string(), None))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, error_type: &str, body: &'static str) -> CloudError {
        let response = Response::builder().status(status).header(api::ERROR_TYPE, error_type);
        error_of(INVOKE, &response.body(Bytes::from(body)).expect("response"))
    }

    #[test]
    fn errors_are_read_in_every_spelling_of_the_cloud() {
        let body = r#"{"Type":"User","message":"Rate Exceeded.","Reason":"ConcurrentInvocationLimitExceeded"}"#;
        let throttled = answered(429, "TooManyRequestsException", body);
        assert!(matches!(throttled, CloudError::Throttled { reason } if reason == "ConcurrentInvocationLimitExceeded"));
        let refused = answered(404, "ResourceNotFoundException:http://x", r#"{"Type":"User","Message":"no"}"#);
        assert!(
            matches!(refused, CloudError::NotFound(reply) if reply.code == "ResourceNotFoundException" && reply.message == "no")
        );
        assert!(matches!(answered(503, "ServiceException", "<html>"), CloudError::Service(_)));
    }
}
