//! How a call to the cloud failed, and what follows from it: try again, whose fault, what to do.

use std::borrow::Cow;
use std::fmt;
use std::io;

/// Longest text of the cloud that is passed on, characters: AWS's own are shorter, and a broken gateway answers with pages.
const LONGEST_TEXT: usize = 1000;
/// How AWS tells that somebody forbids a call, and not only that nobody allows it.
const EXPLICIT_DENY: &str = "explicit deny";
/// What must allow a call beside the caller's own policy, as AWS calls it.
const BOUNDS: [&str; 4] = ["permissions boundary", "service control policy", "session policy", "VPC endpoint policy"];

/// What the cloud said when it did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The action that was asked for and where, as permissions name it: `lambda:InvokeFunction in us-west-2`.
    pub call: String,
    /// The cloud's error type, such as `ResourceNotFoundException`; the HTTP status where there is none.
    pub code: String,
    /// The cloud's text.
    pub message: String,
    /// The cloud's name of the call, for its support.
    pub request_id: Option<String>,
}

impl Reply {
    /// A reply whose texts are fit to be shown, whatever the other end sent.
    pub fn new(call: impl Into<String>, code: &str, message: &str, request_id: Option<&str>) -> Self {
        Self {
            call: call.into(),
            code: printable(code, LONGEST_TEXT),
            message: printable(message, LONGEST_TEXT),
            request_id: request_id.map(|id| printable(id, LONGEST_TEXT)),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

/// Why the cloud did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// As many invocations run as may, or calls come too fast; nothing ran.
    #[error("the cloud throttled the call ({reason})")]
    Throttled {
        /// Which limit, in the cloud's word.
        reason: String,
    },
    /// The caller may not do this; nothing ran.
    #[error("not permitted: {}", denial(action, reply))]
    Denied {
        /// The permission that is missing, such as `lambda:InvokeFunction`.
        action: String,
        /// What the cloud said.
        reply: Reply,
    },
    /// Credentials are missing, wrong or expired; nothing ran.
    #[error("the credentials do not serve: {0}")]
    Credentials(Reply),
    /// The account has not opted in to the region; nothing ran.
    #[error("the region {region} is not enabled in this account ({reply})")]
    RegionDisabled {
        /// The region.
        region: String,
        /// What the cloud said.
        reply: Reply,
    },
    /// What the call is about does not exist.
    #[error("{0}")]
    NotFound(Reply),
    /// It exists already, has changed meanwhile, or another change of it is under way; nothing ran.
    #[error("{0}")]
    Conflict(Reply),
    /// The cloud said no (4xx); nothing ran, and the same call will be refused again.
    #[error("the cloud refused {0}")]
    Refused(Reply),
    /// The cloud itself failed (5xx); the invocation may have run.
    #[error("the cloud failed at {0}")]
    Service(Reply),
    /// What the environment or AWS's own files say cannot be used; nothing was sent.
    #[error("{name} cannot be used: {reason}")]
    Setting {
        /// What says it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection came about; nothing was sent.
    #[error("the cloud cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The connection was lost, or its answer did not come in time. Says nothing about the exit: the function may well run.
    #[error("the connection to the cloud was lost")]
    Lost(#[source] io::Error),
}

impl CloudError {
    /// Sorts an answer that is no success. `action` is the permission that the call needs.
    pub fn from_reply(status: u16, action: &str, throttled: Option<&str>, reply: Reply) -> Self {
        match reply.code.as_str() {
            _ if status == 429 => Self::Throttled { reason: throttled.unwrap_or(&reply.code).to_owned() },
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "EC2ThrottledException" => Self::Throttled { reason: throttled.unwrap_or(&reply.code).to_owned() },
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
                let action = missing_action(&reply.message).unwrap_or(action).to_owned();
                Self::Denied { action, reply }
            }
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException" => Self::Credentials(reply),
            "ResourceNotFoundException" | "NoSuchEntity" => Self::NotFound(reply),
            "ResourceConflictException"
            | "EntityAlreadyExists"
            | "ResourceAlreadyExistsException"
            | "OperationAbortedException"
            | "ConcurrentModification"
            | "PreconditionFailedException"
            | "ResourceNotReadyException"
            | "CodeArtifactUserPendingException" => Self::Conflict(reply),
            _ if status >= 500 => Self::Service(reply),
            _ => Self::Refused(reply),
        }
    }

    /// Whether the same call may succeed after a pause, without anybody's doing. Not so for a lost connection: then the tunnel
    /// tells.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Service(_) | Self::Conflict(_) | Self::Unreachable(_) => true,
            Self::Denied { .. }
            | Self::Credentials(_)
            | Self::RegionDisabled { .. }
            | Self::NotFound(_)
            | Self::Refused(_)
            | Self::Setting { .. }
            | Self::Lost(_) => false,
        }
    }

    /// Whether the cloud heard the call and said no.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Setting { .. } | Self::Service(_) | Self::Unreachable(_) | Self::Lost(_))
    }

