//! What goes wrong while the agent runs: `status` says which phase failed, where, and what to do, and the agent recovers.

use std::path::Path;

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::front::{Account, Keys, endpoint};
use super::program::Program;
use super::tools::wait_for;
use super::world::{World, deployed};
use super::{door, programs};

const REGION: &str = "us-west-2";
const NAME: &str = "awslambdaproxy";

/// Waits for a problem of this region whose phase, text and hint please the test.
fn wait_for_problem(agent: &Program, pleases: impl Fn(&str, &str) -> bool) -> Value {
    let begun = std::cell::Cell::new(Value::Null);
    let found = wait_for_or_show(agent, || {
        let status = agent.status()?;
        let problems = status["problems"].as_array()?.clone();
        begun.set(json!(problems));
        problems.into_iter().find(|problem| {
            let text =
                format!("{} {}", problem["text"].as_str().unwrap_or_default(), problem["hint"].as_str().unwrap_or_default());
            pleases(problem["phase"].as_str().unwrap_or_default(), &text)
        })
    });
    assert!(found["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{found:#}");
    found
}

fn wait_for_or_show<T>(agent: &Program, ask: impl FnMut() -> Option<T>) -> T {
    let status = || format!("{:#}", agent.status().unwrap_or(Value::Null)["problems"]);
    wait_for(&format!("a problem; at first {}", status()), ask)
}

/// Puts another program in the function's place, by hand.
fn replace_function(account: &Account, zip: &Path) {
    account.aws("lambda", REGION, "update_function_code", json!({"FunctionName": NAME, "ZipFile": {"$file": zip}}));
}

fn deployed_world(more: &str) -> (World, Desktop) {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&[REGION], more));
    deployed(&desktop);
    (world, desktop)
}

#[test]
fn a_region_that_is_not_enabled_is_called_so_and_the_others_work() {
    let (world, desktop) = deployed_world("");
    desktop.configure(&world.configuration(&[REGION, "af-south-1"], ""));
    world.account.laws(json!({"closed_regions": ["af-south-1"]}));
    let agent = desktop.agent(&[]);
    let problem = wait_for_problem(&agent, |_, text| text.contains("not enabled"));
    assert_eq!((&problem["region"], &problem["phase"]), (&json!("af-south-1"), &json!("invoke")), "{problem:#}");
    assert!(world.address_through(&agent).starts_with("127.64."));
}

#[test]
fn a_function_that_does_not_exist_is_missed_by_name() {
    let world = World::new(json!({}));
    let agent = world.desktop(&world.configuration(&[REGION], "")).agent(&[]);
    let problem = wait_for_problem(&agent, |phase, text| phase == "invoke" && text.contains("awslambdaproxy deploy"));
    assert_eq!(problem["region"], REGION, "{problem:#}");
    deployed(&agent.desktop);
    agent.wait_until_healthy();
    assert_eq!(agent.status().expect("a status")["problems"], json!([]), "the agent found it by itself");
    assert!(agent.log().contains("exits start again"), "{}", agent.log());
    assert!(world.address_through(&agent).starts_with("127.64."));
}

#[test]
fn a_function_of_another_version_is_told_by_status_and_doctor() {
    let (world, desktop) = deployed_world("");
    replace_function(&world.account, &programs::of_other_version());
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    let status = agent.status().expect("a status");
    assert_eq!(status["regions"][0]["function_version"], programs::OTHER_VERSION, "{status:#}");
    let skew = status["problems"].as_array().expect("problems").iter().find(|problem| problem["code"] == "version_skew");
    let hint = skew.and_then(|problem| problem["hint"].as_str()).expect("a problem with its mend");
    assert!(hint.contains("awslambdaproxy deploy"), "{status:#}");
    let examined = agent.desktop.run(&["doctor"]);
    let told = |line: &&str| line.starts_with("version") && line.contains("WARN") && line.contains(programs::OTHER_VERSION);
    assert!(examined.code == Some(0) && examined.stdout.lines().any(|line| told(&line)), "{examined:?}");
}

