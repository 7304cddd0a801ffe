//! Which socket and lock belong to a configuration file.
//!
//! The lock is in the state directory, which a login shell, cron and a service see alike; the socket in the runtime
//! directory, where the session has one. The lock says where its agent's socket is.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tunnel::ticket::sha256;

use super::transport;
use crate::config::{project_dirs, state_dir};

/// Bytes of the hash in the names: enough that two files never meet, and short for a socket's path (108 bytes).
const NAME_BYTES: usize = 8;

/// The system has no home directory for this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no home directory: set HOME")]
pub struct NoPlace;

/// Where one configuration's agent is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The configuration file, as absolute as it can be.
    pub config: PathBuf,
    /// The socket of an agent started from here, or how its name begins.
    pub socket: PathBuf,
    /// The lock.
    pub lock: PathBuf,
}

impl Place {
    /// The place of a configuration file, which need not exist.
    pub fn of(config: &Path) -> Result<Self, NoPlace> {
        let (dirs, state) = project_dirs().zip(state_dir()).ok_or(NoPlace)?;
        Ok(Self::within(config, dirs.runtime_dir().unwrap_or(&state), &state))
    }

    /// The place in given directories.
    pub fn within(config: &Path, runtime: &Path, state: &Path) -> Self {
        let config = canonical(config);
        let name = hex::encode(&sha256(config.as_os_str().as_encoded_bytes())[..NAME_BYTES]);
        Self { socket: transport::name(runtime, &name), lock: state.join(format!("{name}.lock")), config }
    }

    /// The file that says who holds the lock: one of its own, since on some systems nobody else reads one that is locked.
    pub(super) fn holder(&self) -> PathBuf {
        self.lock.with_extension("agent")
    }
}

/// The path without links and dots, also when its last parts do not exist yet.
fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut missing: Vec<OsString> = Vec::new();
    let mut existing = absolute.as_path();
    loop {
        if let Ok(real) = fs::canonicalize(existing) {
            return missing.iter().rev().fold(real, |path, part| path.join(part));
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_owned());
                existing = parent;
            }
            _ => return absolute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_place_however_it_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("config.toml");
        let place = |path: &Path| Place::within(path, Path::new("/run/x"), Path::new("/state"));
        let before = place(&file);
        fs::write(&file, "").expect("written");
        assert_eq!(place(&file), before);
        assert_eq!(place(&dir.path().join("./config.toml")), before);
        assert_ne!(place(&dir.path().join("other.toml")), before);
        #[cfg(unix)]
        {
            let link = dir.path().join("link.toml");
            std::os::unix::fs::symlink(&file, &link).expect("linked");
            assert_eq!(place(&link), before);
        }
        #[cfg(unix)]
        assert!(before.socket.starts_with("/run/x"));
        assert!(before.lock.starts_with("/state"));
    }
}
