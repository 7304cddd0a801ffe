//! One line of a check.

use std::fmt;

/// What was found of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    level: Level,
    subject: &'static str,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    /// The relay cannot work; a command that meets it ends with this code.
    Wrong(u8),
}

impl Finding {
    pub(super) fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Ok, subject, text: text.into() }
    }

    pub(super) fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Warning, subject, text: text.into() }
    }

    pub(super) fn wrong(code: u8, subject: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Wrong(code), subject, text: text.into() }
    }

    /// The exit code, if something is wrong.
    pub(super) fn exit_code(&self) -> Option<u8> {
        match self.level {
            Level::Wrong(code) => Some(code),
            Level::Ok | Level::Warning => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Wrong(_) => "wrong",
        };
        write!(f, "{level:<8} {:<14} {}", self.subject, self.text)
    }
}
