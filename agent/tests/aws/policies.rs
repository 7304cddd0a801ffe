//! The least policy that `policy` prints: each command passes with its own and nothing more, and with any one action taken
//! away it fails with a message that names it.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};

use super::desktop::{Desktop, Ended};
use super::drift::{ATTACHED, DRIFTS, Drift, LOG_DRIFTS, ours};
use super::front::{Account, Keys};
use super::tools::wait_for;
use super::world::{World, ZIP, nothing};

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];
/// Where another configuration is deployed, under the same role.
const NEIGHBOURS_REGION: &str = "us-east-1";
const USER: &str = "user";
/// Nothing depends on these: without them something is not known.
const OPTIONAL: [&str; 1] = ["lambda:GetAccountSettings"];

/// Something that a command does under its policy, in an account that was prepared without one.
struct Scene {
    name: String,
    prepare: Box<dyn Fn(&Stage)>,
    act: fn(&Stage) -> Ended,
}

/// An account, and a desktop whose owner is its administrator or a user with a policy, as a command needs it.
struct Stage {
    account: Account,
    desktop: Desktop,
    bound: Keys,
    configuration: String,
}

impl Stage {
    /// The user's policy is the one that `policy COMMAND` prints, less some action.
    fn new(world: &World, more: &str, command: &str, without: Option<&str>) -> Self {
        let account = Account::open(json!({"pending_s": 0.0, "update_s": 0.0}));
        let configuration = world.configuration(&REGIONS, more);
        let desktop = Desktop::new(&configuration).with(account.administrator.environment());
        let policy = printed(&desktop, command);
        let bound = account.user(USER, &without.map_or_else(|| policy.clone(), |action| less(&policy, action)));
        Self { account, desktop, bound, configuration }
    }

    /// Deploys with every permission there is.
    fn deployed(&self) {
        let ended = self.desktop.run(&["deploy", "--function-zip", &ZIP.display().to_string()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    /// Deploys, and from another configuration elsewhere, under the same role.
    fn deployed_twice(&self) {
        self.deployed();
        let elsewhere = self.configuration.replace(&json!(REGIONS).to_string(), &json!([NEIGHBOURS_REGION]).to_string());
        let state = self.desktop.path().join("state").display().to_string();
        let neighbour = Desktop::new(&elsewhere).with(self.account.administrator.environment()).with([("XDG_STATE_HOME", state)]);
        super::world::deployed(&neighbour);
    }

    /// Deploys with logs, which the configuration does not want any more.
    fn deployed_with_logs(&self) {
        self.desktop.configure(&format!("{}logs = true\n", self.configuration));
        self.deployed();
        self.desktop.configure(&self.configuration);
    }

    /// Runs a command with the user's permissions.
    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.desktop.command(arguments);
        command.envs(self.bound.environment()).output().expect("the command runs").into()
    }

    /// What the user's calls needed.
    fn needed(&self) -> BTreeSet<String> {
        self.account.calls_of(USER).into_iter().flat_map(|call| call.needs).collect()
    }
}

fn printed(desktop: &Desktop, command: &str) -> Value {
    let ended = desktop.run(&["policy", command]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("the policy is JSON")
}

/// Every action that a policy allows; none by a pattern.
fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().expect("statements");
    let listed = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        one => vec![one.clone()],
    });
    let actions: BTreeSet<String> = listed.map(|action| action.as_str().expect("an action").to_owned()).collect();
    assert!(actions.iter().all(|action| !action.contains('*')), "{actions:?}");
    actions
}

/// The policy without an action.
fn less(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().expect("statements") {
        match &mut statement["Action"] {
            Value::Array(actions) => actions.retain(|each| each != action),
            one if one == action => *one = json!([]),
            _ => {}
        }
    }
    policy
}

/// Every scene passes with the whole policy; every action of it is needed in some scene, which fails by name without it.
fn is_exactly_enough(world: &World, more: &str, command: &str, scenes: &[Scene]) {
    is_enough(world, more, command, scenes, &BTreeSet::new());
}

/// The same, where some actions were shown to be needed elsewhere.
fn is_enough(world: &World, more: &str, command: &str, scenes: &[Scene], shown: &BTreeSet<String>) {
    let mut unused = actions(&printed(&world.desktop(&world.configuration(&REGIONS, more)), command));
    unused.retain(|action| !shown.contains(action));
    for scene in scenes {
        let stage = Stage::new(world, more, command, None);
        (scene.prepare)(&stage);
        let ended = (scene.act)(&stage);
        assert_eq!(ended.code, Some(0), "{}: {ended:?}", scene.name);
        for action in stage.needed() {
            if unused.remove(&action) {
                fails_by_name(world, more, command, scene, &action);
            }
        }
    }
    assert_eq!(unused, BTreeSet::new(), "policy {command} grants what nothing needs");
}

