//! `destroy`: finds what was deployed, in every region where the local state, the roles' tags or the configuration say that it
//! may be, and removes it.
//!
//! Never: a role goes before the functions: it is what still tells where they are. And what is not ours keeps none of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures_util::future::{join, join_all};

use super::owner::{Claim, NotOurs};
use super::plan::Action;
use super::reconcile::remove;
use super::report::{ACCOUNT, Change, Fault, Line, Note, Watcher, ended};
use super::tags::{self, Tags};
use super::targets::{Need, Places, Targets};
use super::trouble::Trouble;
use super::wish::log_group_name;
use crate::cloud::aws::Account;
use crate::cloud::aws::functions::Function;
use crate::cloud::aws::log_groups::LogGroup;
use crate::cloud::aws::roles::Role;

/// Removes what is ours.
pub struct Destroyer<'a> {
    account: &'a Account,
    claim: Claim,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    roles: Vec<FoundRole>,
    regions: Vec<FoundRegion>,
    /// What stays where it is.
    kept: Vec<Line>,
}

#[derive(Debug)]
struct FoundRole {
    name: String,
    needed_by: Option<Need>,
    role: Result<Option<Role>, Fault>,
}

#[derive(Debug)]
struct FoundRegion {
    region: String,
    functions: Vec<FoundFunction>,
}

/// What a region holds under one name.
#[derive(Debug)]
struct FoundFunction {
    name: String,
    /// Whether anything says that something was made here.
    is_known: bool,
    function: Result<Option<Function>, Fault>,
    log_group: Result<Option<LogGroup>, Fault>,
}

/// What happens to a thing, or happened; nothing where it is not there.
type Outcome = Option<Result<Change, Fault>>;

impl<'a> Destroyer<'a> {
    /// One that works in somebody's name.
    pub const fn new(account: &'a Account, claim: Claim) -> Self {
        Self { account, claim }
    }

    /// Looks for all of it. Changes nothing.
    pub async fn find(&self, targets: &Targets, watch: Watcher<'_>) -> Found {
        let look = async |(name, needed_by): (&String, &Option<Need>)| FoundRole {
            role: self.account.role(name, None).await.map_err(Fault::from),
            name: name.clone(),
            needed_by: needed_by.clone(),
        };
        let roles = join_all(targets.roles.iter().map(look)).await;
        let seen = roles.iter().filter_map(|found| found.role.as_ref().ok()?.as_ref());
        let ours = seen.filter(|role| self.claim.covers(&role.tags).is_ok());
        let mut named: BTreeSet<String> = ours.flat_map(|role| tags::regions(&role.tags)).collect();
        named.retain(|region| !targets.elsewhere.contains(region));
        let mut regions = BTreeMap::<String, Vec<(&str, bool)>>::new();
        for (name, places) in &targets.functions {
            for (region, is_known) in places.to_look_in(&named) {
                regions.entry(region).or_default().push((name, is_known));
            }
        }
        let regions = join_all(regions.into_iter().map(|(region, names)| self.look(region, names, watch))).await;
        Found { roles, regions, kept: kept_functions(targets) }
    }

    async fn look(&self, region: String, names: Vec<(&str, bool)>, watch: Watcher<'_>) -> FoundRegion {
        watch(&region, Note::Doing("looking"));
        let functions = join_all(names.into_iter().map(|(name, is_known)| self.look_for(&region, name, is_known))).await;
        let is_seen = functions.iter().all(|found| found.function.is_ok() && found.log_group.is_ok());
        watch(&region, if is_seen { Note::Done } else { Note::Failed });
        FoundRegion { region, functions }
    }

    async fn look_for(&self, region: &str, name: &str, is_known: bool) -> FoundFunction {
        let group = log_group_name(name);
        let (function, group) = join(self.account.function(region, name), self.account.log_group(region, &group)).await;
        let (function, log_group) = (function.map_err(Fault::from), group.map_err(Fault::from));
        FoundFunction { name: name.to_owned(), is_known, function, log_group }
    }

    /// What would be removed, and what could not be.
    pub fn lines_of(&self, found: &Found) -> Vec<Line> {
        let of = |region: &FoundRegion| {
            let lines = |function: &FoundFunction| function.lines(&region.region, self.judged_function(function));
            region.functions.iter().flat_map(lines).collect::<Vec<_>>()
        };
        let mut lines: Vec<Line> = found.regions.iter().flat_map(of).chain(found.kept.iter().cloned()).collect();
        let cleared = found.cleared(&lines);
        lines.extend(found.roles.iter().filter_map(|role| role.line(self.judged_role(role, &cleared))));
        lines
    }