    /// A stable name for scripts, as problems in `status` carry it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::Denied { .. } => "permission_missing",
            Self::Credentials(reply) if is_expired(&reply.code) => "credentials_expired",
            Self::Credentials(_) => "credentials_invalid",
            Self::RegionDisabled { .. } => "region_disabled",
            Self::NotFound(_) => "function_missing",
            Self::Conflict(_) => "function_busy",
            Self::Refused(_) => "aws_refused",
            Self::Service(_) => "aws_failed",
            Self::Setting { .. } => "aws_setting",
            Self::Unreachable(_) => "aws_unreachable",
            Self::Lost(_) => "aws_lost",
        }
    }

    /// The cause below, in words, where there is one.
    pub fn cause(&self) -> Option<String> {
        std::error::Error::source(self).map(ToString::to_string)
    }

    /// The error and the cause below, in words.
    pub fn told(&self) -> String {
        self.cause().map_or_else(|| self.to_string(), |cause| format!("{self}: {cause}"))
    }

    /// What the cloud itself said, if it did.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Denied { reply, .. } | Self::RegionDisabled { reply, .. } => Some(reply),
            Self::Credentials(reply)
            | Self::NotFound(reply)
            | Self::Conflict(reply)
            | Self::Refused(reply)
            | Self::Service(reply) => Some(reply),
            Self::Throttled { .. } | Self::Setting { .. } | Self::Unreachable(_) | Self::Lost(_) => None,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Throttled { reason } => throttle_hint(reason).into(),
            Self::Denied { action, reply } => denial_hint(action, &reply.message),
            Self::Credentials(reply) => credentials_hint(reply).into(),
            Self::RegionDisabled { region, .. } => {
                format!("enable {region} under Account, AWS Regions in the AWS console, or take it out of regions").into()
            }
            Self::NotFound(_) => "`awslambdaproxy deploy` makes what is missing there".into(),
            Self::Conflict(_) => "another change is under way; it is tried again".into(),
            Self::Refused(_) => "`awslambdaproxy doctor` looks for the cause".into(),
            Self::Service(_) => "the fault is AWS's; it is tried again".into(),
            Self::Setting { name, .. } => format!("put {name} right, or unset it").into(),
            Self::Unreachable(error) => unreachable_hint(error).into(),
            Self::Lost(_) => "the function may still run; its tunnel shows whether it does".into(),
        }
    }
}

/// The action once, where the call is of the same name.
fn denial(action: &str, reply: &Reply) -> String {
    match reply.call.strip_prefix(action) {
        Some(place) => format!("{action}{place} ({}: {})", reply.code, reply.message),
        None => format!("{action} ({reply})"),
    }
}

/// One more permission helps only where nothing else stands against the call.
fn denial_hint(action: &str, message: &str) -> Cow<'static, str> {
    if message.contains(EXPLICIT_DENY) {
        return "an organisation's policy, a permissions boundary or a Deny statement forbids it, which no permission lifts; \
                whoever made it must change it"
            .into();
    }
    let bound = BOUNDS.into_iter().find(|bound| message.contains(&format!("because no {bound} allows")));
    match bound {
        Some(bound) => format!("the {bound} must allow {action}; whoever made it must add that").into(),
        None => format!("add {action} to the caller's policy; `awslambdaproxy policy` prints all that is needed").into(),
    }
}

