//! Calls that only ask or change: tried a few times, and a change waited for.

use serde_json::{Value, json};

use super::server::{Act, Asked, Server, answer, refusal};
use super::{REGION, cloud};
use crate::cloud::{Cloud, GENERATION};

fn configuration(status: &str, generation: u64, revision: &str) -> Act {
    let variables = json!({"OTHER": "kept", GENERATION: generation.to_string()});
    let body = json!({"Environment": {"Variables": variables}, "RevisionId": revision, "LastUpdateStatus": status});
    answer(200, "", &body.to_string())
}

fn is_change(asked: &Asked) -> bool {
    asked.head.starts_with("PUT ")
}

#[tokio::test]
async fn a_generation_is_one_variable_more_and_is_waited_for() {
    let server = Server::start(|before, asked| match before {
        0 => configuration("Successful", 4, "r1"),
        1 if is_change(asked) => configuration("InProgress", 5, "r2"),
        2 => configuration("InProgress", 5, "r2"),
        _ => configuration("Successful", 5, "r3"),
    })
    .await;
    assert_eq!(cloud(&server).await.1.raise_generation(REGION).await.expect("raised"), 5);
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    let change: Value = serde_json::from_str(&asked[1].body).expect("JSON");
    assert_eq!(change, json!({"Environment": {"Variables": {"OTHER": "kept", GENERATION: "5"}}, "RevisionId": "r1"}));
}

#[tokio::test]
async fn somebody_elses_change_is_waited_for_and_kept() {
    let server = Server::start(|before, asked| match before {
        0 => configuration("Successful", 4, "r1"),
        1 if is_change(asked) => refusal(409, "ResourceConflictException", "An update is in progress for resource"),
        2 => configuration("Successful", 8, "r2"),
        3 if is_change(asked) => configuration("Successful", 9, "r3"),
        _ => configuration("Successful", 9, "r3"),
    })
    .await;
    assert_eq!(cloud(&server).await.1.raise_generation(REGION).await.expect("raised"), 9);
    assert!(server.asked()[3].body.contains("\"r2\""), "{:?}", server.asked()[3]);
}

#[tokio::test]
async fn a_change_that_failed_and_variables_that_cannot_be_read_are_told() {
    let failed = json!({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no such key"}).to_string();
    let sealed = json!({"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS says no"}}}).to_string();
    for (body, cause) in [(failed, "no such key"), (sealed, "KMS says no")] {
        let server = Server::start(move |_, _| answer(200, "", &body)).await;
        let error = cloud(&server).await.1.raise_generation(REGION).await.expect_err("not raised");
        assert!(error.to_string().contains(cause), "{error}");
        assert!(!server.asked().iter().any(is_change));
    }
}

#[tokio::test]
async fn a_call_that_fails_is_tried_three_times_at_most() {
    let settings = r#"{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":7}}"#;
    let server = Server::start(move |before, _| match before {
        0 => refusal(500, "ServiceException", ""),
        1 => Act::Cut(String::new()),
        _ => answer(200, "", settings),
    })
    .await;
    assert_eq!(cloud(&server).await.1.concurrency(REGION).await, Some(7));
    assert_eq!(server.asked().len(), 3);
    let server = Server::start(|_, _| refusal(503, "ServiceException", "")).await;
    assert_eq!(cloud(&server).await.1.concurrency(REGION).await, None);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_limit_that_may_not_be_asked_for_is_unknown() {
    let server =
        Server::start(|_, _| refusal(403, "AccessDeniedException", "not authorized to perform: lambda:GetAccountSettings")).await;
    assert_eq!(cloud(&server).await.1.concurrency(REGION).await, None);
    assert_eq!(server.asked().len(), 1);
}
