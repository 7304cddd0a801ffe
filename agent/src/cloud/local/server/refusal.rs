//! The errors of Lambda's API, as Lambda spells them.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::cloud::local::api;

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is missing or wrong.
    AccessDenied,
    /// No such function in no such region; the text is its full name.
    NotFound(String),
    /// As many invocations run as may.
    TooManyRequests,
    /// The payload is larger than Lambda takes.
    TooLarge,
    /// The payload is no JSON.
    NotJson,
    /// A parameter makes no sense.
    InvalidParameter(String),
    /// The configuration has changed since the caller looked.
    PreconditionFailed,
    /// The local Lambda is going.
    Closing,
    /// The request's body was cut short.
    Truncated,
}

impl Refusal {
    /// Status, error type and text.
    fn row(&self) -> (u16, &'static str, String) {
        match self {
            Self::AccessDenied => (403, "AccessDeniedException", "The token is missing or wrong.".into()),
            Self::NotFound(arn) => (404, "ResourceNotFoundException", format!("Function not found: {arn}")),
            Self::TooManyRequests => (429, api::TOO_MANY_REQUESTS, "Rate Exceeded.".into()),
            Self::TooLarge => (413, "RequestTooLargeException", "The payload exceeds 6291456 bytes.".into()),
            Self::NotJson => (400, "InvalidRequestContentException", "Could not parse request body into json.".into()),
            Self::InvalidParameter(text) => (400, "InvalidParameterValueException", text.clone()),
            Self::PreconditionFailed => (412, "PreconditionFailedException", "The RevisionId provided does not match.".into()),
            Self::Closing => (503, "ServiceException", "The local Lambda is going.".into()),
            Self::Truncated => (400, "InvalidRequestContentException", "The request's body was cut short.".into()),
        }
    }

    /// The answer on the wire.
    pub(super) fn to_response(&self) -> Result<Response<Full<Bytes>>, http::Error> {
        let (status, error_type, text) = self.row();
        let kind = if status < 500 { "User" } else { "Service" };
        let body = match self {
            Self::TooManyRequests => json!({"Type": kind, "message": text, "Reason": "ConcurrentInvocationLimitExceeded"}),
            Self::NotFound(_) => json!({"Type": kind, "Message": text}),
            _ => json!({"Type": kind, "message": text}),
        };
        Response::builder()
            .status(StatusCode::from_u16(status)?)
            .header("Content-Type", "application/json")
            .header(api::ERROR_TYPE, error_type)
            .body(Full::from(body.to_string()))
    }
}