fn is_expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired")
}

fn credentials_hint(reply: &Reply) -> &'static str {
    match reply.code.as_str() {
        code if is_expired(code) => {
            "renew them (`aws sso login`, `aws login` or new keys); they are read again without a restart"
        }
        _ if reply.message.contains("ignature expired") || reply.message.contains("not yet current") => {
            "this machine's clock is wrong: set it right"
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => "the secret access key does not belong to the access key id",
        "CredentialsNotLoaded" => {
            "set aws.profile or keys in the config, or sign in with the AWS CLI; they are read again without a restart"
        }
        _ => "the access key is unknown to AWS: was it deleted, or mistyped? Credentials are read again without a restart",
    }
}

fn throttle_hint(reason: &str) -> &'static str {
    match reason {
        "ReservedFunctionConcurrentInvocationLimitExceeded" => {
            "the function has a reserved concurrency that is too small; remove it, or lower exits.max_per_region"
        }
        "CallerRateLimitExceeded" | "FunctionInvocationRateLimitExceeded" | "ReservedFunctionInvocationRateLimitExceeded" => {
            "calls come too fast; it is tried again more slowly"
        }
        "ConcurrentInvocationLimitExceeded" => {
            "the region runs as many invocations as the account may; fewer exits (exits.max_per_region) or a higher quota help"
        }
        _ => "AWS asks for patience; it is tried again more slowly",
    }
}

fn unreachable_hint(error: &io::Error) -> &'static str {
    let text = error.to_string();
    if text.contains("certificate") {
        "the certificate comes from nobody whom this machine trusts: is TLS inspected on the way? AWS_CA_BUNDLE names more roots"
    } else {
        "check this machine's network, its DNS and HTTPS_PROXY"
    }
}

/// The action that AWS names in `User: … is not authorized to perform: lambda:InvokeFunction on resource: …`.
fn missing_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("to perform: ")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let action = rest.split(|c: char| !is_part(c) && c != ':').next()?;
    let (service, name) = action.split_once(':')?;
    (!service.is_empty() && !name.is_empty() && name.chars().all(is_part)).then_some(action)
}

