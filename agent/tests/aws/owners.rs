//! Two desktops and one account: nobody touches what another has deployed, unless asked to adopt it.

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::world::{World, deploy, deployed, nothing};

/// What an older tool named as ours would be.
const LOG_GROUP: &str = "/aws/lambda/awslambdaproxy";

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];

#[test]
fn what_another_desktop_deployed_is_left_alone_until_it_is_adopted() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let configuration = world.configuration(&REGIONS, "");
    let (first, second) = (world.desktop(&configuration), world.desktop(&configuration));
    deployed(&first);
    let made = world.account.holdings();
    for arguments in [&["deploy", "--function-zip", &super::world::ZIP.display().to_string()][..], &["destroy", "--yes"]] {
        let refused = second.run(arguments);
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert!(format!("{}{}", refused.stdout, refused.stderr).contains("--adopt"), "{refused:?}");
        assert_eq!(world.account.holdings(), made, "{arguments:?}");
    }
    is_called_anothers(&second, REGIONS[0]);
    is_called_anothers(&second, "role awslambdaproxy");
    assert_eq!(owner_check(&first, REGIONS[0])["status"], "PASS");
    let adopted = deploy(&second, &["--adopt"]);
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    assert_ne!(world.account.holdings(), made, "the tags say who owns it now");
    assert_ne!(deploy(&first, &[]).code, Some(0), "the first has lost it");
    let destroyed = first.run(&["destroy", "--yes", "--adopt"]);
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert_eq!(world.account.holdings(), nothing());
}

/// What `doctor` says of whose it is.
fn owner_check(desktop: &Desktop, target: &str) -> Value {
    let found: Value = serde_json::from_str(&desktop.run(&["doctor", "--json"]).stdout).expect("JSON");
    let checks = found["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["component"] == "owner" && check["target"] == target);
    check.unwrap_or_else(|| unreachable!("{target}: {found:#}")).clone()
}

fn is_called_anothers(desktop: &Desktop, target: &str) {
    let check = owner_check(desktop, target);
    let (details, mend) = (check["details"].as_str().expect("details"), check["mend"].as_str().expect("a mend"));
    assert!(check["status"] == "WARN" && details.contains("another owner") && mend.contains("--adopt"), "{check:#}");
}

#[test]
fn a_function_or_role_of_the_same_name_that_is_no_ones_of_ours_is_not_touched() {
    let world = World::new(json!({}));
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let role = json!({"RoleName": "awslambdaproxy", "AssumeRolePolicyDocument": trust});
    world.account.aws("iam", "us-east-1", "create_role", role);
    let foreign = world.account.holdings();
    // With logs: no group is made either, in a region that nothing would remember.
    let desktop = world.desktop(&world.configuration(&REGIONS, "logs = true"));
    let told = owner_check(&desktop, "role awslambdaproxy");
    assert!(told["status"] == "WARN" && told["details"].as_str().is_some_and(|it| it.contains("did not make it")), "{told:#}");
    for arguments in [&["deploy", "--function-zip", &super::world::ZIP.display().to_string()][..], &["destroy", "--yes"]] {
        let refused = desktop.run(arguments);
        let told = format!("{}{}", refused.stdout, refused.stderr);
        assert!(refused.code != Some(0) || arguments[0] == "destroy", "{refused:?}");
        assert!(told.contains("awslambdaproxy"), "{refused:?}");
        assert_eq!(world.account.holdings(), foreign, "{arguments:?}");
    }
}

/// Where the desktop says that something of it may stand.
fn remembered(desktop: &Desktop) -> Value {
    let state = std::fs::read(desktop.state().join("deployments.json")).expect("a state");
    let contents: Value = serde_json::from_slice(&state).expect("JSON");
    contents["deployments"].clone()
}

#[test]
fn a_log_group_that_no_desktop_made_is_named_and_left_and_does_not_keep_the_role() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    world.account.aws("logs", REGIONS[0], "create_log_group", json!({"logGroupName": LOG_GROUP}));
    let foreign = world.account.holdings();
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    deployed(&desktop);
    for _ in 0..2 {
        let destroyed = desktop.run(&["destroy", "--yes"]);
        assert_eq!(destroyed.code, Some(0), "all of ours is gone: {destroyed:?}");
        let told = destroyed.stdout.lines().any(|line| line.contains(LOG_GROUP) && line.contains("left alone"));
        assert!(told && destroyed.stderr.contains("--adopt"), "{destroyed:?}");
        assert_eq!(world.account.holdings(), foreign);
        assert_eq!(remembered(&desktop), json!([]));
    }
    let adopted = desktop.run(&["destroy", "--yes", "--adopt"]);
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    assert_eq!(world.account.holdings(), nothing());
}

#[test]
fn a_region_in_which_another_desktop_has_the_name_does_not_keep_what_is_ours() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let first = world.desktop(&world.configuration(&REGIONS[..1], ""));
    deployed(&first);
    let others = world.account.holdings();
    let second = world.desktop(&world.configuration(&REGIONS, "role_name = \"mine\""));
    let partly = deploy(&second, &[]);
    assert_eq!(partly.code, Some(7), "{partly:?}");
    let tags = &world.account.holdings()["roles"]["mine"]["tags"];
    let names = |region: &str| tags.get(format!("awslambdaproxy:region:{region}")).is_some();
    assert!(!names(REGIONS[0]) && names(REGIONS[1]), "the role names where functions of it may be: {tags:#}");
    // A deployment that came before the other desktop's.
    let tag = json!([{"Key": format!("awslambdaproxy:region:{}", REGIONS[0]), "Value": "in-use"}]);
    world.account.aws("iam", "us-east-1", "tag_role", json!({"RoleName": "mine", "Tags": tag}));
    let destroyed = second.run(&["destroy", "--yes"]);
    assert_eq!(destroyed.code, Some(0), "all of ours is gone: {destroyed:?}");
    let told = |line: &str| line.starts_with(REGIONS[0]) && line.contains("left alone") && line.contains("another owner");
    assert!(destroyed.stdout.lines().any(told), "{destroyed:?}");
    assert_eq!(world.account.holdings(), others);
    assert_eq!(remembered(&second), json!([]));
}

#[test]
fn no_role_is_made_where_every_function_is_anothers() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let first = world.desktop(&world.configuration(&REGIONS, "role_name = \"theirs\""));
    deployed(&first);
    let others = world.account.holdings();
    let second = world.desktop(&world.configuration(&REGIONS, ""));
    for arguments in [&["--plan"][..], &[]] {
        let refused = deploy(&second, arguments);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stdout.contains("no region") && refused.stderr.contains("--adopt"), "{refused:?}");
        assert_eq!(world.account.holdings(), others);
    }
    second.configure(&world.configuration(&REGIONS, "role_name = \"mine\"\nfunction_name = \"mine\""));
    deployed(&second);
    let destroyed = second.run(&["destroy", "--yes"]);
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert_eq!(world.account.holdings(), others, "nothing is left under the names of before");
}
