//! What bounds callers: concurrency, configuration changes, the token, and the end of the local Lambda.

use std::fs;

use agent::cloud::local::server::Stop;
use agent::cloud::local::{LocalCloud, Token};
use agent::cloud::{Cloud, CloudError};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::functions::{ECHO, GATED, REGION, field, lives, pid, serve, serve_with, until};

/// The type of a refusal.
fn refused(error: CloudError) -> String {
    match error {
        CloudError::Denied { reply, .. } => reply.code,
        CloudError::NotFound(reply) | CloudError::Conflict(reply) | CloudError::Refused(reply) => reply.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_invocation_too_many_is_throttled_and_regions_are_apart() {
    let lambda = serve(GATED).await;
    let running = [lambda.invoke_aside(), lambda.invoke_aside()];
    lambda.began(2).await;
    let error = lambda.invoke("{}").await.expect_err("throttled");
    assert!(matches!(&error, CloudError::Throttled { reason } if reason == "ConcurrentInvocationLimitExceeded"), "{error:?}");
    lambda.open_gate();
    lambda.client.invoke("local-2", Bytes::from_static(b"{}")).await.expect("another region");
    let mut pids = Vec::new();
    for invocation in running {
        pids.push(pid(&invocation.await.expect("task").expect("invoke")));
    }
    assert_ne!(pids[0], pids[1]);
    lambda.invoke("{}").await.expect("room again");
    lambda.kill().await;
}

#[tokio::test]
async fn at_a_limit_of_one_each_answer_makes_room_for_the_next() {
    let lambda = serve_with(ECHO, |options| options.concurrency = 1).await;
    for count in 1..=20 {
        assert_eq!(field(&lambda.invoke("{}").await.expect("invoke"), "count"), count);
    }
    lambda.kill().await;
}

#[tokio::test]
async fn a_raised_generation_retires_what_is_idle_and_reaches_new_instances() {
    let script = r#"while :; do next; respond "{\"pid\":$$,\"generation\":\"$AWSLAMBDAPROXY_GENERATION\"}" >/dev/null; done"#;
    // One seat: the new instance needs that of the retired one.
    let lambda = serve_with(script, |options| options.concurrency = 1).await;
    let old = lambda.invoke("{}").await.expect("invoke");
    assert_eq!(field(&old, "generation"), "");
    for generation in 1..=2 {
        assert_eq!(lambda.client.raise_generation(REGION).await.expect("raise"), generation);
        let new = lambda.invoke("{}").await.expect("invoke");
        assert_eq!(field(&new, "generation"), generation.to_string());
        assert_ne!(pid(&new), pid(&old));
    }
    until(|| !lives(pid(&old))).await;
    lambda.kill().await;
}

#[tokio::test]
async fn a_busy_instance_finishes_its_invocation_after_a_change_and_is_not_used_again() {
    let lambda = serve(GATED).await;
    let running = lambda.invoke_aside();
    lambda.began(1).await;
    lambda.client.raise_generation(REGION).await.expect("raise");
    lambda.open_gate();
    let old = running.await.expect("task").expect("invoke");
    assert_eq!(old.function_error, None);
    until(|| !lives(pid(&old))).await;
    assert_ne!(pid(&lambda.invoke("{}").await.expect("invoke")), pid(&old));
    lambda.kill().await;
}

#[tokio::test]
async fn strangers_and_unknown_functions_are_refused() {
    let lambda = serve(ECHO).await;
    let mut options = lambda.options.clone();
    options.token = Token::mint();
    let stranger = LocalCloud::new(lambda.ready.listen, &options);
    assert_eq!(refused(stranger.invoke(REGION, Bytes::new()).await.expect_err("token")), "AccessDeniedException");
    assert_eq!(refused(stranger.raise_generation(REGION).await.expect_err("token")), "AccessDeniedException");

    let unknown = lambda.client.invoke("local-9", Bytes::new()).await.expect_err("region");
    assert_eq!(refused(unknown), "ResourceNotFoundException");
    let mut options = lambda.options.clone();
    options.function_name = "another".into();
    let other = LocalCloud::new(lambda.ready.listen, &options);
    assert_eq!(refused(other.invoke(REGION, Bytes::new()).await.expect_err("name")), "ResourceNotFoundException");
    lambda.kill().await;
}

#[tokio::test]
async fn a_payload_that_lambda_would_not_take_is_refused() {
    let lambda = serve(ECHO).await;
    assert_eq!(refused(lambda.invoke("no json").await.expect_err("refused")), "InvalidRequestContentException");
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    match lambda.invoke(&large).await {
        Err(CloudError::Refused(reply)) => assert_eq!(reply.code, "RequestTooLargeException"),
        // The answer comes before the payload has been read, and the connection's end may overtake it.
        Err(CloudError::Lost(_)) => {}
        other => panic!("{other:?}"),
    }
    lambda.kill().await;
}

#[tokio::test]
async fn the_answers_have_lambdas_form_on_the_wire() {
    let lambda = serve(ECHO).await;
    let mut tcp = TcpStream::connect(lambda.ready.listen).await.expect("connect");
    tcp.write_all(
        b"POST /local-1/2015-03-31/functions/awslambdaproxy/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    )
    .await
    .expect("write");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.expect("read");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("x-amzn-errortype: AccessDeniedException") && answer.contains(r#""Type":"User""#), "{answer}");
    lambda.kill().await;
}

#[tokio::test]
async fn an_invocation_goes_on_when_its_caller_goes_away() {
    let lambda =
        serve(r#"next; touch "$DIR/began-1"; until [ -e "$DIR/open" ]; do sleep 0.02; done; touch "$DIR/done"; respond 1; next"#);
    let lambda = lambda.await;
    let caller = lambda.invoke_aside();
    lambda.began(1).await;
    caller.abort();
    assert!(caller.await.is_err_and(|error| error.is_cancelled()));
    lambda.open_gate();
    until(|| lambda.path("done").exists()).await;
    let billed = || fs::read_to_string(&lambda.options.billing).is_ok_and(|text| text.lines().count() == 1);
    until(billed).await;
    lambda.kill().await;
}

#[tokio::test]
async fn draining_refuses_new_invocations_and_waits_for_running_ones() {
    let lambda = serve(GATED).await;
    let running = lambda.invoke_aside();
    lambda.began(1).await;
    lambda.stop.send_replace(Stop::Drain);
    // The order is processed before a request that comes after it.
    let error = lambda.invoke("{}").await.expect_err("draining");
    assert!(matches!(error, CloudError::Service(_)), "{error:?}");
    lambda.open_gate();
    let answer = running.await.expect("task").expect("invoke");
    assert_eq!(answer.function_error, None);
    lambda.serving.await.expect("serving");
    assert!(!lives(pid(&answer)));
}
