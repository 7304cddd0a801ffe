//! AWS as the exits see it: invoke, and raise the generation.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::Builder as Overrides;
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use aws_types::request_id::RequestId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::time::timeout;

use super::account::Account;
use super::error::Call;
use super::session::CONNECT_TIMEOUT;
use super::{generation, quota, region};
use crate::cloud::permissions::INVOKE;
use crate::cloud::{Answer, Cloud, CloudError};
use crate::config::AwsConfig;

/// What an Invoke takes beside the function's own time: credentials, a connection, 10 s of init, and some for the way.
const BESIDE_TIMEOUT: Duration = Duration::from_secs(30);

/// AWS with one function of ours per region.
#[derive(Clone)]
pub struct AwsCloud {
    account: Account,
    function: String,
    deadline: Duration,
}

impl AwsCloud {
    /// The functions of `config` in this account.
    pub fn new(account: Account, config: &AwsConfig) -> Self {
        Self { account, function: config.function_name.clone(), deadline: config.timeout + BESIDE_TIMEOUT }
    }

    #[cfg(test)]
    pub(super) fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// One attempt, on a connection of its own.
    async fn call(&self, region: &str, payload: Bytes) -> Result<Answer, CloudError> {
        let call = Call::new(INVOKE, region);
        let session = self.account.session();
        let http = self.account.connector().single().map_err(CloudError::Unreachable)?;
        let request = session.of(region).lambda.invoke().function_name(&self.function);
        let request = request.invocation_type(InvocationType::RequestResponse).log_type(LogType::Tail);
        let request = request.payload(Blob::new(payload)).customize().config_override(one_attempt().http_client(http));
        let sent = timeout(self.deadline, request.send()).await.map_err(|_| call.too_late(self.deadline))?;
        match sent {
            Ok(output) => Ok(answer(&output)),
            Err(error) => Err(region::told(&self.account, &session, region, call.failed_by(&error, limit)).await),
        }
    }
}

impl Cloud for AwsCloud {
    async fn invoke(&self, region: &str, payload: Bytes) -> Result<Answer, CloudError> {
        self.call(region, payload).await
    }

    async fn raise_generation(&self, region: &str) -> Result<u64, CloudError> {
        let session = self.account.session();
        match generation::raise(&session.of(region).lambda, region, &self.function).await {
            Ok(generation) => Ok(generation),
            Err(error) => Err(region::told(&self.account, &session, region, error).await),
        }
    }

    async fn concurrency(&self, region: &str) -> Option<u32> {
        quota::concurrency(&self.account.lambda(region), region).await
    }
}

/// Nothing is tried again behind our back, and nothing ends a call that is silent while its function runs.
fn one_attempt() -> Overrides {
    let time_outs = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .disable_read_timeout()
        .disable_operation_attempt_timeout()
        .disable_operation_timeout()
        .build();
    Overrides::default()
        .retry_config(RetryConfig::disabled())
        .timeout_config(time_outs)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

fn answer(output: &InvokeOutput) -> Answer {
    let tail = output.log_result().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    Answer {
        payload: output.payload().map(|payload| Bytes::copy_from_slice(payload.as_ref())).unwrap_or_default(),
        function_error: output.function_error().map(str::to_owned),
        log_tail: String::from_utf8_lossy(&tail).into_owned(),
        request_id: output.request_id().unwrap_or_default().to_owned(),
    }
}

/// Which limit throttled an Invoke.
fn limit(error: &InvokeError) -> Option<String> {
    match error {
        InvokeError::TooManyRequestsException(throttled) => throttled.reason().map(|reason| reason.as_str().to_owned()),
        _ => None,
    }
}
