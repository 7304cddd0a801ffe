//! The file of token hashes, `agents.toml` in the state directory.
//!
//! Written whole and renamed into place, so that a reader sees either the old or the new one; two commands at once take
//! turns by a lock beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{AgentName, BadName, TokenHash};
use crate::system::{self, Version};

/// Most agents of one relay: each request's token is compared with all of them.
const MOST_AGENTS: usize = 1000;
/// Largest file that is read, bytes: [`MOST_AGENTS`] entries need less than a quarter.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Why the list of agents could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AgentsError {
    /// The file system refused.
    #[error("{}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file does not say what it should.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A second agent of one name.
    #[error("an agent named {0} exists; revoke it first, or take another name")]
    Exists(AgentName),
    /// No such agent.
    #[error("there is no agent named {0}; `agent list` shows who there is")]
    Unknown(AgentName),
    /// The list is full.
    #[error("there are {MOST_AGENTS} agents already")]
    TooMany,
}

/// One agent of the list.
pub(crate) type Known = (AgentName, TokenHash);

/// The list of agents on disk.
#[derive(Debug, Clone)]
pub struct AgentsFile {
    directory: PathBuf,
    path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default, rename = "agent")]
    agents: Vec<RawAgent>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAgent {
    name: String,
    token_sha256: String,
}

impl AgentsFile {
    /// The list in this state directory; neither needs to exist yet.
    pub fn in_directory(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), path: directory.join("agents.toml") }
    }

    /// Adds an agent.
    pub fn add(&self, name: &AgentName, hash: TokenHash) -> Result<(), AgentsError> {
        self.change(|agents| {
            if agents.iter().any(|(known, _)| known == name) {
                return Err(AgentsError::Exists(name.clone()));
            }
            if agents.len() >= MOST_AGENTS {
                return Err(AgentsError::TooMany);
            }
            agents.push((name.clone(), hash));
            Ok(())
        })
    }

    /// Removes an agent.
    pub fn revoke(&self, name: &AgentName) -> Result<(), AgentsError> {
        self.change(|agents| {
            let before = agents.len();
            agents.retain(|(known, _)| known != name);
            if agents.len() == before { Err(AgentsError::Unknown(name.clone())) } else { Ok(()) }
        })
    }

    /// The names, in the order in which they were added.
    pub fn names(&self) -> Result<Vec<AgentName>, AgentsError> {
        Ok(self.read()?.into_iter().map(|(name, _)| name).collect())
    }

    /// All agents; none when there is no file.
    pub(super) fn read(&self) -> Result<Vec<Known>, AgentsError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() > LARGEST_FILE => return Err(self.malformed("it is too large")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&self.path, error)),
        }
        let text = fs::read_to_string(&self.path).map_err(|error| io_error(&self.path, error))?;
        self.parse(&text)
    }

    /// The agents that `text` lists, as the text of this file.
    pub(crate) fn parse(&self, text: &str) -> Result<Vec<Known>, AgentsError> {
        let raw: RawFile = toml::from_str(text).map_err(|error| self.malformed(error.message()))?;
        raw.agents.iter().map(|agent| self.known(agent)).collect()
    }

    /// Which version stands on disk; `None` when there is no file.
    pub(super) fn version(&self) -> Option<Version> {
        Version::of(&self.path)
    }

    fn known(&self, raw: &RawAgent) -> Result<Known, AgentsError> {
        let name = raw.name.parse().map_err(|error: BadName| self.malformed(error.to_string()))?;
        let hash = TokenHash::from_hex(&raw.token_sha256);
        let hash = hash.ok_or_else(|| self.malformed(format!("token_sha256 of {name} is no SHA-256")))?;
        Ok((name, hash))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Known>) -> Result<(), AgentsError>) -> Result<(), AgentsError> {
        system::create_private_directory(&self.directory).map_err(|error| io_error(&self.directory, error))?;
        let lock = self.directory.join("agents.lock");
        let _turn = system::lock_file(&lock).map_err(|error| io_error(&lock, error))?;
        let mut agents = self.read()?;
        change(&mut agents)?;
        self.write(&agents)
    }

    fn write(&self, agents: &[Known]) -> Result<(), AgentsError> {
        let raw = |(name, hash): &Known| RawAgent { name: name.to_string(), token_sha256: hash.to_hex() };
        let raw = RawFile { agents: agents.iter().map(raw).collect() };
        let text = toml::to_string(&raw).map_err(|error| self.malformed(error.to_string()))?;
        system::write_private(&self.path, text.as_bytes()).map_err(|error| io_error(&self.path, error))
    }

    fn malformed(&self, reason: impl Into<String>) -> AgentsError {
        AgentsError::Malformed { path: self.path.clone(), reason: reason.into() }
    }
}

/// What to do about it.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; the relay's state belongs to the relay's user: take that one, or root",
        _ => "",
    }
}

fn io_error(path: &Path, source: io::Error) -> AgentsError {
    AgentsError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Token;
    use super::*;

    fn name(text: &str) -> AgentName {
        text.parse().expect("name")
    }

    #[test]
    fn agents_are_kept_in_a_file_that_only_the_owner_reads() {
        let directory = tempfile::tempdir().expect("directory");
        let file = AgentsFile::in_directory(&directory.path().join("state"));
        assert_eq!(file.names().expect("no file yet"), []);
        assert_eq!(file.version(), None);
        let token = Token::mint();
        file.add(&name("a"), token.hash()).expect("added");
        let first = file.version();
        file.add(&name("b"), Token::mint().hash()).expect("added");
        assert_ne!(file.version(), first);
        assert!(matches!(file.add(&name("a"), token.hash()), Err(AgentsError::Exists(_))));
        file.revoke(&name("b")).expect("revoked");
        assert!(matches!(file.revoke(&name("b")), Err(AgentsError::Unknown(_))));
        assert_eq!(file.names().expect("names"), [name("a")]);
        let mode = fs::metadata(&file.path).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!fs::read_to_string(&file.path).expect("text").contains(token.expose()));
    }

    #[test]
    fn a_file_that_says_something_else_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().expect("directory");
        let file = AgentsFile::in_directory(directory.path());
        for text in ["x", "[[agent]]\nname = \"a b\"\ntoken_sha256 = \"\"", "[[agent]]\nname = \"a\"\ntoken_sha256 = \"00\""] {
            fs::write(&file.path, text).expect("written");
            let error = file.read().expect_err(text);
            assert!(error.to_string().contains("agents.toml"), "{error}");
        }
    }
}