/// The month's figures are an account's: until AWS says which it is, all accounts' use counts.
#[test]
fn whose_account_it_is_is_asked_again_where_aws_could_not_say_at_the_start() {
    let (world, desktop) = deployed_world("");
    world.account.fault(json!({"kind": "error", "action": "sts:GetCallerIdentity", "times": 3}));
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    assert!(agent.log().contains("AWS does not say whose account this is"), "{}", agent.log());
    wait_for("the account's number", || agent.log().contains("whose account this is account=").then_some(()));
    assert_eq!(agent.desktop.run(&["rotate"]).code, Some(0));
    let ledger = std::fs::read_to_string(agent.desktop.state().join("usage.jsonl")).expect("the ledger");
    let last = ledger.lines().rfind(|line| line.contains("\"region\"") && line.contains("\"account\"")).expect("a beginning");
    assert!(last.contains(&world.account.id), "{ledger}");
}

#[test]
fn an_expired_session_is_replaced_on_disk_while_the_agent_runs() {
    let (world, _) = deployed_world("");
    let lasting = |seconds: f64| world.account.session(&world.account.administrator, seconds);
    let desktop = Desktop::new(&world.configuration(&[REGION], "")).with(endpoint());
    let first = lasting(600.0);
    write_credentials(&desktop, &first);
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    world.account.expire(&first);
    let rotated = agent.desktop.run(&["rotate"]);
    assert!(rotated.code == Some(4) && rotated.stderr.contains("expired"), "{rotated:?}");
    let problem = wait_for_problem(&agent, |_, text| text.contains("expired"));
    assert_eq!((&problem["phase"], &problem["code"]), (&json!("invoke"), &json!("credentials_expired")), "{problem:#}");
    assert!(world.address_through(&agent).starts_with("127.64."), "the exit that stands serves on");
    write_credentials(&agent.desktop, &lasting(600.0));
    wait_for("a new exit", || (agent.desktop.run(&["rotate"]).code == Some(0)).then_some(()));
    let healed = wait_for("no problem any more", || agent.status().filter(|status| status["problems"] == json!([])));
    assert_eq!(healed["health"], "healthy");
}

#[test]
fn an_agent_that_begins_with_an_expired_session_says_so_and_ends() {
    let world = World::new(json!({}));
    let over = world.account.session(&world.account.administrator, -1.0);
    let ended = world.desktop_of(&over, &world.configuration(&[REGION], "")).run(&["run"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("expired") && ended.stderr.contains("renew"), "{ended:?}");
}

fn write_credentials(desktop: &Desktop, keys: &Keys) {
    let folder = desktop.path().join(".aws");
    std::fs::create_dir_all(&folder).expect("folder");
    let token = keys.token.as_deref().expect("a session");
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {token}\n",
        keys.key, keys.secret
    );
    desktop.write(".aws/credentials", &text);
}

#[test]
fn a_function_that_crashes_at_its_start_shows_its_last_words() {
    let (world, desktop) = deployed_world("");
    replace_function(&world.account, &programs::zip("#!/bin/sh\necho 'cannot open the box' >&2\nexit 3\n"));
    let agent = desktop.agent(&[]);
    let problem = wait_for_problem(&agent, |_, text| text.contains("cannot open the box") || text.contains("exit status 3"));
    assert_eq!(problem["region"], REGION, "{problem:#}");
}

#[test]
fn a_function_that_never_answers_ends_with_its_time_and_is_called_so() {
    let (world, desktop) = deployed_world("timeout = \"10s\"");
    let program =
        "#!/bin/sh\ncurl -sS \"http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next\" >/dev/null\nsleep 60\n";
    replace_function(&world.account, &programs::zip(program));
    let agent = desktop.agent(&[]);
    let problem = wait_for_problem(&agent, |_, text| text.contains("timed out"));
    assert_eq!(problem["region"], REGION, "{problem:#}");
}

#[test]
fn a_relay_that_the_function_cannot_reach_is_the_one_to_blame() {
    let (world, desktop) = deployed_world("");
    let door = door::for_the_agent_alone(&world.relay);
    let configuration = world.configuration(&[REGION], "").replace(&world.relay.address.to_string(), &door.to_string());
    desktop.configure(&configuration);
    let agent = desktop.agent(&[]);
    let problem = wait_for_problem(&agent, |_, text| text.contains("the function could not reach the relay"));
    assert_eq!(problem["region"], REGION, "{problem:#}");
    assert!(problem["phase"] != "invoke", "the invocation was not at fault: {problem:#}");
}
