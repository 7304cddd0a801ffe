//! What a person can do about an error of the cloud.

use std::borrow::Cow;
use std::io;

use super::{CloudError, Reply, is_expired};
use crate::cloud::permissions::{self, functions, log_groups, roles};

/// How AWS tells that somebody forbids a call, and not only that nobody allows it.
const EXPLICIT_DENY: &str = "explicit deny";
/// What must allow a call beside the caller's own policy, as AWS calls it.
const BOUNDS: [&str; 4] = ["permissions boundary", "service control policy", "session policy", "VPC endpoint policy"];

impl CloudError {
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
        None => format!("add {action} to the caller's policy; {} all that is needed", policies(action)).into(),
    }
}

/// The commands whose policies have an action.
fn policies(action: &str) -> &'static str {
    match action {
        permissions::INVOKE | permissions::GET_ACCOUNT_SETTINGS => "`awslambdaproxy policy run` prints",
        functions::UPDATE_CONFIGURATION => "`awslambdaproxy policy deploy` and `awslambdaproxy policy run` print",
        functions::GET => {
            "`awslambdaproxy policy deploy`, `awslambdaproxy policy run` and `awslambdaproxy policy destroy` print, each for its command,"
        }
        functions::LIST_TAGS
        | roles::GET
        | roles::LIST_POLICIES
        | roles::LIST_ATTACHED
        | roles::DELETE_POLICY
        | roles::DETACH
        | log_groups::DESCRIBE
        | log_groups::LIST_TAGS
        | log_groups::DELETE => "`awslambdaproxy policy deploy` and `awslambdaproxy policy destroy` print",
        functions::DELETE | roles::UNTAG | roles::DELETE => "`awslambdaproxy policy destroy` prints",
        _ => "`awslambdaproxy policy deploy` prints",
    }
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
        "ProfileNotFound" => "`aws configure list-profiles` tells which there are; name one of them, or make this one",
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
