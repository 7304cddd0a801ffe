//! `destroy` while the proxy runs: it asks first, and a running agent ends its exits before their functions go.

use serde_json::json;

use super::terminal;
use super::tools::wait_for;
use super::world::{World, deployed, nothing};

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];

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
