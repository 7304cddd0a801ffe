//! What has to be done so that the account is as wished: pure, one file per kind of thing.
//!
//! Never: a plan changes what does not differ, or what is not ours.

mod function;
mod log_group;
#[cfg(test)]
mod properties;
mod role;

use super::owner::NotOurs;

pub(crate) use function::{FunctionStep, plan as plan_function};
pub(crate) use log_group::{LogGroupStep, plan as plan_log_group};
pub(crate) use role::{RoleStep, plan as plan_role};

/// What happens to one thing as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// It stays as it is.
    Unchanged,
    /// It stays as it is, for it is not ours.
    LeftAlone,
}

impl Action {
    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Unchanged => "unchanged",
            Self::LeftAlone => "left alone",
        }
    }
}

/// A step of a plan.
pub(crate) trait Step {
    /// What it means for the thing.
    fn action(&self) -> Action;
    /// What it changes, for people.
    fn text(&self) -> String;
}

/// What steps come to together: making or removing it says it all.
pub(crate) fn action_of<S: Step>(steps: &[S]) -> Action {
    let actions = || steps.iter().map(Step::action);
    let whole = actions().find(|action| matches!(action, Action::Create | Action::Delete));
    whole.or_else(|| actions().next()).unwrap_or(Action::Unchanged)
}

/// What steps change, for people.
pub(crate) fn texts_of<S: Step>(steps: &[S]) -> Vec<String> {
    steps.iter().map(Step::text).filter(|text| !text.is_empty()).collect()
}

/// A plan, or why the thing is not touched.
pub(crate) type Planned<S> = Result<Vec<S>, NotOurs>;
