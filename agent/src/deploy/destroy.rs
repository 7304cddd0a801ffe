//! `destroy`: finds what was deployed, in every region where the local state, the role's tags or the configuration say that it
//! may be, and removes it.
//!
//! Never: the role goes before the functions: it is what still tells where they are.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};

use super::owner::Claim;
use super::plan::Action;
use super::reconcile::remove;
use super::report::{ACCOUNT, Change, Fault, Line, Note, Watcher, ended};
use super::tags::{self, Tags};
use super::trouble::Trouble;
use super::wish::log_group_name;
use crate::cloud::aws::Account;
use crate::cloud::aws::functions::Function;
use crate::cloud::aws::log_groups::LogGroup;
use crate::cloud::aws::roles::Role;

/// What may have been deployed under one pair of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The role's name.
    pub role: String,
    /// The function's name.
    pub function: String,
    /// Where the local state says that it is.
    pub known: BTreeSet<String>,
    /// Where it may be besides.
    pub likely: BTreeSet<String>,
}

/// Removes what is ours.
pub struct Destroyer<'a> {
    account: &'a Account,
    claim: Claim,
}

/// What was found of a target.
#[derive(Debug)]
pub struct Found {
    target: Target,
    role: Result<Option<Role>, Fault>,
    regions: Vec<FoundRegion>,
}

#[derive(Debug)]
struct FoundRegion {
    region: String,
    /// Whether anything says that something was made here.
    is_known: bool,
    function: Result<Option<Function>, Fault>,
    log_group: Result<Option<LogGroup>, Fault>,
}

impl<'a> Destroyer<'a> {
    /// One that works in somebody's name.
    pub const fn new(account: &'a Account, claim: Claim) -> Self {
        Self { account, claim }
    }

    /// Looks for a target. Changes nothing.
    pub async fn find(&self, target: Target, watch: Watcher<'_>) -> Found {
        let role = self.account.role(&target.role, None).await;
        let named = match &role {
            Ok(Some(role)) if self.claim.covers(&role.tags).is_ok() => tags::regions(&role.tags),
            _ => BTreeSet::new(),
        };
        let known: BTreeSet<String> = target.known.union(&named).cloned().collect();
        let look = |region: &String| {
            let is_known = known.contains(region);
            self.look(region.clone(), &target.function, is_known, watch)
        };
        let regions = join_all(known.union(&target.likely).map(look)).await;
        Found { role: role.map_err(Fault::from), regions, target }
    }

    async fn look(&self, region: String, function: &str, is_known: bool, watch: Watcher<'_>) -> FoundRegion {
        watch(&region, Note::Doing("looking"));
        let group = log_group_name(function);
        let (function, group) = join(self.account.function(&region, function), self.account.log_group(&region, &group)).await;
        watch(&region, if function.is_ok() && group.is_ok() { Note::Done } else { Note::Failed });
        FoundRegion { function: function.map_err(Fault::from), log_group: group.map_err(Fault::from), region, is_known }
    }

    /// What would be removed, and what could not be.
    pub fn lines_of(&self, found: &Found) -> Vec<Line> {
        let regions = found.regions.iter().flat_map(|region| {
            let function = self.judged(&region.function, |function: &Function| &function.tags);
            let group = self.judged(&region.log_group, |group: &LogGroup| &group.tags);
            found.lines(&region.region, function, group)
        });
        let role = self.judged(&found.role, |role: &Role| &role.tags).map(|outcome| found.role_line(outcome));
        regions.chain(role).collect()
    }

    /// What happens to a thing; nothing where it is not there.
    fn judged<T>(&self, seen: &Result<Option<T>, Fault>, tags: impl Fn(&T) -> &Tags) -> Option<Result<Change, Fault>> {
        match seen {
            Ok(None) => None,
            Ok(Some(thing)) => Some(self.claim.covers(tags(thing)).map(|()| removal()).map_err(Fault::from)),
            Err(fault) => Some(Err(fault.clone())),
        }
    }

    /// Removes what is ours of it, and says what came of it.
    pub async fn execute(&self, found: &Found, watch: Watcher<'_>) -> Vec<Line> {
        let regions = join_all(found.regions.iter().map(|region| self.clear(found, region, watch))).await;
        let is_left = |region: &FoundRegion, lines: &[Line]| region.is_known && lines.iter().any(|line| line.outcome.is_err());
        let is_needed = found.regions.iter().zip(&regions).any(|(region, lines)| is_left(region, lines));
        let role = self.judged(&found.role, |role: &Role| &role.tags);
        let role = match (role, &found.role) {
            (Some(Ok(_)), _) if is_needed => Some(Err(Trouble::Needed.into())),
            (Some(Ok(change)), Ok(Some(role))) => Some(self.remove_role(&found.target.role, role, watch).await.map(|()| change)),
            (judged, _) => judged,
        };
        let role: Vec<Line> = role.into_iter().map(|outcome| found.role_line(outcome)).collect();
        ended(watch, ACCOUNT, &role);
        regions.into_iter().flatten().chain(role).collect()
    }

    async fn clear(&self, found: &Found, region: &FoundRegion, watch: Watcher<'_>) -> Vec<Line> {
        let (account, place) = (self.account, region.region.as_str());
        let (name, group) = (&found.target.function, log_group_name(&found.target.function));
        let mut function = self.judged(&region.function, |function: &Function| &function.tags);
        if let Some(Ok(change)) = function {
            watch(place, Note::Doing("removing the function"));
            function =
                Some(remove(async || account.delete_function(place, name).await).await.map(|()| change).map_err(Fault::from));
        }
        let mut log_group = self.judged(&region.log_group, |group: &LogGroup| &group.tags);
        if let Some(Ok(change)) = log_group {
            watch(place, Note::Doing("removing the log group"));
            log_group =
                Some(remove(async || account.delete_log_group(place, &group).await).await.map(|()| change).map_err(Fault::from));
        }
        let lines: Vec<Line> = found.lines(place, function, log_group).collect();
        ended(watch, place, &lines);
        lines
    }

    /// A role goes when nothing is attached to it any more.
    async fn remove_role(&self, name: &str, role: &Role, watch: Watcher<'_>) -> Result<(), Fault> {
        watch(ACCOUNT, Note::Doing("removing the role"));
        for policy in &role.attached {
            remove(async || self.account.detach(name, policy).await).await?;
        }
        for policy in &role.policies {
            remove(async || self.account.delete_policy(name, policy).await).await?;
        }
        Ok(remove(async || self.account.delete_role(name).await).await?)
    }
}

impl Found {
    /// The pair of names.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    fn lines(
        &self,
        region: &str,
        function: Option<Result<Change, Fault>>,
        group: Option<Result<Change, Fault>>,
    ) -> impl Iterator<Item = Line> + use<> {
        let name = &self.target.function;
        let function = function.map(|outcome| Line::new(region, format!("function {name}"), outcome));
        let group = group.map(|outcome| Line::new(region, format!("log group {}", log_group_name(name)), outcome));
        function.into_iter().chain(group)
    }

    fn role_line(&self, outcome: Result<Change, Fault>) -> Line {
        Line::new(ACCOUNT, format!("role {}", self.target.role), outcome)
    }

    /// The regions in which, by what came of it, nothing is left.
    pub fn cleared(&self, lines: &[Line]) -> BTreeSet<String> {
        let is_clear = |region: &str| !lines.iter().any(|line| line.place == region && line.outcome.is_err());
        self.regions.iter().map(|region| region.region.clone()).filter(|region| is_clear(region)).collect()
    }
}

fn removal() -> Change {
    Change { action: Action::Delete, details: Vec::new() }
}
