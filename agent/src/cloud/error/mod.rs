//! How a call to the cloud failed, and what follows from it: try again, whose fault, what to do.

mod hint;
mod printable;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

pub use printable::printable;

/// Longest text of the cloud that is passed on, characters: AWS's own are shorter, and a broken gateway answers with pages.
const LONGEST_TEXT: usize = 1000;

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

    /// The reply without the cloud's text.
    fn brief(&self) -> Self {
        Self { message: String::new(), ..self.clone() }
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

    /// The error without the cloud's own text, where there is one: for a table's cell.
    pub fn brief(&self) -> String {
        match self {
            Self::Denied { action, reply } => format!("not permitted: {}", denial(action, &reply.brief())),
            Self::Credentials(reply) => Self::Credentials(reply.brief()).to_string(),
            Self::RegionDisabled { region, .. } => format!("the region {region} is not enabled in this account"),
            Self::NotFound(reply) | Self::Conflict(reply) => reply.brief().to_string(),
            Self::Refused(reply) => Self::Refused(reply.brief()).to_string(),
            Self::Service(reply) => Self::Service(reply.brief()).to_string(),
            Self::Throttled { .. } | Self::Setting { .. } | Self::Unreachable(_) | Self::Lost(_) => self.told(),
        }
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
}

/// The action once, where the call is of the same name.
fn denial(action: &str, reply: &Reply) -> String {
    match reply.call.strip_prefix(action) {
        Some(place) if reply.message.is_empty() => format!("{action}{place} ({})", reply.code),
        Some(place) => format!("{action}{place} ({}: {})", reply.code, reply.message),
        None => format!("{action} ({reply})"),
    }
}

fn is_expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired")
}

/// The action that AWS names in `User: … is not authorized to perform: lambda:InvokeFunction on resource: …`.
fn missing_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("to perform: ")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let action = rest.split(|c: char| !is_part(c) && c != ':').next()?;
    let (service, name) = action.split_once(':')?;
    (!service.is_empty() && !name.is_empty() && name.chars().all(is_part)).then_some(action)
}