/// A text of the outside as one can print it: no control characters, and not without end.
pub fn printable(text: &str, longest: usize) -> String {
    let shown = text.trim().chars().map(|c| if c.is_control() || is_direction(c) { ' ' } else { c });
    let mut shown: String = shown.take(longest).collect();
    if text.trim().chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that turn the order of what is shown after them.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACTION: &str = "lambda:InvokeFunction";

    fn answered(status: u16, code: &str, message: &str) -> CloudError {
        CloudError::from_reply(status, ACTION, None, Reply::new("lambda:InvokeFunction in us-west-2", code, message, None))
    }

    #[test]
    fn only_what_cannot_have_a_running_function_of_unknown_state_is_tried_again() {
        let lost = CloudError::Lost(io::ErrorKind::ConnectionReset.into());
        let throttled = answered(429, "TooManyRequestsException", "Rate Exceeded.");
        let missing = answered(404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:…");
        assert!(!lost.retryable() && throttled.retryable() && !missing.retryable());
        assert!(missing.hint().contains("deploy"));
        assert!(answered(503, "ServiceException", "").retryable() && answered(502, "502", "<html>").retryable());
    }

    #[test]
    fn a_missing_permission_is_named_by_aws_or_else_by_the_call() {
        let text = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/x";
        for (message, named) in [(text, "iam:PassRole"), ("", ACTION), ("not authorized to perform: everything", ACTION)] {
            let CloudError::Denied { action, .. } = answered(403, "AccessDeniedException", message) else {
                unreachable!("no denial");
            };
            assert_eq!(action, named);
        }
        assert!(answered(403, "AccessDenied", text).hint().contains("add iam:PassRole to"));
        let same = answered(403, "AccessDeniedException", "no policy allows it").to_string();
        assert_eq!(same, "not permitted: lambda:InvokeFunction in us-west-2 (AccessDeniedException: no policy allows it)");
        let other = answered(403, "AccessDenied", text).to_string();
        assert!(
            other.starts_with("not permitted: iam:PassRole (lambda:InvokeFunction in us-west-2: AccessDenied: User"),
            "{other}"
        );
    }

    #[test]
    fn what_somebody_forbids_is_not_called_a_missing_permission() {
        let hint = |end: &str| {
            let text =
                format!("User: arn:aws:iam::1:user/ci is not authorized to perform: lambda:CreateFunction on resource: x {end}");
            answered(403, "AccessDeniedException", &text).hint().into_owned()
        };
        for end in ["with an explicit deny in a service control policy", "with an explicit deny in an identity-based policy"] {
            assert!(hint(end).contains("forbids it") && !hint(end).contains("add lambda:"), "{end}: {}", hint(end));
        }
        let bounded = hint("because no permissions boundary allows the lambda:CreateFunction action");
        assert!(bounded.starts_with("the permissions boundary must allow lambda:CreateFunction"), "{bounded}");
        let missing = hint("because no identity-based policy allows the lambda:CreateFunction action");
        assert!(missing.contains("add lambda:CreateFunction to the caller's policy"), "{missing}");
    }

    #[test]
    fn every_cause_has_its_code_and_its_mend() {
        for (status, code, message, name, mend) in [
            (
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
                "credentials_expired",
                "renew",
            ),
            (403, "UnrecognizedClientException", "The security token is invalid", "credentials_invalid", "unknown to AWS"),
            (403, "InvalidSignatureException", "Signature expired: 2026 is now earlier", "credentials_invalid", "clock"),
            (403, "InvalidSignatureException", "The request signature we calculated", "credentials_invalid", "secret access key"),
            (409, "ResourceConflictException", "An update is in progress", "function_busy", "tried again"),
            (400, "InvalidParameterValueException", "no", "aws_refused", "doctor"),
            (500, "ServiceException", "", "aws_failed", "AWS's"),
        ] {
            let error = answered(status, code, message);
            assert_eq!(error.code(), name, "{code}");
            assert!(error.hint().contains(mend), "{code}: {}", error.hint());
            assert!(error.to_string().contains("us-west-2"), "{error}");
        }
    }

    #[test]
    fn the_limit_that_throttles_is_named() {
        let reply = Reply::new("x", "TooManyRequestsException", "Rate Exceeded.", None);
        let error = CloudError::from_reply(429, ACTION, Some("ReservedFunctionConcurrentInvocationLimitExceeded"), reply);
        assert!(error.to_string().contains("ReservedFunction") && error.hint().contains("reserved concurrency"));
        assert_eq!(answered(400, "ThrottlingException", "Rate exceeded").code(), "throttled");
    }

    proptest! {
        #[test]
        fn whatever_aws_says_is_sorted_and_fit_to_be_shown(status in 0..1000u16, code in "\\PC*|[A-Z][a-zA-Z]*", message in ".*") {
            let error = answered(status, &code, &format!("not authorized to perform: {message}"));
            let shown = format!("{error} {} {}", error.hint(), error.code());
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_direction(c)), "{shown:?}");
            prop_assert!(shown.chars().count() < 4 * LONGEST_TEXT);
        }
    }

    #[test]
    fn what_comes_from_outside_cannot_write_on_the_terminal() {
        let error = answered(400, "\u{1b}[2JBad", "\r\n\u{1b}]0;x\u{7}\u{202e}end");
        assert!(!error.to_string().chars().any(char::is_control) && !error.to_string().contains('\u{202e}'), "{error:?}");
        let long = answered(400, "x", &"a".repeat(100_000)).to_string();
        assert!(long.chars().count() < LONGEST_TEXT + 100 && long.ends_with('…'));
    }
}
