//! Whom the CA was told that it may write to, and when it was last tried to tell it somebody else. Kept on disk, so that
//! restarts do not count anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The wait after the CA was not told: the old address still serves, and nobody waits for this.
const AGAIN: Duration = Duration::from_secs(3600);

/// What the CA knows.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    email: Option<String>,
    /// Seconds since 1970.
    tried: Option<u64>,
}

impl Contact {
    /// The CA knows this one.
    pub(super) fn known(email: Option<String>) -> Self {
        Self { email, tried: None }
    }

    /// Whether the CA is now to be told of `wanted`.
    pub(super) fn is_due(&self, wanted: Option<&str>, now: SystemTime) -> bool {
        // A clock that was set back makes no try of the future count.
        let waits = self.tried.is_some_and(|tried| (tried..tried.saturating_add(AGAIN.as_secs())).contains(&seconds(now)));
        self.email.as_deref() != wanted && !waits
    }

    /// It is being told. Until its answer is known it has not heard.
    pub(super) fn trying(self, now: SystemTime) -> Self {
        Self { tried: Some(seconds(now)), ..self }
    }

    /// Somebody asks for a try now.
    pub(super) fn hurry(self) -> Self {
        Self { tried: None, ..self }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_is_told_what_it_does_not_know_and_not_ever_again() {
        let (me, you, now) = (Some("me@example.com"), Some("you@example.com"), SystemTime::now());
        assert!(!Contact::default().is_due(None, now));
        let contact = Contact::known(me.map(str::to_owned));
        assert!(!contact.is_due(me, now) && contact.is_due(you, now) && contact.is_due(None, now));
        let contact = contact.trying(now);
        assert!(!contact.is_due(you, now) && !contact.is_due(you, now + AGAIN / 2));
        assert!(contact.is_due(you, now + AGAIN) && contact.is_due(you, now - AGAIN));
        assert!(contact.hurry().is_due(you, now));
    }
}
