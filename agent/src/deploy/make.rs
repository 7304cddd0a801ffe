//! `deploy`: sees what is there, plans, and has the plan done: first the role, then all regions at once.
//!
//! Never: one region's trouble stops another's work.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::plan::{FunctionStep, LogGroupStep, RoleStep, Step, action_of, plan_function, plan_log_group, plan_role, texts_of};
use super::reconcile::{Thing, reconcile};
use super::report::{ACCOUNT, Change, Fault, Line, Note, Watcher, ended};
use super::things::{FunctionThing, LogGroupThing, RoleThing, policy_of_interest};
use super::trouble::Trouble;
use super::wish::{RoleWish, Wish, logging};
use super::{Claim, Deployment, Known, tags};
use crate::cloud::CloudError;
use crate::cloud::aws::functions::Function;
use crate::cloud::aws::log_groups::LogGroup;
use crate::cloud::aws::roles::Role;
use crate::cloud::aws::{Account, Caller};
use crate::config::AwsConfig;
use crate::package::FunctionZip;

/// Deploys one configuration.
pub struct Deployer<'a> {
    account: &'a Account,
    caller: &'a Caller,
    config: &'a AwsConfig,
    regions: &'a [String],
    wish: Wish,
    known: Known,
    /// What shares the role with it.
    beside: Vec<Deployment>,
}

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    role_wish: RoleWish,
    role: Result<Vec<RoleStep>, Fault>,
    regions: Vec<RegionPlan>,
    elsewhere: BTreeSet<String>,
}

#[derive(Debug)]
struct RegionPlan {
    region: String,
    log_group: Result<Vec<LogGroupStep>, Fault>,
    function: Result<Vec<FunctionStep>, Fault>,
}

type Seen = (Option<Function>, Option<LogGroup>);

impl<'a> Deployer<'a> {
    /// A deployer of that function into those regions, beside what is known to be deployed.
    pub fn new(
        account: &'a Account,
        caller: &'a Caller,
        config: &'a AwsConfig,
        regions: &'a [String],
        zip: &FunctionZip,
        claim: Claim,
        mut known: Known,
    ) -> Self {
        let is_here = |deployment: &Deployment| deployment.account == caller.account;
        [&mut known.own, &mut known.others].into_iter().for_each(|known| known.retain(is_here));
        let beside = known.beside(&config.role_name, &config.function_name).cloned().collect();
        Self { account, caller, config, regions, wish: Wish::new(config, zip, claim), known, beside }
    }

    /// Looks at everything and says what is to be done. Changes nothing.
    pub async fn plan(&self, watch: Watcher<'_>) -> Plan {
        let policy = policy_of_interest(!logging(self.config, &self.beside).is_empty());
        let look = |region| async move {
            watch(region, Note::Doing("looking"));
            let seen = self.look(region).await;
            watch(region, if seen.is_ok() { Note::Done } else { Note::Failed });
            (region, seen)
        };
        let role = self.account.role(&self.config.role_name, policy);
        let regions = join_all(self.regions.iter().map(String::as_str).map(look));
        let (role, regions) = futures_util::future::join(role, regions).await;
        self.planned(role, regions)
    }

    async fn look(&self, region: &str) -> Result<Seen, CloudError> {
        let function = self.account.function(region, &self.wish.function.name);
        let group = self.account.log_group(region, &self.wish.log_group.name);
        let (function, group) = futures_util::future::join(function, group).await;
        Ok((function?, group?))
    }

    fn planned(&self, role: Result<Option<Role>, CloudError>, regions: Vec<(&str, Result<Seen, CloudError>)>) -> Plan {
        let claim = &self.wish.claim;
        // A region that does not answer, or in which the name is another's, is not named in the role: nothing can be made
        // there, so nothing is to be looked for.
        let is_ours = |function: &Function| claim.covers(&function.tags).is_ok();
        let is_free = |seen: &Seen| seen.0.as_ref().is_none_or(is_ours);
        let usable = regions.iter().filter(|(_, seen)| seen.as_ref().is_ok_and(is_free));
        let usable = usable.map(|(region, _)| (*region).to_owned()).collect();
        let seen = role.as_ref().ok().and_then(Option::as_ref);
        let role_wish = RoleWish::new(self.config, &usable, seen, self.caller, &claim.owner, &self.beside);
        let mut elsewhere = seen.map(|role| tags::regions(&role.tags)).unwrap_or_default();
        let is_others = |region: &String| self.known.others.iter().any(|other| other.regions.contains(region));
        elsewhere.retain(|region| !self.regions.contains(region) && !is_others(region));
        let region = |(region, seen)| self.region(region, seen, &role_wish.arn);
        let regions: Vec<RegionPlan> = regions.into_iter().map(region).collect();
        let role = match role {
            Ok(role) => plan_role(&role_wish, role.as_ref(), claim).map_err(Fault::from),
            Err(error) => Err(error.into()),
        };
        // A role alone would be one that nothing remembers.
        let is_wanted = regions.iter().any(|region| region.function.is_ok());
        let role = role.and_then(|steps| if is_wanted || steps.is_empty() { Ok(steps) } else { Err(Trouble::Unused.into()) });
        Plan { role_wish, role, regions, elsewhere }
    }

