//! What this desktop remembers of its deployments: who it is in tags, and where it has been. One file for all configurations,
//! in the state directory, for this user only.
//!
//! Never: a region is forgotten before all in it is removed; it is written before anything is made there.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::owner::OwnerId;
use crate::control_socket::Place;
use crate::system::{make_private_directory, private_file};

const FILE: &str = "deployments.json";
const LOCK: &str = "deployments.lock";
const SCHEMA: u32 = 1;
/// Largest file read, bytes: a deployment has some hundreds.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Why the local state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system refused.
    #[error("{} cannot be used", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It says something else than it should.
    #[error("{}: {reason}; move it away to begin anew, and take what is deployed over with --adopt", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// One function name in one account, deployed from one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The configuration file.
    pub config: PathBuf,
    /// The account.
    pub account: String,
    /// The role's name.
    pub role: String,
    /// The function's name.
    pub function: String,
    /// Where something of it is or may be.
    pub regions: BTreeSet<String>,
    /// Whether its functions write logs.
    #[serde(default)]
    pub logs: bool,
}

/// What one configuration finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// What was deployed from it.
    pub own: Vec<Deployment>,
    /// What was from other configurations.
    pub others: Vec<Deployment>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: u32,
    owner: OwnerId,
    deployments: Vec<Deployment>,
}

impl Known {
    /// The deployments of other names or configurations that share a role with this one.
    pub(crate) fn beside(&self, role: &str, function: &str) -> impl Iterator<Item = &Deployment> {
        let earlier = self.own.iter().filter(move |own| own.function != function);
        earlier.chain(&self.others).filter(move |known| known.role == role)
    }
}

impl Deployment {
    fn is_same(&self, other: &Self) -> bool {
        let key = |of: &Self| (of.config.clone(), of.account.clone(), of.role.clone(), of.function.clone());
        key(self) == key(other)
    }
}

/// The state, as one configuration uses it.
#[derive(Debug, Clone)]
pub struct State {
    directory: PathBuf,
    config: PathBuf,
}

impl State {
    /// The state beside the lock of a configuration's agent.
    pub fn of(place: &Place) -> Self {
        let directory = place.lock.parent().unwrap_or(Path::new("")).to_owned();
        Self { directory, config: place.config.clone() }
    }

    /// The configuration file whose deployments are meant.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Who this desktop is, if that was ever drawn.
    pub fn known_owner(&self) -> Result<Option<OwnerId>, StateError> {
        Ok(self.read()?.map(|contents| contents.owner))
    }

    /// Who this desktop is; drawn at the first call.
    pub fn owner(&self) -> Result<OwnerId, StateError> {
        if let Some(contents) = self.read()? {
            return Ok(contents.owner);
        }
        self.change(|_| {})?;
        self.read()?.map(|contents| contents.owner).ok_or_else(|| self.malformed("it is gone"))
    }

    /// What was deployed from this desktop, in any account.
    pub fn known(&self) -> Result<Known, StateError> {
        let all = self.read()?.map(|contents| contents.deployments).unwrap_or_default();
        let (own, others) = all.into_iter().partition(|deployment| deployment.config == self.config);
        Ok(Known { own, others })
    }

    /// Notes that something is or may be in these regions, and whether it writes logs from now on.
    pub fn remember(&self, new: &Deployment) -> Result<(), StateError> {
        let known = self.known()?.own.into_iter().find(|known| known.is_same(new));
        if known.is_some_and(|known| known.regions.is_superset(&new.regions) && known.logs == new.logs) {
            return Ok(());
        }
        self.change(|all| match all.iter_mut().find(|known| known.is_same(new)) {
            Some(known) => {
                known.regions.extend(new.regions.iter().cloned());
                known.logs = new.logs;
            }
            None => all.push(new.clone()),
        })
    }

    /// Notes that nothing is left in these regions, and with `all` that nothing is left at all.
    pub fn forget(&self, gone: &Deployment, all: bool) -> Result<(), StateError> {
        if self.read()?.is_none() {
            return Ok(());
        }
        self.change(|deployments| {
            deployments.iter_mut().filter(|known| known.is_same(gone)).for_each(|known| {
                known.regions.retain(|region| !gone.regions.contains(region));
            });
            deployments.retain(|known| !(all && known.is_same(gone)));
        })
    }

    fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    fn read(&self) -> Result<Option<Contents>, StateError> {
        let mut text = String::new();
        match File::open(self.path()).and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut text)) {
            Ok(_) => self.parse(&text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(self.malformed("it is not text")),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn parse(&self, text: &str) -> Result<Contents, StateError> {
        if text.len() as u64 > LARGEST_FILE {
            return Err(self.malformed("it is too large"));
        }
        let contents: Contents = serde_json::from_str(text).map_err(|error| self.malformed(error.to_string()))?;
        if contents.schema != SCHEMA {
            return Err(self.malformed(format!("it is of schema {}, and this version knows {SCHEMA}", contents.schema)));
        }
        Ok(contents)
    }

    /// Changes the file as a whole, one command at a time.
    fn change(&self, change: impl FnOnce(&mut Vec<Deployment>)) -> Result<(), StateError> {
        let _turn = self.lock().map_err(|error| self.failed(error))?;
        let fresh = || Contents { schema: SCHEMA, owner: OwnerId::mint(), deployments: Vec::new() };
        let mut contents = self.read()?.unwrap_or_else(fresh);
        change(&mut contents.deployments);
        self.write(&contents).map_err(|error| self.failed(error))
    }

    fn lock(&self) -> io::Result<File> {
        make_private_directory(&self.directory)?;
        let file = private_file().create(true).truncate(false).write(true).open(self.directory.join(LOCK))?;
        file.lock()?;
        Ok(file)
    }

    /// Whole and renamed into place; a temporary file is for its user only.
    fn write(&self, contents: &Contents) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(&serde_json::to_vec_pretty(contents)?)?;
        file.as_file().sync_all()?;
        file.persist(self.path()).map(drop).map_err(|error| error.error)
    }

    fn failed(&self, source: io::Error) -> StateError {
        StateError::Io { path: self.path(), source }
    }

    fn malformed(&self, reason: impl Into<String>) -> StateError {
        StateError::Malformed { path: self.path(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn state(directory: &Path, config: &str) -> State {
        State { directory: directory.join("state"), config: PathBuf::from(config) }
    }

    fn own(state: &State) -> Vec<Deployment> {
        state.known().expect("read").own
    }

    fn deployment(config: &str, function: &str, regions: &[&str]) -> Deployment {
        Deployment {
            config: config.into(),
            account: "123456789012".into(),
            role: "awslambdaproxy".into(),
            function: function.into(),
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            logs: false,
        }
    }

    #[test]
    fn a_desktop_keeps_its_name_and_where_it_has_been() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, other) = (state(directory.path(), "/a.toml"), state(directory.path(), "/b.toml"));
        assert_eq!(own(&one), []);
        let owner = one.owner().expect("drawn");
        assert_eq!(other.owner().expect("kept"), owner);
        one.remember(&deployment("/a.toml", "f", &["us-west-2"])).expect("noted");
        one.remember(&deployment("/a.toml", "f", &["eu-west-1"])).expect("noted");
        one.remember(&deployment("/a.toml", "g", &["eu-west-1"])).expect("noted");
        other.remember(&deployment("/b.toml", "f", &["us-east-1"])).expect("noted");
        let both = [deployment("/a.toml", "f", &["eu-west-1", "us-west-2"]), deployment("/a.toml", "g", &["eu-west-1"])];
        assert_eq!(own(&one), both);
        assert_eq!(one.known().expect("read").others, own(&other));
        one.forget(&deployment("/a.toml", "f", &["us-west-2"]), false).expect("noted");
        one.forget(&deployment("/a.toml", "g", &["eu-west-1"]), true).expect("noted");
        assert_eq!(own(&one), [deployment("/a.toml", "f", &["eu-west-1"])]);
        assert_eq!(own(&other), [deployment("/b.toml", "f", &["us-east-1"])]);
        assert_eq!(one.owner().expect("kept"), owner);
    }

    #[test]
    fn whether_it_writes_logs_is_what_was_said_last() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = state(directory.path(), "/a.toml");
        for logs in [true, false] {
            let said = Deployment { logs, ..deployment("/a.toml", "f", &["us-west-2"]) };
            state.remember(&said).expect("noted");
            assert_eq!(own(&state), [said]);
        }
        let before = fs::read_to_string(state.path()).expect("there").replace(",\n      \"logs\": false", "");
        fs::write(state.path(), &before).expect("written");
        assert!(!before.contains("logs") && !own(&state)[0].logs, "an older version's file is read");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let state = state(directory.path(), "/a.toml");
        state.owner().expect("drawn");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&state.path()), mode(&state.directory)), (0o600, 0o700));
    }

    #[test]
    fn a_file_that_says_something_else_is_named_and_not_overwritten() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = state(directory.path(), "/a.toml");
        state.owner().expect("drawn");
        for text in ["", "{}", "{\"schema\":2,\"owner\":\"00000000000000000000000000000000\",\"deployments\":[]}", "[1]"] {
            fs::write(state.path(), text).expect("written");
            let error = state.remember(&deployment("/a.toml", "f", &["us-west-2"])).expect_err(text);
            assert!(error.to_string().contains(FILE) && error.to_string().contains("--adopt"), "{error}");
            assert_eq!(fs::read_to_string(state.path()).expect("there"), text);
        }
    }
}