fn fails_by_name(world: &World, more: &str, command: &str, scene: &Scene, action: &str) {
    let stage = Stage::new(world, more, command, Some(action));
    (scene.prepare)(&stage);
    let ended = (scene.act)(&stage);
    if OPTIONAL.contains(&action) {
        assert_eq!(ended.code, Some(0), "{} without {action}: {ended:?}", scene.name);
        return;
    }
    let told = format!("{}{}", ended.stdout, ended.stderr);
    assert!(matches!(ended.code, Some(4 | 7)), "{} without {action}: {ended:?}", scene.name);
    assert!(told.contains(action), "{} without {action}: {told}", scene.name);
}

/// The first deployment, and the mending of each thing that may have been changed by hand.
fn deployments() -> Vec<Scene> {
    let act = |stage: &Stage| stage.run(&["deploy", "--function-zip", &ZIP.display().to_string()]);
    let first = Scene { name: "the first".into(), prepare: Box::new(|_| {}), act };
    let logs = Scene { name: "logs are switched off".into(), prepare: Box::new(Stage::deployed_with_logs), act };
    let mut scenes = vec![first, logs];
    scenes.extend(mended(DRIFTS, act));
    scenes
}

fn mended(drifts: &'static [Drift], act: fn(&Stage) -> Ended) -> impl Iterator<Item = Scene> {
    drifts.iter().map(move |drift| Scene {
        name: drift.name.into(),
        prepare: Box::new(|stage| {
            stage.deployed();
            (drift.by_hand)(&stage.account);
        }),
        act,
    })
}

#[test]
fn deploy_needs_exactly_what_its_policy_grants() {
    is_exactly_enough(&World::new(json!({})), "", "deploy", &deployments());
}

/// What logs need beside that. Nothing of it removes a log group.
#[test]
fn deploy_with_logs_needs_exactly_what_its_policy_grants() {
    let world = World::new(json!({}));
    let act = |stage: &Stage| stage.run(&["deploy", "--function-zip", &ZIP.display().to_string()]);
    let first = Scene { name: "the first".into(), prepare: Box::new(|_| {}), act };
    let scenes: Vec<Scene> = std::iter::once(first).chain(mended(LOG_DRIFTS, act)).collect();
    let without = actions(&printed(&world.desktop(&world.configuration(&REGIONS, "")), "deploy"));
    is_enough(&world, "logs = true", "deploy", &scenes, &without);
}

/// With logs, and with a policy that somebody attached: whatever stands in the way of the role's end.
#[test]
fn destroy_needs_exactly_what_its_policy_grants() {
    let act = |stage: &Stage| {
        let ended = stage.run(&["destroy", "--yes"]);
        if ended.code == Some(0) {
            assert_eq!(ours(stage.account.holdings()), nothing());
        }
        ended
    };
    let attach = DRIFTS.iter().find(|drift| drift.name == ATTACHED).expect("it is one of them");
    let prepare = Box::new(|stage: &Stage| {
        stage.deployed();
        (attach.by_hand)(&stage.account);
    });
    let all = Scene { name: "all of it".into(), prepare, act };
    let act = |stage: &Stage| {
        let ended = stage.run(&["destroy", "--yes"]);
        if ended.code == Some(0) {
            let tags = stage.account.holdings()["roles"]["awslambdaproxy"]["tags"].to_string();
            assert!(tags.contains(NEIGHBOURS_REGION) && REGIONS.iter().all(|region| !tags.contains(region)), "{tags}");
        }
        ended
    };
    let shared = Scene { name: "another configuration shares the role".into(), prepare: Box::new(Stage::deployed_twice), act };
    is_exactly_enough(&World::new(json!({})), "logs = true", "destroy", &[all, shared]);
}

/// Runs the agent until it has exits or says why not.
fn run_and_rotate(stage: &Stage) -> Ended {
    let mut command = stage.desktop.command(&["run"]);
    let mut agent = command.envs(stage.bound.environment()).stderr(Stdio::null()).spawn().expect("the agent runs");
    let status = || serde_json::from_str::<Value>(&stage.desktop.run(&["status", "--json"]).stdout).ok();
    let told = wait_for("exits or a problem", || {
        let status = status()?;
        (status["health"] == "healthy" || status["problems"] != json!([])).then_some(status)
    });
    let mut ended = Ended { code: Some(4), stdout: told.to_string(), stderr: String::new() };
    if told["health"] == "healthy" {
        ended = stage.desktop.run(&["rotate", "--fresh"]);
    }
    super::program::send_signal(agent.id(), "TERM");
    agent.wait().expect("its end");
    ended
}

#[test]
fn run_needs_exactly_what_its_policy_grants() {
    let name = "run and rotate --fresh".into();
    let scenes = [Scene { name, prepare: Box::new(Stage::deployed), act: run_and_rotate }];
    is_exactly_enough(&World::new(json!({})), "", "run", &scenes);
}
