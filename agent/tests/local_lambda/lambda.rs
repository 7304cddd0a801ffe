//! One instance's life as Lambda gives it: reuse, freezing, time-outs, crashes, logs, billing.

use std::time::{Duration, SystemTime};

use agent::cloud::local::billing::read_total;

use crate::functions::{ECHO, field, lives, pid, serve, serve_with, state, until};

/// The error type of a function error.
fn error_type(answer: &agent::cloud::Answer) -> String {
    assert_eq!(answer.function_error.as_deref(), Some("Unhandled"), "{:?}", answer.payload);
    field(answer, "errorType").as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_warm_instance_is_frozen_thawed_and_used_again() {
    let lambda = serve(ECHO).await;
    let first = lambda.invoke(r#"{"n":1}"#).await.expect("invoke");
    assert_eq!((field(&first, "count"), field(&first, "event")["n"].as_i64()), (1.into(), Some(1)));
    until(|| state(pid(&first)) == Some('T')).await;
    let second = lambda.invoke(r#"{"n":2}"#).await.expect("invoke");
    assert_eq!((pid(&second), field(&second, "count")), (pid(&first), 2.into()));
    until(|| state(pid(&first)) == Some('T')).await;
    lambda.kill().await;
    assert!(!lives(pid(&first)));
}

#[tokio::test]
async fn an_invocation_carries_its_deadline_name_and_id() {
    let lambda = serve(ECHO).await;
    let before = SystemTime::now();
    let answer = lambda.invoke("{}").await.expect("invoke");
    let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(field(&answer, "deadline").as_u64().expect("deadline"));
    let limit = Duration::from_secs(60);
    assert!(deadline + Duration::from_millis(1) >= before + limit && deadline <= SystemTime::now() + limit);
    assert_eq!(field(&answer, "arn"), "arn:aws:lambda:local-1:000000000000:function:awslambdaproxy");
    assert_eq!(answer.request_id.len(), 36);
    lambda.kill().await;
}

#[tokio::test]
async fn the_log_tail_has_the_functions_lines_between_lambdas() {
    let lambda = serve(ECHO).await;
    for event in [r#""first""#, r#""second""#] {
        let answer = lambda.invoke(event).await.expect("invoke");
        let lines: Vec<_> = answer.log_tail.lines().collect();
        let id = &answer.request_id;
        assert_eq!(lines[0], format!("START RequestId: {id} Version: $LATEST"));
        assert_eq!(lines[1], format!("event {event}"));
        assert_eq!(lines[2], format!("END RequestId: {id}"));
        assert!(lines[3].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")), "{lines:?}");
        assert_eq!(lines.len(), 4, "{lines:?}");
    }
    lambda.kill().await;
}

#[tokio::test]
async fn a_function_that_does_not_answer_in_time_is_killed() {
    let lambda = serve_with("next; echo $$ >&2; sleep 600", |options| options.timeout_s = 3).await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    assert_eq!(error_type(&answer), "Sandbox.Timedout");
    let text = format!("RequestId: {} Error: Task timed out after 3.00 seconds", answer.request_id);
    assert_eq!(field(&answer, "errorMessage"), text);
    let pid = answer.log_tail.lines().nth(1).and_then(|line| line.parse().ok()).expect("pid");
    assert!(!lives(pid));
    let total = read_total(&lambda.options.billing).expect("billing");
    assert!(total.billed_ms >= 3000 && total.invocations == 1, "{total:?}");
    lambda.kill().await;
}

#[tokio::test]
async fn a_crash_is_an_answer_and_the_next_invocation_has_a_new_instance() {
    let lambda = serve(&format!(r#"[ -e "$DIR/crashed" ] || {{ next; touch "$DIR/crashed"; exit 3; }}; {ECHO}"#)).await;
    let crashed = lambda.invoke("{}").await.expect("invoke");
    assert_eq!(error_type(&crashed), "Runtime.ExitError");
    let text = format!("RequestId: {} Error: Runtime exited with error: exit status 3", crashed.request_id);
    assert_eq!(field(&crashed, "errorMessage"), text);
    let next = lambda.invoke("{}").await.expect("invoke");
    assert_eq!((&next.function_error, field(&next, "count")), (&None, 1.into()));
    lambda.kill().await;
}

#[tokio::test]
async fn a_killed_function_and_one_that_cannot_start_say_so() {
    let lambda = serve("next; kill -KILL $$").await;
    let killed = lambda.invoke("{}").await.expect("invoke");
    assert!(field(&killed, "errorMessage").as_str().is_some_and(|text| text.ends_with("signal: killed")), "{:?}", killed.payload);
    lambda.kill().await;

    let lambda = serve_with("", |options| options.command = vec!["/nowhere/bootstrap".into()]).await;
    assert_eq!(error_type(&lambda.invoke("{}").await.expect("invoke")), "Runtime.InvalidEntrypoint");
    lambda.kill().await;
}

#[tokio::test]
async fn the_functions_own_errors_are_passed_on() {
    let failing = r#"next; post "invocation/$ID/error" '{"errorType":"Mine","errorMessage":"m"}' >/dev/null; next"#;
    let lambda = serve(failing).await;
    assert_eq!(error_type(&lambda.invoke("{}").await.expect("invoke")), "Mine");
    lambda.kill().await;

    let lambda = serve(r#"post init/error '{"errorType":"Init.Mine"}' >/dev/null; sleep 600"#).await;
    assert_eq!(error_type(&lambda.invoke("{}").await.expect("invoke")), "Init.Mine");
    lambda.kill().await;
}

#[tokio::test]
async fn the_runtime_api_refuses_what_does_not_fit() {
    let curious = r#"next
WRONG="$(post invocation/00000000-0000-0000-0000-000000000000/response x)"
INIT="$(post init/error x)"
TAKEN="$(curl -sS -o /dev/null -w '%{http_code}' "$API/invocation/next")"
PAGE="$(curl -sS -o /dev/null -w '%{http_code}' -H 'Origin: https://example.com' "$API/invocation/next")"
PATHS="$(post nowhere x)"
respond "[$WRONG,$INIT,$TAKEN,$PAGE,$PATHS]" >/dev/null; next"#;
    let lambda = serve(curious).await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    assert_eq!(answer.payload, "[400,403,403,403,404]");
    lambda.kill().await;
}

#[tokio::test]
async fn an_answer_is_accepted_once_and_a_busy_function_is_frozen_anyway() {
    // It answers twice and never asks for more.
    let lambda = serve(r#"next; FIRST="$(respond "{\"pid\":$$}")"; SECOND="$(respond x)"; echo "$FIRST $SECOND" >&2; sleep 600"#);
    let lambda = lambda.await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    assert!(answer.log_tail.contains("202 403"), "{}", answer.log_tail);
    until(|| state(pid(&answer)) == Some('T')).await;
    lambda.kill().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_a_function_error() {
    let large =
        r#"next; head -c 6291457 /dev/zero | tr '\0' ' ' >"$DIR/large"; CODE="$(respond "@$DIR/large")"; echo "$CODE" >&2; next"#;
    let lambda = serve(large).await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    assert_eq!(error_type(&answer), "Function.ResponseSizeTooLarge");
    assert!(answer.log_tail.contains("413"), "{}", answer.log_tail);
    lambda.kill().await;
}

#[tokio::test]
async fn an_idle_instance_lives_as_long_as_it_may() {
    let lambda = serve_with(ECHO, |options| options.idle_life_s = 1).await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    until(|| !lives(pid(&answer))).await;
    assert_eq!(field(&lambda.invoke("{}").await.expect("invoke"), "count"), 1);
    lambda.kill().await;
}

#[tokio::test]
async fn an_instance_that_dies_idle_costs_nobody_an_answer() {
    let lambda = serve(ECHO).await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    let group = rustix::process::Pid::from_raw(pid(&answer)).expect("pid");
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("kill");
    until(|| !lives(pid(&answer))).await;
    // Whether or not the local Lambda has noticed: a new instance serves.
    let next = lambda.invoke("{}").await.expect("invoke");
    assert_eq!((&next.function_error, field(&next, "count")), (&None, 1.into()));
    lambda.kill().await;
}

#[tokio::test]
async fn what_ran_is_in_the_billing_file() {
    let lambda = serve(ECHO).await;
    for _ in 0..3 {
        lambda.invoke("{}").await.expect("invoke");
    }
    let total = read_total(&lambda.options.billing).expect("billing");
    assert_eq!((total.invocations, total.unreadable), (3, 0));
    assert!(total.billed_ms >= 3 && total.gb_seconds > 0.0);
    lambda.kill().await;
}

#[tokio::test]
async fn a_function_sees_its_own_variables_and_an_address_of_its_own() {
    let script = r#"next; NAMES="$(env | sed 's/=.*//' | sort | tr '\n' ' ')"
respond "{\"names\":\"$NAMES\",\"source\":\"$AWSLAMBDAPROXY_SOURCE_ADDRESS\",\"cwd\":\"$(pwd)\"}" >/dev/null; next"#;
    let lambda = serve(script).await;
    let answer = lambda.invoke("{}").await.expect("invoke");
    let names = field(&answer, "names").as_str().expect("names").to_owned();
    assert!(names.contains(" DIR ") && names.contains(" PATH "), "{names}");
    assert!(!names.contains("CARGO") && !names.contains("HOME"), "{names}");
    if cfg!(target_os = "linux") {
        assert_eq!(field(&answer, "source"), "127.64.1.1");
    }
    let folder = std::fs::canonicalize("/bin").expect("/bin").display().to_string();
    assert_eq!(field(&answer, "cwd"), folder);
    lambda.kill().await;
}
