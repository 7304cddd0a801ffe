//! The log group of a region: there with `logs = true`, gone with `logs = false`.

use super::{Action, Planned, Step};
use crate::cloud::aws::log_groups::LogGroup;
use crate::deploy::owner::Claim;
use crate::deploy::tags::{self, Tags};
use crate::deploy::wish::LogGroupWish;

/// One change of the log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogGroupStep {
    /// Make it, with the wish's tags.
    Create,
    /// Take it over.
    Tag {
        /// The log group's full name.
        arn: String,
        /// What is set.
        tags: Tags,
    },
    /// Set for how many days it keeps what it gets.
    SetRetention(u32),
    /// Remove it.
    Delete,
}

impl Step for LogGroupStep {
    fn action(&self) -> Action {
        match self {
            Self::Create => Action::Create,
            Self::Delete => Action::Delete,
            Self::Tag { .. } | Self::SetRetention(_) => Action::Update,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Create => String::new(),
            Self::Tag { .. } => "adopt it".to_owned(),
            Self::SetRetention(days) => format!("keeps logs for {days} days"),
            Self::Delete => "aws.logs = false".to_owned(),
        }
    }
}

/// What makes the log group as wished. One that this program did not make is not removed.
pub(crate) fn plan(wish: &LogGroupWish, seen: Option<&LogGroup>, claim: &Claim) -> Planned<LogGroupStep> {
    let Some(days) = wish.retention_days else {
        let removed = seen.filter(|group| claim.covers_marked(&group.tags));
        return Ok(removed.map(|_| LogGroupStep::Delete).into_iter().collect());
    };
    let Some(group) = seen else { return Ok(vec![LogGroupStep::Create, LogGroupStep::SetRetention(days)]) };
    claim.covers(&group.tags)?;
    let missing = tags::missing(&wish.tags, &group.tags);
    let mut steps = Vec::new();
    if !missing.is_empty() {
        steps.push(LogGroupStep::Tag { arn: group.arn.clone(), tags: missing });
    }
    if group.retention_days != Some(days) {
        steps.push(LogGroupStep::SetRetention(days));
    }
    Ok(steps)
}
