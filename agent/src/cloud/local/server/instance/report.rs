//! What Lambda writes about an invocation: the START, END and REPORT lines, and the documents of runtime errors.

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::cloud::local::api;
use crate::cloud::local::server::system::signal_of;

/// The value of the function-error header. Lambda says `Handled` only for runtimes of long ago.
const UNHANDLED: &str = "Unhandled";
/// The signals whose names people know; others are shown by number.
const SIGNALS: [(i32, &str); 7] = [
    (4, "illegal instruction"),
    (6, "aborted"),
    (7, "bus error"),
    (8, "floating point exception"),
    (9, "killed"),
    (11, "segmentation fault"),
    (15, "terminated"),
];

/// What an invocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) payload: Bytes,
    pub(super) function_error: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    error_type: &'a str,
    error_message: &'a str,
}

impl Outcome {
    /// The program's own answer.
    pub(super) fn answered(payload: Bytes) -> Self {
        Self { payload, function_error: None }
    }

    /// The program's own error document.
    pub(super) fn failed(payload: Bytes) -> Self {
        Self { payload, function_error: Some(UNHANDLED) }
    }

    /// The program did not answer in time.
    pub(super) fn timed_out(request_id: &str, limit: Duration) -> Self {
        let text = format!("Task timed out after {:.2} seconds", limit.as_secs_f64());
        Self::described("Sandbox.Timedout", &format!("RequestId: {request_id} Error: {text}"))
    }

    /// The program ended instead of answering.
    pub(super) fn exited(request_id: &str, status: ExitStatus) -> Self {
        let text = format!("RequestId: {request_id} Error: Runtime exited with error: {}", describe(status));
        Self::described("Runtime.ExitError", &text)
    }

    /// The program could not be started.
    pub(super) fn not_started(request_id: &str, error: &std::io::Error) -> Self {
        Self::described("Runtime.InvalidEntrypoint", &format!("RequestId: {request_id} Error: {error}"))
    }

    /// The program answered more than may be answered.
    pub(super) fn too_large() -> Self {
        let text = format!("Response payload size exceeded maximum allowed payload size ({} bytes).", api::LARGEST_PAYLOAD);
        Self::described("Function.ResponseSizeTooLarge", &text)
    }

    fn described(error_type: &str, error_message: &str) -> Self {
        let document = serde_json::to_vec(&Document { error_type, error_message }).unwrap_or_default();
        Self::failed(document.into())
    }
}

/// As Go, in which Lambda's supervisor is written, describes the end of a process.
fn describe(status: ExitStatus) -> String {
    match (status.code(), signal_of(status)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => match SIGNALS.iter().find(|(known, _)| *known == number) {
            Some((_, name)) => format!("signal: {name}"),
            None => format!("signal: signal {number}"),
        },
        (None, None) => "exit status unknown".into(),
    }
}

/// What an invocation took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) duration: Duration,
    /// Only of the invocation that started its instance.
    pub(super) init: Option<Duration>,
    pub(super) memory_mb: u32,
}

impl Usage {
    /// Whole milliseconds, rounded up; the init counts.
    pub(super) fn billed_ms(&self) -> u64 {
        let micros = (self.duration + self.init.unwrap_or_default()).as_micros();
        u64::try_from(micros.div_ceil(1000)).unwrap_or(u64::MAX)
    }
}

/// The line at an invocation's start.
pub(super) fn start_line(request_id: &str) -> String {
    format!("START RequestId: {request_id} Version: $LATEST\n")
}

/// The lines at its end.
pub(super) fn end_lines(request_id: &str, usage: &Usage) -> String {
    let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let init = usage.init.map(|init| format!("\tInit Duration: {:.2} ms", millis(init))).unwrap_or_default();
    format!(
        "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB{init}\n",
        millis(usage.duration),
        usage.billed_ms(),
        usage.memory_mb,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn text(outcome: &Outcome) -> &str {
        std::str::from_utf8(&outcome.payload).expect("utf-8")
    }

    #[cfg(unix)]
    #[test]
    fn errors_are_described_as_lambda_does() {
        use std::os::unix::process::ExitStatusExt;
        let timed_out = Outcome::timed_out("id", Duration::from_secs(3));
        let expected =
            r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 3.00 seconds"}"#;
        assert_eq!(text(&timed_out), expected);
        let crashed = Outcome::exited("id", ExitStatus::from_raw(1 << 8));
        assert!(text(&crashed).contains("RequestId: id Error: Runtime exited with error: exit status 1"));
        let killed = Outcome::exited("id", ExitStatus::from_raw(9));
        assert!(text(&killed).contains("signal: killed") && killed.function_error == Some("Unhandled"));
    }

    #[test]
    fn billing_rounds_up_and_counts_the_init() {
        let mut usage = Usage { duration: Duration::from_micros(2001), init: None, memory_mb: 128 };
        assert_eq!(usage.billed_ms(), 3);
        assert_eq!(
            end_lines("id", &usage),
            "END RequestId: id\nREPORT RequestId: id\tDuration: 2.00 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\n"
        );
        usage.init = Some(Duration::from_micros(999));
        assert_eq!(usage.billed_ms(), 3);
        assert!(end_lines("id", &usage).ends_with("\tInit Duration: 1.00 ms\n"));
    }
}
