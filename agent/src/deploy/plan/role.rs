//! The role: trusted by Lambda alone, and without any permission beyond its logs'.

use super::{Action, Planned, Step};
use crate::cloud::aws::roles::Role;
use crate::deploy::owner::Claim;
use crate::deploy::tags::{self, OWNER, Tags};
use crate::deploy::wish::{LOGS_POLICY, RoleWish, trust};

/// One change of the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoleStep {
    /// Make it, with its trust and these tags.
    Create(Tags),
    /// Take it over, or name more regions in it.
    Tag(Tags),
    /// Set whom it trusts.
    SetTrust,
    /// Let functions write logs, by this document.
    PutLogs(String),
    /// Remove a policy that stands in it.
    DeletePolicy(String),
    /// Take an attached policy off it.
    Detach(String),
}

impl Step for RoleStep {
    fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::Create,
            _ => Action::Update,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Create(_) => String::new(),
            Self::Tag(tags) if tags.contains_key(OWNER) => "adopt it".to_owned(),
            Self::Tag(tags) => format!("tag {}", tags::regions(tags).into_iter().collect::<Vec<_>>().join(", ")),
            Self::SetTrust => "trust Lambda alone".to_owned(),
            Self::PutLogs(_) => "may write logs".to_owned(),
            Self::DeletePolicy(name) => format!("remove policy {name}"),
            Self::Detach(arn) => format!("detach {arn}"),
        }
    }
}

/// What makes the role as wished.
pub(crate) fn plan(wish: &RoleWish, seen: Option<&Role>, claim: &Claim) -> Planned<RoleStep> {
    let Some(role) = seen else {
        let logs = wish.logs.iter().map(|document| RoleStep::PutLogs(document.clone()));
        return Ok(std::iter::once(RoleStep::Create(wish.tags.clone())).chain(logs).collect());
    };
    claim.covers(&role.tags)?;
    let missing = tags::missing(&wish.tags, &role.tags);
    let mut steps = Vec::new();
    // First of all: from then on it is known whose the rest is, and where functions may be.
    steps.extend((!missing.is_empty()).then_some(RoleStep::Tag(missing)));
    steps.extend((!same(&role.trust, &trust())).then_some(RoleStep::SetTrust));
    let wanted = |name: &&String| wish.logs.is_some() && name.as_str() == LOGS_POLICY;
    steps.extend(role.policies.iter().filter(|name| !wanted(name)).cloned().map(RoleStep::DeletePolicy));
    steps.extend(role.attached.iter().cloned().map(RoleStep::Detach));
    if let Some(document) = &wish.logs
        && !role.policy.as_ref().is_some_and(|seen| same(seen, document))
    {
        steps.push(RoleStep::PutLogs(document.clone()));
    }
    Ok(steps)
}

/// Whether two documents say the same, however they are written.
fn same(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || read(one).is_some_and(|value| Some(value) == read(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_compared_by_what_they_say() {
        assert!(same(r#"{"a": 1, "b": [2]}"#, r#"{"b":[2],"a":1}"#));
        assert!(!same(r#"{"a":1}"#, r#"{"a":2}"#) && !same("x", "y") && same("x", "x"));
    }
}
