//! The exit codes that scripts rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As wished.
    Ok,
    /// Something failed.
    Failure,
    /// The command line is wrong.
    Usage,
    /// The configuration is wrong.
    Config,
    /// AWS refused.
    Aws,
    /// The relay refused, or cannot be reached.
    Relay,
    /// No agent runs.
    NotRunning,
    /// Some regions failed.
    SomeRegions,
    /// The user interrupted.
    Interrupted,
    /// As the command that was run.
    Passed(u8),
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Aws => 4,
            Self::Relay => 5,
            Self::NotRunning => 6,
            Self::SomeRegions => 7,
            Self::Interrupted => 130,
            Self::Passed(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
