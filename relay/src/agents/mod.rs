//! Whose tokens are good: a list in memory, re-read from its file while the relay runs.
//!
//! Never: it decides nothing about tunnels; it only says who somebody is, and who is no longer anybody.

mod file;
mod name;
mod token;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use file::{AgentsError, AgentsFile};
pub use name::{AgentName, BadName};
pub use token::{Token, TokenHash};

use crate::system::Version;
use file::Known;

/// The agents that a running relay knows.
#[derive(Clone)]
pub struct Agents {
    known: Arc<RwLock<Vec<Known>>>,
    source: Option<Arc<Source>>,
}

/// Where the list comes from.
struct Source {
    file: AgentsFile,
    seen: Mutex<Seen>,
}

/// What was seen of the file when it was looked at last.
struct Seen {
    version: Option<Version>,
    /// Why it could not be read. What is mended then may leave no trace in the file, so it is tried again at each look.
    failure: Option<String>,
}

impl Agents {
    /// One agent, in memory only.
    pub fn single(name: &str, token: &Token) -> Result<Self, BadName> {
        let known = vec![(name.parse()?, token.hash())];
        Ok(Self { known: Arc::new(RwLock::new(known)), source: None })
    }

    /// The agents of a file, which is looked at again while the relay runs.
    pub fn from_file(file: AgentsFile) -> Result<Self, AgentsError> {
        // The version is taken first: a change in between is then seen as one, and read again.
        let seen = Mutex::new(Seen { version: file.version(), failure: None });
        let known = Arc::new(RwLock::new(file.read()?));
        Ok(Self { known, source: Some(Arc::new(Source { file, seen })) })
    }

    /// Whether nobody can use this relay.
    pub fn is_empty(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Calls `then` with the agent whose token this is, if there is one. A revocation waits until `then` is done: what it
    /// seats is there to be cut.
    pub(crate) fn authenticate<T>(&self, token: &Token, then: impl FnOnce(&AgentName) -> T) -> Option<T> {
        let hash = token.hash();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // No early end: the time taken says nothing about the place in the list.
        let found = known.iter().fold(None, |found, (name, known)| if *known == hash { Some(name) } else { found });
        found.map(then)
    }

    /// Looks at the file again and returns who is no longer an agent, or is one by another token.
    ///
    /// Called every second: one `stat`, which works on every file system and through every rename, while a watch of the
    /// kernel's is lost with the inode it was set on.
    pub(crate) fn refresh(&self) -> Vec<AgentName> {
        let Some(source) = &self.source else { return Vec::new() };
        let version = source.file.version();
        let mut seen = source.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.version != version {
            *seen = Seen { version, failure: None };
        } else if seen.failure.is_none() {
            return Vec::new();
        }
        match source.file.read() {
            Ok(known) => {
                seen.failure = None;
                self.replace(known)
            }
            Err(error) => {
                let failure = error.to_string();
                if seen.failure.as_ref() != Some(&failure) {
                    tracing::warn!(%error, "the list of agents stays as it was");
                }
                seen.failure = Some(failure);
                Vec::new()
            }
        }
    }

    fn replace(&self, new: Vec<Known>) -> Vec<AgentName> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *known, new);
        tracing::info!(agents = known.len(), "the list of agents has changed");
        old.into_iter().filter(|agent| !known.contains(agent)).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_relay_follows_its_file() {
        let directory = tempfile::tempdir().expect("directory");
        let file = AgentsFile::in_directory(directory.path());
        let agents = Agents::from_file(file.clone()).expect("no file yet");
        assert!(agents.is_empty());
        let (name, token): (AgentName, _) = ("a".parse().expect("name"), Token::mint());
        file.add(&name, token.hash()).expect("added");
        assert_eq!(agents.refresh(), []);
        assert_eq!(agents.authenticate(&token, AgentName::clone), Some(name.clone()));
        assert_eq!(agents.authenticate(&Token::mint(), AgentName::clone), None);

        file.revoke(&name).expect("revoked");
        file.add(&name, Token::mint().hash()).expect("added with another token");
        assert_eq!(agents.refresh(), [name]);
        assert_eq!(agents.authenticate(&token, AgentName::clone), None);
        assert_eq!(agents.refresh(), []);
    }

    #[test]
    fn a_broken_file_changes_nothing() {
        let directory = tempfile::tempdir().expect("directory");
        let file = AgentsFile::in_directory(directory.path());
        let token = Token::mint();
        file.add(&"a".parse().expect("name"), token.hash()).expect("added");
        let agents = Agents::from_file(file).expect("file");
        std::fs::write(directory.path().join("agents.toml"), "broken").expect("written");
        assert_eq!(agents.refresh(), []);
        assert!(agents.authenticate(&token, |_| ()).is_some());
    }

    #[test]
    fn a_file_that_could_not_be_read_is_read_once_it_can_be_although_it_looks_the_same() {
        let directory = tempfile::tempdir().expect("directory");
        let file = AgentsFile::in_directory(directory.path());
        let agents = Agents::from_file(file.clone()).expect("no file yet");
        std::fs::write(directory.path().join("agents.toml"), "broken").expect("written");
        assert_eq!(agents.refresh(), []);
        std::fs::write(directory.path().join("agents.toml"), "").expect("written");
        let (name, token): (AgentName, _) = ("a".parse().expect("name"), Token::mint());
        file.add(&name, token.hash()).expect("added");
        // As it is where the file was well all the time, and only not to be read.
        agents.source.as_ref().expect("a file").seen.lock().expect("no panic").version = file.version();
        assert_eq!(agents.refresh(), []);
        assert_eq!(agents.authenticate(&token, AgentName::clone), Some(name));
    }
}
