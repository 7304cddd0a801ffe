//! User names that say nothing to a proxy that asks for none, each told once: who writes one mostly wishes for a region.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::cloud::printable;

/// Most names that are told and remembered: a person needs the first, and a client may make up any number.
const MOST_NAMES: usize = 20;
/// So much of a name is told and remembered, characters.
const LONGEST_NAME: usize = 64;

/// The names that were told.
#[derive(Debug, Default)]
pub(super) struct Ignored(Mutex<BTreeSet<String>>);

impl Ignored {
    /// Says once of a name that it is ignored, and how a region is asked for.
    pub(super) fn tell(&self, username: &[u8]) {
        if let Some(name) = self.note(username) {
            tracing::warn!("the proxy's user name {name:?} is ignored; a region is asked for as region=REGION");
        }
    }

    /// The name as it can be shown, if it is neither empty nor known.
    fn note(&self, username: &[u8]) -> Option<String> {
        if username.is_empty() {
            return None;
        }
        let name = printable(&String::from_utf8_lossy(username), LONGEST_NAME);
        // No holder of the lock can panic between two states of the set, so a poisoned one is as good.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (told.len() < MOST_NAMES && told.insert(name.clone())).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_told_once_and_fit_to_be_shown() {
        let ignored = Ignored::default();
        assert_eq!(ignored.note(b""), None);
        assert_eq!(ignored.note(b"local-1"), Some("local-1".to_owned()));
        assert_eq!(ignored.note(b"local-1"), None);
        assert_eq!(ignored.note(b"a\x1b[2J\nb"), Some("a [2J b".to_owned()));
        assert_eq!(ignored.note(&[b'x'; 500]).map(|name| name.chars().count()), Some(LONGEST_NAME + 1));
    }

    #[test]
    fn no_client_makes_it_grow_without_bound() {
        let ignored = Ignored::default();
        let told = (0..10 * MOST_NAMES).filter(|number| ignored.note(number.to_string().as_bytes()).is_some()).count();
        assert_eq!(told, MOST_NAMES);
    }
}
