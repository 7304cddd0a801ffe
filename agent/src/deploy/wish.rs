//! What should be in the account: the configuration, the function's zip and the owner, put into AWS's words.
//!
//! Never: the role trusts anybody but Lambda, or grants more than to write to the one log group of each region.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::json;

use super::owner::{Claim, OwnerId};
use super::state::Deployment;
use super::tags::{self, Tags};
use crate::cloud::aws::Caller;
use crate::cloud::aws::roles::Role;
use crate::config::AwsConfig;
use crate::package::FunctionZip;

/// The runtime whose C library the function is built for.
const RUNTIME: &str = "provided.al2023";
/// What custom runtimes start, and how the function's program is called.
const HANDLER: &str = "bootstrap";
/// What people find beside the function in the console.
const ABOUT_FUNCTION: &str = "An exit of awslambdaproxy";
/// What people find beside the role in the console.
pub(super) const ABOUT_ROLE: &str =
    "Functions of awslambdaproxy run under it. It grants nothing beyond writing their logs, if they have any";
/// The policy in the role that lets functions write logs.
pub(crate) const LOGS_POLICY: &str = "awslambdaproxy-logs";
/// How long logs are kept: long enough to look into last week's trouble, and short enough to cost nothing.
const RETENTION_DAYS: u32 = 7;

/// What is wished for every region.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// In whose name.
    pub claim: Claim,
    /// The function of each region.
    pub function: FunctionWish,
    /// The log group of each region.
    pub log_group: LogGroupWish,
}

/// What the role should be.
#[derive(Debug, Clone)]
pub(crate) struct RoleWish {
    /// Its name.
    pub name: String,
    /// Its full name; a new one stands in no path.
    pub arn: String,
    /// The tags.
    pub tags: Tags,
    /// The policy that lets functions write logs, if any may.
    pub logs: Option<String>,
}

/// What the function of a region should be.
#[derive(Debug, Clone)]
pub(crate) struct FunctionWish {
    /// Its name.
    pub name: String,
    /// Its zip.
    pub zip: Bytes,
    /// The zip's SHA-256 in base64.
    pub code_sha256: String,
    /// Its processor, in Lambda's word.
    pub architecture: &'static str,
    /// The runtime.
    pub runtime: &'static str,
    /// What the runtime starts.
    pub handler: &'static str,
    /// A text for people.
    pub description: &'static str,
    /// Memory, MB.
    pub memory_mb: u32,
    /// Time limit, seconds.
    pub timeout_s: u32,
    /// The tags.
    pub tags: Tags,
}

/// What the log group of a region should be.
#[derive(Debug, Clone)]
pub(crate) struct LogGroupWish {
    /// Its name.
    pub name: String,
    /// How many days it keeps what it gets; `None` where there should be none.
    pub retention_days: Option<u32>,
    /// The tags.
    pub tags: Tags,
}

impl Wish {
    /// What the configuration asks for in every region.
    pub(crate) fn new(config: &AwsConfig, zip: &FunctionZip, claim: Claim) -> Self {
        let owner = &claim.owner;
        Self {
            function: FunctionWish {
                name: config.function_name.clone(),
                zip: zip.bytes().clone(),
                code_sha256: zip.sha256(),
                architecture: config.architecture.word(),
                runtime: RUNTIME,
                handler: HANDLER,
                description: ABOUT_FUNCTION,
                memory_mb: config.memory_mb,
                // The configuration holds it to whole seconds, at most 900.
                timeout_s: u32::try_from(config.timeout.as_secs()).unwrap_or(u32::MAX),
                tags: tags::of_function(owner, env!("CARGO_PKG_VERSION")),
            },
            log_group: LogGroupWish {
                name: log_group_name(&config.function_name),
                retention_days: config.logs.then_some(RETENTION_DAYS),
                tags: tags::of_owner(owner),
            },
            claim,
        }
    }
}

