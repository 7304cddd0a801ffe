//! Why something in the account is not as wished, and the mend.

use std::borrow::Cow;
use std::time::Duration;

use super::owner::NotOurs;
use crate::cloud::CloudError;

/// What stopped the work on one thing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// AWS did not do what it was asked.
    #[error("{}", .0.told())]
    Cloud(Box<CloudError>),
    /// It is not ours.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// Lambda took the change, and then failed with it.
    #[error("Lambda says that the change failed: {0}")]
    Failed(String),
    /// A change is taken and does not show.
    #[error("AWS takes the change ({0}), yet shows what was there before")]
    Restless(String),
    /// It is busy for too long.
    #[error("not done after {} s: {what}", after.as_secs())]
    TooLong {
        /// What was waited for.
        what: String,
        /// For how long.
        after: Duration,
    },
    /// Lambda cannot take on the role, long after it was made.
    #[error("after {} s Lambda still cannot take on the role", after.as_secs())]
    RoleNotReady {
        /// For how long it was tried.
        after: Duration,
    },
    /// The role must be there first.
    #[error("the role is not as it must be")]
    Role,
    /// There must be functions that it is for.
    #[error("it is neither made nor changed, since no region has a function for it")]
    Unused,
    /// There must be a function that it is for.
    #[error("the function is not as it must be")]
    Function,
    /// What must go first is still there.
    #[error("it is kept, since it tells in which regions there is more to remove")]
    Needed,
}

impl From<CloudError> for Trouble {
    fn from(error: CloudError) -> Self {
        Self::Cloud(Box::new(error))
    }
}

impl Trouble {
    /// In so few words that a table has room for it.
    pub fn brief(&self) -> String {
        match self {
            Self::Cloud(error) => error.brief(),
            other => other.to_string(),
        }
    }

    /// Whether AWS heard what was asked, and said no.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Cloud(error) => error.is_refusal(),
            Self::Failed(_) | Self::RoleNotReady { .. } => true,
            Self::NotOurs(_) | Self::Restless(_) | Self::TooLong { .. } => false,
            Self::Role | Self::Unused | Self::Function | Self::Needed => false,
        }
    }

    /// Whether it only follows from what is wrong elsewhere.
    pub const fn is_consequence(&self) -> bool {
        matches!(self, Self::Role | Self::Unused | Self::Function | Self::Needed)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Cloud(error) => cloud_hint(error),
            Self::NotOurs(_) => "choose other names (aws.function_name, aws.role_name), or take it over with --adopt".into(),
            Self::Failed(_) => "`awslambdaproxy destroy`, then `deploy` makes it anew".into(),
            Self::Restless(_) => "does another tool change it back? Else run it again in a minute".into(),
            Self::TooLong { .. } => "run it again in some minutes; it goes on where it stopped".into(),
            Self::RoleNotReady { .. } => "run it again in a minute; if it stays so, an organisation's policy forbids it".into(),
            Self::Role => "see what is said about the role".into(),
            Self::Unused => "see what is said about the functions".into(),
            Self::Function => "see what is said about the function".into(),
            Self::Needed => "run it again when the others are removed".into(),
        }
    }
}

/// What is tried again by itself while the proxy runs is up to the person here.
fn cloud_hint(error: &CloudError) -> Cow<'static, str> {
    match error {
        CloudError::Lost(_) | CloudError::Service(_) | CloudError::Throttled { .. } | CloudError::Conflict(_) => {
            "run it again in a minute; it goes on where it stopped".into()
        }
        other => other.hint(),
    }
}
