//! `destroy` while the proxy runs: it asks first, and a running agent ends its exits before their functions go.

use std::time::{Duration, Instant};

use serde_json::json;

use super::desktop::Ended;
use super::terminal;
use super::tools::{connect_through, wait_for};
use super::world::{World, deployed, nothing};

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];
/// How long running streams may take: an agent that waits for them is not gone in time.
const DRAIN: &str = "5m";

#[test]
fn a_running_proxy_is_left_alone_on_a_no_and_ended_in_order_on_a_yes() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    deployed(&desktop);
    let made = world.account.holdings();
    let mut agent = desktop.agent(&[]);
    agent.wait_until_healthy();

    let unasked = agent.desktop.run(&["destroy"]);
    assert!(unasked.code == Some(2) && unasked.stderr.contains("--yes"), "without a terminal: {unasked:?}");
    let kept = terminal::run(&agent.desktop, &["destroy"], &json!([["[y/N]", "", false]]));
    assert!(kept.code == Some(1) && kept.stdout.contains("nothing was removed"), "{kept:?}");
    assert!(REGIONS.iter().all(|region| kept.stdout.contains(region)), "the plan is shown before: {kept:?}");
    assert_eq!(world.account.holdings(), made);
    assert!(world.address_through(&agent).starts_with("127.64."), "the proxy runs on");

    let removed = terminal::run(&agent.desktop, &["destroy"], &json!([["[y/N]", "y", false]]));
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert!(removed.stdout.contains(&format!("process {}", agent.process.id())), "{removed:?}");
    assert!(agent.wait().success(), "it was asked to end, and did");
    assert_eq!(world.account.holdings(), nothing());
    wait_for("the functions' ends", || (world.account.billed()["requests"] == REGIONS.len()).then_some(()));
}

#[test]
fn an_interrupt_at_the_question_ends_it_and_nothing_is_removed() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&REGIONS[..1], ""));
    deployed(&desktop);
    let made = world.account.holdings();
    let ended = terminal::run(&desktop, &["destroy"], &json!([["remove all of this?", "^C", false]]));
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(world.account.holdings(), made);
}

#[test]
fn who_may_not_even_look_ends_no_agent_and_is_told_once_for_all_regions() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    deployed(&desktop);
    let made = world.account.holdings();
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    let guest = world.account.user("guest", &json!({"Version": "2012-10-17", "Statement": []}));
    let mut destroy = agent.desktop.command(&["destroy", "--yes"]);
    let refused = Ended::from(destroy.envs(guest.environment()).output().expect("it runs"));
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(!refused.stderr.contains("process") && !refused.stdout.contains("is not authorized"), "{refused:?}");
    assert_eq!(refused.stdout.matches("lambda:GetFunctionConfiguration").count(), REGIONS.len(), "{refused:?}");
    assert_eq!(refused.stderr.matches("is not authorized to perform: lambda:GetFunctionConfiguration").count(), 1, "{refused:?}");
    assert_eq!(world.account.holdings(), made);
    assert!(world.address_through(&agent).starts_with("127.64."), "the proxy runs on");
}

#[test]
fn an_agent_that_would_drain_for_long_ends_before_its_functions() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&REGIONS[..1], ""));
    deployed(&desktop);
    let mut agent = desktop.agent(&["--drain", DRAIN]);
    agent.wait_until_healthy();
    let _running = connect_through(agent.proxy(), ([127, 0, 0, 1], world.site.http).into());
    let begun = Instant::now();
    let destroyed = agent.desktop.run(&["destroy", "--yes"]);
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert!(begun.elapsed() < Duration::from_secs(20) && agent.wait().success(), "{}", agent.log());
    assert_eq!(world.account.holdings(), nothing());
}
