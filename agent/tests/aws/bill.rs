//! What the agent counted is what was billed, also after it was killed.

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::program::Program;
use super::tools::wait_for;
use super::world::{World, deployed};

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];
/// Where nobody listens.
const NO_RELAY: &str = "127.0.0.1:1";
/// How long a function may outlive a killed agent, seconds, and what it may take to notice.
const GRACE_S: f64 = 5.0;
const NOTICING_S: f64 = 15.0;

fn begin() -> (World, Program) {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&configuration(&world));
    deployed(&desktop);
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    (world, agent)
}

fn configuration(world: &World) -> String {
    world.configuration(&REGIONS, "memory_mb = 512").replace("[exits]", &format!("[exits]\ngrace = \"{GRACE_S}s\""))
}

/// The month so far, as an agent shows it that adds nothing to it: without a relay nothing is invoked.
fn month(world: &World, desktop: &Desktop) -> Value {
    let relay = world.relay.address.to_string();
    desktop.configure(&configuration(world).replace(&relay, NO_RELAY));
    let agent = desktop.clone().agent(&[]);
    wait_for("a status", || agent.status())["month"].clone()
}

fn number(document: &Value, name: &str) -> f64 {
    document[name].as_f64().expect(name)
}

/// Waits until so many invocations have ended, and returns what they were billed.
fn billed(world: &World, requests: u64) -> Value {
    wait_for("the bill", || Some(world.account.billed()).filter(|billed| billed["requests"] == requests))
}

#[test]
fn the_month_counts_what_was_billed_to_the_millisecond() {
    let (world, mut agent) = begin();
    assert_eq!(agent.desktop.run(&["rotate"]).code, Some(0));
    agent.signal("TERM");
    assert!(agent.wait().success());
    let billed = billed(&world, 4);
    let month = month(&world, &agent.desktop);
    assert_eq!(month["requests"], 4, "{month:#}");
    let (counted, wanted) = (number(&month, "gb_seconds"), number(&billed, "gb_seconds"));
    assert!((counted - wanted).abs() < 1e-6, "counted {counted}, billed {wanted}");
    assert!(month["tariff_date"].is_string() && month["usd"].is_number(), "{month:#}");
}

#[test]
fn what_ran_when_the_agent_was_killed_is_not_counted_too_low() {
    let (world, mut agent) = begin();
    agent.signal("KILL");
    agent.wait();
    let billed = billed(&world, 2);
    let month = month(&world, &agent.desktop);
    assert_eq!(month["requests"], 2, "{month:#}");
    let (counted, least) = (number(&month, "gb_seconds"), number(&billed, "gb_seconds"));
    // Half a GB in two regions.
    assert!(counted >= least && counted <= least + GRACE_S + NOTICING_S, "counted {counted}, billed {least}");
}
