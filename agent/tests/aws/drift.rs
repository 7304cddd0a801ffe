//! Deploying again: nothing where nothing differs, and where one thing was changed by hand, just that.

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::front::{Account, Call};
use super::world::{ARCHITECTURE, World, ZIP, deployed};

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];
/// Where functions are changed by hand.
const REGION: &str = REGIONS[1];
const NAME: &str = "awslambdaproxy";
const TRUST_OF_ANOTHER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The name of one of them that a removal meets too.
pub const ATTACHED: &str = "a policy is attached to the role";

/// Something that somebody changes by hand, and the only calls that may mend it.
pub struct Drift {
    pub name: &'static str,
    pub by_hand: fn(&Account),
    pub mended_by: &'static [&'static str],
}

fn function(account: &Account, operation: &str, mut parameters: Value) {
    parameters["FunctionName"] = json!(NAME);
    account.aws("lambda", REGION, operation, parameters);
}

fn role(account: &Account, operation: &str, mut parameters: Value) {
    parameters["RoleName"] = json!(NAME);
    account.aws("iam", "us-east-1", operation, parameters);
}

fn arn(account: &Account) -> String {
    format!("arn:aws:lambda:{REGION}:{}:function:{NAME}", account.id)
}

/// A role of somebody else's that Lambda can take.
fn other_role(account: &Account) -> String {
    let trust = TRUST_OF_ANOTHER.replace("ec2", "lambda");
    let made = account.aws("iam", "us-east-1", "create_role", json!({"RoleName": "other", "AssumeRolePolicyDocument": trust}));
    made["Role"]["Arn"].as_str().expect("an ARN").to_owned()
}

/// Everything that `deploy` looks at.
pub const DRIFTS: &[Drift] = &[
    Drift {
        name: "the function is gone",
        by_hand: |account| function(account, "delete_function", json!({})),
        mended_by: &["lambda:CreateFunction"],
    },
    Drift {
        name: "other memory",
        by_hand: |account| function(account, "update_function_configuration", json!({"MemorySize": 512})),
        mended_by: &["lambda:UpdateFunctionConfiguration"],
    },
    Drift {
        name: "another time-out",
        by_hand: |account| function(account, "update_function_configuration", json!({"Timeout": 3})),
        mended_by: &["lambda:UpdateFunctionConfiguration"],
    },
    Drift {
        name: "another runtime",
        by_hand: |account| function(account, "update_function_configuration", json!({"Runtime": "provided.al2"})),
        mended_by: &["lambda:UpdateFunctionConfiguration"],
    },
    Drift {
        name: "other code",
        by_hand: |account| {
            let zip = super::programs::zip("#!/bin/sh\nexit 3\n");
            function(account, "update_function_code", json!({"ZipFile": {"$file": zip}}));
        },
        mended_by: &["lambda:UpdateFunctionCode"],
    },
    Drift {
        name: "another processor",
        by_hand: |account| {
            let other = if ARCHITECTURE == "arm64" { "x86_64" } else { "arm64" };
            let zip = ZIP.display().to_string();
            function(account, "update_function_code", json!({"ZipFile": {"$file": zip}, "Architectures": [other]}));
        },
        mended_by: &["lambda:UpdateFunctionCode"],
    },
    Drift {
        name: "another role of the function",
        by_hand: |account| {
            let role = other_role(account);
            function(account, "update_function_configuration", json!({"Role": role}));
        },
        mended_by: &["lambda:UpdateFunctionConfiguration"],
    },
    Drift {
        name: "a tag of the function's is gone",
        by_hand: |account| {
            let shown = account.aws("lambda", REGION, "list_tags", json!({"Resource": arn(account)}));
            let tags: Vec<&String> = shown["Tags"].as_object().expect("tags").keys().collect();
            let version = tags.iter().find(|tag| tag.contains("version")).expect("a tag of the version");
            account.aws("lambda", REGION, "untag_resource", json!({"Resource": arn(account), "TagKeys": [version]}));
        },
        mended_by: &["lambda:TagResource"],
    },
    Drift {
        name: "the role trusts another service",
        by_hand: |account| role(account, "update_assume_role_policy", json!({"PolicyDocument": TRUST_OF_ANOTHER})),
        mended_by: &["iam:UpdateAssumeRolePolicy"],
    },
    Drift {
        name: "the role may do everything",
        by_hand: |account| role(account, "put_role_policy", json!({"PolicyName": "more", "PolicyDocument": EVERYTHING})),
        mended_by: &["iam:DeleteRolePolicy"],
    },
    Drift {
        name: ATTACHED,
        by_hand: |account| {
            let made = json!({"PolicyName": "attached", "PolicyDocument": EVERYTHING});
            let made = account.aws("iam", "us-east-1", "create_policy", made);
            role(account, "attach_role_policy", json!({"PolicyArn": made["Policy"]["Arn"]}));
        },
        mended_by: &["iam:DetachRolePolicy"],
    },
    Drift {
        name: "a tag of the role's is gone",
        by_hand: |account| {
            let shown = account.aws("iam", "us-east-1", "list_role_tags", json!({"RoleName": NAME}));
            let tags = shown["Tags"].as_array().expect("tags");
            let region = tags.iter().map(|tag| &tag["Key"]).find(|key| key.as_str().is_some_and(|key| key.contains(REGION)));
            role(account, "untag_role", json!({"TagKeys": [region.expect("a tag of the region")]}));
        },
        mended_by: &["iam:TagRole"],
    },
    Drift {
        name: "the role is gone",
        by_hand: |account| role(account, "delete_role", json!({})),
        mended_by: &["iam:CreateRole"],
    },
];

