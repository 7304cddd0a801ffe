//! Bodies, paths and options of the local Lambda, for the fuzz target.

use http::{HeaderValue, Response, StatusCode};

use super::api;
use super::client;
use super::{Options, server};
use crate::cloud::generation::{GENERATION, next};

/// The options on standard input.
///
/// # Panics
/// When options do not survive the pipe.
pub fn options(json: &[u8]) {
    if let Ok(options) = serde_json::from_slice::<Options>(json) {
        let _ = options.check();
        let written = serde_json::to_vec(&options).expect("plain data");
        let again: Options = serde_json::from_slice(&written).expect("own JSON");
        assert_eq!(serde_json::to_vec(&again).expect("plain data"), written);
    }
}

/// A change of configuration, as the server takes it.
pub use server::fuzzing::change;
/// A path of Lambda's API and one of the Runtime API.
pub use server::fuzzing::paths;

/// An answer of the cloud, as the client reads it.
pub fn answer(status: u16, header: &[u8], body: &[u8]) {
    let mut response = Response::new(bytes::Bytes::copy_from_slice(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if let Ok(value) = HeaderValue::from_bytes(header) {
        for name in [api::LOG_RESULT, api::FUNCTION_ERROR, api::REQUEST_ID, api::ERROR_TYPE] {
            response.headers_mut().insert(name, value.clone());
        }
    }
    let error = client::error_of("lambda:InvokeFunction", &response);
    let _ = (error.retryable(), error.hint(), error.to_string());
    if let Ok(configuration) = client::read_configuration(&response) {
        next(configuration.environment.variables.get(GENERATION).map(String::as_str));
    }
    client::answer_of(response);
}