    fn region(&self, region: &str, seen: Result<Seen, CloudError>, role: &str) -> RegionPlan {
        let region = region.to_owned();
        match seen {
            Ok((function, group)) => RegionPlan {
                region,
                log_group: plan_log_group(&self.wish.log_group, group.as_ref(), &self.wish.claim).map_err(Fault::from),
                function: plan_function(&self.wish.function, role, function.as_ref(), &self.wish.claim).map_err(Fault::from),
            },
            Err(error) => RegionPlan { region, log_group: Ok(Vec::new()), function: Err(error.into()) },
        }
    }

    /// Does what is planned, and says what came of it.
    pub async fn execute(&self, plan: &Plan, watch: Watcher<'_>) -> Vec<Line> {
        let thing = RoleThing { account: self.account, wish: &plan.role_wish, claim: &self.wish.claim };
        let outcome = match &plan.role {
            Ok(steps) => done(&thing, steps, ACCOUNT, watch).await,
            Err(fault) => Err(fault.clone()),
        };
        let role = Line::new(ACCOUNT, self.role_name(), outcome);
        ended(watch, ACCOUNT, std::slice::from_ref(&role));
        let stands = role.outcome.as_ref().map(drop);
        let regions = join_all(plan.regions.iter().map(|region| self.make(region, &plan.role_wish.arn, stands, watch))).await;
        std::iter::once(role).chain(regions.into_iter().flatten()).collect()
    }

    /// What came of one region.
    async fn make(&self, plan: &RegionPlan, role: &str, stands: Result<(), &Fault>, watch: Watcher<'_>) -> Vec<Line> {
        let (account, wish, region) = (self.account, &self.wish, plan.region.as_str());
        let stands = stands.map_err(|fault| Fault { is_refusal: fault.is_refusal, ..Trouble::Role.into() });
        // A group alone would be in a region that nothing remembers.
        let is_wanted = plan.function.as_ref().map(drop);
        let is_wanted = is_wanted.map_err(|fault| Fault { is_refusal: fault.is_refusal, ..Trouble::Function.into() });
        let group = match (&plan.log_group, is_wanted.and(stands.clone())) {
            (Ok(steps), Err(fault)) if !steps.is_empty() => Err(fault),
            (Ok(steps), _) => {
                let thing = LogGroupThing { account, region, wish: &wish.log_group, claim: &wish.claim };
                done(&thing, steps, region, watch).await
            }
            (Err(fault), _) => Err(fault.clone()),
        };
        let function = match (&plan.function, stands) {
            (Ok(steps), Err(fault)) if !steps.is_empty() => Err(fault),
            (Ok(steps), _) => done(&FunctionThing { account, region, wish, role }, steps, region, watch).await,
            (Err(fault), _) => Err(fault.clone()),
        };
        let lines = self.lines(region, group, function);
        ended(watch, region, &lines);
        lines
    }

    /// What the plan says.
    pub fn lines_of(&self, plan: &Plan) -> Vec<Line> {
        let role = plan.role.as_ref().map(|steps| change(steps)).map_err(Clone::clone);
        let role = Line::new(ACCOUNT, self.role_name(), role);
        let of = |region: &RegionPlan| {
            let group = region.log_group.as_ref().map(|steps| change(steps)).map_err(Clone::clone);
            let function = region.function.as_ref().map(|steps| change(steps)).map_err(Clone::clone);
            self.lines(&region.region, group, function)
        };
        std::iter::once(role).chain(plan.regions.iter().flat_map(of)).collect()
    }

    /// A log group that is neither there nor wished for is not worth a line.
    fn lines(&self, region: &str, group: Result<Change, Fault>, function: Result<Change, Fault>) -> Vec<Line> {
        let is_told = self.config.logs || !group.as_ref().is_ok_and(|change| change.action == super::Action::Unchanged);
        let group = is_told.then(|| Line::new(region, format!("log group {}", self.wish.log_group.name), group));
        let function = Line::new(region, format!("function {}", self.wish.function.name), function);
        std::iter::once(function).chain(group).collect()
    }

    fn role_name(&self) -> String {
        format!("role {}", self.config.role_name)
    }
}

impl Plan {
    /// Where something is or may be, once this is done.
    pub fn regions(&self) -> BTreeSet<String> {
        let may_be = |region: &&RegionPlan| self.role.is_ok() && region.function.is_ok();
        self.regions.iter().filter(may_be).map(|region| region.region.clone()).collect()
    }

    /// Regions that the role names, and no configuration that is known.
    pub const fn elsewhere(&self) -> &BTreeSet<String> {
        &self.elsewhere
    }
}

fn change<S: Step>(steps: &[S]) -> Change {
    Change { action: action_of(steps), details: texts_of(steps) }
}

/// Brings a thing to what is wished, if the plan has anything to do for it.
async fn done<T: Thing>(thing: &T, steps: &[T::Step], place: &str, watch: Watcher<'_>) -> Result<Change, Fault> {
    if !steps.is_empty() {
        reconcile(thing, &|text| watch(place, Note::Doing(text))).await?;
    }
    Ok(change(steps))
}
