//! Two configurations of one desktop in one account: neither takes from the other what it needs.

use serde_json::json;

use super::desktop::{Desktop, Ended};
use super::world::{World, deployed, nothing};

const REGION: &str = "us-west-2";

fn functions(world: &World) -> Vec<String> {
    world.account.holdings()["functions"].as_object().expect("functions").keys().cloned().collect()
}

/// Two configurations of one desktop share the role, and one of them was renamed.
#[test]
fn a_role_stays_as_long_as_another_configuration_needs_it() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let named = |name: &str, more: &str| world.configuration(&[REGION], &format!("function_name = \"{name}\"\n{more}"));
    let first = world.desktop(&named("one", "logs = true"));
    let state = first.path().join("state").display().to_string();
    let second =
        Desktop::new(&named("two", "")).with(world.account.administrator.environment()).with([("XDG_STATE_HOME", state)]);
    deployed(&first);
    first.configure(&named("renamed", "logs = true"));
    deployed(&first);
    deployed(&second);
    let made = world.account.holdings();
    assert!(made["roles"].to_string().contains("/aws/lambda/renamed:"), "the second has silenced the first: {made:#}");
    deployed(&first);
    assert_eq!(world.account.holdings(), made, "they do not take turns in changing the role");

    let others = second.run(&["destroy", "--yes"]);
    assert_eq!(others.code, Some(0), "{others:?}");
    assert!(others.stdout.contains("kept for") && others.stdout.contains(&first.path().display().to_string()), "{others:?}");
    let again = second.run(&["destroy"]);
    assert_eq!(again.code, Some(0), "nothing is left to ask for: {again:?}");
    assert_eq!(functions(&world), ["us-west-2/one", "us-west-2/renamed"]);

    let policy = first.run(&["policy", "destroy"]);
    let bound = world.account.user("bound", &serde_json::from_str(&policy.stdout).expect("JSON"));
    let mut command = first.command(&["destroy", "--yes"]);
    let destroyed = Ended::from(command.envs(bound.environment()).output().expect("the command runs"));
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert_eq!(destroyed.stdout.matches("role awslambdaproxy").count(), 1, "{destroyed:?}");
    assert_eq!(world.account.holdings(), nothing());
}
