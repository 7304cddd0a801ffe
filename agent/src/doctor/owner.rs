//! Whose the role and the functions are: two desktops may share an account, and neither changes what the other has made.

use super::check::{Area, Check};
use super::in_time;
use crate::cloud::CloudError;
use crate::cloud::aws::Account;
use crate::config::AwsConfig;
use crate::deploy::{Claim, OwnerId, State, Tags};

const COMPONENT: &str = "owner";

/// What asks whose things are. Nobody is drawn for it: a desktop that never deployed owns nothing.
pub(super) fn claim(state: &State) -> Result<Claim, Check> {
    let known = state.known_owner().map_err(|error| Check::fail(Area::Machine, COMPONENT, "-", error.to_string()))?;
    Ok(Claim { owner: known.unwrap_or_else(OwnerId::mint), adopt: false })
}

/// The role, if there is one.
pub(super) async fn of_role(config: &AwsConfig, account: &Account, claim: &Claim) -> Option<Check> {
    let target = format!("role {}", config.role_name);
    let asked = in_time(account.role_tags(&config.role_name)).await;
    judge(Area::Aws, &target, "aws.role_name", claim, asked)
}

/// The function of a region, if there is one.
pub(super) async fn of_function(config: &AwsConfig, account: &Account, claim: &Claim, region: &str) -> Option<Check> {
    let asked = in_time(account.function(region, &config.function_name)).await;
    let asked = asked.map(|answer| answer.map(|found| found.map(|function| function.tags)));
    judge(Area::Region, region, "aws.function_name", claim, asked)
}

/// `name`: the key with which another one could be chosen.
fn judge(
    area: Area,
    target: &str,
    name: &str,
    claim: &Claim,
    asked: Result<Result<Option<Tags>, CloudError>, String>,
) -> Option<Check> {
    let tags = match asked {
        Ok(Ok(tags)) => tags?,
        Ok(Err(CloudError::Denied { action, .. })) => {
            return Some(Check::skip(area, COMPONENT, target, format!("AWS does not say ({action})")));
        }
        Ok(Err(error)) => return Some(Check::skip(area, COMPONENT, target, format!("AWS does not say: {error}"))),
        Err(late) => return Some(Check::skip(area, COMPONENT, target, late)),
    };
    Some(match claim.covers(&tags) {
        Ok(()) => Check::pass(area, COMPONENT, target, "made by this desktop"),
        Err(not_ours) => {
            let details = format!("{not_ours}: `deploy` and `destroy` leave it alone");
            let mend = format!("choose another {name}, or take it over with `awslambdaproxy deploy --adopt`");
            Check::warn(area, COMPONENT, target, details).mend(mend)
        }
    })
}
