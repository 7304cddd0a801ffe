//! The name of an agent: what logs say and `agent revoke` takes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name, bytes: a host name's label.
const LONGEST_NAME: usize = 63;

/// A text that is no agent's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {LONGEST_NAME} letters, digits, '.', '_' or '-'")]
pub struct BadName;

/// An agent's name. It stands in the pairing code before the colon, so its letters need no escape there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgentName(Arc<str>);

impl AgentName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgentName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let sized = (1..=LONGEST_NAME).contains(&text.len());
        if plain && sized { Ok(Self(text.into())) } else { Err(BadName) }
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_url_or_a_log_line_would_misread_are_refused() {
        assert_eq!("lap-top_1.home".parse::<AgentName>().expect("name").as_str(), "lap-top_1.home");
        for text in ["", "a:b", "a@b", "a b", "a\nb", "é", "a/b", &"x".repeat(64)] {
            assert_eq!(text.parse::<AgentName>(), Err(BadName), "{text}");
        }
    }
}
