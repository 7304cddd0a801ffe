//! A region that allows fewer invocations at a time than the configuration wants.

use super::program::{BASE, Program};
use super::tools::wait_for;

#[test]
fn no_more_is_planned_than_the_account_allows_and_a_problem_says_so() {
    let limit = "max_per_region = 4\n[local]\nconcurrency = 2\n";
    let agent = Program::start(&format!("regions = [\"local-1\"]\nfrequency = \"1s\"\n{BASE}{limit}"));
    let ended = || {
        let status = agent.status()?;
        let exits = status["exits"].as_array()?.iter().filter(|exit| exit["state"] == "closed").count();
        (exits >= 4).then_some(status)
    };
    let status = wait_for("some rotations", ended);
    let problems = status["problems"].as_array().expect("problems");
    assert_eq!((problems.len(), &problems[0]["code"]), (1, &"concurrency_limit".into()), "{status:#}");
    let text = problems[0]["text"].as_str().expect("text");
    assert!(text.contains("2 at a time in local-1") && text.contains("max_per_region is 4"), "{text}");
    assert!(!agent.log().contains("throttled"), "{}", agent.log());
}
