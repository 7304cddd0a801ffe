//! `doctor`: what is wrong is found, said with its mend, and decides the exit code.

use serde_json::{Value, json};

use super::desktop::{Desktop, Ended};
use super::door;
use super::front::Account;
use super::program::Relay;
use super::relay_program::RelayProgram;
use super::world::{World, deployed};

/// A desktop with an account, a relay and these regions; nothing is deployed.
fn desktop(account: &Account, relay: &Relay, token: &str, regions: &[&str]) -> Desktop {
    let (regions, address) = (json!(regions), relay.address);
    let text = format!(
        "regions = {regions}\n[proxy]\nlisten = \"127.0.0.1:0\"\n[relay]\nurl = \"ws://{address}\"\ntoken = \"{token}\"\n\
         [exits]\ncheck_url = \"\"\n"
    );
    Desktop::new(&text).with(account.administrator.environment())
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).expect("JSON")
}

/// The check of a component and target.
fn check<'a>(document: &'a Value, component: &str, target: &str) -> &'a Value {
    let checks = document["checks"].as_array().expect("checks");
    let found = checks
        .iter()
        .find(|check| check["component"] == component && check["target"].as_str().is_some_and(|it| it.contains(target)));
    found.expect("such a check")
}

#[test]
fn what_works_passes_and_what_is_missing_is_named_with_its_mend() {
    let (account, relay) = (Account::open(json!({})), Relay::start());
    let desktop = desktop(&account, &relay, &relay.token, &["us-east-1"]);
    let ended = desktop.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let found = json_of(&ended);
    for (component, target) in [("config", "config.toml"), ("port", "127.0.0.1:0"), ("relay", "ws://"), ("region", "us-east-1")] {
        assert_eq!(check(&found, component, target)["status"], "PASS", "{found:#}");
    }
    let credentials = check(&found, "credentials", &account.id);
    assert_eq!(credentials["status"], "PASS", "{found:#}");
    let function = check(&found, "function", "us-east-1");
    assert_eq!(check(&found, "invoke", "us-east-1")["status"], "SKIP", "one thing that is missing fails once: {found:#}");
    assert!(function["status"] == "FAIL" && function["mend"].as_str().is_some_and(|mend| mend.contains("deploy")), "{found:#}");
    assert_eq!(check(&found, "exit", "-")["status"], "SKIP", "{found:#}");
    assert_eq!(check(&found, "agent", "version")["status"], "SKIP", "{found:#}");
    let text = desktop.run(&["doctor"]);
    assert_eq!(text.code, Some(4), "{text:?}");
    assert!(text.stdout.starts_with("COMPONENT") && text.stdout.lines().last().is_some_and(|line| line.starts_with("SUMMARY")));
    assert!(!text.stdout.contains(&relay.token), "a secret is shown");
}

#[test]
fn a_relay_that_does_not_know_the_token_is_the_relay_s_matter() {
    let (account, relay) = (Account::open(json!({})), Relay::start());
    let ended = desktop(&account, &relay, &"f".repeat(64), &["us-east-1"]).run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let relay = check(&json_of(&ended), "relay", "ws://").clone();
    assert!(relay["status"] == "FAIL" && relay["mend"].as_str().is_some_and(|mend| mend.contains("agent add")), "{relay:#}");
}

#[test]
fn a_region_that_is_not_enabled_is_told_from_wrong_credentials() {
    let (account, relay) = (Account::open(json!({"closed_regions": ["me-south-1"]})), Relay::start());
    let ended = desktop(&account, &relay, &relay.token, &["us-east-1", "me-south-1"]).run(&["doctor", "--json"]);
    let found = json_of(&ended);
    let region = check(&found, "region", "me-south-1");
    assert!(region["status"] == "FAIL" && region["details"].as_str().is_some_and(|it| it.contains("not enabled")), "{found:#}");
    let stranger = desktop(&account, &relay, &relay.token, &["us-east-1"]).with([("AWS_SECRET_ACCESS_KEY", "wrong".to_owned())]);
    let ended = stranger.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let found = json_of(&ended);
    assert_eq!(check(&found, "credentials", "us-east-1")["status"], "FAIL", "{found:#}");
    assert_eq!(check(&found, "region", "us-east-1")["status"], "SKIP", "{found:#}");
}

