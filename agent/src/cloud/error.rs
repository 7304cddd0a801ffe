//! How a call to the cloud failed, and what follows from it.

use std::io;

/// Why the cloud did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// As many invocations run as may, or calls come too fast; nothing ran.
    #[error("the cloud throttled the call ({reason})")]
    Throttled {
        /// Which limit, in the cloud's word.
        reason: String,
    },
    /// The cloud said no (4xx); nothing ran, and the same call will be refused again.
    #[error("the cloud refused the call ({code}): {message}")]
    Refused {
        /// The cloud's error type, such as `ResourceNotFoundException`.
        code: String,
        /// The cloud's text.
        message: String,
    },
    /// The cloud itself failed (5xx); the invocation may have run.
    #[error("the cloud failed ({code}): {message}")]
    Service {
        /// The cloud's error type, such as `ServiceException`.
        code: String,
        /// The cloud's text.
        message: String,
    },
    /// No connection came about; nothing was sent.
    #[error("the cloud cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The connection was lost, or its answer did not come in time. Says nothing about the exit: the function may well run.
    #[error("the connection to the cloud was lost")]
    Lost(#[source] io::Error),
}

impl CloudError {
    /// Whether the same call may succeed after a pause. Not so for a lost connection: then the tunnel tells.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Service { .. } | Self::Unreachable(_) => true,
            Self::Refused { .. } | Self::Lost(_) => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => {
                "the region runs as many invocations as it may; fewer exits (exits.max_per_region) or a higher quota help"
            }
            Self::Refused { code, .. } => refusal_hint(code),
            Self::Service { .. } => "the fault is the cloud's; it is tried again",
            Self::Unreachable(_) => "check this machine's network",
            Self::Lost(_) => "the function may still run; its tunnel shows whether it does",
        }
    }
}

fn refusal_hint(code: &str) -> &'static str {
    match code {
        "ResourceNotFoundException" => "the function does not exist there; `awslambdaproxy deploy` makes it",
        "AccessDeniedException" => "the credentials lack a permission; `awslambdaproxy policy run` prints what is needed",
        "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException" => {
            "the credentials are wrong or expired, or the region needs opting in"
        }
        _ => "`awslambdaproxy doctor` looks for the cause",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_have_a_running_function_of_unknown_state_is_tried_again() {
        let lost = CloudError::Lost(io::ErrorKind::ConnectionReset.into());
        let throttled = CloudError::Throttled { reason: "ConcurrentInvocationLimitExceeded".into() };
        let refused = CloudError::Refused { code: "ResourceNotFoundException".into(), message: String::new() };
        assert!(!lost.retryable() && throttled.retryable() && !refused.retryable());
        assert!(refused.hint().contains("deploy"));
    }
}
