//! The account: whose credentials, and in each region what a run needs.

use futures_util::future::join_all;
use time::OffsetDateTime;
use tunnel::destination::Destination;

use super::check::{Area, Check};
use super::{clock, in_time, owner, tls};
use crate::app;
use crate::causes::in_one_line;
use crate::cloud::aws::{Account, AwsCloud, DeployedFunction};
use crate::cloud::permissions::INVOKE;
use crate::cloud::permissions::functions::UPDATE_CONFIGURATION;
use crate::cloud::{Cloud, CloudError};
use crate::config::{AwsConfig, Config, Fresh};
use crate::deploy::{Claim, State};

/// Variables that name another endpoint than AWS's own.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];

/// What was found of the account.
pub(super) struct Found {
    pub(super) checks: Vec<Check>,
    pub(super) cloud: Option<AwsCloud>,
    /// The account's number.
    pub(super) number: Option<String>,
    /// The regions where everything is as an invocation needs it.
    pub(super) ready: Vec<String>,
}

pub(super) async fn examine(config: &Config, regions: &[String], state: Option<&State>) -> Found {
    let account = match Account::open(&config.aws, regions).await {
        Ok(account) => account,
        Err(error) => {
            let area = if matches!(error, CloudError::Setting { .. }) { Area::Config } else { Area::Aws };
            return Found::nothing(vec![failed(area, "credentials", "-", &error)]);
        }
    };
    let ((check, number), ways) = tokio::join!(credentials(&account), way(&account));
    let mut checks = vec![check];
    checks.extend(ways);
    if number.is_none() {
        let skipped = regions.iter().map(|region| Check::skip(Area::Region, "region", region, "without credentials"));
        checks.extend(skipped);
        return Found::nothing(checks);
    }
    let claim = state.map(owner::claim).transpose().unwrap_or_else(|broken| {
        checks.push(broken);
        None
    });
    if let Some(claim) = &claim {
        checks.extend(owner::of_role(&config.aws, &account, claim).await);
    }
    let place = Place { config, account: &account, cloud: AwsCloud::new(account.clone(), &config.aws), claim };
    let mut ready = Vec::new();
    let asked = regions.iter().map(|region| place.checks(region));
    for (region, (found, usable)) in regions.iter().zip(join_all(asked).await) {
        checks.extend(found);
        ready.extend(usable.then(|| region.clone()));
    }
    Found { checks, cloud: Some(place.cloud), number, ready }
}

impl Found {
    /// Nothing that could be used.
    fn nothing(checks: Vec<Check>) -> Self {
        Self { checks, cloud: None, number: None, ready: Vec::new() }
    }
}

/// Whose they are, and the account's number.
async fn credentials(account: &Account) -> (Check, Option<String>) {
    const COMPONENT: &str = "credentials";
    match in_time(account.caller()).await {
        Ok(Ok(caller)) => {
            let check = Check::pass(Area::Aws, COMPONENT, format!("account {}", caller.account), format!("of {}", caller.arn));
            (check, Some(caller.account))
        }
        Ok(Err(error)) => (failed(Area::Aws, COMPONENT, account.home(), &error), None),
        Err(late) => (Check::fail(Area::Aws, COMPONENT, account.home(), late).mend("check this machine's network"), None),
    }
}

/// Who vouches for AWS's own endpoint, and what its clock says.
async fn way(account: &Account) -> Vec<Check> {
    const COMPONENT: &str = "tls";
    if let Some(name) = ENDPOINTS.iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return vec![Check::skip(Area::Aws, COMPONENT, "AWS", format!("{name} names another endpoint"))];
    }
    let host = endpoint(&account.home());
    let server = Destination::parse_or(&host, 443).map_err(|error| error.to_string());
    let shown = match (server, app::own_trust()) {
        (Ok(server), Ok(ours)) => tls::examine(&server, &ours).await,
        (Err(error), _) => Err(error),
        (_, Err(error)) => Err(in_one_line(error.chain())),
    };
    let shown = match shown {
        Ok(shown) => shown,
        Err(cause) => return vec![Check::skip(Area::Aws, COMPONENT, host, format!("not reached directly: {cause}"))],
    };
    let check = match shown.voucher {
        tls::Voucher::Public => Check::pass(Area::Aws, COMPONENT, &host, "a public authority vouches for it"),
        tls::Voucher::Private => {
            let details = "only an authority of this machine's own vouches for it: TLS to AWS is inspected on the way";
            let mend = "whoever inspects sees the tunnels' keys in every Invoke, and can read all traffic: use another network";
            Check::warn(Area::Aws, COMPONENT, &host, details).mend(mend)
        }
    };
    let clock = shown.date.and_then(|date| clock::judge("AWS", &date, OffsetDateTime::now_utc()));
    std::iter::once(check).chain(clock).collect()
}

/// Where STS answers in a region.
fn endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("sts.{region}.{suffix}")
}

/// What the regions have in common.
struct Place<'a> {
    config: &'a Config,
    account: &'a Account,
    cloud: AwsCloud,
    /// Who this desktop is, where its state can be read.
    claim: Option<Claim>,
}

