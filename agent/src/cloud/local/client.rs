//! The client of the local Lambda: Lambda's own requests, over loopback, one connection for each.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Builder;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::api::{self, ConfigurationChange, Environment, ErrorDocument, FunctionConfiguration};
use super::options::{Options, Token};
use crate::cloud::{Answer, Cloud, CloudError, GENERATION};

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
}

impl LocalCloud {
    /// The local Lambda that was started with `options` and listens at `address`.
    pub fn new(address: SocketAddr, options: &Options) -> Self {
        Self {
            address,
            token: options.token.clone(),
            function: options.function_name.clone(),
            deadline: Duration::from_secs(options.timeout_s.into()) + BESIDE_TIMEOUT,
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
        read_configuration(&self.call(request, CONFIGURATION_TIMEOUT).await?)
    }

    /// One request on a connection of its own; an answer that is no 2xx is an error.
    async fn call(
        &self,
        request: Result<Request<Full<Bytes>>, http::Error>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, CloudError> {
        let request = request
            .map_err(|error| CloudError::Refused { code: "InvalidParameterValueException".into(), message: error.to_string() })?;
        let tcp = TcpStream::connect(self.address).await.map_err(CloudError::Unreachable)?;
        let late = || CloudError::Lost(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
        let response = timeout(deadline, exchange(tcp, request)).await.map_err(|_| late())?.map_err(CloudError::Lost)?;
        if response.status().is_success() { Ok(response) } else { Err(error_of(&response)) }
    }
}

impl Cloud for LocalCloud {
    async fn invoke(&self, region: &str, payload: Bytes) -> Result<Answer, CloudError> {
        let request = self
            .request("POST", &api::invocations_path(region, &self.function))
            .header(api::INVOCATION_TYPE, api::REQUEST_RESPONSE)
            .header(api::LOG_TYPE, api::TAIL)
            .body(Full::new(payload));
        Ok(answer_of(self.call(request, self.deadline).await?))
    }

    async fn raise_generation(&self, region: &str) -> Result<u64, CloudError> {
        let path = api::configuration_path(region, &self.function);
        let old = self.configuration(&path).await?;
        let (generation, variables) = next_generation(old.environment.variables);
        let change = ConfigurationChange {
            environment: Some(Environment { variables }),
            revision_id: Some(old.revision_id),
            ..ConfigurationChange::default()
        };
        let body = serde_json::to_vec(&change).map_err(|error| strange(&error))?;
        let request = self.request("PUT", &path).body(Full::from(body));
        self.call(request, CONFIGURATION_TIMEOUT).await?;
        Ok(generation)
    }
}

/// The variables with the generation raised by one; a function that never had one was in generation 0.
pub(super) fn next_generation(mut variables: BTreeMap<String, String>) -> (u64, BTreeMap<String, String>) {
    let old: u64 = variables.get(GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0);
    let new = old.saturating_add(1);
    variables.insert(GENERATION.into(), new.to_string());
    (new, variables)
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

pub(super) fn error_of(response: &Response<Bytes>) -> CloudError {
    let document: ErrorDocument = serde_json::from_slice(response.body()).unwrap_or_default();
    let status = response.status();
    // AWS may append `:http://…` to the type.
    let code = text_of(response.headers(), api::ERROR_TYPE).and_then(|text| text.split(':').next().map(str::to_owned));
    let code = code.unwrap_or_else(|| status.to_string());
    if status == StatusCode::TOO_MANY_REQUESTS {
        return CloudError::Throttled { reason: document.reason.unwrap_or(code) };
    }
    if status.is_server_error() {
        return CloudError::Service { code, message: document.message };
    }
    CloudError::Refused { code, message: document.message }
}

pub(super) fn read_configuration(response: &Response<Bytes>) -> Result<FunctionConfiguration, CloudError> {
    serde_json::from_slice(response.body()).map_err(|error| strange(&error))
}

fn strange(error: &serde_json::Error) -> CloudError {
    CloudError::Service { code: "SerializationException".into(), message: error.to_string() }
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, error_type: &str, body: &'static str) -> CloudError {
        let response = Response::builder().status(status).header(api::ERROR_TYPE, error_type);
        error_of(&response.body(Bytes::from(body)).expect("response"))
    }

    #[test]
    fn errors_are_read_in_every_spelling_of_the_cloud() {
        let body = r#"{"Type":"User","message":"Rate Exceeded.","Reason":"ConcurrentInvocationLimitExceeded"}"#;
        let throttled = answered(429, "TooManyRequestsException", body);
        assert!(matches!(throttled, CloudError::Throttled { reason } if reason == "ConcurrentInvocationLimitExceeded"));
        let refused = answered(404, "ResourceNotFoundException:http://x", r#"{"Type":"User","Message":"no"}"#);
        assert!(
            matches!(refused, CloudError::Refused { code, message } if code == "ResourceNotFoundException" && message == "no")
        );
        assert!(matches!(answered(503, "ServiceException", "<html>"), CloudError::Service { .. }));
    }

    #[test]
    fn the_generation_rises_from_whatever_was_there() {
        let with = |text: &str| BTreeMap::from([(GENERATION.to_owned(), text.to_owned()), ("A".to_owned(), "b".to_owned())]);
        assert_eq!(next_generation(with("41")), (42, with("42")));
        assert_eq!(next_generation(with("x")), (1, with("1")));
        assert_eq!(next_generation(BTreeMap::new()).0, 1);
    }
}
