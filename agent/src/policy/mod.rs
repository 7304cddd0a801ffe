//! The least that AWS must allow, as an IAM policy: for `deploy`, for `run`, for `destroy`.
//!
//! Resources are as exact as AWS checks them: the names and regions of the configuration. The account's number stands as `*`,
//! since a policy grants nothing outside the account in which it stands, and so it can be printed without any credentials.
//!
//! Never: an action is written here. Each stands beside the call that needs it, in `cloud::aws`.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cloud::aws::{cloud, functions, log_groups, roles};
use crate::config::AwsConfig;
use crate::deploy::log_group_name;

/// What the credentials are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `deploy`.
    Deploy,
    /// `run`, `rotate`.
    Run,
    /// `destroy`.
    Destroy,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

/// The policy for a configuration's names in these regions.
pub fn policy(purpose: Purpose, config: &AwsConfig, regions: &[String]) -> Policy {
    let names = Names { config, regions };
    let statement = match purpose {
        Purpose::Deploy => names.deploy(),
        Purpose::Run => names.run(),
        Purpose::Destroy => names.destroy(),
    };
    Policy { version: "2012-10-17", statement }
}

/// What stands in the policies, by its full name.
struct Names<'a> {
    config: &'a AwsConfig,
    regions: &'a [String],
}

impl Names<'_> {
    fn deploy(&self) -> Vec<Statement> {
        let mut role = vec![
            roles::GET,
            roles::LIST_POLICIES,
            roles::LIST_ATTACHED,
            roles::CREATE,
            roles::TAG,
            roles::UPDATE_TRUST,
            roles::DELETE_POLICY,
            roles::DETACH,
        ];
        let mut groups = vec![log_groups::LIST_TAGS];
        if self.config.logs {
            role.extend([roles::GET_POLICY, roles::PUT_POLICY]);
            groups.extend([log_groups::CREATE, log_groups::TAG, log_groups::SET_RETENTION]);
        } else {
            groups.push(log_groups::DELETE);
        }
        let to_lambda = json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}});
        let functions = vec![
            functions::GET,
            functions::LIST_TAGS,
            functions::CREATE,
            functions::TAG,
            functions::UPDATE_CODE,
            functions::UPDATE_CONFIGURATION,
        ];
        vec![
            allow("Role", role, self.role()),
            Statement { condition: Some(to_lambda), ..allow("PassRole", vec![roles::PASS], self.role()) },
            allow("Functions", functions, self.functions()),
            allow("FindLogGroups", vec![log_groups::DESCRIBE], self.all_log_groups()),
            allow("LogGroups", groups, self.log_groups()),
        ]
    }

    fn run(&self) -> Vec<Statement> {
        vec![
            allow("Functions", vec![cloud::INVOKE, functions::GET, functions::UPDATE_CONFIGURATION], self.functions()),
            allow("Limits", vec![cloud::GET_ACCOUNT_SETTINGS], vec!["*".to_owned()]),
        ]
    }

    fn destroy(&self) -> Vec<Statement> {
        let role =
            vec![roles::GET, roles::LIST_POLICIES, roles::LIST_ATTACHED, roles::DELETE_POLICY, roles::DETACH, roles::DELETE];
        vec![
            allow("Role", role, self.role()),
            allow("Functions", vec![functions::GET, functions::LIST_TAGS, functions::DELETE], self.functions()),
            allow("FindLogGroups", vec![log_groups::DESCRIBE], self.all_log_groups()),
            allow("LogGroups", vec![log_groups::LIST_TAGS, log_groups::DELETE], self.log_groups()),
        ]
    }

    /// The role, in each partition of AWS that the regions are in.
    fn role(&self) -> Vec<String> {
        let mut partitions: Vec<&str> = self.regions.iter().map(|region| partition(region)).collect();
        partitions.sort_unstable();
        partitions.dedup();
        partitions.iter().map(|partition| format!("arn:{partition}:iam::*:role/{}", self.config.role_name)).collect()
    }

    fn functions(&self) -> Vec<String> {
        self.in_regions(|partition, region| format!("arn:{partition}:lambda:{region}:*:function:{}", self.config.function_name))
    }

    /// AWS allows to look for log groups in all of a region or in none.
    fn all_log_groups(&self) -> Vec<String> {
        self.in_regions(|partition, region| format!("arn:{partition}:logs:{region}:*:log-group:*"))
    }

    /// Calls about tags name a group without its streams, all others with them.
    fn log_groups(&self) -> Vec<String> {
        let name = log_group_name(&self.config.function_name);
        let group = |partition: &str, region: &str| format!("arn:{partition}:logs:{region}:*:log-group:{name}");
        let groups = self.in_regions(group);
        groups.into_iter().flat_map(|group| [group.clone(), format!("{group}:*")]).collect()
    }

    fn in_regions(&self, named: impl Fn(&str, &str) -> String) -> Vec<String> {
        self.regions.iter().map(|region| named(partition(region), region)).collect()
    }
}

fn allow(sid: &'static str, action: Vec<&'static str>, resource: Vec<String>) -> Statement {
    Statement { sid, effect: "Allow", action, resource, condition: None }
}

/// The partition of AWS in which a region is: the closed ones begin their regions' names so.
fn partition(region: &str) -> &'static str {
    const CLOSED: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    CLOSED.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Architecture, AwsCredentials};

    fn config(logs: bool) -> AwsConfig {
        AwsConfig {
            credentials: AwsCredentials::Chain,
            function_name: "proxy-f".into(),
            role_name: "proxy-r".into(),
            memory_mb: 128,
            architecture: Architecture::Arm64,
            timeout: Duration::from_secs(900),
            logs,
        }
    }

    fn text(purpose: Purpose, logs: bool, regions: &[&str]) -> String {
        let regions: Vec<String> = regions.iter().map(|region| (*region).to_owned()).collect();
        serde_json::to_string(&policy(purpose, &config(logs), &regions)).expect("JSON")
    }

    #[test]
    fn resources_are_the_configurations_own() {
        let deploy = text(Purpose::Deploy, false, &["us-west-2", "cn-north-1"]);
        for part in [
            "arn:aws:iam::*:role/proxy-r",
            "arn:aws-cn:iam::*:role/proxy-r",
            "arn:aws:lambda:us-west-2:*:function:proxy-f",
            "arn:aws-cn:lambda:cn-north-1:*:function:proxy-f",
            "arn:aws:logs:us-west-2:*:log-group:/aws/lambda/proxy-f:*",
            "{\"StringEquals\":{\"iam:PassedToService\":\"lambda.amazonaws.com\"}}",
        ] {
            assert!(deploy.contains(part), "{part}: {deploy}");
        }
    }

    #[test]
    fn nothing_is_allowed_that_the_purpose_does_not_need() {
        let (quiet, loud) = (text(Purpose::Deploy, false, &["us-west-2"]), text(Purpose::Deploy, true, &["us-west-2"]));
        for action in [roles::PUT_POLICY, log_groups::CREATE, log_groups::SET_RETENTION] {
            assert!(!quiet.contains(action) && loud.contains(action), "{action}");
        }
        assert!(quiet.contains(log_groups::DELETE) && !loud.contains(log_groups::DELETE), "{loud}");
        let run = text(Purpose::Run, true, &["us-west-2"]);
        assert!(run.contains(cloud::INVOKE) && !run.contains("iam:") && !run.contains("logs:"), "{run}");
        let destroy = text(Purpose::Destroy, true, &["us-west-2"]);
        assert!(!destroy.contains(cloud::INVOKE) && !destroy.contains(roles::PASS) && !destroy.contains("Update"), "{destroy}");
    }
}
