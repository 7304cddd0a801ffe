//! `rotate --fresh` while AWS is busy with a change that somebody else has made.

use serde_json::{Value, json};

use super::program::Program;
use super::world::{World, deployed};

const REGION: &str = "us-west-2";

fn newest_generation(agent: &Program) -> u64 {
    let status = agent.status().expect("a status");
    let exits = status["exits"].as_array().expect("exits");
    exits.iter().filter(|exit| exit["state"] == "active").filter_map(|exit| exit["generation"].as_u64()).max().expect("an exit")
}

fn configuration(world: &World) -> Value {
    world.account.aws("lambda", REGION, "get_function_configuration", json!({"FunctionName": "awslambdaproxy"}))
}

#[test]
fn a_change_in_progress_is_waited_for_and_kept() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&[REGION], ""));
    deployed(&desktop);
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    let before = newest_generation(&agent);
    world.account.laws(json!({"update_s": 6.0}));
    let change = json!({"FunctionName": "awslambdaproxy", "Description": "by hand"});
    world.account.aws("lambda", REGION, "update_function_configuration", change);
    assert_eq!(configuration(&world)["LastUpdateStatus"], "InProgress");
    let fresh = agent.desktop.run(&["rotate", "--fresh"]);
    assert_eq!(fresh.code, Some(0), "{fresh:?}");
    assert!(newest_generation(&agent) > before, "the exit is of the new generation: {fresh:?}");
    let after = configuration(&world);
    assert_eq!((&after["Description"], &after["LastUpdateStatus"]), (&json!("by hand"), &json!("Successful")), "{after:#}");
}
