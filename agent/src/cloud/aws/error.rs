//! From the SDK's errors to a [`CloudError`], with the call that failed.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_lambda::error::{DisplayErrorContext, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::causes::in_one_line;
use crate::cloud::{CloudError, Reply, printable};

/// Most links of a chain of causes that are shown.
const LONGEST_CHAIN: usize = 12;
/// Longest cause that is shown, characters.
const LONGEST_CAUSE: usize = 500;
/// How an answer begins that the SDK shows whole, with headers and body.
const DUMP: &str = " Response {";
/// What can choose a profile.
const CHOOSERS: &str = "--profile, AWS_PROFILE or aws.profile";

/// A call that is about to be made: the permission that it needs, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    action: &'static str,
    region: &'a str,
}

impl<'a> Call<'a> {
    /// `action` as IAM names it, such as `lambda:GetFunction`.
    pub(super) const fn new(action: &'static str, region: &'a str) -> Self {
        Self { action, region }
    }

    /// What a failure of this call means.
    #[allow(clippy::needless_pass_by_value, reason = "it ends here, and fits `map_err`")]
    pub(super) fn failed<E>(&self, error: SdkError<E, HttpResponse>) -> CloudError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.failed_by(&error, |_| None)
    }

    /// The same where the service says which limit throttles.
    pub(super) fn failed_by<E>(&self, error: &SdkError<E, HttpResponse>, limit: impl Fn(&E) -> Option<String>) -> CloudError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        tracing::debug!(call = %self.name(), error = %DisplayErrorContext(error), "a call to AWS failed");
        let request_id = error.request_id();
        match error {
            SdkError::ServiceError(service) => {
                let limit = limit(service.err());
                let status = service.raw().status().as_u16();
                self.sort(status, error.code(), error.message(), request_id, limit.as_deref())
            }
            SdkError::ResponseError(response) if !response.raw().status().is_success() => {
                self.sort(response.raw().status().as_u16(), None, None, request_id, None)
            }
            SdkError::DispatchFailure(failure) => self.not_sent(failure),
            SdkError::ConstructionFailure(_) => match credentials_cause(error) {
                Some(cause) => self.no_credentials(cause),
                None => CloudError::Refused(self.reply("InvalidRequest", &chain(error), None)),
            },
            _ => CloudError::Lost(io::Error::other(self.named(&chain(error)))),
        }
    }

    /// The call was given up after `limit`.
    pub(super) fn too_late(&self, limit: Duration) -> CloudError {
        let text = format!("{}: no answer within {} s", self.name(), limit.as_secs());
        CloudError::Lost(io::Error::new(io::ErrorKind::TimedOut, text))
    }

    /// A change that did not come about because of others.
    pub(super) fn busy(&self, text: &str) -> CloudError {
        CloudError::Conflict(self.reply("NotInTime", text, None))
    }

    /// An answer that came in order and makes no sense.
    pub(super) fn strange(&self, text: &str) -> CloudError {
        CloudError::Service(self.reply("UnexpectedAnswer", text, None))
    }

    fn sort(
        &self,
        status: u16,
        code: Option<&str>,
        message: Option<&str>,
        request_id: Option<&str>,
        limit: Option<&str>,
    ) -> CloudError {
        let shown = format!("HTTP {status}");
        let reply = self.reply(code.unwrap_or(&shown), message.unwrap_or_default(), request_id);
        match reply.code.as_str() {
            "OptInRequired" => CloudError::RegionDisabled { region: self.region.to_owned(), reply },
            _ => CloudError::from_reply(status, self.action, limit, reply),
        }
    }

    /// The request got no answer: without a connection nothing was sent.
    fn not_sent(&self, failure: &DispatchFailure) -> CloudError {
        if let Some(cause) = credentials_cause_of(failure) {
            return self.no_credentials(cause);
        }
        let was_connected = failure.as_connector_error().is_some_and(|error| error.connection_metadata().is_some());
        let cause = failure.as_connector_error().map_or_else(|| "no connection".to_owned(), |error| chain(error));
        let error = io::Error::other(self.named(&cause));
        if was_connected { CloudError::Lost(error) } else { CloudError::Unreachable(error) }
    }

    fn no_credentials(&self, cause: &CredentialsError) -> CloudError {
        let (code, text) = match (cause, missing_profile(cause)) {
            (_, Some(name)) => {
                let text = format!("the AWS CLI's files have no profile `{name}`, which {CHOOSERS} names");
                ("ProfileNotFound", text)
            }
            // The SDK's own text lists each place that it has tried, in its own words.
            (CredentialsError::CredentialsNotLoaded(_), None) => {
                let text = format!(
                    "none were found: not in the environment, not in the AWS CLI's files under the profile `default` or that \
                     which {CHOOSERS} names, not on this machine"
                );
                ("CredentialsNotLoaded", text)
            }
            (_, None) => ("CredentialsNotLoaded", chain(cause)),
        };
        CloudError::Credentials(self.reply(code, &text, None))
    }

    /// What is told of this call.
    pub(super) fn reply(&self, code: &str, message: &str, request_id: Option<&str>) -> Reply {
        Reply::new(self.name(), code, message, request_id)
    }

    /// A cause with the call that it stopped.
    fn named(&self, cause: &str) -> String {
        format!("{}: {cause}", self.name())
    }

    fn name(&self) -> String {
        format!("{} in {}", self.action, self.region)
    }
}

fn credentials_cause_of(failure: &DispatchFailure) -> Option<&CredentialsError> {
    failure.as_connector_error().and_then(|error| credentials_cause(error))
}

/// The reason why there are no credentials, if that is what failed.
fn credentials_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).take(LONGEST_CHAIN)
}

/// All causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    printable(&without_dump(&in_one_line(causes(error))), LONGEST_CAUSE)
}

/// A text of the SDK without an answer that it shows whole.
fn without_dump(text: &str) -> String {
    text.split_once(DUMP).map_or(text, |(before, _)| before.trim_end_matches('.')).to_owned()
}

/// The profile that was to be used and is not there, as the SDK's text tells it.
fn missing_profile(error: &(dyn Error + 'static)) -> Option<String> {
    let line = in_one_line(causes(error));
    let (_, rest) = line.split_once("profile `")?;
    let (name, _) = rest.split_once("` was not defined")?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_is_not_there_is_named_with_who_chose_it() {
        let call = Call::new("sts:GetCallerIdentity", "us-east-1");
        let missing = CredentialsError::not_loaded("profile `nope` was not defined: could not find source profile nope");
        let error = call.no_credentials(&missing);
        assert!(error.to_string().contains("no profile `nope`, which --profile, AWS_PROFILE or aws.profile names"), "{error}");
        assert!(error.hint().contains("list-profiles"), "{}", error.hint());
        assert!(call.no_credentials(&CredentialsError::not_loaded_no_source()).to_string().contains("none were found"));
    }

    #[test]
    fn an_answer_that_the_sdk_shows_whole_is_left_out() {
        let told = "error response from IMDS (code: 403). Response { status: StatusCode(403), body: SdkBody { inner: x } }";
        let error = Call::new("sts:GetCallerIdentity", "us-east-1").no_credentials(&CredentialsError::provider_error(told));
        assert!(error.to_string().ends_with("error response from IMDS (code: 403)"), "{error}");
    }
}