impl Place<'_> {
    /// What a run needs in one region; and whether it is all there.
    async fn checks(&self, region: &str) -> (Vec<Check>, bool) {
        let enabled = match in_time(self.account.caller_in(region)).await {
            Ok(Ok(_)) => Check::pass(Area::Region, "region", region, "enabled"),
            Ok(Err(error)) => return (vec![failed(Area::Region, "region", region, &error)], false),
            Err(late) => {
                return (vec![Check::fail(Area::Region, "region", region, late).mend("check this machine's network")], false);
            }
        };
        let (config, account) = (&self.config.aws, self.account);
        let (function, owner, invoke, quota) = tokio::join!(
            function(config, account, region),
            self.owner(region),
            permission("invoke", INVOKE, region, account.may_invoke(region, &config.function_name)),
            quota(self.config, &self.cloud, region),
        );
        let usable = [&function, &invoke].iter().all(|check| check.status != super::Status::Fail);
        let mut checks = vec![enabled, function];
        checks.extend(owner);
        checks.push(invoke);
        if self.config.exits.fresh != Fresh::Never && usable {
            checks
                .push(permission("fresh", UPDATE_CONFIGURATION, region, account.may_update(region, &config.function_name)).await);
        }
        checks.push(quota);
        (checks, usable)
    }

    async fn owner(&self, region: &str) -> Option<Check> {
        owner::of_function(&self.config.aws, self.account, self.claim.as_ref()?, region).await
    }
}

/// The function as it is deployed, against the configuration.
async fn function(config: &AwsConfig, account: &Account, region: &str) -> Check {
    const COMPONENT: &str = "function";
    match in_time(account.deployed(region, &config.function_name)).await {
        Ok(Ok(function)) => judge_function(config, region, &function),
        Ok(Err(error @ CloudError::NotFound(_))) => {
            let details = format!("there is no function {}", config.function_name);
            Check::fail(Area::Region, COMPONENT, region, details).mend(error.hint())
        }
        Ok(Err(error)) => failed(Area::Region, COMPONENT, region, &error),
        Err(late) => Check::fail(Area::Region, COMPONENT, region, late).mend("check this machine's network"),
    }
}

fn judge_function(config: &AwsConfig, region: &str, function: &DeployedFunction) -> Check {
    const COMPONENT: &str = "function";
    let timeout = config.timeout.as_secs();
    let architecture = config.architecture.word();
    let DeployedFunction { memory_mb, timeout_s, architecture: found, state } = function;
    let differs = [
        (*memory_mb != config.memory_mb).then(|| format!("memory {memory_mb} MB, not {}", config.memory_mb)),
        (u64::from(*timeout_s) != timeout).then(|| format!("timeout {timeout_s} s, not {timeout}")),
        (found != architecture).then(|| format!("processor {found}, not {architecture}")),
    ];
    let differs: Vec<String> = differs.into_iter().flatten().collect();
    if state != "Active" && state != "Inactive" {
        let check = Check::fail(Area::Region, COMPONENT, region, format!("it is {state}"));
        return check.mend("wait a minute, then `awslambdaproxy deploy`");
    }
    if differs.is_empty() {
        return Check::pass(Area::Region, COMPONENT, region, format!("{memory_mb} MB, {found}, {timeout_s} s"));
    }
    let check = Check::warn(Area::Region, COMPONENT, region, format!("other than the configuration: {}", differs.join(", ")));
    check.mend("`awslambdaproxy deploy` brings it level")
}

/// A permission, asked for in a way that changes nothing.
async fn permission(
    component: &'static str,
    action: &str,
    region: &str,
    asked: impl Future<Output = Result<(), CloudError>>,
) -> Check {
    match in_time(asked).await {
        Ok(Ok(())) => Check::pass(Area::Region, component, region, format!("{action} is permitted")),
        Ok(Err(CloudError::NotFound(_))) => Check::skip(Area::Region, component, region, "without the function"),
        Ok(Err(error)) => failed(Area::Region, component, region, &error),
        Err(late) => Check::fail(Area::Region, component, region, late).mend("check this machine's network"),
    }
}

/// How many exits the account lets run at a time.
async fn quota(config: &Config, cloud: &AwsCloud, region: &str) -> Check {
    const COMPONENT: &str = "quota";
    let most = config.exits.max_per_region;
    match in_time(cloud.concurrency(region)).await {
        Ok(Some(allowed)) if allowed < most => {
            let check = Check::warn(
                Area::Region,
                COMPONENT,
                region,
                format!("{allowed} invocations at a time, exits.max_per_region is {most}"),
            );
            check.mend("ask AWS for more concurrent executions there, or lower exits.max_per_region")
        }
        Ok(Some(allowed)) => Check::pass(Area::Region, COMPONENT, region, format!("{allowed} invocations at a time")),
        Ok(None) => Check::skip(Area::Region, COMPONENT, region, "AWS does not say (lambda:GetAccountSettings)"),
        Err(late) => Check::skip(Area::Region, COMPONENT, region, late),
    }
}

fn failed(area: Area, component: &'static str, target: impl Into<String>, error: &CloudError) -> Check {
    Check::fail(area, component, target, error.told()).mend(error.hint())
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;
    use crate::config::AwsCredentials;

    fn deployed(memory_mb: u32, state: &str) -> DeployedFunction {
        DeployedFunction { memory_mb, timeout_s: 900, architecture: "arm64".into(), state: state.into() }
    }

    #[test]
    fn a_function_that_differs_is_named_with_both_values() {
        let config = AwsConfig::with(AwsCredentials::Chain);
        assert_eq!(judge_function(&config, "us-east-1", &deployed(128, "Active")).status, Status::Pass);
        let other = judge_function(&config, "us-east-1", &deployed(256, "Active"));
        assert_eq!(other.status, Status::Warn);
        assert!(other.details.contains("memory 256 MB, not 128"), "{other:?}");
        assert_eq!(judge_function(&config, "us-east-1", &deployed(128, "Failed")).status, Status::Fail);
    }

    #[test]
    fn china_has_its_own_names() {
        assert_eq!(endpoint("eu-west-1"), "sts.eu-west-1.amazonaws.com");
        assert_eq!(endpoint("cn-north-1"), "sts.cn-north-1.amazonaws.com.cn");
    }
}
