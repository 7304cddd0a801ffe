//! The role, a function and a log group of AWS, as [`super::reconcile`] works on them.

use super::owner::Claim;
use super::plan::{FunctionStep, LogGroupStep, Planned, RoleStep, plan_function, plan_log_group, plan_role};
use super::reconcile::Thing;
use super::wish::{ABOUT_ROLE, FunctionWish, LOGS_POLICY, LogGroupWish, RoleWish, Wish, trust};
use crate::cloud::CloudError;
use crate::cloud::aws::Account;
use crate::cloud::aws::functions::{Function, NewFunction, Progress};
use crate::cloud::aws::log_groups::LogGroup;
use crate::cloud::aws::roles::Role;

/// The policy whose text is of interest: where functions may not write logs, none.
pub(super) fn policy_of_interest(logs: bool) -> Option<&'static str> {
    logs.then_some(LOGS_POLICY)
}

/// The role.
pub(super) struct RoleThing<'a> {
    pub(super) account: &'a Account,
    pub(super) wish: &'a RoleWish,
    pub(super) claim: &'a Claim,
}

impl Thing for RoleThing<'_> {
    type Seen = Option<Role>;
    type Step = RoleStep;
    const SETTLES: bool = false;

    async fn look(&self) -> Result<Option<Role>, CloudError> {
        self.account.role(&self.wish.name, policy_of_interest(self.wish.logs.is_some())).await
    }

    fn is_changing(&self, _: &Option<Role>) -> bool {
        false
    }

    fn failure(&self, _: &Option<Role>) -> Option<String> {
        None
    }

    fn plan(&self, seen: &Option<Role>) -> Planned<RoleStep> {
        plan_role(self.wish, seen.as_ref(), self.claim)
    }

    async fn take(&self, step: RoleStep) -> Result<(), CloudError> {
        let (account, name) = (self.account, &self.wish.name);
        match step {
            RoleStep::Create(tags) => account.create_role(name, &trust(), ABOUT_ROLE, &tags).await,
            RoleStep::Tag(tags) => account.tag_role(name, &tags).await,
            RoleStep::SetTrust => account.set_trust(name, &trust()).await,
            RoleStep::PutLogs(document) => account.put_policy(name, LOGS_POLICY, &document).await,
            RoleStep::DeletePolicy(policy) => account.delete_policy(name, &policy).await,
            RoleStep::Detach(policy) => account.detach(name, &policy).await,
        }
    }
}

/// The function of a region.
pub(super) struct FunctionThing<'a> {
    pub(super) account: &'a Account,
    pub(super) region: &'a str,
    pub(super) wish: &'a Wish,
    /// The role's full name.
    pub(super) role: &'a str,
}

impl FunctionThing<'_> {
    fn function(&self) -> &FunctionWish {
        &self.wish.function
    }
}

impl Thing for FunctionThing<'_> {
    type Seen = Option<Function>;
    type Step = FunctionStep;
    const SETTLES: bool = true;

    async fn look(&self) -> Result<Option<Function>, CloudError> {
        self.account.function(self.region, &self.function().name).await
    }

    fn is_changing(&self, seen: &Option<Function>) -> bool {
        seen.as_ref().is_some_and(|function| function.progress == Progress::Changing)
    }

    fn failure(&self, seen: &Option<Function>) -> Option<String> {
        match &seen.as_ref()?.progress {
            Progress::Failed(reason) => Some(reason.clone()),
            Progress::Settled | Progress::Changing => None,
        }
    }

    fn plan(&self, seen: &Option<Function>) -> Planned<FunctionStep> {
        plan_function(self.function(), self.role, seen.as_ref(), &self.wish.claim)
    }

    async fn take(&self, step: FunctionStep) -> Result<(), CloudError> {
        let (account, region, wish) = (self.account, self.region, self.function());
        match step {
            FunctionStep::Create(settings) => {
                let (zip, architecture) = (wish.zip.clone(), wish.architecture.to_owned());
                let new = NewFunction { zip, architecture, settings, tags: wish.tags.clone() };
                account.create_function(region, &wish.name, new).await
            }
            FunctionStep::Tag { arn, tags } => account.tag_function(region, &arn, tags).await,
            FunctionStep::Code { .. } => account.update_code(region, &wish.name, wish.zip.clone(), wish.architecture).await,
            FunctionStep::Configure { settings, .. } => account.configure(region, &wish.name, settings).await,
        }
    }
}

/// The log group of a region.
pub(super) struct LogGroupThing<'a> {
    pub(super) account: &'a Account,
    pub(super) region: &'a str,
    pub(super) wish: &'a LogGroupWish,
    pub(super) claim: &'a Claim,
}

impl Thing for LogGroupThing<'_> {
    type Seen = Option<LogGroup>;
    type Step = LogGroupStep;
    const SETTLES: bool = false;

    async fn look(&self) -> Result<Option<LogGroup>, CloudError> {
        self.account.log_group(self.region, &self.wish.name).await
    }

    fn is_changing(&self, _: &Option<LogGroup>) -> bool {
        false
    }

    fn failure(&self, _: &Option<LogGroup>) -> Option<String> {
        None
    }

    fn plan(&self, seen: &Option<LogGroup>) -> Planned<LogGroupStep> {
        plan_log_group(self.wish, seen.as_ref(), self.claim)
    }

    async fn take(&self, step: LogGroupStep) -> Result<(), CloudError> {
        let (account, region, name) = (self.account, self.region, &self.wish.name);
        match step {
            LogGroupStep::Create => account.create_log_group(region, name, self.wish.tags.clone()).await,
            LogGroupStep::Tag { arn, tags } => account.tag_log_group(region, &arn, tags).await,
            LogGroupStep::SetRetention(days) => account.set_retention(region, name, days).await,
            LogGroupStep::Delete => account.delete_log_group(region, name).await,
        }
    }
}