#[test]
fn without_a_sound_configuration_nothing_else_is_looked_at() {
    let ended = Desktop::new("regions = 7\n").run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let found = json_of(&ended);
    assert_eq!(found["summary"], json!({"pass": 0, "warn": 0, "fail": 1, "skip": 1}));
}

#[test]
fn where_all_is_well_every_check_passes_and_the_phases_of_an_exit_are_timed() {
    let (world, relay) = (World::new(json!({})), RelayProgram::start());
    let plain = format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\n", world.relay.address, world.relay.token);
    let desktop = world.desktop(&world.configuration(&["us-east-1"], "").replace(&plain, &relay.section()));
    deployed(&desktop);
    let ended = desktop.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let found = json_of(&ended);
    for component in ["region", "function", "invoke", "fresh", "quota", "exit", "version"] {
        assert_eq!(check(&found, component, "us-east-1")["status"], "PASS", "{component}: {found:#}");
    }
    let phases = check(&found, "exit", "us-east-1")["details"].as_str().expect("text").to_owned();
    let names: Vec<&str> = phases.split(" → ").filter_map(|phase| phase.strip_suffix(" ms")?.split(' ').next()).collect();
    let order = ["accepted", "started", "resolved", "TCP", "TLS", "upgrade", "paired", "ready", "probe"];
    assert_eq!(names, order, "{phases}");
    assert_eq!(world.account.billed()["requests"], 1, "a dry run runs nothing");
}

#[test]
fn a_function_that_does_not_reach_the_relay_says_how_far_it_came() {
    let world = World::new(json!({}));
    let desktop = world.desktop(&world.configuration(&["us-east-1"], ""));
    deployed(&desktop);
    let door = door::for_the_agent_alone(&world.relay).to_string();
    desktop.configure(&world.configuration(&["us-east-1"], "").replace(&world.relay.address.to_string(), &door));
    let ended = desktop.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(5), "it is the relay's matter: {ended:?}");
    let found = json_of(&ended);
    let exit = check(&found, "exit", "us-east-1");
    let details = exit["details"].as_str().expect("text");
    assert!(exit["status"] == "FAIL" && details.contains("the function could not reach the relay"), "{found:#}");
    let (_, passed) = details.split_once("before it: ").expect("how far it came");
    assert!(passed.contains("started") && passed.contains("TCP") && !passed.contains("upgrade"), "{passed}");
    assert!(exit["mend"].as_str().is_some_and(|mend| mend.contains("from the internet")), "{found:#}");
}

#[test]
fn a_permission_that_is_missing_is_named() {
    let world = World::new(json!({}));
    deployed(&world.desktop(&world.configuration(&["us-east-1"], "")));
    let statement =
        json!({"Effect": "Allow", "Action": ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"], "Resource": "*"});
    let user = world.account.user("reader", &json!({"Version": "2012-10-17", "Statement": [statement]}));
    let ended = world.desktop_of(&user, &world.configuration(&["us-east-1"], "")).run(&["doctor", "--json"]);
    let found = json_of(&ended);
    assert_eq!(check(&found, "invoke", "us-east-1")["status"], "PASS", "{found:#}");
    let fresh = check(&found, "fresh", "us-east-1");
    let mend = fresh["mend"].as_str().expect("a mend");
    assert!(fresh["status"] == "FAIL" && mend.contains("lambda:UpdateFunctionConfiguration"), "{found:#}");
    assert_eq!(check(&found, "quota", "us-east-1")["status"], "SKIP", "{found:#}");
}
