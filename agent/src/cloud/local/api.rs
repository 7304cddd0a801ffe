//! The part of AWS Lambda's API that both ends of the local cloud speak: paths, header names, documents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the API in every path (Lambda API reference, Invoke).
pub(super) const VERSION: &str = "2015-03-31";
/// How the caller wants the invocation run.
pub(super) const INVOCATION_TYPE: &str = "x-amz-invocation-type";
/// The synchronous kind.
pub(super) const REQUEST_RESPONSE: &str = "RequestResponse";
/// Whether the caller wants the log's tail.
pub(super) const LOG_TYPE: &str = "x-amz-log-type";
/// The value that asks for it.
pub(super) const TAIL: &str = "Tail";
/// The log's tail, base64.
pub(super) const LOG_RESULT: &str = "x-amz-log-result";
/// Present when the function failed.
pub(super) const FUNCTION_ERROR: &str = "x-amz-function-error";
/// Which version of the function ran.
pub(super) const EXECUTED_VERSION: &str = "x-amz-executed-version";
/// The invocation's name.
pub(super) const REQUEST_ID: &str = "x-amzn-requestid";
/// The type of an API error.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";
/// The error type of a throttled call.
pub(super) const TOO_MANY_REQUESTS: &str = "TooManyRequestsException";
/// Lambda's largest synchronous payload, either way (Lambda quotas: 6 MB).
pub(super) const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// Path of an invocation.
pub(super) fn invocations_path(region: &str, function: &str) -> String {
    format!("/{region}/{VERSION}/functions/{function}/invocations")
}

/// Path of a function's configuration.
pub(super) fn configuration_path(region: &str, function: &str) -> String {
    format!("/{region}/{VERSION}/functions/{function}/configuration")
}

/// The function's variables, wrapped as the API wraps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
}

/// A change of configuration (UpdateFunctionConfiguration): what is absent stays; the variables are replaced as a whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfigurationChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) memory_size: Option<u32>,
    /// Refuses the change unless the configuration is still this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revision_id: Option<String>,
}

/// A function's configuration as it stands (GetFunctionConfiguration).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionConfiguration {
    pub(super) function_name: String,
    pub(super) function_arn: String,
    pub(super) runtime: String,
    pub(super) timeout: u32,
    pub(super) memory_size: u32,
    #[serde(default)]
    pub(super) environment: Environment,
    pub(super) revision_id: String,
    pub(super) state: String,
    pub(super) last_update_status: String,
}

/// The body of an API error. AWS writes `message` or `Message`, by the kind of error.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorDocument {
    #[serde(default, alias = "Message")]
    pub(super) message: String,
    #[serde(default, rename = "Reason")]
    pub(super) reason: Option<String>,
}
