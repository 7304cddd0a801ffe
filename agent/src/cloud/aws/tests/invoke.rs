//! One Invoke: one request, whatever becomes of it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::server::{Act, Server, answer, refusal};
use super::{REGION, cloud};
use crate::cloud::{Answer, Cloud, CloudError};

/// What an Invoke comes to at a server that always acts so, and how often it was asked.
async fn invoked(act: Act) -> (Result<Answer, CloudError>, usize, usize) {
    let server = Server::start(move |_, _| act.clone()).await;
    let outcome = cloud(&server).await.1.invoke(REGION, Bytes::from_static(b"{}")).await;
    (outcome, server.asked().len(), server.connections())
}

#[tokio::test]
async fn an_invoke_is_synchronous_and_brings_payload_error_and_log() {
    let server = Server::start(|_, _| {
        answer(200, "x-amz-function-error: Unhandled\r\nx-amz-log-result: Ym9vbQo=\r\nx-amzn-requestid: id-7\r\n", r#"{"a":1}"#)
    })
    .await;
    let answer = cloud(&server).await.1.invoke(REGION, Bytes::from_static(b"{\"ticket\":1}")).await.expect("answered");
    assert_eq!((answer.payload.as_ref(), answer.function_error.as_deref()), (&b"{\"a\":1}"[..], Some("Unhandled")));
    assert_eq!((answer.log_tail.as_str(), answer.request_id.as_str()), ("boom\n", "id-7"));
    let asked = &server.asked()[0];
    assert!(asked.head.starts_with("POST /2015-03-31/functions/awslambdaproxy/invocations "), "{}", asked.head);
    let head = asked.head.to_ascii_lowercase();
    assert!(head.contains("x-amz-invocation-type: requestresponse") && head.contains("x-amz-log-type: tail"), "{head}");
    assert!(head.contains("/us-west-2/lambda/aws4_request") && asked.body == "{\"ticket\":1}");
}

#[tokio::test]
async fn nothing_is_tried_a_second_time() {
    let gone = Act::Cut(String::new());
    let cut = Act::Cut("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".into());
    let nonsense = Act::Cut("nonsense\r\n\r\n".into());
    let page = Act::Send("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>".into());
    for (act, name) in [
        (gone, "aws_lost"),
        (cut, "aws_lost"),
        (nonsense, "aws_lost"),
        (page, "aws_failed"),
        (refusal(500, "ServiceException", "internal"), "aws_failed"),
        (refusal(429, "TooManyRequestsException", "Rate Exceeded."), "throttled"),
        (refusal(404, "ResourceNotFoundException", "Function not found"), "function_missing"),
        (refusal(409, "ResourceConflictException", "Pending"), "function_busy"),
    ] {
        let (outcome, requests, connections) = invoked(act.clone()).await;
        let error = outcome.expect_err("no answer");
        assert_eq!((error.code(), requests, connections), (name, 1, 1), "{act:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_half_open_connection_ends_at_the_deadline_and_says_nothing_of_the_exit() {
    let server = Server::start(|_, _| Act::Hang).await;
    let cloud = cloud(&server).await.1.with_deadline(Duration::from_secs(2));
    let begun = Instant::now();
    let error = cloud.invoke(REGION, Bytes::from_static(b"{}")).await.expect_err("no answer");
    assert!(matches!(&error, CloudError::Lost(_)) && !error.retryable(), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_silent_answer_is_waited_for() {
    // Longer than the SDK lets a stream stall by itself.
    let (head, rest) = ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n{\"", "\":1");
    let act = Act::Pause(head.into(), Duration::from_secs(7), rest.into());
    let (outcome, requests, _) = invoked(act).await;
    assert_eq!((outcome.expect("answered").payload.len(), requests), (4, 1));
}

/// The kernel's timer of the connection to this port: which kind, and in how many hundredths of a second.
#[cfg(target_os = "linux")]
fn timer(port: u16) -> Option<(String, u64)> {
    let table = std::fs::read_to_string("/proc/self/net/tcp").expect("the kernel's connections");
    let (remote, established) = (format!("0100007F:{port:04X}"), "01");
    let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = line.into_iter().find(|fields| fields.get(2) == Some(&remote.as_str()) && fields[3] == established)?;
    let (kind, when) = found[5].split_once(':')?;
    Some((kind.to_owned(), u64::from_str_radix(when, 16).ok()?))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_call_is_probed_so_that_routers_do_not_forget_it() {
    let server = Server::start(|_, _| Act::Hang).await;
    let (_, cloud) = cloud(&server).await;
    let call = tokio::spawn(async move { cloud.invoke(REGION, Bytes::from_static(b"{}")).await });
    // For a moment the timer is that of the request's acknowledgement.
    let probe = async {
        loop {
            match timer(server.port()) {
                Some((kind, when)) if kind == "02" => return when,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let when = tokio::time::timeout(Duration::from_secs(20), probe).await.expect("a keepalive timer");
    assert!((1..=3000).contains(&when), "{when}");
    call.abort();
}

#[tokio::test]
async fn every_invoke_has_a_connection_of_its_own() {
    let server = Server::start(|_, _| answer(200, "", "{}")).await;
    let (_, cloud) = cloud(&server).await;
    for _ in 0..3 {
        cloud.invoke(REGION, Bytes::from_static(b"{}")).await.expect("answered");
    }
    assert_eq!((server.asked().len(), server.connections()), (3, 3));
}

#[tokio::test]
async fn nobody_listens() {
    let server = Server::start(|_, _| Act::Hang).await;
    let (_, cloud) = cloud(&server).await;
    drop(server);
    tokio::task::yield_now().await;
    let error = cloud.invoke(REGION, Bytes::from_static(b"{}")).await.expect_err("no answer");
    assert!(matches!(&error, CloudError::Unreachable(_)) && error.retryable(), "{error:?}");
    assert!(error.cause().expect("a cause").contains("refused"), "{error:?}");
}

#[tokio::test]
async fn the_missing_permission_and_the_limit_are_named() {
    let message = "User: arn:aws:iam::1:user/x is not authorized to perform: lambda:InvokeFunction on resource: y";
    let error = invoked(refusal(403, "AccessDeniedException", message)).await.0.expect_err("denied");
    assert!(error.hint().contains("lambda:InvokeFunction") && error.to_string().contains("us-west-2"), "{error}");
    let body = r#"{"message":"Rate Exceeded.","Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}"#;
    let act = answer(429, "x-amzn-errortype: TooManyRequestsException\r\n", body);
    let error = invoked(act).await.0.expect_err("throttled");
    assert!(error.hint().contains("reserved concurrency"), "{error}");
}

const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
    </GetCallerIdentityResponse>";

/// An Invoke that is answered "security token invalid", where the credentials are or are not accepted elsewhere.
async fn with_invalid_token(accepted_elsewhere: bool) -> (CloudError, bool) {
    let server = Server::start(move |_, asked| match asked.body.contains("GetCallerIdentity") {
        true if accepted_elsewhere => answer(200, "", CALLER),
        true => answer(403, "", "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"),
        false => refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    })
    .await;
    let (account, cloud) = cloud(&server).await;
    let before = account.session();
    let error = cloud.invoke(REGION, Bytes::from_static(b"{}")).await.expect_err("refused");
    (error, !std::sync::Arc::ptr_eq(&before, &account.session()))
}

#[tokio::test]
async fn a_region_that_is_not_enabled_is_told_from_wrong_credentials() {
    let (error, reloaded) = with_invalid_token(true).await;
    assert!(matches!(&error, CloudError::RegionDisabled { region, .. } if region == REGION), "{error:?}");
    assert!(error.to_string().contains("not enabled") && error.hint().contains("enable us-west-2") && !reloaded);
    let (error, reloaded) = with_invalid_token(false).await;
    assert_eq!((error.code(), reloaded), ("credentials_invalid", true), "{error:?}");
}
