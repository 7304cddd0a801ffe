//! The system's own programs, for what it lets nobody set but through them: desktops' proxy settings, services.
//!
//! Never: no shell is between, and no program is waited for longer than `PATIENCE`.

use std::io;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long such a program may take: they answer in milliseconds unless the session's bus hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(2);

/// Runs programs of the system.
pub trait Tools: Send + Sync {
    /// What `program` printed, having succeeded.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ToolError>;
}

/// Why a program did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It cannot be run.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It said no.
    #[error("`{line}` failed: {text}")]
    Failed {
        /// The command line.
        line: String,
        /// Its last words.
        text: String,
        /// Its exit code, where it was no signal that ended it.
        code: Option<i32>,
    },
    /// It said yes, and did nothing.
    #[error("what was set there is not there: {what}; is there a session that keeps it?")]
    Idle {
        /// What it should have set.
        what: String,
    },
    /// It does not end.
    #[error("`{line}` did not end within {} s", PATIENCE.as_secs())]
    Stuck {
        /// The command line.
        line: String,
    },
}

/// The system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTools;

impl Tools for SystemTools {
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
        let line = || [&[program], arguments].concat().join(" ");
        let start = |source| ToolError::Start { program: program.to_owned(), source };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(start)?;
        let begun = Instant::now();
        // What they print is shorter than a pipe.
        while child.try_wait().map_err(start)?.is_none() {
            if begun.elapsed() > PATIENCE {
                // One that ended just now has also been too slow.
                let _ended = child.kill().and_then(|()| child.wait());
                return Err(ToolError::Stuck { line: line() });
            }
            thread::sleep(LOOK);
        }
        let Output { status, stdout, stderr } = child.wait_with_output().map_err(start)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if status.success() {
            return Ok(text(&stdout));
        }
        let said = if text(&stderr).is_empty() { text(&stdout) } else { text(&stderr) };
        Err(ToolError::Failed {
            line: line(),
            text: if said.is_empty() { status.to_string() } else { said },
            code: status.code(),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_tools_last_words_are_kept() {
        assert_eq!(SystemTools.run("echo", &["a", "b"]).expect("echo"), "a b");
        let error = SystemTools.run("sh", &["-c", "echo no >&2; exit 3"]).expect_err("failed");
        assert_eq!(error.to_string(), "`sh -c echo no >&2; exit 3` failed: no");
        assert!(matches!(error, ToolError::Failed { code: Some(3), .. }), "{error:?}");
        assert!(SystemTools.run("/none", &[]).expect_err("none").to_string().starts_with("cannot run /none"));
    }
}
