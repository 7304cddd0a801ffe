//! What AWS says, as it is sorted, hinted at and shown.

use proptest::prelude::*;

use super::printable::is_direction;
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
    let text =
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/x";
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
    assert!(other.starts_with("not permitted: iam:PassRole (lambda:InvokeFunction in us-west-2: AccessDenied: User"), "{other}");
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
        (403, "ExpiredTokenException", "The security token included in the request is expired", "credentials_expired", "renew"),
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
