//! A function that failed, as Lambda tells it: its document and the end of its log, as one line with the mend.
//!
//! Never: nothing that a function writes reaches a terminal with control characters, or without end.

use serde::Deserialize;

use super::Fault;
use crate::cloud::{Answer, printable};
use crate::exits::state::{Phase, Reason};

/// Longest cause, characters: Lambda's own are a line; a function's may be anything.
const LONGEST_CAUSE: usize = 500;
/// Longest end of a log, characters: its last lines hold the cause.
const LONGEST_TAIL: usize = 1000;

/// The document that describes a function's error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    error_type: String,
    error_message: String,
}

/// Which failure it is, for scripts; what can be done; and whether it can get better by itself.
struct Kind {
    code: &'static str,
    hint: &'static str,
    passes: bool,
}

/// What an answer with a function error says of the exit.
pub(super) fn fault(kind: &str, answer: &Answer, phase: Phase) -> Fault {
    let document: Document = serde_json::from_slice(&answer.payload).unwrap_or_default();
    let cause = match document.error_message.as_str() {
        "" => String::from_utf8_lossy(&answer.payload).into_owned(),
        message => message.to_owned(),
    };
    let mut text = format!("the function failed ({kind}): {}", printable(&cause, LONGEST_CAUSE));
    let tail = tail(&answer.log_tail);
    if !tail.is_empty() {
        text = format!("{text}; its log ends: {tail}");
    }
    let Kind { code, hint, passes } = sort(&document);
    Fault { code, retryable: passes, ..Fault::new(phase, Reason::FunctionError, text, hint) }
}

fn sort(document: &Document) -> Kind {
    let message = document.error_message.as_str();
    match document.error_type.as_str() {
        "UnknownProtocol" => Kind {
            code: "protocol_mismatch",
            hint: "agent and function are too far apart: run `awslambdaproxy deploy` with this agent's version",
            passes: false,
        },
        "BadInvitation" => Kind {
            code: "protocol_mismatch",
            hint: "agent and function do not understand each other: run `awslambdaproxy deploy` with this agent's version",
            passes: false,
        },
        "Runtime.InvalidEntrypoint" => Kind {
            code: "function_misfit",
            hint: "the function's program does not fit its architecture: `awslambdaproxy deploy` puts it right",
            passes: false,
        },
        "Sandbox.Timedout" | "Function.Timedout" => timed_out(),
        _ if message.contains("Task timed out after") => timed_out(),
        _ if message.contains("signal: killed") || document.error_type == "Runtime.OutOfMemory" => Kind {
            code: "function_out_of_memory",
            hint: "the function ran out of memory; a larger aws.memory_mb and `awslambdaproxy deploy` help",
            passes: true,
        },
        _ => Kind { code: "function_error", hint: "the function's log tells more; it is tried again", passes: true },
    }
}

const fn timed_out() -> Kind {
    Kind {
        code: "function_timeout",
        hint: "the function ran into its time limit without ending by itself; it is replaced",
        passes: true,
    }
}

/// The last characters of a log, as one line.
fn tail(log: &str) -> String {
    let skip = log.chars().count().saturating_sub(LONGEST_TAIL);
    printable(&log.chars().skip(skip).collect::<String>(), LONGEST_TAIL)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn told(payload: &str, log: &str) -> Fault {
        let answer = Answer {
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            function_error: Some("Unhandled".into()),
            log_tail: log.into(),
            request_id: "r".into(),
        };
        fault("Unhandled", &answer, Phase::Pair)
    }

    #[test]
    fn every_way_to_fail_has_its_code_and_mend() {
        for (payload, code, passes) in [
            (r#"{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 10.00 seconds"}"#, "function_timeout", true),
            (r#"{"errorMessage":"2026-01-01 x Task timed out after 3.00 seconds"}"#, "function_timeout", true),
            (
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: x Error: signal: killed"}"#,
                "function_out_of_memory",
                true,
            ),
            (r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#, "function_error", true),
            (r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"exec format error"}"#, "function_misfit", false),
            (r#"{"errorType":"UnknownProtocol","errorMessage":"the agent speaks protocol 2"}"#, "protocol_mismatch", false),
        ] {
            let fault = told(payload, "");
            assert_eq!((fault.code, fault.retryable, fault.phase), (code, passes, Phase::Pair), "{payload}");
        }
        assert!(told(r#"{"errorType":"UnknownProtocol"}"#, "").hint.contains("deploy"));
    }

    #[test]
    fn what_a_function_writes_is_bounded_and_cannot_write_on_the_terminal() {
        let fault = told(&format!("\u{1b}[2J{}", "x".repeat(1 << 20)), &format!("{}\r\n\u{1b}]0;x\u{7}end", "y".repeat(1 << 20)));
        assert!(fault.text.chars().count() < LONGEST_CAUSE + LONGEST_TAIL + 100);
        assert!(!fault.text.chars().any(char::is_control) && fault.text.ends_with("end"), "{}", fault.text);
    }

    #[test]
    fn an_empty_log_is_not_spoken_of() {
        assert_eq!(told(r#"{"errorMessage":"no"}"#, " \n").text, "the function failed (Unhandled): no");
    }
}
