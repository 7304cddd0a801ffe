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
    let second = beside(&world, &first, &named("two", ""));
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

    let destroyed = destroyed_within_its_policy(&world, &first, "bound");
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert_eq!(destroyed.stdout.matches("role awslambdaproxy").count(), 1, "{destroyed:?}");
    assert_eq!(world.account.holdings(), nothing());
}

/// With the least policy of each: the role does not send the first into a region in which only the second was.
#[test]
fn a_role_that_stays_names_no_region_any_more_in_which_nothing_is_left() {
    const OTHER: &str = "eu-central-1";
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let first = world.desktop(&world.configuration(&[REGION], "function_name = \"one\""));
    let second = beside(&world, &first, &world.configuration(&[OTHER], "function_name = \"two\""));
    deployed(&first);
    let alone = world.account.holdings();
    deployed(&second);
    let others = destroyed_within_its_policy(&world, &second, "second");
    assert_eq!(others.code, Some(0), "{others:?}");
    assert_eq!(world.account.holdings(), alone);
    let own = destroyed_within_its_policy(&world, &first, "first");
    assert_eq!(own.code, Some(0), "{own:?}");
    assert_eq!(world.account.holdings(), nothing());
}

/// The configuration went elsewhere meanwhile, and a first removal could not remove all.
#[test]
fn what_a_removal_left_is_removed_by_the_next_within_the_policy_of_then() {
    const EARLIER: &str = "eu-central-1";
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&[REGION, EARLIER], ""));
    deployed(&desktop);
    desktop.configure(&world.configuration(&[REGION], ""));
    world.account.fault(json!({"kind": "error", "action": "lambda:DeleteFunction", "region": REGION}));
    let partly = desktop.run(&["destroy", "--yes"]);
    assert!(partly.code == Some(7) && partly.stdout.contains("it is kept"), "{partly:?}");
    world.account.forget();
    let rest = destroyed_within_its_policy(&world, &desktop, "bound");
    assert_eq!(rest.code, Some(0), "{rest:?}");
    assert_eq!(world.account.holdings(), nothing());
}

/// Another configuration of the same desktop.
fn beside(world: &World, first: &Desktop, configuration: &str) -> Desktop {
    let state = first.path().join("state").display().to_string();
    Desktop::new(configuration).with(world.account.administrator.environment()).with([("XDG_STATE_HOME", state)])
}

/// Removes with nothing more than what `policy destroy` prints.
fn destroyed_within_its_policy(world: &World, desktop: &Desktop, user: &str) -> Ended {
    let policy = desktop.run(&["policy", "destroy"]);
    let bound = world.account.user(user, &serde_json::from_str(&policy.stdout).expect("JSON"));
    let mut command = desktop.command(&["destroy", "--yes"]);
    command.envs(bound.environment()).output().expect("the command runs").into()
}
