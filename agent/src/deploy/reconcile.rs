//! Brings one thing to what is wished: look, plan, take a step, look again.
//!
//! A look is also how a change is waited for, so that an interrupted deployment goes on as if nothing had been.
//!
//! Never: it goes on without a bound, and it never takes an error of the same code for one that heals.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::plan::{Planned, Step};
use super::trouble::Trouble;
use crate::cloud::CloudError;

/// Between two looks at a change that is under way: it grows to the longer one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How long a thing may be busy with changes, ours or another's: Lambda needs seconds, a minute on a bad day.
const BUSY_LIMIT: Duration = Duration::from_secs(300);
/// How long a new role may be unknown to Lambda: seconds as a rule.
const ROLE_LIMIT: Duration = Duration::from_secs(60);
/// Most steps taken: three times what any plan has.
const MOST_STEPS: u32 = 12;

/// How Lambda refuses a role that was made moments ago. The code alone is that of every true mistake.
const NOT_ASSUMABLE: (&str, &str) = ("InvalidParameterValueException", "cannot be assumed by Lambda");

/// One thing in the account.
pub(super) trait Thing {
    /// What is seen of it.
    type Seen;
    /// What can be done to it.
    type Step: Step + Clone;
    /// Whether a step is over only when the thing says so.
    const SETTLES: bool;

    async fn look(&self) -> Result<Self::Seen, CloudError>;
    /// Whether a change is under way.
    fn is_changing(&self, seen: &Self::Seen) -> bool;
    /// Why the last change failed, if it did.
    fn failure(&self, seen: &Self::Seen) -> Option<String>;
    fn plan(&self, seen: &Self::Seen) -> Planned<Self::Step>;
    async fn take(&self, step: Self::Step) -> Result<(), CloudError>;
}

/// Does all that the thing lacks, and says what it is doing.
pub(super) async fn reconcile<T: Thing>(thing: &T, say: &dyn Fn(&str)) -> Result<(), Trouble> {
    let mut patience = Patience::new();
    let mut taken = 0;
    loop {
        let seen = thing.look().await?;
        if thing.is_changing(&seen) {
            patience.busy("a change is under way").await?;
            continue;
        }
        if let Some(reason) = thing.failure(&seen).filter(|_| taken > 0) {
            return Err(Trouble::Failed(reason));
        }
        let steps = thing.plan(&seen)?;
        let Some(last) = steps.last() else { return Ok(()) };
        if taken >= MOST_STEPS {
            return Err(Trouble::Restless(last.text()));
        }
        let now = if T::SETTLES { &steps[..1] } else { &steps[..] };
        if take(thing, now, say, &mut patience).await? {
            taken += u32::try_from(now.len()).unwrap_or(MOST_STEPS);
            if !T::SETTLES {
                return Ok(());
            }
        }
    }
}

/// Takes steps in their order; `false` where the thing must be looked at again first.
async fn take<T: Thing>(thing: &T, steps: &[T::Step], say: &dyn Fn(&str), patience: &mut Patience) -> Result<bool, Trouble> {
    for step in steps {
        say(&format!("{} {}", step.action().word(), step.text()));
        match thing.take(step.clone()).await {
            Ok(()) => *patience = Patience::new(),
            // What is not there any more, or not yet everywhere, is looked at again like what is busy.
            Err(CloudError::Conflict(reply) | CloudError::NotFound(reply)) => {
                patience.busy(&reply.to_string()).await?;
                return Ok(false);
            }
            Err(error) if is_not_assumable(&error) => {
                say("waiting until Lambda knows the new role");
                patience.role().await?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn is_not_assumable(error: &CloudError) -> bool {
    let (code, text) = NOT_ASSUMABLE;
    matches!(error, CloudError::Refused(reply) if reply.code == code && reply.message.contains(text))
}

/// Bounds how long is waited, for each reason.
struct Patience {
    pause: Duration,
    busy_since: Option<Instant>,
    role_since: Option<Instant>,
}

impl Patience {
    const fn new() -> Self {
        Self { pause: SHORTEST_PAUSE, busy_since: None, role_since: None }
    }

    async fn busy(&mut self, what: &str) -> Result<(), Trouble> {
        let since = *self.busy_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= BUSY_LIMIT {
            return Err(Trouble::TooLong { what: what.to_owned(), after: BUSY_LIMIT });
        }
        self.rest().await;
        Ok(())
    }

    async fn role(&mut self) -> Result<(), Trouble> {
        let since = *self.role_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= ROLE_LIMIT {
            return Err(Trouble::RoleNotReady { after: ROLE_LIMIT });
        }
        self.rest().await;
        Ok(())
    }

    async fn rest(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Takes one step on a thing that may be busy; what is gone already counts as done.
pub(super) async fn remove(step: impl AsyncFn() -> Result<(), CloudError>) -> Result<(), Trouble> {
    let mut patience = Patience::new();
    loop {
        match step().await {
            Ok(()) | Err(CloudError::NotFound(_)) => return Ok(()),
            Err(CloudError::Conflict(reply)) => patience.busy(&reply.to_string()).await?,
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
