//! What the shell that installs a service has and the service will not: it is started by the system, with a session's variables.
//!
//! Never: the values of variables are not kept, since some are secrets; a profile's name is none.

use crate::config::{AwsConfig, AwsCredentials, Origin, Setting};

/// The profile of the SDK's own chain.
const PROFILE: &str = "AWS_PROFILE";
/// Keys, which the SDK's chain takes before a profile.
const KEY: &str = "AWS_ACCESS_KEY_ID";
/// Variables of AWS's tools that change nothing for the agent.
const OF_OTHERS: [&str; 6] =
    ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT", "AWS_PAGER", "AWS_CLI_AUTO_PROMPT", "AWS_VAULT"];
/// Ways to AWS and to the relay, in capitals.
const WAYS: [&str; 5] = ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The profile that a service of this shell needs on its command line. `variable`: looks one up.
pub fn profile(aws: &AwsConfig, named: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let of_the_shell = || {
        let is_asked = matches!(aws.credentials, AwsCredentials::Chain) && variable(KEY).is_none();
        variable(PROFILE).filter(|name| is_asked && !name.is_empty())
    };
    named.map(str::to_owned).or_else(of_the_shell)
}

/// The settings that variables of this shell make, each as `key (variable)`.
pub fn settings(settings: &[Setting]) -> Vec<String> {
    let of_a_variable = |setting: &Setting| match &setting.origin {
        Origin::Environment(name) => Some(format!("{} ({name})", setting.key)),
        _ => None,
    };
    settings.iter().filter_map(of_a_variable).collect()
}

/// The variables among `names` that say how AWS or the relay is reached, and as whom.
pub fn unseen(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let matters = |name: &String| {
        let is_of_aws = name.starts_with("AWS_") && name != PROFILE && !OF_OTHERS.contains(&name.as_str());
        is_of_aws || WAYS.contains(&name.to_ascii_uppercase().as_str())
    };
    let mut unseen: Vec<String> = names.into_iter().filter(matters).collect();
    unseen.sort();
    unseen
}
