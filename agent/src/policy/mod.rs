//! The least that AWS must allow, as an IAM policy: for `deploy`, for `run`, for `destroy`.
//!
//! Resources are as exact as AWS checks them: the names and regions of the configuration. The account's number stands as `*`,
//! since a policy grants nothing outside the account in which it stands, and so it can be printed without any credentials.
//!
//! Never: an action is written here. They stand in `cloud::permissions`, where the calls that need them take them from.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cloud::permissions::{self, functions, log_groups, roles};
use crate::config::AwsConfig;
use crate::deploy::{Deployment, Known, log_group_name};

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

/// The policy for a configuration's names in these regions; to remove also earlier ones, where they are known.
pub fn policy(purpose: Purpose, config: &AwsConfig, regions: &[String], known: &Known) -> Policy {
    let names = Names::of(config, regions);
    let statement = match purpose {
        Purpose::Deploy => {
            names.deploy(config.logs, known.others.iter().any(|other| other.logs && other.role == config.role_name))
        }
        Purpose::Run => names.run(),
        Purpose::Destroy => names.and(&known.own).destroy(),
    };
    Policy { version: "2012-10-17", statement }
}

/// What stands in the policies, by its full name.
struct Names<'a> {
    roles: BTreeSet<&'a str>,
    functions: BTreeSet<&'a str>,
    /// Those of the configuration come first, in its order.
    regions: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(config: &'a AwsConfig, regions: &'a [String]) -> Self {
        Self {
            roles: BTreeSet::from([config.role_name.as_str()]),
            functions: BTreeSet::from([config.function_name.as_str()]),
            regions: regions.iter().map(String::as_str).collect(),
        }
    }

    /// These, and those of deployments.
    fn and(mut self, known: &'a [Deployment]) -> Self {
        self.roles.extend(known.iter().map(|known| known.role.as_str()));
        self.functions.extend(known.iter().map(|known| known.function.as_str()));
        for region in known.iter().flat_map(|known| &known.regions) {
            if !self.regions.contains(&region.as_str()) {
                self.regions.push(region);
            }
        }
        self
    }

    /// `logs`: this configuration's functions write logs; `others_log`: others under the same role do.
    fn deploy(&self, logs: bool, others_log: bool) -> Vec<Statement> {
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
        if logs || others_log {
            role.extend([roles::GET_POLICY, roles::PUT_POLICY]);
        }
        if logs {
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
            allow("Functions", vec![permissions::INVOKE, functions::GET, functions::UPDATE_CONFIGURATION], self.functions()),
            allow("Limits", vec![permissions::GET_ACCOUNT_SETTINGS], vec!["*".to_owned()]),
        ]
    }

    fn destroy(&self) -> Vec<Statement> {
        let role = vec![
            roles::GET,
            roles::LIST_POLICIES,
            roles::LIST_ATTACHED,
            roles::UNTAG,
            roles::DELETE_POLICY,
            roles::DETACH,
            roles::DELETE,
        ];
        vec![
            allow("Role", role, self.role()),
            allow("Functions", vec![functions::GET, functions::LIST_TAGS, functions::DELETE], self.functions()),
            allow("FindLogGroups", vec![log_groups::DESCRIBE], self.all_log_groups()),
            allow("LogGroups", vec![log_groups::LIST_TAGS, log_groups::DELETE], self.log_groups()),
        ]
    }

    /// The roles, in each partition of AWS that the regions are in.
    fn role(&self) -> Vec<String> {
        let partitions: BTreeSet<&str> = self.regions.iter().map(|region| partition(region)).collect();
        let named =
            |role: &&str| partitions.iter().map(|partition| format!("arn:{partition}:iam::*:role/{role}")).collect::<Vec<_>>();
        self.roles.iter().flat_map(named).collect()
    }

    fn functions(&self) -> Vec<String> {
        let named =
            |name: &&str| self.in_regions(|partition, region| format!("arn:{partition}:lambda:{region}:*:function:{name}"));
        self.functions.iter().flat_map(named).collect()
    }

    /// AWS allows to look for log groups in all of a region or in none.
    fn all_log_groups(&self) -> Vec<String> {
        self.in_regions(|partition, region| format!("arn:{partition}:logs:{region}:*:log-group:*"))
    }

    /// Calls about tags name a group without its streams, all others with them.
    fn log_groups(&self) -> Vec<String> {
        let named = |name: &&str| {
            let group = log_group_name(name);
            self.in_regions(|partition, region| format!("arn:{partition}:logs:{region}:*:log-group:{group}"))
        };
        self.functions.iter().flat_map(named).flat_map(|group| [group.clone(), format!("{group}:*")]).collect()
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
    use crate::cloud::{CloudError, Reply};
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
        text_beside(purpose, logs, &regions, &Known::default())
    }

    fn text_beside(purpose: Purpose, logs: bool, regions: &[String], known: &Known) -> String {
        serde_json::to_string(&policy(purpose, &config(logs), regions, known)).expect("JSON")
    }

    fn deployment(role: &str, function: &str, logs: bool) -> Deployment {
        Deployment {
            config: "/c".into(),
            account: "1".into(),
            role: role.into(),
            function: function.into(),
            regions: BTreeSet::from(["eu-west-1".to_owned()]),
            logs,
        }
    }

    #[test]
    fn what_was_deployed_under_earlier_names_may_be_removed() {
        let known = Known { own: vec![deployment("old-r", "old-f", false)], ..Known::default() };
        let regions = ["us-west-2".to_owned()];
        let destroy = text_beside(Purpose::Destroy, false, &regions, &known);
        for (region, name) in [("us-west-2", "proxy"), ("us-west-2", "old"), ("eu-west-1", "proxy"), ("eu-west-1", "old")] {
            for part in [
                format!("arn:aws:iam::*:role/{name}-r\""),
                format!("arn:aws:lambda:{region}:*:function:{name}-f\""),
                format!("arn:aws:logs:{region}:*:log-group:/aws/lambda/{name}-f:*\""),
            ] {
                assert!(destroy.contains(&part), "{part}: {destroy}");
            }
        }
        for purpose in [Purpose::Deploy, Purpose::Run] {
            let text = text_beside(purpose, false, &regions, &known);
            assert!(!text.contains("old") && !text.contains("eu-west-1"), "{text}");
        }
    }

    #[test]
    fn a_role_whose_other_functions_write_logs_keeps_its_policy() {
        let regions = ["us-west-2".to_owned()];
        for (role, logs, expected) in [("proxy-r", true, true), ("proxy-r", false, false), ("other-r", true, false)] {
            let known = Known { others: vec![deployment(role, "f", logs)], ..Known::default() };
            let deploy = text_beside(Purpose::Deploy, false, &regions, &known);
            assert_eq!(deploy.contains(roles::PUT_POLICY), expected, "{role} {logs}");
            assert!(!deploy.contains(log_groups::CREATE));
        }
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
    fn a_missing_permission_s_hint_names_the_commands_that_print_it_and_no_other() {
        const PURPOSES: [(Purpose, &str); 3] =
            [(Purpose::Deploy, "deploy"), (Purpose::Run, "run"), (Purpose::Destroy, "destroy")];
        for (purpose, logs) in PURPOSES.into_iter().flat_map(|(purpose, _)| [(purpose, true), (purpose, false)]) {
            let statements = policy(purpose, &config(logs), &["us-west-2".to_owned()], &Known::default()).statement;
            for action in statements.into_iter().flat_map(|statement| statement.action) {
                let hint = CloudError::Denied { action: action.to_owned(), reply: Reply::default() }.hint().into_owned();
                let named = |name: &str| hint.contains(&format!("`awslambdaproxy policy {name}`"));
                let prints = |purpose, logs| text(purpose, logs, &["us-west-2"]).contains(&format!("\"{action}\""));
                for (purpose, name) in PURPOSES {
                    assert_eq!(named(name), prints(purpose, true) || prints(purpose, false), "{action}: {hint}");
                }
            }
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
        assert!(run.contains(permissions::INVOKE) && !run.contains("iam:") && !run.contains("logs:"), "{run}");
        let destroy = text(Purpose::Destroy, true, &["us-west-2"]);
        assert!(
            !destroy.contains(permissions::INVOKE) && !destroy.contains(roles::PASS) && !destroy.contains("Update"),
            "{destroy}"
        );
    }
}
