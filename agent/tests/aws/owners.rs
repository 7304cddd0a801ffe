//! Two desktops and one account: nobody touches what another has deployed, unless asked to adopt it.

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::world::{World, deploy, deployed, nothing};

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
