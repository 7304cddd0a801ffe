//! What is wrong with a configuration: every mistake of one reading, with its key, value and place.
//!
//! Never: a mistake never shows a secret, nor the value of an unknown key, which may be a misspelled secret.

use std::fmt;

use super::origin::Origin;

/// Most mistakes shown; a file that is no configuration at all has one per line.
const MOST_SHOWN: usize = 50;

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub origin: Origin,
    /// The full key; empty when the mistake is about the file itself.
    pub key: String,
    /// The value as written, when it may be shown.
    pub value: Option<String>,
    /// What is wrong, and the mend.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        match (self.key.as_str(), &self.value) {
            ("", _) => {}
            (key, Some(value)) => write!(f, "{key} = {value}: ")?,
            (key, None) => write!(f, "{key}: ")?,
        }
        f.write_str(&self.text)
    }
}

/// Every mistake of one reading; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Sorts them as they stand in the file, the other sources first.
    pub(super) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.origin.line());
        Self(mistakes)
    }

    /// The mistakes, in the order of the file.
    pub fn list(&self) -> &[Mistake] {
        &self.0
    }

    /// Whether the command line alone is to blame.
    pub fn only_flags(&self) -> bool {
        self.0.iter().all(|mistake| matches!(mistake.origin, Origin::Flag(_)))
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has a problem:")?,
            count => write!(f, "the configuration has {count} problems:")?,
        }
        for mistake in self.0.iter().take(MOST_SHOWN) {
            write!(f, "\n  {mistake}")?;
        }
        match self.0.len().checked_sub(MOST_SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\n  and {more} more"),
        }
    }
}