impl RoleWish {
    /// The role for functions in these regions and in those that it names already, and for what `others` are deployed with.
    pub(crate) fn new(
        config: &AwsConfig,
        regions: &BTreeSet<String>,
        seen: Option<&Role>,
        caller: &Caller,
        owner: &OwnerId,
        others: &[Deployment],
    ) -> Self {
        let (partition, account) = (caller.partition(), &caller.account);
        let known = seen.map(|role| tags::regions(&role.tags)).unwrap_or_default();
        let elsewhere = others.iter().flat_map(|other| &other.regions);
        let regions: BTreeSet<&String> = regions.union(&known).chain(elsewhere).collect();
        // The same from whichever configuration one looks, so that their deployments do not take turns in changing it.
        let groups = logging(config, others).into_iter().map(log_group_name).flat_map(|group| {
            let arn = move |region: &&String| format!("arn:{partition}:logs:{region}:{account}:log-group:{group}:*");
            regions.iter().map(arn).collect::<Vec<_>>()
        });
        let groups: Vec<String> = groups.collect();
        Self {
            name: config.role_name.clone(),
            arn: seen
                .map_or_else(|| format!("arn:{partition}:iam::{account}:role/{}", config.role_name), |role| role.arn.clone()),
            logs: (!groups.is_empty()).then(|| logs_policy(&groups)),
            tags: tags::of_role(owner, regions),
        }
    }
}

/// The functions of a role that write logs, this configuration's and others'.
pub(super) fn logging<'a>(config: &'a AwsConfig, others: &'a [Deployment]) -> BTreeSet<&'a str> {
    let theirs = others.iter().filter(|other| other.logs).map(|other| other.function.as_str());
    theirs.chain(config.logs.then_some(config.function_name.as_str())).collect()
}

/// The log group that Lambda has a function write to.
pub fn log_group_name(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// Whom the role trusts: Lambda.
pub(crate) fn trust() -> String {
    let statement = json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// Lets functions write to these log groups, and make none: a role that may make groups brings deleted ones back.
fn logs_policy(groups: &[String]) -> String {
    let actions = ["logs:CreateLogStream", "logs:PutLogEvents"];
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": groups});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Architecture, AwsCredentials};

    fn config(function: &str, logs: bool) -> AwsConfig {
        AwsConfig {
            credentials: AwsCredentials::Chain,
            function_name: function.into(),
            role_name: "r".into(),
            memory_mb: 128,
            architecture: Architecture::Arm64,
            timeout: Duration::from_secs(900),
            logs,
        }
    }

    fn deployment(function: &str, region: &str, logs: bool) -> Deployment {
        Deployment {
            config: "/other".into(),
            account: "1".into(),
            role: "r".into(),
            function: function.into(),
            regions: BTreeSet::from([region.to_owned()]),
            logs,
        }
    }

    fn logs(config: &AwsConfig, region: &str, others: &[Deployment]) -> Option<String> {
        let caller = Caller { account: "1".to_owned(), arn: "arn:aws:iam::1:user/x".to_owned() };
        RoleWish::new(config, &BTreeSet::from([region.to_owned()]), None, &caller, &OwnerId::mint(), others).logs
    }

    #[test]
    fn a_shared_role_lets_every_function_log_that_wants_to_whoever_is_deployed() {
        let (loud, quiet) = (config("f", true), config("f", false));
        let (others_loud, others_quiet) = (deployment("g", "eu-west-1", true), deployment("g", "eu-west-1", false));
        let both = logs(&loud, "us-west-2", std::slice::from_ref(&others_loud)).expect("both log");
        assert!(both.contains("us-west-2:1:log-group:/aws/lambda/f:*") && both.contains("eu-west-1:1:log-group:/aws/lambda/g:*"));
        let from_the_other = logs(&config("g", true), "eu-west-1", &[deployment("f", "us-west-2", true)]);
        assert_eq!(from_the_other, Some(both), "they do not take turns in changing it");
        let others = logs(&quiet, "us-west-2", &[others_loud]).expect("the other logs");
        assert!(!others.contains("/aws/lambda/f:") && others.contains("/aws/lambda/g:"));
        let own = logs(&loud, "us-west-2", std::slice::from_ref(&others_quiet)).expect("this one logs");
        assert!(own.contains("/aws/lambda/f:") && !own.contains("/aws/lambda/g:"));
        assert_eq!(logs(&quiet, "us-west-2", &[others_quiet]), None);
    }
}
