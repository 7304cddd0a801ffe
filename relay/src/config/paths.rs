//! Where the relay's files are when nobody says otherwise: the system's places for root, the user's for everyone else.

use std::path::PathBuf;

use directories::ProjectDirs;

use super::ConfigError;
use crate::system::is_root;

const PROGRAM: &str = "awslambdaproxy-relay";

/// The default configuration file: `/etc/awslambdaproxy-relay/relay.toml` for root, else in the user's config directory.
pub fn default_config() -> Result<PathBuf, ConfigError> {
    let directory = if is_root() { PathBuf::from("/etc").join(PROGRAM) } else { project()?.config_dir().to_owned() };
    Ok(directory.join("relay.toml"))
}

/// The default state directory: `/var/lib/awslambdaproxy-relay` for root, else the user's state directory.
pub(super) fn default_state() -> Result<PathBuf, ConfigError> {
    if is_root() {
        return Ok(PathBuf::from("/var/lib").join(PROGRAM));
    }
    let project = project()?;
    Ok(project.state_dir().unwrap_or(project.data_local_dir()).to_owned())
}

fn project() -> Result<ProjectDirs, ConfigError> {
    ProjectDirs::from("", "", PROGRAM).ok_or(ConfigError::NoHome)
}
