//! What is wrong with a configuration file, all of it at once.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no file at the path.
    #[error("{}: there is no such file; `awslambdaproxy-relay init` writes one", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file can be read and says something that cannot be.
    #[error("{0}")]
    Invalid(Problems),
    /// Neither a path was given nor does the system say where configuration belongs.
    #[error("this user has no home directory; give --config PATH")]
    NoHome,
}

/// The problems of one file.
#[derive(Debug)]
pub struct Problems {
    path: PathBuf,
    list: Vec<Problem>,
}

#[derive(Debug)]
struct Problem {
    line: Option<usize>,
    key: String,
    text: String,
}

impl Problems {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), list: Vec::new() }
    }

    /// Notes one, with the place of the value in `source`; an empty key stands for the file as a whole.
    pub(super) fn add(&mut self, source: &str, at: Option<Range<usize>>, key: &str, text: impl Into<String>) {
        let line = at.map(|at| 1 + source.as_bytes().iter().take(at.start).filter(|byte| **byte == b'\n').count());
        self.list.push(Problem { line, key: key.to_owned(), text: text.into() });
    }

    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(ConfigError::Invalid(self)),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.path.display())?;
            if let Some(line) = problem.line {
                write!(f, "{line}:")?;
            }
            if !problem.key.is_empty() {
                write!(f, " {}:", problem.key)?;
            }
            write!(f, " {}", problem.text)?;
        }
        Ok(())
    }
}