    fn judged_function(&self, found: &FoundFunction) -> (Outcome, Outcome) {
        let function = self.judged(&found.function, |function: &Function| &function.tags);
        (function, self.judged(&found.log_group, |group: &LogGroup| &group.tags))
    }

    fn judged_role(&self, found: &FoundRole, cleared: &BTreeSet<String>) -> Outcome {
        let judged = self.judged(&found.role, |role: &Role| &role.tags);
        match &found.needed_by {
            Some(need) if is_removal(&judged) => Some(Ok(kept_role(need, &found.stale(cleared)))),
            _ => judged,
        }
    }

    fn judged<T>(&self, seen: &Result<Option<T>, Fault>, tags: impl Fn(&T) -> &Tags) -> Outcome {
        match seen {
            Ok(None) => None,
            Ok(Some(thing)) => {
                Some(Ok(self.claim.covers(tags(thing)).map_or_else(|not_ours| left_alone(&not_ours), |()| removal())))
            }
            Err(fault) => Some(Err(fault.clone())),
        }
    }

    /// Whether another owner made something of it. Whether that was this desktop once, before it lost its state, nobody can tell.
    pub fn meets_another(&self, found: &Found) -> bool {
        let functions = || found.regions.iter().flat_map(|region| &region.functions);
        let of_functions = functions().filter_map(|found| Some(&found.function.as_ref().ok()?.as_ref()?.tags));
        let of_groups = functions().filter_map(|found| Some(&found.log_group.as_ref().ok()?.as_ref()?.tags));
        let of_roles = found.roles.iter().filter_map(|found| Some(&found.role.as_ref().ok()?.as_ref()?.tags));
        let mut all = of_functions.chain(of_groups).chain(of_roles);
        all.any(|tags| matches!(self.claim.covers(tags), Err(NotOurs::Another(_))))
    }

    /// Removes what is ours of it, and says what came of it.
    pub async fn execute(&self, found: &Found, watch: Watcher<'_>) -> Vec<Line> {
        let done = join_all(found.regions.iter().map(|region| self.clear(region, watch))).await;
        let is_needed = done.iter().any(|(_, is_left)| *is_left);
        let mut lines: Vec<Line> = done.into_iter().flat_map(|(lines, _)| lines).chain(found.kept.iter().cloned()).collect();
        let cleared = found.cleared(&lines);
        let mut roles = Vec::new();
        for role in &found.roles {
            roles.extend(role.line(self.clear_role(role, &cleared, is_needed, watch).await));
        }
        ended(watch, ACCOUNT, &roles);
        lines.extend(roles);
        lines
    }

    /// What came of one region, and whether something is left there that a role tells of.
    async fn clear(&self, region: &FoundRegion, watch: Watcher<'_>) -> (Vec<Line>, bool) {
        let (mut lines, mut is_left) = (Vec::new(), false);
        for function in &region.functions {
            let cleared = self.clear_function(&region.region, function, watch).await;
            is_left |= function.is_known && cleared.iter().any(|line| line.outcome.is_err());
            lines.extend(cleared);
        }
        ended(watch, &region.region, &lines);
        (lines, is_left)
    }

    async fn clear_function(&self, place: &str, found: &FoundFunction, watch: Watcher<'_>) -> Vec<Line> {
        let (account, name, group) = (self.account, &found.name, log_group_name(&found.name));
        let (mut function, mut log_group) = self.judged_function(found);
        if is_removal(&function) {
            watch(place, Note::Doing("removing the function"));
            function = Some(removed(remove(async || account.delete_function(place, name).await).await));
        }
        if is_removal(&log_group) {
            watch(place, Note::Doing("removing the log group"));
            log_group = Some(removed(remove(async || account.delete_log_group(place, &group).await).await));
        }
        found.lines(place, (function, log_group)).collect()
    }

    async fn clear_role(&self, found: &FoundRole, cleared: &BTreeSet<String>, is_needed: bool, watch: Watcher<'_>) -> Outcome {
        let judged = self.judged_role(found, cleared);
        let (Some(Ok(change)), Ok(Some(role))) = (&judged, &found.role) else { return judged };
        let done = match change.action {
            Action::Delete if is_needed => self.untag_role(found, cleared, watch).await.and(Err(Trouble::Needed)),
            Action::Delete => self.remove_role(&found.name, role, watch).await,
            Action::Update => self.untag_role(found, cleared, watch).await,
            Action::Create | Action::Unchanged | Action::LeftAlone => return judged,
        };
        Some(done.map(|()| change.clone()).map_err(Fault::from))
    }

