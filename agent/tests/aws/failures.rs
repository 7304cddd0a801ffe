//! AWS at its worst: every kind of failure at every call of a deployment, roles that are too new, mistakes that never heal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desktop::{Desktop, Ended};
use super::front::Account;
use super::tools::soak;
use super::world::{World, ZIP, deploy};

const REGIONS: [&str; 1] = ["us-west-2"];
/// How many deployments at a time; most of them wait.
const AT_ONCE: usize = 6;
/// Uploads the code.
const UPLOAD: &str = "lambda:CreateFunction";
/// Longer than a deployment may take, whatever a single call does.
const BOUND: Duration = Duration::from_secs(150);
/// The same for one whose upload does it.
const UPLOAD_BOUND: Duration = Duration::from_secs(660);

/// What one call can come to at once, and how often in a row.
const KINDS: [(&str, u32); 6] = [("throttle", 2), ("error", 2), ("slow", 1), ("cut", 1), ("drop", 1), ("malformed", 1)];

fn begin(world: &World) -> (Account, Desktop) {
    let account = Account::open(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = Desktop::new(&world.configuration(&REGIONS, "")).with(account.administrator.environment());
    (account, desktop)
}

/// Deploys while one call fails so; it succeeds all the same, or says what failed, and can be repeated.
fn survives(world: &World, kind: &str, times: u32, action: &str) {
    let (account, desktop) = begin(world);
    account.fault(json!({"kind": kind, "times": times, "seconds": 1.0, "action": action, "after": kind == "slow"}));
    let begun = Instant::now();
    let ended = deploy(&desktop, &[]);
    let bound = if action == UPLOAD { UPLOAD_BOUND } else { BOUND };
    assert!(begun.elapsed() < bound, "{kind} at {action}: {:?}", begun.elapsed());
    let failed = matches!(ended.code, Some(1 | 4 | 7)) && names_the_call(&ended, action);
    assert!(ended.code == Some(0) || failed, "{kind} at {action}: {ended:?}");
    account.forget();
    let again = deploy(&desktop, &[]);
    assert_eq!(again.code, Some(0), "{kind} at {action}, again: {again:?}");
}

/// A message says which call it was, in AWS's word.
fn names_the_call(ended: &Ended, action: &str) -> bool {
    let operation = action.split_once(':').map_or(action, |(_, operation)| operation);
    format!("{}{}", ended.stdout, ended.stderr).contains(operation)
}

/// The calls of a first deployment, each once.
fn calls_of_a_deployment(world: &World) -> Vec<String> {
    let (account, desktop) = begin(world);
    assert_eq!(deploy(&desktop, &[]).code, Some(0));
    let mut actions: Vec<String> = account.calls_of("administrator").into_iter().map(|call| call.action).collect();
    actions.sort();
    actions.dedup();
    actions
}

/// A call that hangs is given up after a minute, an upload, which may be slow, after five: those trials wait, beside the others.
#[test]
fn a_failure_or_a_silence_at_any_call_is_survived_or_said_and_the_next_deployment_completes_it() {
    let world = World::new(json!({}));
    let actions = calls_of_a_deployment(&world);
    // Every call with a third of the kinds and every kind at a third of the calls; all with all in the soak.
    let is_meant = |kind: usize, action: usize| soak() > 1 || (kind + action).is_multiple_of(3);
    let trials: Vec<_> = (0..KINDS.len())
        .flat_map(|kind| (0..actions.len()).map(move |action| (kind, action)))
        .filter(|(kind, action)| is_meant(*kind, *action))
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for action in actions.iter().filter(|action| soak() > 1 || *action != UPLOAD) {
            let world = &world;
            scope.spawn(move || survives(world, "hang", 1, action));
        }
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((kind, action)) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    survives(&world, KINDS[*kind].0, KINDS[*kind].1, &actions[*action]);
                }
            });
        }
    });
}

#[test]
fn a_role_that_cannot_be_assumed_for_seconds_is_waited_for() {
    let world = World::new(json!({"role_delay_s": 8.0}));
    let desktop = world.desktop(&world.configuration(&["us-west-2", "eu-central-1"], ""));
    let ended = deploy(&desktop, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_mistake_that_never_heals_ends_soon_and_with_awss_own_words() {
    let world = World::new(json!({}));
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    let message = "The runtime parameter of provided.al2023 is not supported here.";
    world.account.fault(json!({"kind": "invalid-parameter", "action": "lambda:CreateFunction", "message": message}));
    let begun = Instant::now();
    let ended = deploy(&desktop, &[]);
    assert!(begun.elapsed() < Duration::from_secs(50), "as long as for a role that cannot be assumed: {:?}", begun.elapsed());
    assert!(matches!(ended.code, Some(4 | 7)), "{ended:?}");
    assert!(format!("{}{}", ended.stdout, ended.stderr).contains(message), "{ended:?}");
    let tries = world.account.calls_of("administrator").iter().filter(|call| call.action == "lambda:CreateFunction").count();
    assert_eq!(tries, 1, "a mistake is not repeated");
}

#[test]
fn one_region_that_fails_does_not_stop_the_others() {
    let world = World::new(json!({"closed_regions": ["af-south-1"]}));
    let desktop = world.desktop(&world.configuration(&["us-west-2", "af-south-1", "eu-central-1"], ""));
    let ended = deploy(&desktop, &[]);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    let told = format!("{}{}", ended.stdout, ended.stderr);
    assert!(told.contains("af-south-1") && told.contains("not enabled"), "{ended:?}");
    let functions: Vec<String> = functions(&world.account.holdings());
    assert_eq!(functions, ["eu-central-1/awslambdaproxy", "us-west-2/awslambdaproxy"]);
}

fn functions(holdings: &Value) -> Vec<String> {
    let mut names: Vec<String> = holdings["functions"].as_object().expect("functions").keys().cloned().collect();
    names.sort();
    names
}

#[test]
fn a_zip_that_is_not_ours_is_not_uploaded() {
    let world = World::new(json!({}));
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    let foreign = super::programs::zip("#!/bin/sh\n");
    let ended = desktop.run(&["deploy", "--function-zip", &foreign.display().to_string()]);
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains(&foreign.display().to_string()), "{ended:?}");
    assert!(ZIP.exists() && world.account.calls_of("administrator").iter().all(|call| !call.writes));
}
