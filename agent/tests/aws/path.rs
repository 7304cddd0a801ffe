//! The whole way of a user: deploy in four regions, browse through each, rotate, and leave no trace.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::program::Program;
use super::tools::wait_for;
use super::world::{FOUR, World, deploy, deployed, nothing};

/// The addresses of the regions' active exits.
fn addresses(agent: &Program) -> Option<BTreeMap<String, String>> {
    let status = agent.status()?;
    let active = status["exits"].as_array()?.iter().filter(|exit| exit["state"] == "active");
    active.map(|exit| Some((exit["region"].as_str()?.to_owned(), exit["exit_ip"].as_str()?.to_owned()))).collect()
}

/// Waits until every region has an active exit with an address.
fn all_addresses(agent: &Program) -> BTreeMap<String, String> {
    wait_for("the exits' addresses", || addresses(agent).filter(|found| found.len() == FOUR.len()))
}

fn visited_through(world: &World, agent: &Program) -> HashSet<String> {
    (0..2 * FOUR.len()).map(|_| world.address_through(agent)).collect()
}

fn generation(agent: &Program, region: &str) -> u64 {
    let status = agent.status().expect("a status");
    let exits = status["exits"].as_array().expect("exits");
    let of_region = exits.iter().filter(|exit| exit["region"] == region && exit["state"] == "active");
    of_region.filter_map(|exit| exit["generation"].as_u64()).max().expect("a generation")
}

#[test]
fn four_regions_are_deployed_used_rotated_and_destroyed_without_a_trace() {
    let world = World::new(json!({}));
    let desktop = world.desktop(&world.configuration(&FOUR, ""));

    let plan = deploy(&desktop, &["--plan"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(FOUR.iter().all(|region| plan.stdout.contains(region)), "{plan:?}");
    assert_eq!(world.account.holdings(), nothing(), "a plan makes nothing");
    assert!(world.account.calls_of("administrator").iter().all(|call| !call.writes));

    deployed(&desktop);
    let functions = world.account.holdings()["functions"].clone();
    assert_eq!(functions.as_object().map(serde_json::Map::len), Some(FOUR.len()), "{functions:#}");

    let mut agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    let first = all_addresses(&agent);
    let seen: HashSet<String> = first.values().cloned().collect();
    assert_eq!(visited_through(&world, &agent), seen, "every region carries requests");

    let rotated = agent.desktop.run(&["rotate"]);
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    let second = all_addresses(&agent);
    for region in FOUR {
        assert!(rotated.stdout.contains(&second[region]), "{region}: {rotated:?}");
    }

    let before = generation(&agent, "us-east-1");
    let fresh = agent.desktop.run(&["rotate", "--fresh", "us-east-1"]);
    assert_eq!(fresh.code, Some(0), "{fresh:?}");
    assert!(generation(&agent, "us-east-1") > before, "{:#}", agent.status().unwrap_or(Value::Null));
    let third = all_addresses(&agent);
    assert_ne!(third["us-east-1"], second["us-east-1"]);
    assert_eq!(third["us-west-1"], second["us-west-1"], "the other regions stay as they are");
    assert_eq!(visited_through(&world, &agent), third.values().cloned().collect());

    let destroyed = agent.desktop.run(&["destroy", "--yes"]);
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    agent.wait();
    assert_eq!(world.account.holdings(), nothing());
    let again = agent.desktop.run(&["destroy", "--yes"]);
    assert_eq!(again.code, Some(0), "{again:?}");
}