    /// A role that stays sends nobody any more to where nothing is left: who asks next may not even be allowed to look there.
    async fn untag_role(&self, found: &FoundRole, cleared: &BTreeSet<String>, watch: Watcher<'_>) -> Result<(), Trouble> {
        let keys: Vec<String> = found.stale(cleared).iter().map(|region| tags::key_of(region)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        watch(ACCOUNT, Note::Doing("taking tags off the role"));
        remove(async || self.account.untag_role(&found.name, &keys).await).await
    }

    /// A role goes when nothing is attached to it any more.
    async fn remove_role(&self, name: &str, role: &Role, watch: Watcher<'_>) -> Result<(), Trouble> {
        watch(ACCOUNT, Note::Doing("removing the role"));
        for policy in &role.attached {
            remove(async || self.account.detach(name, policy).await).await?;
        }
        for policy in &role.policies {
            remove(async || self.account.delete_policy(name, policy).await).await?;
        }
        remove(async || self.account.delete_role(name).await).await
    }
}

impl Found {
    /// The regions in which, by what came of it, nothing is left.
    pub fn cleared(&self, lines: &[Line]) -> BTreeSet<String> {
        let is_clear = |region: &str| !lines.iter().any(|line| line.place == region && line.outcome.is_err());
        self.regions.iter().map(|region| region.region.clone()).filter(|region| is_clear(region)).collect()
    }
}

impl FoundRole {
    /// The regions that it names, in which nothing is left, and in which nobody else needs it.
    fn stale(&self, cleared: &BTreeSet<String>) -> Vec<String> {
        let named = self.role.as_ref().ok().and_then(Option::as_ref).map(|role| tags::regions(&role.tags)).unwrap_or_default();
        let is_needed = |region: &String| self.needed_by.as_ref().is_some_and(|need| need.regions.contains(region));
        named.into_iter().filter(|region| cleared.contains(region) && !is_needed(region)).collect()
    }

    fn line(&self, outcome: Outcome) -> Option<Line> {
        outcome.map(|outcome| Line::new(ACCOUNT, format!("role {}", self.name), outcome))
    }
}

impl FoundFunction {
    fn lines(&self, region: &str, (function, group): (Outcome, Outcome)) -> impl Iterator<Item = Line> + use<> {
        let function = function.map(|outcome| Line::new(region, format!("function {}", self.name), outcome));
        let group = group.map(|outcome| Line::new(region, format!("log group {}", log_group_name(&self.name)), outcome));
        function.into_iter().chain(group)
    }
}

fn kept_functions(targets: &Targets) -> Vec<Line> {
    let of = |(name, places): (&String, &Places)| {
        let kept = |config: &PathBuf| Change { action: Action::Unchanged, details: vec![kept_for(config)] };
        let line = |(region, config): (&String, &PathBuf)| Line::new(region, format!("function {name}"), Ok(kept(config)));
        places.shared().map(line).collect::<Vec<_>>()
    };
    targets.functions.iter().flat_map(of).collect()
}

fn removal() -> Change {
    Change { action: Action::Delete, details: Vec::new() }
}

fn removed(ended: Result<(), Trouble>) -> Result<Change, Fault> {
    ended.map(|()| removal()).map_err(Fault::from)
}

fn is_removal(outcome: &Outcome) -> bool {
    matches!(outcome, Some(Ok(change)) if change.action == Action::Delete)
}

/// What this program never made, or made for another desktop, is no part of what it has to remove.
fn left_alone(not_ours: &NotOurs) -> Change {
    Change { action: Action::LeftAlone, details: vec![not_ours.to_string()] }
}

/// A role that others need, and the regions that it names no longer.
fn kept_role(need: &Need, stale: &[String]) -> Change {
    let action = if stale.is_empty() { Action::Unchanged } else { Action::Update };
    let untagged = (!stale.is_empty()).then(|| format!("without tags of {}", stale.join(", ")));
    Change { action, details: std::iter::once(kept_for(&need.config)).chain(untagged).collect() }
}

fn kept_for(config: &Path) -> String {
    format!("kept for {}", config.display())
}