/// The log group as CloudWatch Logs' calls take it.
fn log_group(account: &Account, operation: &str, mut parameters: Value) {
    parameters["logGroupName"] = json!(format!("/aws/lambda/{NAME}"));
    account.aws("logs", REGION, operation, parameters);
}

/// What it looks at besides, with `logs = true`.
pub const LOG_DRIFTS: &[Drift] = &[
    Drift {
        name: "the log group is gone",
        by_hand: |account| log_group(account, "delete_log_group", json!({})),
        mended_by: &["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
    },
    Drift {
        name: "another retention",
        by_hand: |account| log_group(account, "put_retention_policy", json!({"retentionInDays": 30})),
        mended_by: &["logs:PutRetentionPolicy"],
    },
    Drift {
        name: "logs are kept for ever",
        by_hand: |account| log_group(account, "delete_retention_policy", json!({})),
        mended_by: &["logs:PutRetentionPolicy"],
    },
    Drift {
        name: "the policy for logs allows everything",
        by_hand: |account| {
            let policy = json!({"PolicyName": "awslambdaproxy-logs", "PolicyDocument": EVERYTHING});
            role(account, "put_role_policy", policy);
        },
        mended_by: &["iam:PutRolePolicy"],
    },
    Drift {
        name: "the policy for logs is gone",
        by_hand: |account| role(account, "delete_role_policy", json!({"PolicyName": "awslambdaproxy-logs"})),
        mended_by: &["iam:PutRolePolicy"],
    },
];

/// The calls by which a deployment changed something.
pub fn writes(account: &Account) -> Vec<Call> {
    account.calls_of("administrator").into_iter().filter(|call| call.writes).collect()
}

/// Deploys, and names what that changed.
fn changed_by_deploying(world: &World, desktop: &Desktop) -> Vec<(String, String)> {
    world.account.forget();
    deployed(desktop);
    let mut changed: Vec<_> = writes(&world.account).into_iter().map(|call| (call.action, call.region)).collect();
    changed.dedup();
    changed
}

/// What is left of the helping hand is not deploy's to remove.
pub fn ours(mut holdings: Value) -> Value {
    holdings["policies"] = json!([]);
    if let Some(roles) = holdings["roles"].as_object_mut() {
        roles.remove("other");
    }
    holdings
}

#[test]
fn deploying_twice_changes_nothing() {
    let world = World::new(json!({}));
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    deployed(&desktop);
    let made = world.account.holdings();
    assert_eq!(changed_by_deploying(&world, &desktop), []);
    assert_eq!(world.account.holdings(), made);
}

#[test]
fn each_thing_that_was_changed_by_hand_is_mended_and_nothing_else() {
    each_is_mended("", DRIFTS);
}

#[test]
fn so_is_each_thing_about_logs() {
    each_is_mended("logs = true", LOG_DRIFTS);
}

fn each_is_mended(more: &str, drifts: &[Drift]) {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&REGIONS, more));
    deployed(&desktop);
    let wanted = world.account.holdings();
    for drift in drifts {
        (drift.by_hand)(&world.account);
        assert_ne!(ours(world.account.holdings()), wanted, "{}: nothing was changed by hand", drift.name);
        let changed = changed_by_deploying(&world, &desktop);
        let meant = |(action, region): &(String, String)| {
            drift.mended_by.contains(&action.as_str()) && (action.starts_with("iam:") || region == REGION)
        };
        assert!(!changed.is_empty() && changed.iter().all(meant), "{}: {changed:?}", drift.name);
        assert_eq!(ours(world.account.holdings()), wanted, "{}", drift.name);
        let cleaning = [("delete_role", json!({"RoleName": "other"}))];
        for (operation, parameters) in cleaning {
            let _absent = world.account.try_aws("iam", "us-east-1", operation, parameters);
        }
    }
    assert_eq!(changed_by_deploying(&world, &desktop), []);
}

#[test]
fn the_generation_is_no_drift_and_is_kept() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&REGIONS, ""));
    deployed(&desktop);
    let shown = world.account.aws("lambda", REGION, "get_function_configuration", json!({"FunctionName": NAME}));
    let mut variables = shown["Environment"]["Variables"].clone();
    variables["AWSLAMBDAPROXY_GENERATION"] = json!("41");
    function(&world.account, "update_function_configuration", json!({"Environment": {"Variables": variables}}));
    assert_eq!(changed_by_deploying(&world, &desktop), []);
    function(&world.account, "update_function_configuration", json!({"MemorySize": 512}));
    changed_by_deploying(&world, &desktop);
    let holdings = world.account.holdings();
    let kept = &holdings["functions"][format!("{REGION}/{NAME}")]["variables"]["AWSLAMBDAPROXY_GENERATION"];
    assert_eq!(kept, "41");
}
